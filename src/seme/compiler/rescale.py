"""Values stored times a power of two, so that sums of whole numbers stay small enough to be exact.

Behind a layer norm that rounds (`sums.py`) each value stands beside an offset C, and reading it with weight w adds
w * C to a sum. Stored times s, it is read with w / s: a bit that is read with large weights is stored large, so that
C weighs less; a large number is stored small, since C must exceed what all of the stream adds up to.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from seme.compiler.sums import Norms
from seme.core.numerics import FloatType
from seme.ir import Attend, Embed, Form, Graph, Neurons, Node, Unembed, verify

SMALL = 1.0
"""Numbers are stored no larger than this, unless their weights ask for it."""

MOST_DOUBLED = 400
"""How often values are doubled before it is given up."""


def sizes(norms: Norms, float_type: FloatType, aim: float) -> np.ndarray:
    """[seme] the powers of two by which values are to be stored.

    In every sum that is too large that value is doubled which lessens it most for what it adds to the stream: with s
    doubled, by w * C / (2 s) for s * f.

    Args:
        norms: The norms of the graph.
        float_type: The arithmetic.
        aim: The power of two below the offset that values are to be stored for.
    """
    sums, reach = norms.all_sums, np.maximum(norms.reach, 2.0**-40)
    room = sums.unit / float_type.sum_unit
    size = abs(sums.weights)
    out = 2.0 ** np.minimum(np.ceil(np.log2(SMALL / reach)), 0.0)
    finest = 2 * float_type.unit * aim / np.minimum(np.where(norms.unit > 0, norms.unit, 1.0), 2.0**40)
    out = np.maximum(out, 2.0 ** np.ceil(np.log2(finest)))
    for _ in range(MOST_DOUBLED):
        stored = reach * out
        offsets = np.full(norms.count, aim + 2.0 ** np.ceil(np.log2(1.001 * stored.max())))
        now = replace(sums, weights=sums.weights.multiply(1 / out[None]).tocsr())
        more = np.zeros(len(out), dtype=bool)
        for row in np.flatnonzero(now.largest(offsets, stored) >= room).tolist():
            own = slice(size.indptr[row], size.indptr[row + 1])
            seme = size.indices[own]
            gain = size.data[own] / (out[seme] ** 2 * reach[seme])
            gain[2 * stored[seme] > aim / 4] = 0.0
            if gain.any():
                more[seme[np.argmax(gain)]] = True
        if not more.any():
            break
        out = np.where(more, 2 * out, out)
    return out


def rescaled(graph: Graph, norms: Norms, by: np.ndarray) -> Graph:
    """The same graph with values stored times powers of two, [seme] as in `norms`; the first is `Layout.begin_size`."""
    of = {name: by[norms.part(name)] for name in norms.first}
    return verify(replace(graph, nodes=tuple(_node(node, of) for node in graph.nodes)))


def _node(node: Node, of: dict[str, np.ndarray]) -> Node:
    own = of.get(node.name)
    match node:
        case Embed():
            assert own is not None
            slope = None if node.slope is None else node.slope * own
            return replace(node, lo=node.lo * own, hi=node.hi * own, table=node.table * own, slope=slope)
        case Attend():
            assert own is not None
            return replace(
                node,
                lo=node.lo * own,
                hi=node.hi * own,
                query=_read(node.query, of),
                key=_read(node.key, of),
                value=_read(node.value, of) @ np.diag(own),
                begin_value=node.begin_value * own,
            )
        case Neurons():
            assert own is not None
            return replace(node, lo=node.lo * own, hi=node.hi * own, read=_read(node.read, of), write=node.write * own)
        case Unembed():
            return replace(node, form=_read(node.form, of))
        case _:
            return node


def _read(form: Form, of: dict[str, np.ndarray]) -> Form:
    return Form(terms=tuple((name, matrix / of[name][:, None]) for name, matrix in form.terms), bias=form.bias)
