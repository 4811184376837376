"""Division: digit by digit as the program says it, against Python's integers."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seme.lang.trace import Tracer
from seme.machines.rv32.divide import division_reference
from support.long_operations import CORNERS, machine, result, run, run_all, words

FULL = 0xFFFFFFFF
NAMES = ("div", "divu", "rem", "remu")


def divided(name: str, a: int, b: int) -> int:
    """What RISC-V's instruction gives, written down from the manual's table, apart from the reference."""
    if not name.endswith("u"):
        a, b = (x - (x >> 31 << 32) for x in (a, b))
    if b == 0:
        return (-1 if name.startswith("div") else a) & FULL
    quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return (quotient if name.startswith("div") else a - b * quotient) & FULL


@pytest.mark.parametrize("name", NAMES)
def test_quotients_and_remainders_of_all_pairs_of_corners(name: str) -> None:
    pairs = list(product(CORNERS, repeat=2))
    for (a, b), said in zip(pairs, run_all(name, pairs), strict=True):
        assert result(said) == divided(name, a, b), (name, hex(a), hex(b), said)


@pytest.mark.parametrize("name", NAMES)
def test_quotients_and_remainders_of_two_thousand_random_pairs(name: str) -> None:
    pairs = words(np.random.default_rng(3), 2000)
    for (a, b), said in zip(pairs, run_all(name, pairs), strict=True):
        assert result(said) == divided(name, a, b), (name, hex(a), hex(b), said)


@pytest.mark.parametrize("name", ["divu", "rem"])
def test_dividends_beside_multiples_of_the_divisor(name: str) -> None:
    """There windows guess wrong most often: both sides of every kind of multiple."""
    rng, pairs = np.random.default_rng(4), []
    for _ in range(1500):
        b = int(rng.integers(1, 1 << int(rng.integers(1, 32))))
        a = b * int(rng.integers(1, FULL // b + 1)) + int(rng.integers(-1, 2))
        pairs.append((a & FULL, b))
    said = run_all(name, pairs)
    assert any(text.startswith("again") for texts in said for text in texts)
    for (a, b), texts in zip(pairs, said, strict=True):
        assert result(texts) == divided(name, a, b), (name, hex(a), hex(b), texts)


@settings(max_examples=4, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, FULL), st.integers(0, FULL).map(lambda b: b >> b % 32))
def test_the_batched_interpreter_says_what_the_plain_one_says(name: str, a: int, b: int) -> None:
    said = run(name, a, b)
    assert run_all(name, [(a, b)]) == [said]
    assert result(said) == divided(name, a, b)


@given(st.sampled_from(NAMES), st.integers(0, FULL), st.one_of(st.sampled_from([0, 1, FULL]), st.integers(0, FULL)))
def test_the_reference_is_what_the_manual_says(name: str, a: int, b: int) -> None:
    quotient, remainder = division_reference(a, b, not name.endswith("u"))
    assert (quotient if name.startswith("div") else remainder) == divided(name, a, b)


def test_division_by_zero_and_overflow_are_as_the_manual_has_them() -> None:
    least = 1 << 31
    assert [result(run(name, 5, 0)) for name in NAMES] == [FULL, FULL, 5, 5]
    assert [result(run(name, least, FULL)) for name in NAMES] == [least, 0, 0, least]
    assert run("div", 5, 0) == ["ones=255"]


def test_the_parts_of_a_division_are_said_in_order() -> None:
    assert run("divu", 100, 7) == ["announces@2", "digit=0@1", "digit=14@0", "left_end=253", "zeros=14"]


def test_an_earlier_division_leaves_nothing_behind() -> None:
    tracer = Tracer(machine().program)
    pairs = [("divu", FULL, 3), ("remu", 7, 9), ("mulhu", FULL, FULL), ("div", 5, FULL), ("divu", 3, 5), ("mul", 3, 5)]
    for name, a, b in pairs:
        alone = run(name, a, b)
        assert run(name, a, b, tracer) == alone
