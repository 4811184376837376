"""The example models by hand against plain Python written from their statements, over every short input."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from examples import by_hand

import seme
from seme import hand
from seme.compiler.check import adversarial
from seme.ir import dump, parse
from tests.ir.same import same


def _flat_brackets(xs: list[Any]) -> list[str]:
    return ["yes" if "".join(xs) == "()" * (len(xs) // 2) else "no"] * len(xs)


def _edges(xs: list[Any]) -> list[bool]:
    return [i > 0 and xs[i] != xs[i - 1] for i in range(len(xs))]


def _lonely(xs: list[Any]) -> dict[str, list[Any]]:
    found = [
        0 < i < len(xs) - 1 and xs.count(x) == 1 and xs[i - 1] == xs[i + 1] for i, x in enumerate(xs)
    ]  # fmt: skip
    return {"lonely": ["yes" if f else "no" for f in found], "total": [sum(found)] * len(xs)}


Example = tuple[hand.Model, Callable[[list[Any]], Any], tuple[Any, ...], int]

EXAMPLES: dict[str, Example] = {
    "flat_brackets": (by_hand.flat_brackets, _flat_brackets, ("(", ")"), 9),
    "edges": (by_hand.edges, _edges, (0, 1), 9),
    "lonely": (by_hand.lonely, _lonely, ("a", "b", "c"), 6),
}
"""Name -> the model, what it should answer, its vocabulary, and the length up to which every input is tried."""


def _inputs(vocab: tuple[Any, ...], exhaustive: int, longest: int) -> list[list[Any]]:
    short = [list(xs) for n in range(exhaustive + 1) for xs in itertools.product(vocab, repeat=n)]
    return [*short, *adversarial(vocab, longest)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_weights_answer_as_the_statement_says(
    name: str, activation: Literal["relu", "gelu"], dtype: str, tmp_path: Path
) -> None:
    model, oracle, vocab, exhaustive = EXAMPLES[name]
    weights = model.compile(dtype=dtype, activation=activation)
    inputs = _inputs(vocab, exhaustive, weights.artifact.spec.n_positions - 1)
    wanted = [oracle(xs) for xs in inputs]
    assert weights.batch(inputs) == wanted
    weights.save(tmp_path / name)
    loaded = seme.load(tmp_path / name)
    assert loaded.batch(inputs) == wanted
    assert same(parse(loaded.artifact.graph), parse(weights.artifact.graph))


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_graph_answers_as_the_statement_says(name: str) -> None:
    model, oracle, vocab, _ = EXAMPLES[name]
    for xs in _inputs(vocab, 4, 12):
        assert model.ideal(xs) == oracle(xs)
    assert same(parse(dump(model.graph())), model.graph())


@pytest.mark.parametrize("name", EXAMPLES)
def test_permuted_weights_are_caught(name: str) -> None:
    model, oracle, vocab, exhaustive = EXAMPLES[name]
    weights = model.compile()
    embedding = weights.artifact.weights["pos_embed.W_pos"]
    embedding[1:] = embedding[1:].roll(1, 0)
    inputs = _inputs(vocab, min(exhaustive, 5), 10)
    assert weights.batch(inputs) != [oracle(xs) for xs in inputs]


def test_what_was_named_by_hand_is_named_in_the_weights() -> None:
    meaning = by_hand.flat_brackets.compile().artifact.meaning
    assert {"+bracket.open", "-before.close", "+wrong.never closed"} <= set(meaning["directions"])
    bank = next(b for b in meaning["neurons"] if "wrong:never opened" in b["names"])
    assert (bank["count"], sorted(bank["reads"])) == (2, ["after", "before", "bracket"])
    assert "by_hand.py:" in bank["note"]
    hidden = next(b for b in by_hand.edges.compile().artifact.meaning["neurons"] if "differ:x1" in b["names"])
    assert hidden["names"] == ["differ:x1", "differ:x2"]
