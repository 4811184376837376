"""Arithmetic on bits: against Python's integers, at corners and at random."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seme.lang.trace import total
from seme.machines.rv32.machine.arithmetic import add, compare
from seme.machines.rv32.magnitude import magnitude
from support.words import bench, cost

FULL = (1 << 32) - 1
CORNERS = [0, 1, 2, 255, 256, 65535, 65536, 1 << 24, 0x7FFFFFFF, 1 << 31, FULL - 255, FULL - 1, FULL]
words32 = st.one_of(st.sampled_from(CORNERS), st.integers(0, FULL), st.integers(0, 31).map(lambda s: FULL >> s))


def signed(x: int) -> int:
    return x - (x >> 31 << 32)


def _subtracted(a, b):
    return add(a, [1 - bit for bit in b], total([]) + 1, "difference")


def _compared(a, b):
    order = compare(a, b)
    return [order.least, order.least_signed, order.equal]


ADDED = bench((32, 32, 1), lambda a, b, carry: add(a, b, carry[0], "sum"))
SUBTRACTED = bench((32, 32), _subtracted)
COMPARED = bench((32, 32), _compared)
NIBBLES = bench((32, 1), lambda a, negative: magnitude(a, negative, 4))
BYTES = bench((32, 1), lambda a, negative: magnitude(a, negative, 8))


def whole(digits: list[int], width: int = 1) -> int:
    assert all(0 <= digit < 1 << width for digit in digits)
    return sum(digit << width * i for i, digit in enumerate(digits))


def check_pair(a: int, b: int) -> None:
    for carry in (0, 1):
        assert whole(ADDED(a, b, carry)) == (a + b + carry) & FULL
    assert whole(SUBTRACTED(a, b)) == (a - b) & FULL
    assert COMPARED(a, b) == [a >= b, signed(a) >= signed(b), a == b]


def test_sums_differences_and_comparisons_at_the_corners() -> None:
    for a, b in product([0, 1, 255, 256, 1 << 24, 0x7FFFFFFF, 1 << 31, FULL], repeat=2):
        check_pair(a, b)


@settings(max_examples=25, deadline=None)
@given(words32, words32)
@example(0x00FF00FF, 0xFF00FF01)
@example(0xFFFFFF00, 0x00000100)
def test_sums_differences_and_comparisons_of_any_two_words(a: int, b: int) -> None:
    check_pair(a, b)


@settings(max_examples=25, deadline=None)
@given(words32)
@example(0xFFFFFF00)
@example(0x80000000)
def test_the_magnitude_is_the_word_or_its_negative(a: int) -> None:
    for held, width in ((NIBBLES, 4), (BYTES, 8)):
        assert whole(held(a, 0), width) == a
        assert whole(held(a, 1), width) == -a & FULL


@pytest.mark.parametrize(
    ("held", "semes", "neurons", "depth"),
    [(ADDED, 38, 76, 2), (COMPARED, 13, 26, 2), (NIBBLES, 8, 38, 1), (BYTES, 4, 18, 1)],
)
def test_arithmetic_takes_no_more_than_it_says(held, semes: int, neurons: int, depth: int) -> None:
    given_bits = [w for w in held.program.words() if w.parts() == () or type(w).__name__ in ("Part", "Before")]
    taken = cost(held.words, given_bits)
    assert (taken.semes, taken.neurons, taken.depth) == (semes, neurons, depth)
