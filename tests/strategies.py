"""Hypothesis strategies, in one place: inputs of a program, and programs themselves."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from seme.lang import Program


@st.composite
def inputs(draw: st.DrawFn, program: Program, *, min_size: int = 0) -> list[Any]:
    """Inputs of a program: tokens from its vocabulary, or from a small part of it, so that repeats are common."""
    vocab = list(program.vocab)
    few = draw(st.sets(st.sampled_from(vocab), min_size=1, max_size=min(3, len(vocab))))
    pool = draw(st.sampled_from([vocab, sorted(few, key=vocab.index)]))
    return draw(st.lists(st.sampled_from(pool), min_size=min_size, max_size=program.max_length))
