"""exp, log, sqrt and 1/x of computed numbers, in whole programs: the stated error is never exceeded."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import seme
from seme.compiler.real import chords
from seme.lang import aggregate, count, exp, interpret, length, log, reciprocal, select, sqrt, tokens
from seme.lang.operators import REAL_FUNCTIONS

SETTINGS = settings(max_examples=25, deadline=None, derandomize=True)
same = select(tokens, tokens, "==")
everything = select(0, 0, "==")
mean = aggregate(everything, tokens)

FORMS = {
    "exp of a mean": lambda **how: exp(mean - 5, **how),
    "log of a count": lambda **how: log(count(same) + 1, **how),
    "square root of a mean": lambda **how: sqrt(mean + 1, **how),
    "reciprocal of a count": lambda **how: reciprocal(count(same) + 1, **how),
    "sum of logs": lambda **how: log(length + 1, **how) - log(count(same) + 1, **how),
    "log of an exp": lambda **how: log(exp(mean - 5, **how) + 1, **how),
    "mean of logs": lambda **how: aggregate(everything, log(count(same) + 1, **how)),
}


def largest_distance(model, program, sequences):
    return max(
        (
            abs(got - want)
            for xs, answer in zip(sequences, model.raw(sequences), strict=True)
            for got, want in zip(answer["output"], interpret(program, xs), strict=True)
        ),
        default=0.0,
    )


@pytest.mark.parametrize("what", FORMS)
@pytest.mark.parametrize("how", [{"error": 0.01}, {"error": 0.1}, {"neurons": 6}], ids=str)
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_the_stated_error_is_never_exceeded(what, how, activation):
    program = seme.program(FORMS[what](**how).numerical(), vocab=range(6), max_length=9)
    model = seme.compile(program, activation=activation)
    rng = random.Random(0)
    sequences = [[rng.randrange(6) for _ in range(rng.randint(1, 9))] for _ in range(60)]
    sequences += [[token] * size for token in range(6) for size in (1, 2, 9)]
    stated = model.artifact.outputs[0].error
    assert 0 < largest_distance(model, program, sequences) <= stated
    if "error" in how:
        assert stated <= 4 * how["error"]  # at most two functions, of which one stretches the other's error


@SETTINGS
@given(
    function=st.sampled_from(sorted(REAL_FUNCTIONS)),
    lo=st.floats(min_value=0.05, max_value=3),
    width=st.floats(min_value=0.1, max_value=20),
    pieces=st.integers(min_value=1, max_value=40),
    at=st.lists(st.floats(min_value=0, max_value=1), min_size=1, max_size=20),
)
def test_chords_are_no_further_away_than_they_say(function, lo, width, pieces, at):
    knots, error = chords(function, lo, lo + width, neurons=pieces)
    f = REAL_FUNCTIONS[function]
    values = [f(float(x)) for x in knots]
    shift = -error if function in ("exp", "reciprocal") else error
    for part in at:
        x = lo + part * width
        i = min(max(sum(knot <= x for knot in knots) - 1, 0), len(knots) - 2)
        line = values[i] + (values[i + 1] - values[i]) * (x - knots[i]) / (knots[i + 1] - knots[i])
        assert abs(line + shift - f(x)) <= error * (1 + 1e-9) + 1e-12 * max(map(abs, values))


@SETTINGS
@given(
    function=st.sampled_from(sorted(REAL_FUNCTIONS)),
    lo=st.floats(min_value=0.2, max_value=3),
    width=st.floats(min_value=0.5, max_value=8),
    error=st.floats(min_value=1e-3, max_value=0.3),
    activation=st.sampled_from(["relu", "gelu"]),
)
def test_a_function_of_a_mean_keeps_its_stated_error(function, lo, width, error, activation):
    vocab = [lo + width * i / 7 for i in range(8)]
    make = {"exp": exp, "log": log, "sqrt": sqrt, "reciprocal": reciprocal}[function]
    program = seme.program(make(mean, error=error).numerical(), vocab=vocab, max_length=4)
    model = seme.compile(program, activation=activation)
    rng = random.Random(1)
    sequences = [[rng.choice(vocab) for _ in range(rng.randint(1, 4))] for _ in range(30)] + [[x] for x in vocab]
    # The oracle's own mean of floats is off by some ulps.
    slack = 1e-14 * max(abs(REAL_FUNCTIONS[function](x)) for x in vocab)
    assert largest_distance(model, program, sequences) <= model.artifact.outputs[0].error + slack


def test_an_asked_error_decides_the_neurons():
    sizes = []
    for error in (0.1, 0.01, 0.001):
        program = seme.program(exp(mean - 5, error=error).numerical(), vocab=range(6), max_length=9)
        model = seme.compile(program)
        assert model.artifact.outputs[0].error <= error
        sizes.append(sum(len(bank["names"]) for bank in model.artifact.meaning["neurons"]))
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def test_a_function_of_a_token_is_a_column_and_spends_nothing():
    model = seme.compile(seme.program(exp(tokens).numerical(), vocab=range(4), max_length=3))
    assert model.artifact.meaning["neurons"] == []
    assert model([0, 3]) == pytest.approx([1.0, math.exp(3)], rel=1e-6)
