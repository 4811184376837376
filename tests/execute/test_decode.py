from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seme.core.errors import UsageError
from seme.execute import decode
from seme.execute.decode import MAX_TABLE_DENOMINATOR, nearest_fractions
from seme.model import OutputBlock


def number(**how):
    return OutputBlock(name="x", kind="number", start=1, **how)


def test_the_largest_logit_of_the_block_names_the_label():
    block = OutputBlock(name="x", kind="category", start=1, labels=(None, True, 1.5, (1, "a")))
    logits = torch.tensor([[9.0, 1, 0, 0, 0], [9, 0, 1, 0, 0], [9, 0, 0, 1, 0], [9, 0, 0, 0, 1]])
    assert decode(block, logits) == [None, True, 1.5, (1, "a")]


def test_integers_are_rounded_and_multiplied_by_the_unit():
    logits = torch.tensor([[0, 2.9999], [0, -1.2]])
    assert decode(number(integers=True), logits) == [3, -1]
    assert all(type(x) is int for x in decode(number(integers=True), logits))
    halves = decode(number(integers=True, unit=Fraction(1, 2)), torch.tensor([[0, 1.51], [0, 0.99]]))
    assert halves == [1.5, 1]


def test_fractions_are_the_nearest_with_a_small_denominator():
    logits = torch.tensor([[0, 0.33334], [0, 1.9999], [0, -0.4999]])
    assert decode(number(max_denominator=7), logits) == [1 / 3, 2, -0.5]


def test_a_real_number_is_given_as_it_is():
    assert decode(number(), torch.tensor([[0, 0.1]], dtype=torch.float64)) == [0.1]


@given(st.lists(st.floats(-50, 50), min_size=1), st.integers(1, 40))
def test_nearest_fractions_agree_with_the_standard_library(values, most):
    tops, bottoms = nearest_fractions(np.array(values), most)
    for value, top, bottom in zip(values, tops, bottoms, strict=True):
        best = Fraction(value).limit_denominator(most)
        got = Fraction(int(top), int(bottom))
        # Halfway between two fractions either is nearest; the subtraction of the whole part rounds at 2^-47.
        assert got == best or abs(abs(got - value) - abs(best - value)) < 2.0**-46
        assert bottom <= most


def test_denominators_beyond_the_table_are_found_too():
    tops, bottoms = nearest_fractions(np.array([1 / 3001]), MAX_TABLE_DENOMINATOR + 1000)
    assert (tops[0], bottoms[0]) == (1, 3001)


def test_logits_that_are_not_finite_are_an_error():
    for block in (number(), OutputBlock(name="x", kind="category", start=0, labels=("a", "b"))):
        with pytest.raises(UsageError, match="output `x` overflowed"):
            decode(block, torch.tensor([[0, float("nan")]]))
