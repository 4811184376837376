"""Boolean functions by covers: right, minimal where that is known, and taken only where they are cheaper."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seme.compiler import compile
from seme.compiler.logic import Cover, cover, table_neurons
from seme.compiler.lower import lower
from seme.compiler.passes import fold, prune, share_embeddings
from seme.ir import Neurons
from seme.lang import Program, Sequence, aggregate, interpret, map, positions, program, select, tokens


@st.composite
def truths(draw: st.DrawFn) -> np.ndarray:
    k = draw(st.integers(3, 5))
    table = draw(st.lists(st.booleans(), min_size=2**k, max_size=2**k).filter(lambda bits: len(set(bits)) == 2))
    return np.array(table).reshape([2] * k)


def _holds(found: Cover, case: tuple[int, ...]) -> tuple[bool, int]:
    hits = sum(all(c in (-1, x) for c, x in zip(cube, case, strict=True)) for cube in found.cubes)
    return (hits > 0) != found.complement, hits


@settings(max_examples=100)
@given(truth=truths())
def test_a_cover_is_the_function(truth: np.ndarray) -> None:
    found = cover(truth)
    for case in itertools.product((0, 1), repeat=truth.ndim):
        value, hits = _holds(found, case)
        assert value == truth[case]
        assert hits <= 1 or not found.disjoint


def _truth(function: Callable[..., Any], k: int) -> np.ndarray:
    return np.array([bool(function(*c)) for c in itertools.product((0, 1), repeat=k)]).reshape([2] * k)


def _multiplexer(a: int, b: int, *data: int) -> bool:
    return bool(data[2 * a + b])


@pytest.mark.parametrize(
    ("function", "arguments", "neurons"),
    [
        (lambda *xs: all(xs), 5, 1),
        (lambda *xs: any(xs), 5, 1),
        (_multiplexer, 6, 4),
        (lambda *xs: sum(xs) >= 3, 5, 11),
        (lambda *xs: sum(xs) % 2, 4, 8),
        (lambda a, b, c, d: (a or b) and (c or d), 4, 3),
    ],
)
def test_a_cover_is_as_small_as_it_can_be(function: Callable[..., Any], arguments: int, neurons: int) -> None:
    assert cover(_truth(function, arguments)).neurons == neurons


def test_a_table_is_counted_as_it_is_built() -> None:
    points = np.arange(6.0)
    assert table_neurons(points, points >= 3, robust=0) == 2
    assert table_neurons(points, points % 2 == 0, robust=0) == 4
    assert table_neurons(points, points % 2 == 0, robust=1) == 10


def _window(function: Callable[..., Any], arguments: int) -> Program:
    """The function of the latest bits, oldest last; 0 stands before the first."""
    return program(map(function, *_bits(arguments)), vocab=(0, 1), max_length=9, causal=True)


def _bits(many: int) -> list[Sequence]:
    return [aggregate(select(positions, positions - j, "=="), tokens, default=0) for j in range(many)]


def _hidden(closed: Program) -> int:
    graph = fold(share_embeddings(prune(lower(closed).graph)))
    return sum(len(n.hidden) for n in graph.nodes if isinstance(n, Neurons))


def _neurons(closed: Program, arguments: int) -> int:
    """Neurons of the function alone, without those that find the bits."""
    bits = {f"bit{j}": bit for j, bit in enumerate(_bits(arguments))}
    return _hidden(closed) - _hidden(program(bits, vocab=(0, 1), max_length=9, causal=True))


@pytest.mark.parametrize(
    ("function", "arguments", "neurons"),
    [
        (_multiplexer, 6, 4),
        (lambda *xs: sum(xs) >= 3, 5, 2),
        (lambda *xs: sum(xs) % 2, 6, 5),
        (lambda a, b, c, d: bool(a or b) and bool(c or d), 4, 3),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_cheaper_of_table_and_cover_is_taken_and_right(
    function: Callable[..., Any], arguments: int, neurons: int, dtype: str
) -> None:
    closed = _window(function, arguments)
    assert _neurons(closed, arguments) == neurons
    inputs = [list(xs) for xs in itertools.product((0, 1), repeat=9)]
    for activation in ("relu", "gelu"):
        model = compile(closed, dtype=dtype, activation=activation)
        assert model.batch(inputs) == [interpret(closed, xs) for xs in inputs]


@pytest.mark.parametrize("seed", range(4))
def test_random_functions_of_six_bits_come_out_right(seed: int) -> None:
    truth = np.random.default_rng(seed).integers(0, 2, [2] * 6)
    closed = _window(lambda *xs: int(truth[xs]), 6)
    inputs = [list(xs) for xs in itertools.product((0, 1), repeat=8)]
    assert compile(closed).batch(inputs) == [interpret(closed, xs) for xs in inputs]
    assert _neurons(closed, 6) <= 16
