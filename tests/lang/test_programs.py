"""Programs: outputs, vocabularies, lengths, inputs, names and source lines."""

from __future__ import annotations

import inspect

import pytest

from seme.core.errors import InputError
from seme.lang import Sequence, aggregate, count, interpret, length, map, positions, program, select, tokens


def test_a_single_output_answers_with_a_list_and_several_with_a_dict() -> None:
    assert interpret(program(tokens, vocab="ab", max_length=3), "ab") == ["a", "b"]
    assert interpret(program({"t": tokens, "n": length}, vocab="ab", max_length=3), "ab") == {
        "t": ["a", "b"],
        "n": [2, 2],
    }
    assert interpret(program(t=tokens, vocab="ab", max_length=3), "ab") == {"t": ["a", "b"]}


def test_a_vocabulary_keeps_its_order_and_a_set_is_put_in_order() -> None:
    assert program(tokens, vocab="cab", max_length=3).vocab == ("c", "a", "b")
    assert program(tokens, vocab=set("cab"), max_length=3).vocab == ("a", "b", "c")
    assert program(tokens, vocab=frozenset({10, 9, 1, "b", "a"}), max_length=3).vocab == (1, 9, 10, "a", "b")


def test_tokens_may_be_strings_numbers_and_booleans() -> None:
    both = program(tokens, vocab=["true", True, False], max_length=3)
    assert interpret(both, [True, "true", False]) == [True, "true", False]


def test_a_token_keeps_its_type() -> None:
    digits = program(tokens, vocab=range(3), max_length=3)
    for wrong in (["1"], [True], [None], [[1]], [3], [0.5]):
        with pytest.raises(InputError, match="unknown token"):
            interpret(digits, wrong)


def test_an_input_may_be_as_long_as_the_program_says_and_no_longer() -> None:
    short = program(tokens, vocab="ab", max_length=3)
    assert interpret(short, "aba") == ["a", "b", "a"]
    with pytest.raises(InputError, match="4 tokens, expected at most 3"):
        interpret(short, "abab")


def test_an_input_may_be_any_iterable() -> None:
    assert interpret(program(tokens, vocab="ab", max_length=3), iter("ab")) == ["a", "b"]
    assert interpret(program(tokens, vocab=range(3), max_length=3), (0, 2)) == [0, 2]


def test_a_program_may_depend_on_its_input_through_any_leaf_or_a_count() -> None:
    everything = select(True, True, "==")
    for expression in (tokens, positions, length, count(everything)):
        assert len(interpret(program(expression, vocab="ab", max_length=3), "ab")) == 2


def test_naming_returns_the_expression_and_the_name_is_kept() -> None:
    expression = tokens + 1
    assert expression.name == ""
    assert expression.named("next") is expression
    assert expression.name == "next"
    assert tokens.name == "tokens"
    selector = select(tokens, tokens, "==").named("same")
    assert selector.name == "same"


def test_an_expression_knows_the_line_it_was_written_on() -> None:
    frame = inspect.currentframe()
    assert frame is not None
    line = frame.f_lineno + 1
    expressions = (tokens + 1, map(abs, tokens), select(tokens, tokens, "=="), count(select(tokens, tokens, "==")))
    assert [e.source for e in expressions] == [f"test_programs.py:{line}"] * 4


def test_an_error_names_the_expression_by_its_own_name_and_line() -> None:
    frame = inspect.currentframe()
    assert frame is not None
    line = frame.f_lineno + 1
    everything = aggregate(select(True, True, "=="), tokens).named("the token")
    with pytest.raises(Exception, match=rf"`the token \(test_programs.py:{line}\)` selects several"):
        interpret(program(everything, vocab="ab", max_length=3), "ab")


def test_an_output_may_be_asked_for_as_a_number_or_as_a_label() -> None:
    number, label = (length + 0).numerical(), (length + 1).categorical()
    assert isinstance(number, Sequence)
    assert (number.as_kind, label.as_kind, (length + 2).as_kind) == ("number", "category", None)
    assert interpret(program(number, vocab="ab", max_length=3), "ab") == [2, 2]
