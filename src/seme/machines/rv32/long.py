"""The M extension as tokens: which digit of a multiplication or division is next, and what is said besides.

An instruction that takes long says auxiliary tokens before its result:

- MUL: the result's digits, with an end mark as soon as the factors' lengths allow it.
- MULH, MULHSU, MULHU: four digits of the low half, then the result's digits.
- DIV, DIVU, REM, REMU: where the quotient starts, quotient digits in base 16 from there to the lowest, after each that
  is not 0 the remainder's digits, then the result's digits. A division by 0 says its result at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seme.lang.trace import Word, bank, latest, relu, step, total, within, word
from seme.machines.rv32.divide import (
    Choice,
    Division,
    Operands,
    Said,
    add_division,
    choose_next,
    divisor_byte,
    operands,
    rung_steps,
)
from seme.machines.rv32.multiply import Digit, next_digit, product_column


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Which instruction it is: bits, of which at most one is 1."""

    mul: Word
    mulh: Word
    mulhsu: Word
    mulhu: Word
    div: Word
    divu: Word
    rem: Word
    remu: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """The token at a position: fields, and what is known of those before it.

    Attributes:
        starts: A bit: the token ends an instruction, so this one says its first token next.
        more: A bit: a digit of a result, with more to come.
        left_more: A bit: an auxiliary digit (of a low half or a remainder), with more to come.
        left_end: A bit: the last auxiliary digit.
        announces: A bit: it says one above the first rung.
        idle: A bit: a quotient digit of 0.
        takes: A bit: a quotient digit above 0, or one said again.
        said: What the token says: a digit of a result, an auxiliary or quotient digit.
        bits: Eight bits: of an auxiliary digit the complement of `said`; of a quotient digit what it takes off, times
            16 on odd rungs (1 where it is said again).
        rung: The rung that the token says, 0 to 8; 0 of others.
        rung_bits: Three bits of the rung of a quotient digit.
        place: Which byte is next: as many digits with more to come end here, one bit of four.
        digits: Eight hexadecimal digits, lowest first, of the `bits` of the auxiliary digits that end here.
    """

    starts: Word
    more: Word
    left_more: Word
    left_end: Word
    announces: Word
    idle: Word
    takes: Word
    said: Word
    bits: Sequence[Word]
    rung: Word
    rung_bits: Sequence[Word]
    place: Sequence[Word]
    digits: Sequence[Word]


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """The token that a long operation says next. All are 0 where the instruction is none.

    Attributes:
        more: A bit: a digit of the result, with more to come.
        zeros: A bit: the last digit that has to be said; zeros follow.
        ones: A bit: the last one; 255s follow.
        left_more: A bit: an auxiliary digit.
        left_end: A bit: the last auxiliary digit.
        announces: A bit: one above the first rung is said.
        digit: A bit: a quotient digit.
        again: A bit: a quotient digit said again, one greater.
        said: What is said: a byte, or a quotient digit.
        rung: The rung that is said.
    """

    more: Word
    zeros: Word
    ones: Word
    left_more: Word
    left_end: Word
    announces: Word
    digit: Word
    again: Word
    said: Word
    rung: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """What is asked for here; needs no operand.

    Attributes:
        low: A bit: a digit of a product's low half.
        high: A bit: of its high half.
        answers: A bit: that digit is one of the result.
        goes_on: A bit: the digit continues a number.
        division: What a division asks for.
    """

    low: Word
    high: Word
    answers: Word
    goes_on: Word
    division: Division


def phase(operation: Operation, here: Here) -> Phase:
    """What is asked for, in two blocks that need no operand."""
    high_half = _one(operation.mulh, operation.mulhsu, operation.mulhu)
    quotient, remainder = _one(operation.div, operation.divu), _one(operation.rem, operation.remu)
    divides, result, waits = _one(quotient, remainder), _one(here.left_end, here.more), _one(here.announces, here.idle)
    ends = _one(here.starts, waits, result)
    low = [(1, operation.mul + here.starts + here.more - 1), (1, high_half + here.starts + here.left_more - 1)]
    low = bank(low, lo=0, hi=1, name="long.low")
    high = relu(high_half + result - 1, name="long.high")
    leaves = relu(divides + _one(here.takes, here.left_more) - 1, name="long.leaves")
    asked = [relu(which + ends - 1, name="long.result") for which in (quotient, remainder)]
    division = Division(
        on=_one(operation.mul, high_half, divides),
        starts=relu(divides + here.starts - 1, name="long.starts"),
        chooses=relu(divides + _one(waits, here.left_end) - 1, name="long.chooses"),
        leaves=leaves,
        quotient=asked[0],
        remainder=asked[1],
        divides=divides,
        signed_a=_one(operation.mul, operation.mulh, operation.mulhsu, operation.div, operation.rem),
        signed_b=_one(operation.mul, operation.mulh, operation.div, operation.rem),
        place=here.place,
    )
    whole = _one(low, leaves, *asked)
    return Phase(
        low=low,
        high=high,
        answers=bank([(1, operation.mul + low - 1), (1, high)], lo=0, hi=1, name="long.answers"),
        goes_on=bank([(1, whole - here.place[0]), (1, high)], lo=0, hi=1, name="long.goes_on"),
        division=division,
    )


def said_before(operation: Operation, here: Here) -> Said:
    """What a division said before: five heads."""
    divides = _one(operation.div, operation.divu, operation.rem, operation.remu)
    left = relu(divides + here.left_end - 1, name="long.left")
    kept, *digits = latest([left, *here.digits], where=_one(left, here.starts), name="long.left")
    digit = _one(here.idle, here.takes)
    rung, value, *factor = latest(
        [here.rung, here.said, *here.bits], where=_one(digit, here.announces), name="long.digit"
    )
    query = [_one(here.place[1], here.place[3]), _one(here.place[2], here.place[3])]
    halves = [
        latest(here.said, key=here.rung_bits, query=[word(odd), *query], where=digit, name="long.byte")
        for odd in (0, 1)
    ]
    low, high = (within(half, 0, 15) for half in halves)
    return Said(
        kept=kept,
        digits=digits,
        rung=rung,
        value=within(value, 0, 15),
        factor=factor,
        first=latest(here.rung, where=here.announces, name="long.first"),
        byte=16 * high + low,
    )


def long_operation(a: Sequence[Word], b: Sequence[Word], operation: Operation, here: Here) -> Next:
    """The next token of a multiplication or division, five blocks above the operands' bits.

    Args:
        a: The first operand's 32 bits, lowest first; read at every position of the instruction.
        b: The second's.
        operation: Which instruction it is, at every position of it.
        here: The token, and where it stands in its number.

    Returns:
        What is said next.
    """
    asked, said = phase(operation, here), said_before(operation, here)
    division = asked.division
    rungs = rung_steps(said, division)
    found = operands(a, b, division, said)
    signed = (division.signed_a, division.signed_b)
    column, signs = product_column(a, b, signed, asked.low, asked.high, division.place)
    add_division(column, divisor_byte(b, division, rungs), found, division, said, rungs)
    choice = choose_next(found, division, said, rungs)
    digit = next_digit(column, signs, here.said, asked.goes_on, choice.hold)
    return _next(operation, asked, found, choice, digit)


def _next(operation: Operation, asked: Phase, found: Operands, choice: Choice, digit: Digit) -> Next:
    division, place = asked.division, asked.division.place
    ends, ones = _product_end(operation, asked, found)
    result = _one(division.quotient, division.remainder)
    last = relu(result + choice.last - choice.hold - 1, name="long.last")
    minus, other = found.negative_a, found.negative_b
    complement = bank(
        [
            (1, division.quotient + minus - other - found.zero - 1),
            (1, division.quotient + other - minus - 1),
            (1, division.remainder + minus - 1),
        ],
        lo=0,
        hi=1,
        name="long.complement",
    )
    # The complement and 1 carries on only where the number is 0.
    filled = step(255 - digit.whole - (1 << 14) * (2 - complement - choice.last + choice.hold), 0, "long.ones")
    below_zero = relu(division.quotient + found.zero - 1, name="long.by_zero")
    fills = _one(ones, filled, below_zero)
    left = within(asked.low + asked.high - asked.answers + division.leaves, 0, 1)
    left_end = bank(
        [(1, asked.low - asked.answers + asked.high + place[3] - 1), (1, division.leaves + choice.last_left - 1)],
        lo=0,
        hi=1,
        name="long.left_end",
    )
    return Next(
        more=within(asked.answers + result - choice.hold - ends - last, 0, 1),
        zeros=within(ends + last - fills, 0, 1),
        ones=fills,
        left_more=within(left - left_end, 0, 1),
        left_end=left_end,
        announces=choice.begins,
        digit=choice.digit,
        again=choice.again,
        said=within(digit.value + choice.value, 0, 255),
        rung=choice.rung,
    )


def _product_end(operation: Operation, asked: Phase, found: Operands) -> tuple[Word, Word]:
    """Whether a product's digit is its last, and whether 255s follow it."""
    division = asked.division
    length = found.left_length + found.divisor_length
    bytes_out = total([(k, here) for k, here in enumerate(division.place)]) + 4 * asked.high
    # |a * b| has at most as many hexadecimal digits as both together.
    forced = 16 * (division.place[3] + asked.answers - 1)
    ends = step(2 * bytes_out - length + forced - 32 * (1 - asked.answers), 0, "multiply.ends")
    minus, other = found.negative_a, found.negative_b
    ones = bank(
        [
            (1, ends + minus + found.divisor_tops[0] - other - 2),
            (1, ends + other + found.left_some - minus - 2),
        ],
        lo=0,
        hi=1,
        name="multiply.ones",
    )
    return ends, ones


def _one(*bits: Word) -> Word:
    """The sum of bits of which at most one is 1; free."""
    return within(total([(1, bit) for bit in bits]), 0, 1)
