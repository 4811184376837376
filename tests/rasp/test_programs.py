"""The corpus: evaluation meets the statements, and the translation means the same as the program."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from seme import lang
from seme.rasp import EvaluationError, SOp, causal_eval, evaluate
from tests.rasp.programs import PROGRAMS, RaspProgram

# Evaluation adds in float64 what the language adds exactly: a few roundings of numbers below a thousand.
ROUNDING = 1e-9

every_program = pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.name)


def rasp_answer(sop: SOp, xs: list[Any], causal: bool) -> list[Any]:
    return (causal_eval.evaluate if causal else evaluate)(sop, xs)


def same(a: Any, b: Any) -> bool:
    numbers = (int, float, Fraction)
    if isinstance(a, numbers) and isinstance(b, numbers):
        return abs(float(a) - float(b)) <= ROUNDING
    return type(a) is type(b) and a == b


def assert_same(got: list[Any], expected: list[Any]) -> None:
    assert len(got) == len(expected)
    assert all(same(a, b) for a, b in zip(got, expected, strict=True)), (got, expected)


def adversarial(program: RaspProgram) -> list[list[Any]]:
    n, vocab = program.max_length, program.vocab
    return [
        [],
        *([t] for t in vocab[:4]),
        *([t] * n for t in (vocab[0], vocab[-1])),
        [vocab[i % len(vocab)] for i in range(n)],
        [vocab[-1 - i % len(vocab)] for i in range(n)],
        [vocab[0]] * (n - 1) + [vocab[-1]],
    ]


def test_the_names_of_the_corpus_are_distinct():
    assert len({p.name for p in PROGRAMS}) == len(PROGRAMS)


@every_program
def test_evaluation_meets_the_statement(program: RaspProgram):
    sop = program.build(program.max_length)
    for xs, expected in program.cases:
        assert program.accepts(list(xs))
        assert_same(rasp_answer(sop, list(xs), program.causal), expected)


@every_program
def test_the_translation_meets_the_statement(program: RaspProgram):
    translated = lang.program(
        program.build(program.max_length), vocab=program.vocab, max_length=program.max_length, causal=program.causal
    )
    for xs, expected in program.cases:
        assert_same(lang.interpret(translated, xs), expected)


@every_program
@pytest.mark.parametrize("causal", [False, True], ids=["whole", "causal"])
def test_the_translation_agrees_on_adversarial_inputs(program: RaspProgram, causal: bool):
    sop = program.build(program.max_length)
    translated = lang.program(sop, vocab=program.vocab, max_length=program.max_length, causal=causal)
    for xs in adversarial(program):
        if program.accepts(xs):
            try:
                expected = rasp_answer(sop, xs, causal)
            except EvaluationError:
                assert causal != program.causal, "a program must be defined where its statement is"
                continue
            assert_same(lang.interpret(translated, xs), expected)


@every_program
@given(data=st.data())
@settings(max_examples=12, deadline=None)
def test_the_translation_agrees_on_random_inputs(program: RaspProgram, data: st.DataObject):
    causal = data.draw(st.booleans(), label="causal")
    # A start sign that the statement asks for is put there, not waited for.
    start = ["^"] if "^" in program.vocab else []
    others = [t for t in program.vocab if t not in start]
    unique = program.name.startswith("sort_unique")
    size = min(program.max_length, len(others) if unique else program.max_length) - len(start)
    xs = start + data.draw(st.lists(st.sampled_from(others), max_size=size, unique=unique), label="input")
    assume(program.accepts(xs))
    sop = program.build(program.max_length)
    translated = lang.program(sop, vocab=program.vocab, max_length=program.max_length, causal=causal)
    try:
        expected = rasp_answer(sop, xs, causal)
    except EvaluationError:
        assert causal != program.causal, "a program must be defined where its statement is"
        return
    assert_same(lang.interpret(translated, xs), expected)
