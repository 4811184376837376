"""Sequences: leaves, maps, operators and real functions, construct by construct."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest

from seme import lang
from seme.core.errors import ProgramError
from seme.lang import aggregate, constant, interpret, length, map, positions, program, select, tokens, where

nothing = aggregate(select(positions, -1, "=="), tokens)  # selects no key, so None everywhere
previous = aggregate(select(positions, positions - 1, "=="), tokens)


def run(expression: Any, xs: Any, **options: Any) -> Any:
    settings = {"vocab": range(-8, 9), "max_length": 6} | options
    return interpret(program(expression, **settings), xs)


def test_tokens_positions_and_length_are_what_they_say() -> None:
    assert run(tokens, [5, 3, 5]) == [5, 3, 5]
    assert run(positions, [5, 3, 5]) == [0, 1, 2]
    assert run(length, [5, 3, 5]) == [3, 3, 3]


def test_the_length_of_a_causal_program_is_that_of_the_prefix() -> None:
    assert run(length, [5, 3, 5], causal=True) == [1, 2, 3]


def test_a_constant_stands_at_every_position() -> None:
    assert run({"a": constant("x"), "b": tokens}, [1, 2])["a"] == ["x", "x"]


@pytest.mark.parametrize("causal", [False, True])
def test_an_empty_input_has_an_empty_answer(causal: bool) -> None:
    assert run(tokens + length, [], causal=causal) == []
    assert run({"a": tokens, "b": length}, [], causal=causal) == {"a": [], "b": []}


def test_a_map_of_several_arguments_reads_them_at_the_same_position() -> None:
    assert run(map(lambda t, p, n: (t, p, n)[p % 3], tokens, positions, length), [7, 7, 7, 7]) == [7, 1, 4, 7]


def test_plain_values_among_the_arguments_are_constants() -> None:
    assert run(map(lambda a, b: a - b, 10, tokens), [1, 2]) == [9, 8]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (tokens + 1, [8, -6, 1]),
        (1 + tokens, [8, -6, 1]),
        (tokens - 1, [6, -8, -1]),
        (1 - tokens, [-6, 8, 1]),
        (tokens * 2, [14, -14, 0]),
        (2 * tokens, [14, -14, 0]),
        (-tokens, [-7, 7, 0]),
        (abs(tokens), [7, 7, 0]),
        (tokens / 2, [Fraction(7, 2), Fraction(-7, 2), 0]),
        (tokens // 2, [3, -4, 0]),
        (tokens % 3, [1, 2, 0]),
        (100 // (tokens + 8), [6, 100, 12]),
        (100 % (tokens + 9), [4, 0, 1]),
        (1 / (tokens + 8), [Fraction(1, 15), 1, Fraction(1, 8)]),
        (lang.minimum(tokens, 3), [3, -7, 0]),
        (lang.maximum(tokens, -3), [7, -3, 0]),
        (tokens < 0, [False, True, False]),
        (tokens <= 0, [False, True, True]),
        (tokens > 0, [True, False, False]),
        (tokens >= 0, [True, False, True]),
        (tokens == 0, [False, False, True]),
        (tokens != 0, [True, True, False]),
        ((tokens < 0) | (tokens == 0), [False, True, True]),
        ((tokens >= 0) & (tokens != 0), [True, False, False]),
        ((tokens < 0) ^ True, [True, False, True]),
        (True & (tokens < 0), [False, True, False]),
        (False | (tokens < 0), [False, True, False]),
        (True ^ (tokens < 0), [True, False, True]),
        (~(tokens < 0), [True, False, True]),
        (lang.bit_and(tokens, 5), [5, 1, 0]),
        (lang.bit_or(tokens, 8), [15, -7, 8]),
        (lang.bit_xor(tokens, 1), [6, -8, 1]),
        (lang.shift_left(tokens, 2), [28, -28, 0]),
        (lang.shift_right(tokens, 1), [3, -4, 0]),
        (where(tokens < 0, "low", tokens), [7, "low", 0]),
    ],
)
def test_an_operator_means_what_it_means_in_python(expression: lang.Sequence, expected: list[Any]) -> None:
    got = run(expression, [7, -7, 0])
    assert got == expected
    assert [type(v) for v in got] == [type(v) for v in expected]


def test_a_quotient_is_exact_and_whole_ones_are_integers() -> None:
    assert run(tokens / 3 + tokens / 3 + tokens / 3, [1, 6]) == [1, 6]
    assert all(isinstance(v, int) for v in run(tokens / 3 * 3, [1, 2]))


def test_a_users_function_sees_a_rational_as_a_float_and_our_operators_see_it_exactly() -> None:
    third = tokens / 3
    assert run(map(lambda x: isinstance(x, float), third), [1]) == [True]
    assert run(third * 3 == 1, [1]) == [True]


def test_and_or_and_not_give_booleans_whatever_they_are_given() -> None:
    assert run(tokens & 2, [1, 0]) == [True, False]
    assert run(tokens | 0, [1, 0]) == [True, False]
    assert run(~tokens, [1, 0]) == [False, True]


@pytest.mark.parametrize(
    "expression",
    [
        nothing + 1,
        nothing == 1,
        nothing != 1,
        (nothing == 1) & False,
        (nothing == 1) | True,
        ~(nothing == 1),
        -nothing,
        lang.minimum(nothing, 1),
        map(lambda x: "never called", nothing),
        map(lambda x, y: "never called", tokens, nothing),
        lang.exp(nothing),
    ],
)
def test_none_into_a_map_is_none_out(expression: lang.Sequence) -> None:
    assert run(expression, [1, 2]) == [None, None]


def test_where_reads_only_its_condition_and_the_branch_it_takes() -> None:
    assert run(where(tokens == 1, nothing, tokens), [1, 2]) == [None, 2]
    assert run(where(tokens == 1, tokens, nothing), [1, 2]) == [1, None]


def test_where_takes_the_second_branch_if_the_condition_is_none() -> None:
    assert run(where(nothing == 1, "yes", "no"), [1, 2]) == ["no", "no"]


def test_a_map_may_give_none() -> None:
    assert run(map(lambda x: None if x == 1 else x, tokens) + 1, [1, 2]) == [None, 3]


@pytest.mark.parametrize(
    ("function", "meaning"),
    [(lang.exp, math.exp), (lang.log, math.log), (lang.sqrt, math.sqrt), (lang.reciprocal, lambda x: 1 / x)],
)
def test_a_real_function_is_interpreted_by_pythons_own(function: Any, meaning: Any) -> None:
    assert run(function(tokens), [1, 2, 8]) == [meaning(1), meaning(2), meaning(8)]
    assert run(function(tokens / 3), [1]) == [meaning(1 / 3)]


def test_expressions_compare_by_identity_in_sets_and_dicts() -> None:
    a, b = tokens + 1, tokens + 1
    assert len({a, b, a}) == 2


def test_a_shared_expression_is_computed_once() -> None:
    calls = []

    def note(x: int) -> int:
        calls.append(x)
        return x

    shared = map(note, tokens)
    run({"a": shared + shared, "b": shared}, [1, 2, 3])
    assert calls == [1, 2, 3]


def test_a_deep_expression_does_not_exhaust_the_stack() -> None:
    expression = tokens
    for _ in range(5000):
        expression = expression + 1
    assert run(expression, [1]) == [5001]


def test_division_by_a_zero_that_occurs_is_an_error() -> None:
    with pytest.raises(ProgramError, match="divides by zero for 1, 0"):
        run(1 // tokens, [0])
    assert run(1 // tokens, [2]) == [0]  # the interpreter meets only what occurs
