"""Programs that were once proved and wrong: each must now be right, or refused in words."""

import itertools
from fractions import Fraction

import pytest

import seme
from seme.compiler.check import check, exhaustive
from seme.core.errors import SemeError
from seme.lang import aggregate, count, exp, map, maximum, positions, program, select, shift_left, tokens
from seme.lang.interpreter import evaluate

everything = select(0, 0, "==")
rank = count(select(tokens, tokens, "<") | (select(tokens, tokens, "==") & select(positions, positions, "<")))
same = select(tokens, tokens, "==")

CASES = {
    "large numbers in the stream": (lambda: (tokens + positions).numerical(), (20261120, 20261121), 4, False),
    "ten thousand million": (lambda: (tokens + positions).numerical(), (0, 10**10), 4, False),
    "labels far apart": (lambda: (tokens * 1000 + positions).categorical(), range(10), 3, False),
    "labels of a large sum": (lambda: (tokens + positions).categorical(), (0, 20000), 8, False),
    "a head told by a huge mean": (lambda: aggregate(everything, tokens).categorical(), (0, 2**45), 4, False),
    "positions twice": (
        lambda: aggregate(select(positions, map(lambda i: i, positions) + positions, "=="), tokens, default="q"),
        "ab", 4, False,
    ),
    "positions plus nothing twice": (
        lambda: count(select(positions, (positions + 0) + positions, "==")), "ab", 4, False,
    ),
    "a rank among what each query sees": (lambda: count(select(rank, 0, "==")), "ab", 4, True),
    "a value at a causal rank": (lambda: aggregate(select(rank, 0, "=="), tokens, default=0), (1, 2, 3), 4, True),
    "a third is not a float": (lambda: count(select(tokens / 3, 1 / 3, "==")), (1, 2), 3, False),
    "integers that floats confuse": (lambda: aggregate(same, positions), (2**53, 2**53 + 1), 3, False),
    "floats close together": (lambda: tokens.numerical(), (0.1, 0.1001), 3, False),
    "a product with a constant sum": (lambda: (tokens + positions) * (50 - (tokens + positions)), range(6), 3, False),
    "the lowest of what has no order": (
        lambda: aggregate(everything, map(lambda x: None if x == 1 else x, tokens), tie="lowest"), (0, 1, 2), 3, False,
    ),
    "a comparison with a huge mean": (lambda: aggregate(everything, tokens) > 2**44, (0, 2**45), 3, False),
    "a shift out of range": (lambda: shift_left(tokens, positions * 400), (1, 2), 3, False),
    "texts that look alike": (lambda: tokens, ("1", 1, "'1'"), 2, False),
    "a real function of wide reach": (lambda: exp(aggregate(everything, tokens), neurons=64), (0, 30, 60), 3, False),
    "one over a maximum": (lambda: 12 / maximum(count(same), 1), "ab", 5, False),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_what_was_proved_and_wrong_is_right_or_refused(name, dtype):
    write, vocab, longest, causal = CASES[name]
    try:
        closed = program(write(), vocab=vocab, max_length=longest, causal=causal)
        model = seme.compile(closed, dtype=dtype)
    except SemeError:
        return  # refused in words: nothing was promised
    inputs = itertools.islice(exhaustive(closed.vocab, longest), 2000)
    report = check(model, lambda xs: evaluate(closed, xs), inputs)
    assert report.wrong == 0, report.first_divergence


@pytest.mark.parametrize("longest", [200, 500])
def test_a_long_mean_of_equal_weights_is_charged_for_its_sum(longest):
    """Scores that tie exactly still make a sum of that many rounded terms."""
    closed = program(aggregate(everything, tokens).numerical(), vocab=(0, 1), max_length=longest)
    try:
        model = seme.compile(closed)
    except SemeError:
        return
    bound = model.artifact.outputs[0].error
    for ones in (1, longest // 3, longest - 3):
        xs = [1] * ones + [0] * (longest - ones)
        (got,) = set(model.raw([xs])[0]["output"])
        assert abs(got - float(Fraction(ones, longest))) <= bound


def test_a_difference_of_positions_and_length_is_still_recognised():
    """The control of the position proof: what really is a position is found without a neuron for its bits."""
    from seme.lang import length

    model = seme.compile(aggregate(select(positions, length - 1 - positions, "=="), tokens), vocab="ab", max_length=9)
    assert model.artifact.spec.layers == 2
    assert model("abbb") == list("bbba")
