"""Hypothesis strategies, in one place: inputs of a program, and programs themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from seme import lang
from seme.lang import Program, Selector, Sequence, positions, tokens

COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
MOST_DEPTH = 3


@st.composite
def inputs(draw: st.DrawFn, program: Program, *, min_size: int = 0) -> list[Any]:
    """Inputs of a program: tokens from its vocabulary, or from a small part of it, so that repeats are common."""
    vocab = list(program.vocab)
    few = draw(st.sets(st.sampled_from(vocab), min_size=1, max_size=min(3, len(vocab))))
    pool = draw(st.sampled_from([vocab, sorted(few, key=vocab.index)]))
    return draw(st.lists(st.sampled_from(pool), min_size=min_size, max_size=program.max_length))


@st.composite
def programs(draw: st.DrawFn, *, max_length: int = 6, depth: int = MOST_DEPTH) -> Program:
    """Small programs in which every map is defined and every category that is fetched comes from one key.

    Args:
        draw: Hypothesis's own.
        max_length: The most tokens a drawn program may take.
        depth: How deeply expressions may be nested.
    """
    vocab: tuple[Any, ...] = draw(st.sampled_from([("a", "b", "c"), (0, 1, 2, 3), ("x", "y")]))
    output = draw(st.one_of(numbers(vocab, depth), truths(vocab, depth), labels(vocab, depth), means(vocab, depth)))
    return lang.program(
        {"output": output, "tokens": tokens},  # the second, so that every program reads its input
        vocab=vocab,
        max_length=draw(st.integers(1, max_length)),
        causal=draw(st.booleans()),
    )


def _choose(draw: st.DrawFn, *ways: Callable[[], Any]) -> Any:
    return draw(st.sampled_from(ways))()


@st.composite
def numbers(draw: st.DrawFn, vocab: tuple[Any, ...], depth: int) -> Sequence:
    """Sequences of small whole numbers, never None."""
    table = dict(zip(vocab, draw(st.lists(st.integers(-3, 3), min_size=len(vocab), max_size=len(vocab))), strict=True))
    leaves = (
        lambda: positions,
        lambda: lang.length,
        lambda: lang.map(table.__getitem__, tokens),
        lambda: lang.constant(draw(st.integers(-2, 3))),
    )
    if depth == 0:
        return _choose(draw, *leaves)

    def below() -> Sequence:
        return draw(numbers(vocab, depth - 1))

    def selector() -> Selector:
        return draw(selectors(vocab, depth - 1))

    def divisor() -> int:
        return draw(st.integers(2, 5))

    def tie() -> Any:
        return draw(st.sampled_from(["first", "last", "lowest"]))

    return _choose(
        draw,
        lambda: _choose(draw, *leaves),
        lambda: below() + below(),
        lambda: below() - below(),
        lambda: draw(st.integers(-2, 2)) * below(),
        lambda: -below(),
        lambda: abs(below()),
        lambda: lang.minimum(below(), below()),
        lambda: lang.maximum(below(), below()),
        lambda: below() % divisor(),
        lambda: below() // divisor(),
        lambda: below() * below(),
        lambda: lang.where(draw(truths(vocab, depth - 1)), below(), below()),
        lambda: lang.count(selector()),
        lambda: lang.aggregate(selector(), below(), tie=tie(), default=draw(st.integers(-1, 1))),
    )


@st.composite
def means(draw: st.DrawFn, vocab: tuple[Any, ...], depth: int) -> Sequence:
    """Sequences of fractions."""
    selector, value = draw(selectors(vocab, depth - 1)), draw(numbers(vocab, max(0, depth - 2)))
    return lang.aggregate(selector, value, default=draw(st.integers(-1, 1)))


@st.composite
def truths(draw: st.DrawFn, vocab: tuple[Any, ...], depth: int) -> Sequence:
    """Sequences of booleans, never None."""

    def token_is() -> Sequence:
        return tokens == draw(st.sampled_from(vocab))

    if depth == 0:
        return token_is()

    def below() -> Sequence:
        return draw(truths(vocab, depth - 1))

    def number() -> Sequence:
        return draw(numbers(vocab, depth - 1))

    return _choose(
        draw,
        token_is,
        lambda: number() < number(),
        lambda: number() == number(),
        lambda: number() >= draw(st.integers(-2, 3)),
        lambda: number() != draw(st.integers(-2, 3)),
        lambda: below() & below(),
        lambda: below() | below(),
        lambda: below() ^ below(),
        lambda: ~below(),
    )


@st.composite
def labels(draw: st.DrawFn, vocab: tuple[Any, ...], depth: int) -> Sequence:
    """Sequences of categories, sometimes None."""
    if depth == 0:
        return tokens

    def below() -> Sequence:
        return draw(labels(vocab, depth - 1))

    def selector() -> Selector:
        return draw(selectors(vocab, depth - 1))

    default = draw(st.sampled_from([None, "none", 0]))
    tie = draw(st.sampled_from(["first", "last"]))
    offset = draw(st.integers(-2, 2))
    return _choose(
        draw,
        lambda: tokens,
        lambda: lang.map(lambda x: f"<{x}>", below()),
        lambda: lang.where(draw(truths(vocab, depth - 1)), below(), draw(st.sampled_from(["other", None]))),
        lambda: lang.aggregate(selector(), below(), tie=tie, default=default),
        lambda: lang.aggregate(lang.select(positions, positions + offset, "=="), below(), default=default),
    )


@st.composite
def selectors(draw: st.DrawFn, vocab: tuple[Any, ...], depth: int) -> Selector:
    """Selectors by comparison or by a Python function, and their combinations."""
    comparison = draw(st.sampled_from(COMPARISONS))
    leaves = (
        lambda: lang.select(tokens, tokens, draw(st.sampled_from(["==", "!="]))),
        lambda: lang.select(tokens, draw(st.sampled_from(vocab)), "=="),
        lambda: lang.select(positions, positions, comparison),
        lambda: lang.select(True, True, "=="),
    )
    if depth <= 0:
        return _choose(draw, *leaves)

    def below() -> Selector:
        return draw(selectors(vocab, depth - 1))

    def number() -> Sequence:
        return draw(numbers(vocab, depth - 1))

    return _choose(
        draw,
        lambda: _choose(draw, *leaves),
        lambda: lang.select(number(), number(), comparison),
        lambda: lang.select(number(), number(), lambda key, query: (key + query) % 2 == 0),
        lambda: lang.select(draw(labels(vocab, depth - 1)), draw(labels(vocab, depth - 1)), "=="),
        lambda: below() & below(),
        lambda: below() | below(),
        lambda: ~below(),
    )
