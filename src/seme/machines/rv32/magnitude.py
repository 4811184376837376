"""The magnitude of quantities given as bits, without borrow chains.

Bits are words, lowest first. Nothing here adds up more than a few hundred, so that float32 is enough.
"""

from __future__ import annotations

from collections.abc import Sequence

from seme.lang.trace import Word, bank, number, total, within


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
