"""Formulas over semes: one neuron each where the docs say so, and right in every case."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seme import hand
from seme.compiler.passes import fold, prune, share_embeddings
from seme.hand import Formula
from seme.ir import Neurons

VOCAB = tuple(range(16))
"""A token is its four bits."""

Stated = tuple[Callable[[hand.Space], Formula], Callable[[int], bool]]


def _bit(k: int) -> Stated:
    return (lambda bits: bits[f"b{k}"]), (lambda x: bool(x >> k & 1))


def _not(one: Stated) -> Stated:
    return (lambda bits: ~one[0](bits)), (lambda x: not one[1](x))


def _and(a: Stated, b: Stated) -> Stated:
    return (lambda bits: a[0](bits) & b[0](bits)), (lambda x: a[1](x) and b[1](x))


def _or(a: Stated, b: Stated) -> Stated:
    return (lambda bits: a[0](bits) | b[0](bits)), (lambda x: a[1](x) or b[1](x))


STATED = st.recursive(
    st.integers(0, 3).map(_bit),
    lambda inner: st.one_of(
        st.builds(_not, inner), st.builds(_and, inner, inner), st.builds(_or, inner, inner)
    ),
    max_leaves=9,
)  # fmt: skip


def _model() -> tuple[hand.Model, hand.Space]:
    model = hand.Model(vocab=VOCAB, max_length=4)
    return model, model.tokens("bits", {f"b{k}": [x for x in VOCAB if x >> k & 1] for k in range(4)})


def _hidden(model: hand.Model) -> int:
    graph = fold(share_embeddings(prune(model.graph())))
    return sum(len(node.hidden) for node in graph.nodes if isinstance(node, Neurons))


@settings(max_examples=60)
@given(stated=STATED)
def test_a_formula_means_what_the_same_python_means(stated: Stated) -> None:
    model, bits = _model()
    model.output("output", {True: model.neuron("formula", stated[0](bits))}, otherwise=False)
    wanted = [stated[1](x) for x in VOCAB]
    assert [model.ideal([x])[0] for x in VOCAB] == wanted
    inputs = [[x, 0, 15 - x, x] for x in VOCAB]
    assert model.compile(activation="gelu").batch(inputs) == [[stated[1](x) for x in xs] for xs in inputs]


@pytest.mark.parametrize(
    ("write", "neurons"),
    [
        (lambda a, b, c, d: a, 1),
        (lambda a, b, c, d: ~a, 1),
        (lambda a, b, c, d: a & b & c & d, 1),
        (lambda a, b, c, d: a & ~b & c & ~d, 1),
        (lambda a, b, c, d: a | b | c | d, 1),
        (lambda a, b, c, d: ~a | b | ~c | d, 1),
        (lambda a, b, c, d: ~(a | ~(b & c)) & d, 1),
        (lambda a, b, c, d: (a & b) | (c & d), 3),
        (lambda a, b, c, d: (a & b) | c | d, 2),
        (lambda a, b, c, d: a & a & a, 1),
    ],
)
def test_a_conjunction_or_disjunction_is_one_neuron(write: Callable[..., Formula], neurons: int) -> None:
    model, bits = _model()
    model.output("output", {True: model.neuron("formula", write(*bits))}, otherwise=False)
    assert _hidden(model) == neurons


@pytest.mark.parametrize(
    ("write", "holds"),
    [
        (lambda share: share > 0, lambda n, of: n > 0),
        (lambda share: share >= 1, lambda n, of: n == of),
        (lambda share: share < 1 / 3, lambda n, of: 3 * n < of),
        (lambda share: share <= 1 / 3, lambda n, of: 3 * n <= of),
        (lambda share: (share > 1 / 4) & ~(share > 3 / 4), lambda n, of: of < 4 * n <= 3 * of),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_share_is_compared_exactly(
    write: Callable[[hand.Seme], Formula], holds: Callable[[int, int], bool], dtype: str
) -> None:
    model = hand.Model(vocab="ab", max_length=9)
    letter = model.tokens("letter", {"a": "a"})
    share = model.head("share", query=model.position, key=model.position, where=lambda k, q: True, value=letter)
    model.output("output", {True: write(share["a"])}, otherwise=False)
    inputs = [list(xs) for n in range(10) for xs in itertools.combinations_with_replacement("ab", n)]
    wanted = [[holds(xs.count("a"), len(xs))] * len(xs) for xs in inputs]
    assert model.compile(dtype=dtype).batch(inputs) == wanted
    assert [model.ideal(xs) for xs in inputs] == wanted


@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_the_first_label_that_holds_is_the_answer(activation: Any) -> None:
    model, bits = _model()
    model.output("output", {"low": bits["b0"], "both": bits["b0"] & bits["b1"], "high": bits["b1"]}, otherwise="none")
    assert model.compile(activation=activation).batch([[0, 1, 2, 3]]) == [["none", "low", "high", "low"]]


def test_numbers_and_spaces_are_outputs_too() -> None:
    model = hand.Model(vocab="abc", max_length=4)
    worth = model.tokens("worth", {"cents": {"a": 1, "b": 5, "c": -2}, "grams": {"a": 0.25}})
    kind = model.tokens("kind", {"vowel": "a", "other": "bc"})
    mean = model.head("mean", query=model.token, key=model.token, value=kind)
    model.output("cents", worth["cents"])
    model.output("grams", worth["grams"])
    model.output("kind", kind)
    model.output("mean", mean["vowel"])
    got = model.compile()("abca")
    assert got == {
        "cents": [1, 5, -2, 1],
        "grams": [0.25, 0.0, 0.0, 0.25],
        "kind": ["vowel", "other", "other", "vowel"],
        "mean": [1, 0, 0, 1],
    }
    assert model.ideal("abca") == got


def test_a_head_without_rule_finds_what_is_alike() -> None:
    model = hand.Model(vocab="ab", max_length=6, causal=True)
    parity = model.positions("parity", {"even": lambda i: i % 2 == 0, "odd": lambda i: i % 2 == 1})
    letter = model.tokens("letter", {"a": "a"})
    alike = model.head("alike", query=parity, key=parity, value=letter)
    model.output("output", {"some": alike["a"] > 0}, otherwise="none")
    assert model.compile()("bbabab") == ["none", "none", "some", "none", "some", "none"]


def test_what_a_head_brings_where_it_finds_nothing_can_be_named() -> None:
    model = hand.Model(vocab="ab", max_length=6)
    letter = model.tokens("letter", {"a": "a", "b": "b"})
    before = model.head(
        "before", query=model.position, key=model.position, where=lambda k, q: k == q - 1, value=letter, nothing="b"
    )
    model.output("output", before)
    assert model.compile()("aab") == ["b", "a", "a"]
    again = model.head("again", query=before, key=letter, where=lambda k, q: k == q, value=letter["a"])
    model.output("again", again["a"])
    assert model.compile()("aab")["again"] == [0, 1, 1]
