"""Products and their digits: byte columns of a 64-bit product, and the digit that a column and its carry leave.

One digit is emitted a position, lowest first. The carry into a column is the column before and its carry, less the
digit that was emitted: so it does not ripple through layers, and nothing has to be kept between positions.

A column's sum is kept in two parts, `16 * upper + lower`: noise is multiplied by what is taken off, and reducing 2^18
in one go would leave too little of float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seme.lang.trace import Word, bank, number, previous, relu, stairs, within

BYTE = 255
UPPER = 4 * 15 * BYTE
"""The most that the upper four bits of four bytes give, times four others."""
LOWER = UPPER + 2 * (BYTE + 1)
"""The most that the lower ones give, and both signs' corrections; a division's columns are smaller."""
REDUCED = 16 * BYTE + 4095
"""What is left of `16 * upper + lower` without multiples of 256 of `upper` and of 4096 of `lower`."""
CARRY = 1023
"""No carry is larger: (16 * UPPER + LOWER + 1022) / 256 < 1023."""
GUESSED = 2048
"""A carry is guessed from `upper` in steps of this, 128 of the carry each."""
SHORT = (16 * (GUESSED - 1) + LOWER + CARRY - 1) // 256
"""The guess is at most 193 less than the carry; 255 would do."""

Terms = list[tuple[int, Word]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column's sum, `16 * upper + lower`, as terms of two banks.

    Attributes:
        upper: What the upper four bits of factors give, over 16.
        lower: What the lower four give, and what else there is.
    """

    upper: Terms
    lower: Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Digit:
    """The digit of a column.

    Attributes:
        value: 0 to 255.
        whole: The column and the carry into it, less some multiple of 256.
    """

    value: Word
    whole: Word


def byte_values(bits: Sequence[Word]) -> list[Word]:
    """The bytes of a quantity, lowest first; free."""
    return [number(bits[i : i + 8]) for i in range(0, len(bits), 8)]


def add_product(column: Column, bits: Sequence[Word], value: Word) -> None:
    """Adds a number given by its eight bits times a byte: a neuron a bit."""
    for part, half in ((column.lower, bits[:4]), (column.upper, bits[4:])):
        part += [(1, (1 << i) * (value - BYTE * (1 - bit))) for i, bit in enumerate(half)]


def product_column(
    a: Sequence[Word], b: Sequence[Word], signed: tuple[Word, Word], low: Word, high: Word, place: Sequence[Word]
) -> tuple[Column, Word]:
    """The column of `a * b` that is asked for, without the carry into it.

    Column k sums `a[i] * b[k - i]`; column 4 + k is asked for by `high`. A negative factor is 2^32 too large, so the
    other one is taken off the high half: its complement is added there, and 1.

    Args:
        a: 32 bits.
        b: 32 bits.
        signed: Whether the highest bit of each is a sign; it matters for the high half only.
        low: A bit: one of the lower four columns is asked for.
        high: A bit: one of the higher four is.
        place: Which of the four, one bit of four.

    Returns:
        The products, in the second block; and a word of the first block to be added to the lower part.
    """
    left, right = byte_values(a), byte_values(b)
    taken: Terms = []
    for mine, other, sign in ((a, right, signed[0]), (b, left, signed[1])):
        for k in range(4):
            off = 4 - mine[31] - sign - high - place[k]
            taken.append((1, BYTE - other[k] - BYTE * off))
        taken.append((1, mine[31] + sign + high + place[0] - 3))
    column = Column(upper=[], lower=[])
    for i in range(4):
        facing = []
        for j, byte in enumerate(right):
            half = low if i + j < 4 else high
            facing.append((1, byte - BYTE * (2 - half - place[(i + j) % 4])))
        chosen = bank(facing, lo=0, hi=BYTE, name=f"multiply.facing{i}")
        add_product(column, a[8 * i : 8 * i + 8], chosen)
    return column, bank(taken, lo=0, hi=2 * BYTE + 2, name="multiply.signs")


def next_digit(column: Column, more: Word, said: Word, goes_on: Word, hold: Word) -> Digit:
    """The digit of a column: its sum and the carry into it, modulo 256. Four blocks above what the column reads.

    Two heads look one position back, where the column before was asked for. There the carry c' into that column is
    known to within 193 from the column before it; and 256 times the carry into this one is that column plus c' less
    the digit that was said, a multiple of 256: so the carry is exact.

    Args:
        column: The sum, 0 where no digit is asked for.
        more: To be added to its lower part.
        said: The digit of the token here, which is the one that the column before left.
        goes_on: A bit: whether a column stood before this one.
        hold: 0 where the digit is to be emitted; the digit is 0 where this is more.

    Returns:
        The digit, and what it was taken from.
    """
    upper = bank(column.upper, lo=0, hi=UPPER, name="column.upper")
    lower = within(bank(column.lower, lo=0, hi=LOWER, name="column.lower") + more, 0, LOWER)
    guess = stairs(previous(upper, name="column.before") - UPPER * (1 - goes_on), GUESSED, "carry.guess")
    coarse = stairs(upper, 256, "column.coarse_upper") + stairs(lower, 4096, "column.coarse_lower")
    reduced = within(16 * upper + lower - 4096 * coarse, 0, REDUCED, "column.reduced")
    before, coarse_before, guess_before = previous([reduced, coarse, guess], name="column.before")
    # The column before and its carry less its digit is a multiple of 256. With the guess it is up to 193 less; 31
    # more than that keeps it as far from the multiples on both sides.
    first = 1 - goes_on
    rest = before - said + 128 * guess_before + SHORT + (255 - SHORT) // 2
    low = stairs(within(rest, -BYTE, REDUCED + CARRY) - 2 * (REDUCED + CARRY) * first, 256, "carry.low")
    carry = 16 * relu(coarse_before - coarse.hi * first, "carry.high") + low
    whole = within(reduced + carry, 0, REDUCED + CARRY, "column.whole")
    kept = whole - 2 * (REDUCED + CARRY) * hold
    value = relu(kept, "digit.kept") - 256 * stairs(kept, 256, "digit.over")
    return Digit(value=within(value, 0, BYTE, "digit"), whole=whole)


def product_reference(a: int, b: int, signed: tuple[bool, bool]) -> list[int]:
    """The eight bytes of a product of 32-bit words, as plain integers: the same columns and carries."""
    carry, digits = 0, []
    left, right = (a >> 8 * i & 255 for i in range(4)), [b >> 8 * i & 255 for i in range(4)]
    sums = [0] * 8
    for i, byte in enumerate(left):
        for j, other in enumerate(right):
            sums[i + j] += byte * other
    for mine, other, sign in ((a, b, signed[0]), (b, a, signed[1])):
        if sign and mine >> 31:
            for k in range(4):
                sums[4 + k] += 255 - (other >> 8 * k & 255) + (k == 0)
    for column in sums:
        carry += column
        digits.append(carry & 255)
        carry >>= 8
    return digits
