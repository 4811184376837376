"""The text of every error of the language: what failed, what was expected, and a hint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from seme import lang
from seme.core.errors import InputError, ProgramError, SemeError
from seme.lang import aggregate, constant, count, interpret, map, program, select, tokens, where

same = select(tokens, tokens, "==")
everything = select(True, True, "==")


def run(expression: Any, xs: Any) -> Any:
    return interpret(program(expression, vocab=[0, 1, 2, "a"], max_length=4), xs)


PROGRAM_ERRORS: dict[str, tuple[Callable[[], Any], str, str]] = {
    "no output": (
        lambda: program(vocab="ab", max_length=3),
        "a program needs at least one output",
        "program(expression, vocab=..., max_length=...)",
    ),
    "nothing read": (
        lambda: program(constant(1) + 2, vocab="ab", max_length=3),
        "the program depends on nothing: no token, position or length is read",
        "use tokens",
    ),
    "a selector as output": (
        lambda: program(same, vocab="ab", max_length=3),
        "output `output` is a Select, expected a sequence",
        "see docs/language.md",
    ),
    "a number as output": (
        lambda: program({"n": 3}, vocab="ab", max_length=3),
        "output `n` is a int, expected a sequence",
        "see docs/language.md",
    ),
    "empty vocabulary": (
        lambda: program(tokens, vocab="", max_length=3),
        "the vocabulary is empty",
        'vocab="abc" or vocab=range(10)',
    ),
    "vocabulary that is no sequence": (
        lambda: program(tokens, vocab=5, max_length=3),  # type: ignore[arg-type]
        "vocab is a int, expected tokens",
        'vocab="abc" or vocab=range(10)',
    ),
    "repeated token": (
        lambda: program(tokens, vocab="aba", max_length=3),
        "the vocabulary has the same token twice: 'a'",
        "leave one out",
    ),
    "tokens equal across types": (
        lambda: program(tokens, vocab=[1, True], max_length=3),
        "the vocabulary has the same token twice: True",
        "1, 1.0 and True are the same token",
    ),
    "token of a wrong type": (
        lambda: program(tokens, vocab=["a", None], max_length=3),
        "token None is a NoneType",
        "use strings, numbers or booleans",
    ),
    "token that is no number": (
        lambda: program(tokens, vocab=[float("nan")], max_length=3),
        "token nan is not a finite number",
        "use a string for it",
    ),
    "length zero": (
        lambda: program(tokens, vocab="ab", max_length=0),
        "max_length is 0, expected a positive integer",
        "max_length=20",
    ),
    "length true": (
        lambda: program(tokens, vocab="ab", max_length=True),
        "max_length is True, expected a positive integer",
        "max_length=20",
    ),
    "unknown comparison": (
        lambda: select(tokens, tokens, "="),
        "unknown comparison '='",
        "use one of == != < <= > >=",
    ),
    "no predicate": (
        lambda: select(tokens, tokens, 3),  # type: ignore[arg-type]
        "expected a predicate, got int",
        'select(tokens, tokens, "==")',
    ),
    "selector as sequence": (
        lambda: tokens + same,
        "a selector was used where a sequence is expected",
        "count(selector) or aggregate(...)",
    ),
    "sequence as selector": (
        lambda: same & tokens,  # type: ignore[operator]
        "expected a selector, got Tokens",
        "make one with select(...)",
    ),
    "count of a sequence": (
        lambda: count(tokens),  # type: ignore[arg-type]
        "expected a selector, got Tokens",
        "make one with select(...)",
    ),
    "aggregate over a sequence": (
        lambda: aggregate(tokens, tokens),  # type: ignore[arg-type]
        "expected a selector, got Tokens",
        "make one with select(...)",
    ),
    "unknown tie rule": (
        lambda: aggregate(same, tokens, tie="biggest"),  # type: ignore[arg-type]
        "unknown tie rule 'biggest'",
        'use "first", "last", "lowest" or "only"',
    ),
    "a sequence as default": (
        lambda: aggregate(same, tokens, default=tokens),
        "a default is a Tokens, expected a plain value such as 0 or 'a'",
        "to choose between sequences write where(condition, a, b)",
    ),
    "a sequence as constant": (
        lambda: constant(tokens),
        "a constant is a Tokens, expected a plain value such as 0 or 'a'",
        "to choose between sequences write where(condition, a, b)",
    ),
    "a list in an operation": (
        lambda: tokens * [1],
        "an argument is a list, expected a plain value such as 0 or 'a'",
        "to choose between sequences write where(condition, a, b)",
    ),
    "map of nothing": (
        lambda: map(abs),
        "map takes a function and at least one sequence",
        "map(lambda x: ..., tokens)",
    ),
    "map without a function": (
        lambda: map(tokens, tokens),  # type: ignore[arg-type]
        "map takes a function and at least one sequence",
        "map(lambda x: ..., tokens)",
    ),
    "truth value of a sequence": (
        lambda: 0 < tokens < 2,
        "a sequence has no single truth value",
        "write & | ~ for and/or/not of sequences, and seme.lang.where(condition, a, b) for if",
    ),
    "truth value of a selector": (
        lambda: same and everything,
        "a selector has no truth value",
        "write & | ~ for and/or/not of selectors",
    ),
    "error and neurons": (
        lambda: lang.exp(tokens, error=0.1, neurons=3),
        "exp takes an error or a number of neurons, not both",
        "leave one out",
    ),
    "error of zero": (
        lambda: lang.log(tokens, error=0),
        "log needs a positive error, got 0",
        "for example error=0.01",
    ),
    "no neurons": (
        lambda: lang.sqrt(tokens, neurons=0),
        "sqrt needs at least one neuron, got 0",
        "for example neurons=16",
    ),
}

RUN_ERRORS: dict[str, tuple[lang.Sequence, list[Any], str, str]] = {
    "division by zero": (
        (1 / tokens).named("share"),
        [0],
        "divides by zero for 1, 0",
        "keep zero out of the divisor's domain, for example with where(x == 0, 1, x)",
    ),
    "undefined map": (
        map([5, 6].__getitem__, tokens),
        [1, 2],
        "is undefined for 2: IndexError: list index out of range",
        "a map must be defined for every value its arguments can have",
    ),
    "map with the wrong number of arguments": (
        map(lambda a, b: a, tokens),
        [1],
        "is undefined for 1: TypeError:",
        "a map must be defined for every value its arguments can have",
    ),
    "map to a list": (
        map(lambda t: [t], tokens),
        [1],
        "is undefined for 1: TypeError: ",
        "a map must be defined for every value its arguments can have",
    ),
    "map to no number": (
        map(lambda t: float("inf"), tokens),
        [1],
        "gives inf for 1, expected a finite number",
        "return None, or a label, where there is no number",
    ),
    "undefined operator": (
        tokens + 1,
        ["a"],
        "is undefined for 'a', 1: TypeError: can only concatenate str",
        "a map must be defined for every value its arguments can have",
    ),
    "undefined comparison": (
        count(select(tokens, 1, "<")),
        ["a"],
        "is undefined for 'a', 1: TypeError: '<' not supported",
        "a predicate must be defined for every key and query that can meet, None included",
    ),
    "undefined predicate": (
        count(select(tokens, tokens, lambda key, query: key // query)),
        [0],
        "is undefined for 0, 0: ZeroDivisionError:",
        "a predicate must be defined for every key and query that can meet, None included",
    ),
    "several categories": (
        aggregate(everything, where(tokens == 1, "x", "y")),
        [1, 2],
        "selects several different values: 'x', 'y'",
        'name a tie rule: tie="first", "last" or "lowest"',
    ),
    "lowest without order": (
        aggregate(everything, tokens, tie="lowest"),
        [1, "a"],
        "takes the lowest of values that have no order: 1, 'a'",
        'numbers have an order, and so have strings; or use tie="first" or tie="last"',
    ),
    "logarithm of zero": (
        lang.log(tokens),
        [0],
        "`log` is undefined for 0 (test_errors.py:",
        "restrict the domain of its argument",
    ),
    "reciprocal of zero": (
        lang.reciprocal(tokens),
        [0],
        "`reciprocal` is undefined for 0 (test_errors.py:",
        "restrict the domain of its argument",
    ),
    "exponential of a letter": (
        lang.exp(tokens),
        ["a"],
        "`exp` is undefined for 'a' (test_errors.py:",
        "restrict the domain of its argument",
    ),
}

INPUT_ERRORS: dict[str, tuple[Any, str, str]] = {
    "unknown token": (
        [1, "b"],
        "unknown token 'b' at position 1, expected one of 0 1 2 'a'",
        "tokens keep their type: 1 is not '1'",
    ),
    "a token of another type": (
        ["1"],
        "unknown token '1' at position 0, expected one of 0 1 2 'a'",
        "tokens keep their type: 1 is not '1'",
    ),
    "a list as token": (
        [[1]],
        "unknown token [1] at position 0, expected one of 0 1 2 'a'",
        "tokens keep their type: 1 is not '1'",
    ),
    "too long": ([1] * 5, "input has 5 tokens, expected at most 4", "compile with a larger --max-length"),
    "no sequence": (7, "input is a int, expected a sequence of tokens", '"abc" or [1, 2, 3]'),
}


@pytest.mark.parametrize("cause", PROGRAM_ERRORS)
def test_a_program_that_is_not_well_formed_is_refused_when_it_is_written(cause: str) -> None:
    write, message, hint = PROGRAM_ERRORS[cause]
    with pytest.raises(ProgramError) as caught:
        write()
    assert str(caught.value) == f"{message}\n\n  hint: {hint}"


@pytest.mark.parametrize("cause", RUN_ERRORS)
def test_a_program_that_has_no_answer_says_which_expression_has_none(cause: str) -> None:
    expression, xs, message, hint = RUN_ERRORS[cause]
    with pytest.raises(ProgramError) as caught:
        run(expression, xs)
    assert message in caught.value.message
    assert "(test_errors.py:" in caught.value.message
    assert caught.value.hint == hint


@pytest.mark.parametrize("cause", INPUT_ERRORS)
def test_a_wrong_input_is_refused(cause: str) -> None:
    xs, message, hint = INPUT_ERRORS[cause]
    with pytest.raises(InputError) as caught:
        run(tokens, xs)
    assert str(caught.value) == f"{message}\n\n  hint: {hint}"


def test_a_long_vocabulary_is_not_told_in_full() -> None:
    many = program(tokens, vocab=range(100), max_length=4)
    with pytest.raises(InputError, match=r"expected one of 0 1 2 3 4 5 6 7 8 9 10 11 \.\.\. \(100 in all\)"):
        interpret(many, [100])


def test_errors_of_programs_and_inputs_end_a_command_with_status_four() -> None:
    assert issubclass(ProgramError, SemeError)
    assert (ProgramError.exit_code, InputError.exit_code) == (4, 4)
    assert ProgramError.code != InputError.code
