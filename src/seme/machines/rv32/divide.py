"""Division by long division in base 16, whose remainder goes through tokens.

An instruction says where it starts (`rung`), then quotient digits from the top, each followed by the remainder that it
leaves (byte digits, lowest first, like any other number), then the result. A digit c at rung j comes from windows:
four hexadecimal digits of the remainder against c times the three topmost of the divisor. Such a digit is exact or one
too small, and exact where the divisor has no more than three digits; whether one is missing is decided exactly when the
remainder is known, and then the digit is said again, one greater.

Nothing here compares more than 16 bits with anything, so float32 is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seme.lang.trace import Word, bank, number, relu, step, total, within, word
from seme.machines.rv32.magnitude import magnitude, negation
from seme.machines.rv32.multiply import BYTE, Column, add_product

DIGITS = 8
"""Hexadecimal digits of a word."""
WINDOW = (1 << 16) - 1
DIVISOR = (1 << 12) - 1
MOST = 15 * DIGITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """What is known of a division at a position before its operands are: from the token and the instruction.

    Attributes:
        on: A bit: the instruction is one of the long operations (multiplications too: they ask how long operands are).
        starts: A bit: a division starts here.
        chooses: A bit: the next token is a quotient digit, or the first digit of the result.
        leaves: A bit: a digit of the remainder is next.
        quotient: A bit: a digit of the result is next, of a quotient.
        remainder: The same, of a remainder. Both also hold where `chooses` does and the result may be next.
        divides: A bit: the instruction is a division.
        signed_a: A bit: the dividend's highest bit is a sign.
        signed_b: The divisor's.
        place: Which byte is next, one bit of four.
    """

    on: Word
    starts: Word
    chooses: Word
    leaves: Word
    quotient: Word
    remainder: Word
    divides: Word
    signed_a: Word
    signed_b: Word
    place: Sequence[Word]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What earlier tokens of the division said.

    Attributes:
        kept: A bit: a remainder was said in this instruction.
        digits: Its eight hexadecimal digits; 0 where `kept` is 0.
        rung: The rung of the latest quotient digit; one above the first one's before that.
        value: The latest quotient digit.
        factor: Eight bits: what was taken off times the divisor and 256^(rung // 2).
        first: One above the first rung of this instruction.
        byte: The byte of the quotient at the place that is next.
    """

    kept: Word
    digits: Sequence[Word]
    rung: Word
    value: Word
    factor: Sequence[Word]
    first: Word
    byte: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Operands:
    """The dividend or what is left of it, and the divisor.

    Attributes:
        left: Eight hexadecimal digits: the remainder, or |a| as long as none was said.
        divisor: |b|.
        negative_a: A bit.
        negative_b: A bit.
        zero: A bit: a division by 0.
        left_length: The place of the topmost digit of `left` that is not 0; 0 where none is.
        left_some: A bit: whether one is.
        divisor_tops: For each digit of |b|, whether it or one above it is not 0.
        divisor_length: As `left_length`, of |b|.
    """

    left: Sequence[Word]
    divisor: Sequence[Word]
    negative_a: Word
    negative_b: Word
    zero: Word
    left_length: Word
    left_some: Word
    divisor_tops: Sequence[Word]
    divisor_length: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a division says next.

    Attributes:
        begins: A bit: where it starts is said.
        digit: A bit: a quotient digit.
        again: A bit: the same one, one greater.
        value: The digit; 0 where neither.
        rung: Its rung, or one above the first; 0 where nothing of the kind is said.
        hold: 0 where none of these is said.
        last_left: A bit: the remainder's digit that is next is its last.
        last: A bit: the result's digit that is next is its last.
    """

    begins: Word
    digit: Word
    again: Word
    value: Word
    rung: Word
    hold: Word
    last_left: Word
    last: Word


def operands(a: Sequence[Word], b: Sequence[Word], division: Division, said: Said) -> Operands:
    """The operands' magnitudes, in the first block; how long they are, in the second."""
    sign = division.signed_a + a[31]
    off = 2 - sign + said.kept
    left = []
    for i in range(DIGITS):
        own = number(a[4 * i : 4 * i + 4]) - 15 * (said.kept + 1 - division.on)
        old = said.digits[i] - 15 * (2 - said.kept - division.on)
        terms = [(1, old), (1, own), *negation(a, 4 * i, 4, off)]
        left.append(bank(terms, lo=0, hi=15, name=f"divide.left{i}"))
    divisor = magnitude(b, [division.signed_b, b[31]], 4, name="divide.divisor")
    tops: list[tuple[int, Word]] = []
    for i in range(1, DIGITS):
        above = total([(1, digit) for digit in left[i:]])
        tops += [(1, above), (-1, above - 1)]
    off = MOST * (1 - division.on)
    divisor_tops = [
        step(total([(1, digit) for digit in divisor[i:]]) - off, 1, f"divide.divisor_top{i}") for i in range(DIGITS)
    ]
    return Operands(
        left=left,
        divisor=divisor,
        negative_a=relu(sign - 1, name="divide.negative_a"),
        negative_b=relu(division.signed_b + b[31] - 1, name="divide.negative_b"),
        zero=relu(division.divides - total([(1, bit) for bit in b]), name="divide.zero"),
        left_length=bank(tops, lo=0, hi=DIGITS - 1, name="divide.left_length"),
        left_some=step(total([(1, digit) for digit in left]), 1, "divide.left_some"),
        divisor_tops=divisor_tops,
        divisor_length=total([(1, top) for top in divisor_tops[1:]]),
    )


def rung_steps(said: Said, division: Division) -> list[Word]:
    """For each rung from 0 to 9, whether the latest one is as high; needs no operand."""
    rung = said.rung - DIGITS * (1 - division.divides)
    return [word(1), *(step(rung, j, f"divide.rung{j}") for j in range(1, DIGITS + 1)), word(0)]


def divisor_byte(b: Sequence[Word], division: Division, rungs: Sequence[Word]) -> Word:
    """The byte of the divisor, times 256^(rung // 2), that stands at the place that is next; the second block.

    Of a negative divisor its complement, so 1 less than -b: `division_column` adds what is missing.
    """
    terms = []
    for k in range(4):
        for m in range(k + 1):
            byte = number(b[8 * (k - m) : 8 * (k - m) + 8])
            off = 3 - division.leaves - division.place[k] - (rungs[2 * m] - rungs[2 * m + 2])
            turned = off + 2 - division.signed_b - b[31]
            terms += [(1, byte - BYTE * off), (-1, byte - BYTE * turned), (1, BYTE - byte - BYTE * turned)]
    return bank(terms, lo=0, hi=BYTE, name="divide.facing")


def add_division(
    column: Column, facing: Word, found: Operands, division: Division, said: Said, rungs: Sequence[Word]
) -> None:
    """Adds the column that a division asks for; the second block.

    Of the remainder the digit that is said is the complement, of `left - factor * divisor`: so the column is
    `factor * divisor` and the complement of `left`. Of a result it is a digit, or its complement and 1 of a negative.
    """
    add_product(column, said.factor, facing)
    terms, factor = column.lower, number(said.factor)
    negative_a, negative_b, zero = found.negative_a, found.negative_b, found.zero
    for k, here in enumerate(division.place):
        left = found.left[2 * k] + 16 * found.left[2 * k + 1]
        leaves = 2 - division.leaves - here
        terms.append((1, BYTE - left - BYTE * leaves))
        level = 1 - (rungs[2 * k] - rungs[2 * k + 2])
        terms.append((1, factor - BYTE * (leaves + level + 1 - negative_b)))
        off = 2 - division.remainder - here
        terms += [(1, left - BYTE * (off + negative_a)), (1, BYTE - left - BYTE * (off + 1 - negative_a))]
    first = division.place[0]
    terms.append((1, first + division.remainder + negative_a - 2))
    asked = 1 - division.quotient
    terms += [(1, said.byte - BYTE * (asked + zero)), (BYTE, zero - asked)]
    for off in (asked + 1 - negative_a + negative_b + zero, asked + 1 - negative_b + negative_a):
        terms += [(-2, said.byte - BYTE * off), (BYTE, 1 - off), (1, first - off)]


def choose_next(found: Operands, division: Division, said: Said, rungs: Sequence[Word]) -> Choice:
    """What a division says next; five blocks from the operands."""
    chooses, down = division.chooses, relu(division.chooses + rungs[1] - 1, name="divide.down")
    length = found.divisor_length
    again = _reaches(found, chooses, rungs)
    value = _digit(found, said, down, again)
    begins = relu(division.starts - found.zero, name="divide.begins")
    off = 16 * (1 - division.starts + found.zero)
    first = 2 * begins + total(
        [(2, step(found.left_length - length - off, least, "divide.first")) for least in (2, 4, 6)]
    )
    rung = bank(
        [(1, said.rung - 1 - 16 * (1 - down + again)), (1, said.rung - 16 * (1 - again))],
        lo=0,
        hi=DIGITS,
        name="divide.rung",
    )
    places = total([(k, here) for k, here in enumerate(division.place)])
    inexact = found.divisor_tops[3]
    off = 32 * (1 - division.leaves)
    ends = step(2 * places + 1 - length - said.rung - inexact + 16 * division.place[3] - off, 0, "divide.left_ends")
    rest = [(1, said.first - 2 - 2 * places - 8 * (1 - division.quotient + found.zero))]
    for k in range(3):
        above = total([(1, digit) for digit in found.left[2 * k + 2 :]])
        rest.append((1, above - MOST * (2 - division.remainder - division.place[k])))
    return Choice(
        begins=begins,
        digit=relu(down - again, name="divide.digit"),
        again=again,
        value=value,
        rung=within(first + rung, 0, DIGITS),
        hold=within(begins + down + again, 0, 2),
        last_left=ends,
        last=1 - step(bank(rest, lo=0, hi=MOST, name="divide.rest"), 1, "divide.more"),
    )


def _reaches(found: Operands, chooses: Word, rungs: Sequence[Word]) -> Word:
    """Whether what is left is at least the divisor at the latest rung: a digit was one too small. Exact, 4 blocks."""
    off, sides = 256 * (1 - chooses), []
    for k in range(4):
        terms = []
        for j in range(DIGITS - 2 * k):
            byte = found.left[2 * k + j] + (16 * found.left[2 * k + j + 1] if 2 * k + j + 1 < DIGITS else 0)
            terms.append((1, byte - BYTE * (1 - rungs[j] + rungs[j + 1])))
        shifted = bank(terms, lo=0, hi=BYTE, name=f"divide.shifted{k}")
        above = shifted - found.divisor[2 * k] - 16 * found.divisor[2 * k + 1] - off
        sides.append(bank([(1, above + 1), (-1, above - 1)], lo=0, hi=2, name=f"divide.side{k}") - 1)
    return step(total([(1 << k, side) for k, side in enumerate(sides)]) - 16 * (1 - chooses), 0, "divide.again")


def _digit(found: Operands, said: Said, down: Word, again: Word) -> Word:
    """The next digit, by windows of what is left and of the divisor; or the latest one and 1. Five blocks."""
    left, divisor, tops = found.left, found.divisor, [*found.divisor_tops, word(0)]

    def window(digits: Sequence[Word], top: int, count: int) -> Word:
        chosen = [(16 ** (count - 1 - n), top - n) for n in range(count)]
        return total([(weight, digits[i]) for weight, i in chosen if 0 <= i < DIGITS])

    below = bank(
        [(1, window(divisor, i, 3) - DIVISOR * (1 - tops[i] + tops[i + 1])) for i in range(DIGITS)],
        lo=0,
        hi=DIVISOR,
        name="divide.divisor_window",
    )
    stands = found.divisor_length + said.rung - 1
    at = [word(1), *(step(stands, s, f"divide.stands{s}") for s in range(1, DIGITS + 1)), word(0)]
    above = bank(
        [(1, window(left, s + 1, 4) - WINDOW * (1 - at[s] + at[s + 1])) for s in range(DIGITS + 1)],
        lo=0,
        hi=WINDOW,
        name="divide.left_window",
    )
    # Where the divisor has more digits than its window, the window and 1 is above it: no digit comes out too great.
    bound, off = below + tops[3], (WINDOW + 1) * (1 - down + again)
    # Steps, not terms of one bank: what noise fifteen times the divisor's window has gathered is to end here.
    steps = [(1, step(above - c * bound - off, 0, f"divide.digit{c}")) for c in range(1, 16)]
    repeated = relu(said.value + 1 - 16 * (1 - again), "divide.repeated")
    return within(total(steps) + repeated, 0, 15)


def division_reference(a: int, b: int, signed: bool) -> tuple[int, int]:
    """Quotient and remainder as the RISC-V manual has them, as 32-bit words.

    Source:
        The RISC-V Instruction Set Manual, volume I, "M" extension, table of division by zero and overflow.
    """
    full = (1 << 32) - 1
    if b == 0:
        return full, a
    sign_a, sign_b = signed and a >> 31, signed and b >> 31
    large, small = (-a & full if sign_a else a), (-b & full if sign_b else b)
    quotient, remainder = divmod(large, small)
    return (-quotient if sign_a != sign_b else quotient) & full, (-remainder if sign_a else remainder) & full
