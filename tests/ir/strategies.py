"""Hypothesis strategies for spaces, forms and whole graphs, with names and numbers as odd as they can be."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from seme.ir import Affine, Attend, Embed, Form, Graph, Neurons, Node, Space, Unembed

NAMES = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["none", "identity", "from", "x1..x3", "x1", "a=1", "='b'", '"', "0", "1*2", "two words", "\n", "é"]
    ),
)

FLOATS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 5e-324, 1e308, 1 / 3]),
)

POSITIVE = st.floats(min_value=1e-6, max_value=1e6)


def arrays(*shape: int) -> st.SearchStrategy[np.ndarray]:
    """Matrices and vectors that are mostly zero, mostly not, or the identity."""
    size = int(np.prod(shape))
    few = st.lists(st.one_of(st.just(0.0), st.just(0.0), FLOATS), min_size=size, max_size=size)
    many = st.lists(FLOATS, min_size=size, max_size=size)
    drawn = st.one_of(few, many).map(lambda xs: np.array(xs, dtype=np.float64).reshape(shape))
    square = len(shape) == 2 and shape[0] == shape[1]
    return st.one_of(drawn, st.just(np.eye(shape[0]))) if square else drawn


@st.composite
def spaces(draw: st.DrawFn, taken: list[Node]) -> Space:
    """A space under a name that no node has yet."""
    names = {node.name for node in taken}
    anonymous = draw(st.integers(0, 4).map(lambda n: tuple(f"x{i + 1}" for i in range(n))))
    semes = draw(st.one_of(st.just(anonymous), st.lists(NAMES, unique=True, max_size=4).map(tuple)))
    return Space(name=draw(NAMES.filter(lambda name: name not in names)), semes=semes)


@st.composite
def forms(draw: st.DrawFn, before: list[Node], width: int) -> Form:
    """A form over some of the nodes before."""
    readable = [node for node in before if not isinstance(node, Unembed)]
    read = draw(st.lists(st.sampled_from(readable), unique=True, max_size=3)) if readable else []
    terms = tuple((node.name, draw(arrays(node.space.size, width))) for node in read)
    return Form(terms=terms, bias=draw(arrays(width)))


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """A graph that the verifier accepts: right in form, without being a program that means anything."""
    vocab_size, max_length = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    nodes: list[Node] = []
    for _ in range(draw(st.integers(0, 5))):
        kind = draw(st.sampled_from([_embed(vocab_size, max_length), _affine, _neurons, _attend, _unembed]))
        nodes.append(draw(kind(nodes)))
    nodes.append(draw(_unembed(nodes)))
    return Graph(nodes=tuple(nodes), vocab_size=vocab_size, max_length=max_length, causal=draw(st.booleans()))


@st.composite
def _common(draw: st.DrawFn, before: list[Node]) -> dict[str, object]:
    space = draw(spaces(before))
    a, b = draw(arrays(space.size)), draw(arrays(space.size))
    return {"space": space, "lo": np.minimum(a, b), "hi": np.maximum(a, b), "note": draw(NAMES)}


def _embed(vocab_size: int, max_length: int):
    @st.composite
    def one(draw: st.DrawFn, before: list[Node]) -> Embed:
        common = draw(_common(before))
        source = draw(st.sampled_from(["token", "position"]))
        rows = vocab_size if source == "token" else max_length
        return Embed(**common, source=source, table=draw(arrays(rows, common["space"].size)))

    return one


@st.composite
def _affine(draw: st.DrawFn, before: list[Node]) -> Affine:
    common = draw(_common(before))
    return Affine(**common, form=draw(forms(before, common["space"].size)))


@st.composite
def _neurons(draw: st.DrawFn, before: list[Node]) -> Neurons:
    common = draw(_common(before))
    hidden = tuple(draw(st.lists(NAMES, max_size=4)))
    read = draw(forms(before, draw(st.integers(1, 3))))
    return Neurons(
        **common,
        read=read,
        slopes=draw(arrays(read.width, len(hidden))),
        offsets=draw(arrays(len(hidden))),
        write=draw(arrays(len(hidden), common["space"].size)),
        hidden=hidden,
        points=draw(st.one_of(st.none(), arrays(3))),
        quantum=draw(POSITIVE),
        approximation=draw(POSITIVE),
        exclusive=draw(st.booleans()),
    )


@st.composite
def _attend(draw: st.DrawFn, before: list[Node]) -> Attend:
    common = draw(_common(before))
    widths = draw(st.lists(st.integers(1, 2), min_size=1, max_size=2))
    factors = tuple((draw(arrays(draw(st.integers(1, 3)), w)), draw(arrays(2, w))) for w in widths)
    return Attend(
        **common,
        query=draw(forms(before, sum(widths))),
        key=draw(forms(before, sum(widths))),
        value=draw(forms(before, common["space"].size)),
        begin_score=draw(FLOATS),
        begin_value=draw(arrays(common["space"].size)),
        weight=draw(st.one_of(st.none(), forms(before, 1))),
        weight_floor=draw(FLOATS),
        gap=draw(POSITIVE),
        pattern=draw(st.sampled_from(["match", "ranked", "nearest"])),
        predicate=draw(NAMES),
        factors=factors,
        single=draw(st.booleans()),
    )


@st.composite
def _unembed(draw: st.DrawFn, before: list[Node]) -> Unembed:
    common = draw(_common(before))
    size = common["space"].size
    return Unembed(
        **common,
        kind=draw(st.sampled_from(["category", "number"])),
        form=draw(forms(before, size)),
        labels=tuple(draw(st.lists(NAMES, min_size=size, max_size=size))),
        margin=draw(POSITIVE),
        nearest=draw(st.one_of(st.none(), forms(before, 1))),
    )
