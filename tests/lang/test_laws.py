"""Laws that hold for every program: drawn ones."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import inputs, labels, numbers, programs, selectors

from seme.lang import aggregate, constant, count, interpret, length, program, where

VOCAB = ("a", "b", "c")


@given(data=st.data(), drawn=programs())
def test_every_output_has_one_plain_value_per_token(data: st.DataObject, drawn) -> None:
    xs = data.draw(inputs(drawn))
    for values in interpret(drawn, xs).values():
        assert len(values) == len(xs)
        assert all(v is None or isinstance(v, (str, int, Fraction)) for v in values)


@given(data=st.data(), drawn=programs())
def test_a_causal_program_says_of_a_prefix_what_it_says_of_the_whole(data: st.DataObject, drawn) -> None:
    causal = program(drawn.outputs, vocab=drawn.vocab, max_length=drawn.max_length, causal=True)
    xs = data.draw(inputs(causal))
    whole = interpret(causal, xs)["output"]
    assert all(interpret(causal, xs[:k])["output"] == whole[:k] for k in range(len(xs)))


@given(data=st.data(), causal=st.booleans())
def test_selectors_obey_the_laws_of_sets(data: st.DataObject, causal: bool) -> None:
    s, t = data.draw(selectors(VOCAB, 1)), data.draw(selectors(VOCAB, 1))
    counts = {
        "s": count(s), "t": count(t), "and": count(s & t), "or": count(s | t), "not": count(~s), "n": length,
        "morgan": count(~(~s & ~t)), "none": count(s & ~s), "all": count(s | ~s),
    }  # fmt: skip
    made = program(counts, vocab=VOCAB, max_length=5, causal=causal)
    got = interpret(made, data.draw(inputs(made)))
    for s_, t_, both, either, rest, n, morgan, none, everything in zip(*got.values(), strict=True):
        assert both + either == s_ + t_
        assert s_ + rest == n == everything
        assert morgan == either
        assert none == 0


@given(data=st.data())
def test_a_mean_times_a_count_is_the_sum_and_ties_lie_among_the_selected(data: st.DataObject) -> None:
    s, v = data.draw(selectors(VOCAB, 2)), data.draw(numbers(VOCAB, 2))
    asked = {"mean": aggregate(s, v, default=0), "count": count(s), "ones": aggregate(s, constant(1), default=0)}
    asked |= {tie: aggregate(s, v, tie=tie) for tie in ("first", "last", "lowest")}
    made = program(asked, vocab=VOCAB, max_length=5)
    got = interpret(made, data.draw(inputs(made)))
    for mean, n, ones, first, last, lowest in zip(*got.values(), strict=True):
        assert ones == (n > 0)
        assert (mean * n).denominator == 1
        assert (first is None) == (last is None) == (lowest is None) == (n == 0)
        if n:
            assert lowest <= mean
            assert lowest <= min(first, last)
        if n == 1:
            assert mean == first == last == lowest


@given(data=st.data())
def test_the_default_stands_exactly_where_the_count_is_zero(data: st.DataObject) -> None:
    s, v = data.draw(selectors(VOCAB, 2)), data.draw(labels(VOCAB, 1))
    kept = where(count(s) == 0, "default", aggregate(s, v, tie="last"))
    made = program(a=aggregate(s, v, tie="last", default="default"), b=kept, vocab=VOCAB, max_length=5)
    got = interpret(made, data.draw(inputs(made)))
    assert got["a"] == got["b"]
