"""Multiplication: digit by digit as the program says it, against Python's integers."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seme.machines.rv32.multiply import product_reference
from support.long_operations import CORNERS, result, run, run_all, words

SIGNED = {"mul": (True, True), "mulh": (True, True), "mulhsu": (True, False), "mulhu": (False, False)}


def multiplied(name: str, a: int, b: int) -> int:
    """What RISC-V's instruction gives."""
    left, right = (x - (x >> 31 << 32) * sign for x, sign in zip((a, b), SIGNED[name], strict=True))
    return (left * right >> (0 if name == "mul" else 32)) & 0xFFFFFFFF


@pytest.mark.parametrize("name", SIGNED)
def test_products_of_all_pairs_of_corners(name: str) -> None:
    pairs = list(product(CORNERS, repeat=2))
    for (a, b), said in zip(pairs, run_all(name, pairs), strict=True):
        assert result(said) == multiplied(name, a, b), (name, hex(a), hex(b), said)


@pytest.mark.parametrize("name", SIGNED)
def test_products_of_two_thousand_random_pairs(name: str) -> None:
    pairs = words(np.random.default_rng(1), 2000)
    for (a, b), said in zip(pairs, run_all(name, pairs), strict=True):
        assert result(said) == multiplied(name, a, b), (name, hex(a), hex(b), said)


@settings(max_examples=4, deadline=None)
@given(st.sampled_from(list(SIGNED)), st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFFFFFF))
def test_the_batched_interpreter_says_what_the_plain_one_says(name: str, a: int, b: int) -> None:
    said = run(name, a, b)
    assert run_all(name, [(a, b)]) == [said]
    assert result(said) == multiplied(name, a, b)


@given(st.sampled_from(list(SIGNED)), st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFFFFFF))
def test_the_reference_is_the_product(name: str, a: int, b: int) -> None:
    whole = sum(digit << 8 * i for i, digit in enumerate(product_reference(a, b, SIGNED[name])))
    assert whole >> (0 if name == "mul" else 32) & 0xFFFFFFFF == multiplied(name, a, b)


def test_small_products_take_few_tokens() -> None:
    assert run("mul", 12, 11) == ["zeros=132"]
    assert run("mul", 12, 20) == ["more=240", "zeros=0"]  # the end goes by the factors' lengths
    assert run("mul", 0xFFFFFFFF, 7) == ["ones=249"]  # -1 * 7
    assert len(run("mul", 1000, 1000)) == 3
    assert len(run("mulhu", 0xFFFFFFFF, 0xFFFFFFFF)) == 8


@pytest.mark.parametrize(("name", "longest"), [("mul", 4), ("mulh", 8), ("mulhsu", 8), ("mulhu", 8)])
def test_no_product_takes_more_tokens_than_its_digits(name: str, longest: int) -> None:
    said = run_all(name, words(np.random.default_rng(2), 500))
    assert max(map(len, said)) == longest
