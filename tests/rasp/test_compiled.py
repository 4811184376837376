"""The corpus in Tracr-style source, compiled: weights against the interpreter, and against the statements' cases."""

import itertools

import pytest

import seme
from seme.compiler.check import adversarial, check, samples
from seme.compiler.pipeline import close
from seme.lang.interpreter import evaluate
from tests.rasp.programs import PROGRAMS

HEAVY = {"sum": "64 million parameters: an opaque product of a mean and a count", "add_written_out": "217 million"}
"""Opaque Python functions of wide tuples become wide tables; these take seconds each."""

PROVED = {"sum": 9}
"""Where float32 proves less than the entry's own length: a product of a mean and a count has little room."""


def cases():
    for entry in PROGRAMS:
        marks = [pytest.mark.slow] if entry.name in HEAVY else []
        yield pytest.param(entry, id=entry.name, marks=marks)


@pytest.mark.parametrize("entry", list(cases()))
def test_weights_agree_with_the_interpreter_and_the_statement(entry):
    longest = PROVED.get(entry.name, entry.max_length)
    expression = entry.build(longest)
    closed = close(expression, vocab=entry.vocab, max_length=longest, causal=entry.causal, name=entry.name)
    model = seme.compile(closed)
    inputs = itertools.chain(
        itertools.islice(adversarial(closed.vocab, closed.max_length), 0, None, 3),
        samples(closed.vocab, closed.max_length, 40, seed=2),
    )
    accepted = (xs for xs in inputs if entry.accepts(xs))
    report = check(model, lambda xs: evaluate(closed, xs), accepted)
    assert report.wrong == 0, report.first_divergence
    for xs, expected in entry.cases:
        got = model(xs)
        assert all(b is None or a == b or abs(a - b) < 1e-6 for a, b in zip(got, expected, strict=True)), (xs, got)
