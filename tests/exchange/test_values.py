import json
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seme.core.errors import UsageError
from seme.exchange.values import from_json, to_json

simple = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.fractions()
values = simple | st.tuples(simple, simple) | st.tuples(st.tuples(simple))


@given(values)
def test_a_value_comes_back_with_its_type(value):
    back = from_json(json.loads(json.dumps(to_json(value), allow_nan=False)))
    assert repr(back) == repr(value)


def test_nan_comes_back():
    assert math.isnan(from_json(to_json(float("nan"))))


@pytest.mark.parametrize("value", [[1], {1: 2}, object, 1j])
def test_other_values_are_refused(value):
    with pytest.raises(UsageError, match="cannot save the value"):
        to_json(value)


@pytest.mark.parametrize("stored", [{}, {"fraction": 1}, [1], {"tuple": 3}, {"other": 1}])
def test_what_was_never_written_is_refused(stored):
    with pytest.raises(ValueError, match="is not a stored value"):
        from_json(stored)


def test_fractions_are_exact():
    assert to_json(Fraction(-2, 6)) == {"fraction": "-1/3"}
