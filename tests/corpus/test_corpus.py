"""The interpreter against the statements: hand-derived answers, oracles in plain Python, and wrong programs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seme.lang import interpret
from tests.corpus import arithmetic, brackets, finding, orders
from tests.corpus.adversarial import adversarial_inputs
from tests.corpus.case import CATALOGUE, EXAMPLES, Case, first_divergence
from tests.corpus.cases import CORPUS
from tests.strategies import inputs

every_program = pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)


@every_program
def test_the_program_gives_the_answers_derived_by_hand(case: Case) -> None:
    for xs, expected in case.examples:
        got = interpret(case.program, xs)
        assert case.agrees(got, expected), f"{xs!r}: got {got}, expected {list(expected)}"


@every_program
def test_the_oracle_gives_the_answers_derived_by_hand(case: Case) -> None:
    for xs, expected in case.examples:
        got = case.oracle(list(xs))
        assert case.agrees(got, expected), f"{xs!r}: got {got}, expected {list(expected)}"


@every_program
def test_the_program_agrees_with_its_oracle_on_adversarial_inputs(case: Case) -> None:
    program = case.program
    assert first_divergence(lambda xs: interpret(program, xs), case, adversarial_inputs(program)) is None


@every_program
@settings(max_examples=25)
@given(data=st.data())
def test_the_program_agrees_with_its_oracle_on_drawn_inputs(case: Case, data: st.DataObject) -> None:
    xs = data.draw(inputs(case.program))
    assert case.agrees(interpret(case.program, xs), case.oracle(xs))


@every_program
def test_the_hand_derived_answers_hold_an_empty_and_a_single_token_and_a_full_input(case: Case) -> None:
    lengths = {len(list(xs)) for xs, _ in case.examples}
    assert {0, 1} <= lengths
    assert max(lengths) >= case.program.max_length - 2


@every_program
def test_the_program_answers_differently_to_different_inputs(case: Case) -> None:
    answers = {repr(interpret(case.program, xs)) for xs, _ in case.examples if len(list(xs)) > 1}
    assert len(answers) > 1


@every_program
def test_the_program_is_stated_in_words_and_answers_on_its_sample(case: Case) -> None:
    assert len(case.statement.split()) >= 5
    sample = next(p.sample for p in CATALOGUE.PROGRAMS if (p.file, p.name) == (case.file, case.name))
    assert case.agrees(interpret(case.program, sample), case.oracle(list(sample)))


def test_the_corpus_holds_every_program_of_every_example_file() -> None:
    from seme.lang import Program

    stated = {(path.name, name) for path in EXAMPLES.glob("*.py") for name in CATALOGUE.statements(path.name)}
    files = {file for file, _ in stated}
    bound = {
        (file, name)
        for file in files
        for name, value in vars(CATALOGUE.load(file)).items()
        if isinstance(value, Program)
    }
    listed = [(case.file, case.name) for case in CORPUS]
    assert len(listed) == len(set(listed)) == sum(len(r.CASES) for r in (orders, brackets, finding, arithmetic))
    assert set(listed) == bound == stated


def test_an_answer_of_the_wrong_length_type_or_name_is_wrong() -> None:
    case = CORPUS[0]

    def agrees(got: Any, expected: Any) -> bool:
        return case.agrees(got, expected)

    assert agrees([1, 2], [1, 2])
    assert not agrees([1], [1, 2])
    assert not agrees([1, 2, 3], [1, 2])
    assert not agrees([None], [0])
    assert not agrees(["1"], [1])
    assert not agrees([1], {"output": [1]})
    assert not agrees({"a": [1]}, {"b": [1]})
