"""The certificate of a trace model in which every sum is one of whole numbers.

A sum of whole numbers is exact, and the same in any order, as long as no part of it reaches 2^24 (float32) or 2^53
(float64). Nothing is bounded here, since nothing is ever off: a sum stays small enough, or it is a margin that fails.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from seme.compiler.layout import Layout
from seme.compiler.margins import Certificate, Margin
from seme.compiler.schedule import Schedule
from seme.compiler.sums import Norms, before_activation, form_units, lowest_bit
from seme.core.numerics import FloatType
from seme.ir import Attend, Graph, Neurons

MOST_SILENT = 1024.0
"""By how much the scaled score of the key that is found leads: e to the minus that is zero in float32 and float64."""

RECENT_GAP = 0.25
"""What the begin token's score is above any key that does not agree, and below any that does; see
`trace_lower.RISE`."""


def certify_exact(
    graph: Graph,
    placed: Schedule,
    plan: Layout,
    float_type: FloatType,
    *,
    offsets: tuple[float, ...] | None = None,
) -> Certificate:
    """Proves that every sum of a trace model with relu neurons is one of whole numbers.

    Args:
        graph: The folded graph, its nodes in the order of the blocks.
        placed: Which block computes what.
        plan: Where everything stands.
        float_type: The arithmetic.
        offsets: What norms add, where it is fixed already; chosen here when None.
    """
    norms = Norms(graph, placed, plan)
    added = norms.offsets(norms.reach, float_type) if offsets is None else np.array(offsets)
    margins = [*_rounding(norms, added, float_type), *_reading(norms, added, float_type)]
    scales: dict[str, float] = {}
    for node in graph.nodes:
        if isinstance(node, Attend):
            scales[node.name] = 2.0 ** math.ceil(math.log2(MOST_SILENT / min(node.gap, RECENT_GAP)))
            margins += _scoring(node, norms, plan, scales[node.name], float_type)
        elif isinstance(node, Neurons):
            margins.append(_writing(node, norms, float_type))
    return Certificate(
        dtype=float_type.name,
        length=graph.max_length,
        margins=tuple(sorted(margins, key=lambda m: -m.used)),
        errors={},
        scales=scales,
        gains={node.name: np.ones(len(node.hidden)) for node in graph.nodes if isinstance(node, Neurons)},
        noise={},
        offsets=tuple(added.tolist()),
    )


def _rounding(norms: Norms, offsets: np.ndarray, float_type: FloatType) -> Iterator[Margin]:
    """Whether each norm rounds to what its values are whole multiples of, and noise is less than half of that."""
    binade = 2.0 ** np.floor(np.log2(offsets))
    apart = 2 * float_type.unit * binade
    noise, sizes = norms.noise(norms.reach, float_type), norms.sizes(norms.reach)
    for time in range(norms.count):
        name = f"norm {time}"
        yield Margin(node=name, what="what a norm rounds away", have=float(noise[time]), need=float(apart[time] / 2))
        most = float(norms.reach[norms.standing[time]].max() + noise[time])
        room = min(offsets[time] - binade[time], 2 * binade[time] - offsets[time])
        yield Margin(node=name, what="values beside the offset of a norm", have=most, need=float(room))
        grain = float(lowest_bit(offsets[time : time + 1])[0])
        yield Margin(node=name, what="digits that the offset of a norm lacks", have=float(apart[time] / 2), need=grain)
        read = norms.standing[time] & (norms.unit < apart[time])
        sums = norms.all_sums
        coarse = sums.weights[sums.time == time][:, read].nnz
        yield Margin(node=name, what="values that a norm rounds too coarsely", have=float(coarse), need=1.0)
        # Half a unit of epsilon, so that their sum is epsilon.
        least = float_type.unit * float_type.norm_gain**2
        yield Margin(node=name, what="variance beside epsilon", have=float(2 * sizes[time]) ** 2, need=least)


def _reading(norms: Norms, offsets: np.ndarray, float_type: FloatType) -> Iterator[Margin]:
    sums = norms.all_sums
    most = sums.largest(offsets, norms.reach) * float_type.sum_unit
    worst: dict[str, tuple[float, float]] = {}
    for name, have, need in zip(sums.nodes, most.tolist(), sums.units(offsets).tolist(), strict=True):
        if name not in worst or have * worst[name][1] > need * worst[name][0]:
            worst[name] = (have, need)
    for name, (have, need) in worst.items():
        yield Margin(node=name, what="largest part of a sum, in the last digit kept", have=have, need=need)


def _scoring(node: Attend, norms: Norms, plan: Layout, scale: float, float_type: FloatType) -> Iterator[Margin]:
    """Scores are whole numbers too, and one key leads all others by so much that they weigh exactly nothing."""
    unit = form_units(node.query, norms.units) * form_units(node.key, norms.units)
    least = min(float(unit.min()), float(lowest_bit(np.array([node.begin_score]))[0]))
    most = max(sum(float((np.abs(q) @ np.abs(k).T).max()) for q, k in node.factors), abs(node.begin_score))
    what = "largest part of a score, in the last digit kept"
    yield Margin(node=node.name, what=what, have=most * float_type.sum_unit, need=least)
    largest = scale * most * math.sqrt(plan.d_head)
    yield Margin(node=node.name, what="largest score", have=largest, need=float_type.largest / 2)
    lead = scale * min(node.gap, RECENT_GAP)
    yield Margin(node=node.name, what="lead that silences all other keys", have=float_type.silence, need=lead)
    # The root of d_head is a power of two, which rounds nothing.
    odd = math.log2(plan.d_head) % 2 + (node.pattern != "recent")
    yield Margin(node=node.name, what="heads whose scores are no whole numbers", have=odd, need=1.0)


def _writing(node: Neurons, norms: Norms, float_type: FloatType) -> Margin:
    """What neurons write adds up exactly, together with what stood there before and is erased."""
    pre = before_activation(node)
    if node.points is not None and node.read.width == 1:  # largest at the ends, since it is convex
        most = np.maximum(node.points[:, None] * node.slopes[0] + node.offsets, 0.0) @ np.abs(node.write)
        most = most.max(axis=0)
    else:
        top = np.abs(pre.bias)
        for name, matrix in pre.terms:
            top = top + norms.reach[norms.part(name)] @ np.abs(matrix)
        most = top @ np.abs(node.write)
    written = norms.units[node.name]
    share = (most + 2 * float(norms.reach.max())) * float_type.sum_unit
    at = int(np.argmax(share / np.maximum(written, 1e-300)))
    what = "largest part of what is written, in the last digit kept"
    return Margin(node=node.name, what=what, have=float(share[at]), need=float(written[at]))
