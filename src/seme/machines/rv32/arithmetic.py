"""Addition, comparison and magnitude of quantities given as bits, without carry chains.

Bits are words, lowest first, in groups of eight. Nothing here adds up more than a few hundred: whatever is wider stays
in pieces, so that float32 is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seme.lang.trace import Word, bank, number, relu, step, total, within, word

GROUP = 8
"""Bits that are added as one number. A carry into it is 0 or 1, so a sum of two is at most 511."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """A sum of two quantities and a carry.

    Attributes:
        bits: The sum's bits, as many as the quantities have; free sums of four words each.
        carries: The carry into each bit, and the one out of the last.
    """

    bits: tuple[Word, ...]
    carries: tuple[Word, ...]

    @property
    def out(self) -> Word:
        """The carry out of the last bit."""
        return self.carries[-1]


def add(a: Sequence[Word], b: Sequence[Word], carry: Word | int = 0, name: str = "sum") -> Added:
    """The sum of two quantities and a carry, two blocks deep.

    For 32 bits 35 words and 70 neurons: a carry a bit, and what three groups do to a carry. To subtract,
    give `[1 - bit for bit in b]` and a carry of 1.

    Args:
        a: Bits, lowest first.
        b: As many.
        carry: A bit.
        name: What to call it.

    Returns:
        The bits of the sum, and the carries.
    """
    into = _into_groups(a, b, carry, name)
    carries = [word(carry)]
    for at in range(1, len(a) + 1):
        group, inside = divmod(at, GROUP)
        if not inside:
            group, inside = group - 1, GROUP
        low = _both(a, b, group * GROUP, group * GROUP + inside)
        # A group's carry is weighed against 2^group: scaled so, the low bits and the groups below decide together.
        carries.append(step(low * (1 << group) + into[group], 1 << group + inside, f"{name}.carry{at}"))
    pairs = enumerate(zip(a, b, strict=True))
    sums = [within(x + y + carries[i] - 2 * carries[i + 1], 0, 1) for i, (x, y) in pairs]
    return Added(bits=tuple(sums), carries=tuple(carries))


def less(a: Sequence[Word], b: Sequence[Word], signed: Word | int = 0, name: str = "less") -> Word:
    """1 where `a < b`: two blocks deep, 6 words and 12 neurons for 32 bits.

    Args:
        a: Bits, lowest first.
        b: As many.
        signed: A bit: whether the highest bits are signs.
        name: What to call it.
    """
    top = (len(a) - 1) // GROUP * GROUP
    spans = [(at, at + GROUP) for at in range(0, top, GROUP)] + [(top, len(a) - 1)]
    # The highest bit counts for its number, or against it where it is a sign; the rest of its group stands apart.
    above = a[-1] - b[-1]
    turned = bank([(2, above + signed - 1), (-2, signed - 1 - above)], lo=-2, hi=2, name=f"{name}.sign")
    sides = [_side(number(a[i:j]) - number(b[i:j]), f"{name}.group{i // GROUP}") for i, j in spans if j > i]
    sides.append(above - turned)
    return step(-total([(1 << i, side) for i, side in enumerate(sides)]), 1, name)


def equal(a: Sequence[Word], b: Sequence[Word], name: str = "equal") -> Word:
    """1 where `a == b`: two blocks deep, 5 words and 9 neurons for 32 bits."""
    differences = [
        bank([(1, difference), (1, -difference)], name=f"{name}.group{i}")
        for i in range(0, len(a), GROUP)
        for difference in [number(a[i : i + GROUP]) - number(b[i : i + GROUP])]
    ]
    return relu(1 - total([(1, difference) for difference in differences]), name=name)


def at_least(a: Sequence[Word], b: Sequence[Word], name: str = "at_least") -> Word:
    """1 where the number with digits `a` is at least that with digits `b`: two blocks, lowest digit first.

    Digits are words of any range, of any base above it: `a[i] - b[i]` counts for more than all below it together.
    """
    sides = [_side(x - y, f"{name}.digit{i}") for i, (x, y) in enumerate(zip(a, b, strict=True))]
    return step(total([(1 << i, side) for i, side in enumerate(sides)]), 0, name)


def magnitude(bits: Sequence[Word], negative: Sequence[Word], width: int, name: str = "magnitude") -> list[Word]:
    """Digits of the number, or of its negative where all bits of `negative` are 1; one block deep.

    Five neurons and one direction a digit, none of which is on where a bit of `negative` is 0.

    Args:
        bits: Lowest first.
        negative: Bits.
        width: Bits a digit.
        name: What to call it.

    Returns:
        The digits, lowest first.
    """
    off, base = len(negative) - total([(1, bit) for bit in negative]), 1 << width
    digits = []
    for at in range(0, len(bits), width):
        digit = number(bits[at : at + width])
        change = bank(negation(bits, at, width, off), lo=1 - base, hi=base - 1, name=f"{name}{at // width}")
        digits.append(within(digit + change, 0, base - 1))
    return digits


def negation(bits: Sequence[Word], at: int, width: int, off: Word) -> list[tuple[int, Word]]:
    """Terms of a bank that turn a digit of a number into that of its negative where `off` is 0.

    Where `off` is more they are all 0. The digit of the negative is base - digit - borrow, and 0 instead of base.
    """
    digit, base = number(bits[at : at + width]), 1 << width
    below = total([(1, bit) for bit in bits[:at]])
    terms = [(-2, digit - (base - 1) * off), (base, 1 - off), (-base, 1 - off - digit - below)]
    if at:
        terms += [(-1, below - at * off), (1, below - at * off - 1)]
    return terms


def _into_groups(a: Sequence[Word], b: Sequence[Word], carry: Word | int, name: str) -> list[Word]:
    """For each group, the sum that reaches 2^group where a carry goes into it."""
    sums = [word(carry)]
    below = word(carry)
    for group in range((len(a) - 1) // GROUP):
        both, full = _both(a, b, group * GROUP, group * GROUP + GROUP), 1 << GROUP
        # 0 kills a carry, 1 passes it on, 2 makes one.
        terms = [(1, both - (full - 2)), (-1, both - full)]
        below = below + bank(terms, lo=0, hi=2, name=f"{name}.group{group}") * (1 << group)
        sums.append(below)
    return sums


def _both(a: Sequence[Word], b: Sequence[Word], start: int, end: int) -> Word:
    return number(a[start:end]) + number(b[start:end])


def _side(difference: Word, name: str) -> Word:
    """-1, 0 or 1: which of two numbers is the greater."""
    return bank([(1, difference + 1), (-1, difference - 1)], lo=0, hi=2, name=name) - 1
