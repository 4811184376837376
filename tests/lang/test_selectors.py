"""Selectors, counts and aggregates, construct by construct."""

from __future__ import annotations

import operator
from fractions import Fraction
from typing import Any

import pytest

from seme.core.errors import ProgramError
from seme.lang import Selector, aggregate, count, interpret, map, positions, program, select, tokens, where

everything = select(True, True, "==")
none_selected = select(True, False, "==")
same = select(tokens, tokens, "==")
earlier = select(positions, positions, "<")
previous = aggregate(select(positions, positions - 1, "=="), tokens)


def run(expression: Any, xs: Any, **options: Any) -> Any:
    settings = {"vocab": range(10), "max_length": 6} | options
    return interpret(program(expression, **settings), xs)


def seen(selector: Selector, xs: Any, **options: Any) -> list[str]:
    """The selected key positions of every query, read off by asking for one key at a time."""
    rows = [run(count(selector & select(positions, k, "==")), xs, **options) for k in range(len(xs))]
    return ["".join(str(k) for k in range(len(xs)) if rows[k][q]) for q in range(len(xs))]


@pytest.mark.parametrize(
    ("symbol", "function", "expected"),
    [
        ("==", operator.eq, ["02", "1", "02"]),
        ("!=", operator.ne, ["1", "02", "1"]),
        ("<", operator.lt, ["", "02", ""]),
        ("<=", operator.le, ["02", "012", "02"]),
        (">", operator.gt, ["1", "", "1"]),
        (">=", operator.ge, ["012", "1", "012"]),
    ],
)
def test_a_comparison_asks_the_key_first_and_the_query_second(symbol: str, function: Any, expected: list[str]) -> None:
    assert seen(select(tokens, tokens, symbol), [3, 5, 3]) == expected
    assert seen(select(tokens, tokens, function), [3, 5, 3]) == expected
    assert seen(select(tokens, tokens, lambda key, query: function(key, query)), [3, 5, 3]) == expected


def test_a_predicate_may_be_any_function_of_key_and_query() -> None:
    assert seen(select(tokens, positions, lambda key, query: key % 3 == query), [3, 1, 2]) == ["0", "1", "2"]


def test_and_or_not_of_selectors_hold_for_every_pair_of_query_and_key() -> None:
    xs = [3, 5, 3]
    assert seen(same & earlier, xs) == ["", "", "0"]
    assert seen(same | earlier, xs) == ["02", "01", "012"]
    assert seen(~same, xs) == ["1", "02", "1"]
    assert seen(~(same | earlier), xs) == ["1", "2", ""]


def test_a_causal_query_sees_itself_and_what_came_before() -> None:
    xs = [3, 5, 3]
    assert seen(everything, xs, causal=True) == ["0", "01", "012"]
    assert seen(same, xs, causal=True) == ["0", "1", "02"]
    assert seen(select(positions, positions, ">"), xs, causal=True) == ["", "", ""]


def test_not_of_a_selector_selects_no_key_that_a_causal_query_cannot_see() -> None:
    xs = [3, 5, 3]
    assert seen(~same, xs, causal=True) == ["", "0", "1"]
    assert seen(~none_selected, xs, causal=True) == ["0", "01", "012"]
    assert seen(~~same, xs, causal=True) == seen(same, xs, causal=True)
    assert seen(~(~same & ~earlier), xs, causal=True) == seen(same | earlier, xs, causal=True)


@pytest.mark.parametrize("symbol", ["==", "!=", "<", "<=", ">", ">="])
def test_a_comparison_never_selects_a_key_or_query_that_is_none(symbol: str) -> None:
    assert "0" not in seen(select(previous, 5, symbol), [5, 5])[1]
    assert run(count(select(tokens, previous, symbol)), [5, 5])[0] == 0
    assert run(count(select(previous, previous, symbol)), [5, 5])[0] == 0


def test_not_of_a_comparison_selects_what_the_comparison_does_not_none_included() -> None:
    assert seen(~select(previous, 5, "=="), [5, 5]) == ["0", "0"]


def test_a_users_predicate_sees_none() -> None:
    assert seen(select(previous, 0, lambda key, query: key is None), [5, 5]) == ["0", "0"]


def test_count_counts_the_selected_keys() -> None:
    assert run(count(same), [3, 5, 3]) == [2, 1, 2]
    assert run(count(none_selected) + 0 * tokens, [3, 5, 3]) == [0, 0, 0]
    assert run(count(everything), [3, 5, 3]) == [3, 3, 3]


def test_the_value_of_one_selected_key_is_taken_as_it_is() -> None:
    assert run(aggregate(select(positions, 1, "=="), map("zyx".__getitem__, tokens)), [0, 1, 2]) == ["y"] * 3
    assert run(aggregate(select(positions, 1, "=="), tokens == 1), [0, 1, 2]) == [True] * 3


def test_numbers_of_several_selected_keys_are_averaged_exactly() -> None:
    assert run(aggregate(everything, tokens), [1, 2, 2]) == [Fraction(5, 3)] * 3
    assert run(aggregate(everything, tokens), [1, 3]) == [2, 2]
    assert run(aggregate(everything, tokens / 3), [1, 1, 2]) == [Fraction(4, 9)] * 3
    assert run(aggregate(everything, tokens == 1), [1, 1, 2, 2]) == [Fraction(1, 2)] * 4


def test_floats_are_averaged_as_floats() -> None:
    assert run(aggregate(everything, map(lambda t: t + 0.5, tokens)), [1, 2]) == [2.0, 2.0]


def test_equal_categories_of_several_selected_keys_are_that_category() -> None:
    assert run(aggregate(same, tokens), "aba", vocab="ab") == ["a", "b", "a"]


def test_where_nothing_is_selected_the_default_stands() -> None:
    for default in (None, 0, -1, "none", True, Fraction(1, 2)):
        assert run(aggregate(none_selected, tokens, default=default), [1, 2]) == [default, default]
    assert run(aggregate(earlier, tokens, default="start"), [4, 6]) == ["start", 4]


def test_the_default_stands_for_nothing_selected_and_not_for_none() -> None:
    assert run(aggregate(select(positions, 0, "=="), previous, default=9), [4, 6]) == [None, None]


@pytest.mark.parametrize(("tie", "expected"), [("first", [8, 8, 8]), ("last", [4, 4, 4]), ("lowest", [2, 2, 2])])
def test_a_tie_rule_takes_one_of_several(tie: Any, expected: list[int]) -> None:
    assert run(aggregate(everything, tokens, tie=tie), [8, 2, 4]) == expected
    assert run(aggregate(everything, map("abcdefghij".__getitem__, tokens), tie=tie), [8, 2, 4]) == [
        "abcdefghij"[x] for x in expected
    ]


def test_a_tie_rule_holds_among_the_keys_a_causal_query_sees() -> None:
    assert run(aggregate(everything, tokens, tie="last"), [8, 2, 4], causal=True) == [8, 2, 4]
    assert run(aggregate(everything, tokens, tie="lowest"), [8, 2, 4], causal=True) == [8, 2, 2]


def test_first_and_last_may_take_none() -> None:
    assert run(aggregate(everything, previous, tie="first", default=0), [4, 6]) == [None, None]


def test_several_different_categories_without_a_tie_rule_are_an_error() -> None:
    with pytest.raises(ProgramError, match="selects several different values: 'a', 'b'"):
        run(aggregate(everything, tokens), "ab", vocab="ab")


def test_none_among_numbers_has_no_mean() -> None:
    with pytest.raises(ProgramError, match="selects several different values: None, 4") as caught:
        run(aggregate(everything, previous), [4, 6])
    assert "default=" in caught.value.hint


def test_true_and_one_are_the_same_value() -> None:
    mixed = where(tokens == 0, True, 1)
    assert run(aggregate(everything, mixed), [0, 1]) == [1, 1]
    assert seen(select(mixed, 1, "=="), [0, 1]) == ["01", "01"]
