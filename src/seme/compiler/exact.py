"""Exact arithmetic: where every number of a trace model is a whole number of units, proved for one float type.

A sum of whole numbers is exact, and the same in any order, as long as no part of it reaches 2^24 (float32) or 2^53
(float64). What stands in the stream of a trace model are such numbers; what spoils them is the layer norm before every
part, whose mean of numbers that sum to zero need not be zero to the last bit. Its bias mends that: near a large offset
C neighbouring floats are further apart than the mean is off, so that f - mean + C is rounded to f + C. Whoever reads
takes C off again with its own bias, one more whole number in the same sum.

Nothing is bounded here, since nothing is off: each sum either stays small enough or is a margin that fails.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from seme.compiler.layout import Layout, neurons_at_begin
from seme.compiler.margins import Certificate, Margin
from seme.compiler.schedule import Schedule
from seme.core.numerics import FloatType, sum_error
from seme.ir import Attend, Embed, Form, Graph, Neurons, Node, Unembed, begin_values, form_at


MOST_SILENT = 1024.0
"""By how much the scaled score of the key that is found leads: e to the minus that is zero in float32 and float64."""

RECENT_GAP = 0.25
"""What the begin token's score is above any key that does not agree, and below any that does; see
`trace_lower.RISE`."""


def lowest_bit(values: np.ndarray) -> np.ndarray:
    """The largest power of two that each value is a whole multiple of; infinite for 0.

    >>> lowest_bit(np.array([6.0, 0.75, 0.0])).tolist()
    [2.0, 0.25, inf]
    """
    mantissa, exponent = np.frexp(values)
    whole = np.ldexp(mantissa, 53).astype(np.int64)
    low = np.ldexp((whole & -whole).astype(float), exponent - 53)
    return np.where(values == 0, np.inf, low)


def units(graph: Graph) -> dict[str, np.ndarray]:
    """For every seme of every node a power of two that all its values are whole multiples of; 0 where none is known."""
    out: dict[str, np.ndarray] = {}
    for node in graph.nodes:
        match node:
            case Embed():
                own = lowest_bit(node.table).min(axis=0)
                out[node.name] = own if node.slope is None else np.minimum(own, lowest_bit(node.slope))
            case Attend() if node.pattern == "recent":
                out[node.name] = np.minimum(form_units(node.value, out), lowest_bit(node.begin_value))
            case Neurons():
                pre = form_units(before_activation(node), out)
                scaled = np.where(node.write == 0, np.inf, lowest_bit(node.write) * pre[:, None])
                out[node.name] = scaled.min(axis=0, initial=np.inf)
            case _:
                out[node.name] = np.zeros(node.space.size)
    return out


def form_units(form: Form, of: Mapping[str, np.ndarray]) -> np.ndarray:
    """A power of two that each term of each component of a form is a whole multiple of; 0 where none is known."""
    out = lowest_bit(form.bias)
    for name, matrix in form.terms:
        scaled = np.where(matrix == 0, np.inf, lowest_bit(matrix) * of[name][:, None])
        out = np.minimum(out, scaled.min(axis=0, initial=np.inf))
    return out


def before_activation(node: Neurons) -> Form:
    """What each neuron of a bank reads."""
    return (node.read @ node.slopes).shifted(node.offsets)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sums:
    """Every sum that weights add up behind layer norms, one row each.

    Attributes:
        nodes: Whose it is.
        time: Behind which norm.
        weights: [sum, seme], a scipy csr_array: what it reads of each seme of the stream, the begin seme first.
        bias: [sum].
        unit: [sum] a power of two that every term is a whole multiple of.
    """

    nodes: tuple[str, ...]
    time: np.ndarray
    weights: sparse.csr_array
    bias: np.ndarray
    unit: np.ndarray

    def largest(self, offsets: np.ndarray, reach: np.ndarray) -> np.ndarray:
        """The largest part of each sum, [sum], where a norm adds offsets[time] to every seme, [seme] at most `reach`."""
        offset = offsets[self.time]
        above, below = self.weights.maximum(0), (-self.weights).maximum(0)
        bias = self.bias - offset * self.weights.sum(axis=1)
        up = offset * above.sum(axis=1) + above @ reach + np.maximum(bias, 0)
        down = offset * below.sum(axis=1) + below @ reach + np.maximum(-bias, 0)
        return np.maximum(up, down)


class Norms:
    """The layer norms of a trace model: norm 2b stands before the heads of block b, 2b + 1 before its neurons, and the
    last one before the unembedding.

    Args:
        graph: The graph, its nodes in the order of the blocks.
        placed: Which block computes what.
        plan: Where everything stands.
    """

    def __init__(self, graph: Graph, placed: Schedule, plan: Layout):
        self.graph, self.placed, self.plan = graph, placed, plan
        self.count = 2 * placed.layers + 1
        self.first: dict[str, int] = {}
        self.semes = 1  # the begin seme
        for node in graph.nodes:
            if node.name in plan.seme_of:
                self.first[node.name] = self.semes
                self.semes += node.space.size
        self.reach = np.full(self.semes, plan.begin_size)
        self.units = units(graph)
        self.unit = np.full(self.semes, plan.begin_size)
        for name, part in self._parts():
            node = graph[name]
            self.reach[part] = np.maximum(np.abs(node.lo), np.abs(node.hi))
            self.unit[part] = self.units[name]
        self.standing = self._standing()
        self.all_sums = self._sums()

    def _parts(self) -> Iterator[tuple[str, slice]]:
        return ((name, self.part(name)) for name in self.first)

    def part(self, name: str) -> slice:
        """Where a node's semes are counted."""
        return slice(self.first[name], self.first[name] + self.graph[name].space.size)

    def time(self, reader: Node) -> int:
        """The norm behind which a node reads."""
        if isinstance(reader, Unembed):
            return self.count - 1
        return 2 * self.placed.block[reader.name] + (1 if isinstance(reader, Neurons) else 0)

    def _standing(self) -> np.ndarray:
        """[norm, seme] whether the seme's value stands in the stream there."""
        out = np.zeros((self.count, self.semes), dtype=bool)
        out[:, 0] = True
        for name, part in self._parts():
            node = self.graph[name]
            out[(0 if isinstance(node, Embed) else self.time(node) + 1) :, part] = True
        for erasure in self.plan.places.erased:
            out[2 * erasure.block + 2 :, self.first[erasure.node] + erasure.part] = False
        return out

    def sizes(self, reach: np.ndarray) -> np.ndarray:
        """[norm] the most that the sizes of all values in the stream add up to, each once."""
        out = self.standing @ reach
        for name, part in self._parts():
            node = self.graph[name]
            if isinstance(node, Embed) and node.slope is None:  # of a one-hot code only one is on
                factor = reach[part] / np.where(self.reach[part] == 0, 1.0, self.reach[part])
                rows = np.abs(node.table) * factor
                out += (self.standing[:, part] @ rows.T).max(axis=1) - self.standing[:, part] @ reach[part]
        return out

    def noise(self, reach: np.ndarray, float_type: FloatType) -> np.ndarray:
        """[norm] how far f - mean may be from f before the bias is added.

        The mean of d numbers, ideally zero, in any order: d times the unit of the mean of their sizes. Then the
        difference is rounded; powers of two by which it is multiplied round nothing. Counted twice.
        """
        mean = 2 * self.sizes(reach) / self.plan.d_model
        error = sum_error(self.plan.d_model + 3, float_type.sum_unit) * mean
        return error + 2 * float_type.unit * (float(reach.max()) + error)

    def offsets(self, reach: np.ndarray, float_type: FloatType) -> np.ndarray:
        """[norm] the least offset that rounds all noise away, for semes that reach so far.

        It is 2^k and a little more, so that f + C stays where neighbouring floats are 2 u 2^k apart.
        """
        side = 2.0 ** math.ceil(math.log2(1.001 * float(reach.max())))
        binade = 2.0 ** np.ceil(np.log2(1.001 * self.noise(reach, float_type) / float_type.unit))
        return np.maximum(binade, 2 * side) + side

    def _sums(self) -> Sums:
        """Every sum behind a norm; what it reads of the begin seme makes it right at the begin token."""
        at_begin = begin_values(self.graph)
        nodes, times, rows, columns, values, biases, unit = [], [], [], [], [], [], []
        for node in self.graph.nodes:
            for form, begin in _reads(node, at_begin):
                last = isinstance(node, Unembed)  # which nobody reads at the begin token
                missing = np.zeros(form.width) if last else begin - form_at(form, at_begin)
                own = np.minimum(form_units(form, self.units), lowest_bit(missing))
                missing = missing / self.plan.begin_size
                start = len(nodes)
                for name, matrix in (*form.terms, ("", missing[None])):
                    seme, column = np.nonzero(matrix)
                    rows.append(start + column)
                    columns.append((self.first[name] if name else 0) + seme)
                    values.append(matrix[seme, column])
                nodes += [node.name] * form.width
                times += [self.time(node)] * form.width
                biases.append(form.bias)
                unit.append(own)
        shape = (len(nodes), self.semes)
        entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
        return Sums(
            nodes=tuple(nodes),
            time=np.array(times),
            weights=sparse.csr_array(entries, shape=shape),
            bias=np.concatenate(biases),
            unit=np.concatenate(unit),
        )


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
    noise = norms.noise(norms.reach, float_type)
    for time in range(norms.count):
        name = f"norm {time}"
        yield Margin(node=name, what="what a norm rounds away", have=float(noise[time]), need=float(apart[time] / 2))
        most = float(norms.reach[norms.standing[time]].max() + noise[time])
        room = min(offsets[time] - binade[time], 2 * binade[time] - offsets[time])
        yield Margin(node=name, what="values beside the offset of a norm", have=most, need=float(room))
        read = norms.standing[time] & (norms.unit < apart[time])
        sums = norms.all_sums
        coarse = sums.weights[sums.time == time][:, read].nnz
        yield Margin(node=name, what="values that a norm rounds too coarsely", have=float(coarse), need=1.0)


def _reading(norms: Norms, offsets: np.ndarray, float_type: FloatType) -> Iterator[Margin]:
    sums = norms.all_sums
    most = sums.largest(offsets, norms.reach) * float_type.sum_unit
    worst: dict[str, tuple[float, float]] = {}
    for name, have, need in zip(sums.nodes, most.tolist(), sums.unit.tolist(), strict=True):
        if name not in worst or have * worst[name][1] > need * worst[name][0]:
            worst[name] = (have, need)
    for name, (have, need) in worst.items():
        yield Margin(node=name, what="largest part of a sum, in the last digit kept", have=have, need=need)


def _scoring(
    node: Attend, norms: Norms, plan: Layout, scale: float, float_type: FloatType
) -> Iterator[Margin]:
    """Scores are whole numbers too, and one key leads all others by so much that they weigh exactly nothing."""
    unit = form_units(node.query, norms.units) * form_units(node.key, norms.units)
    least = min(float(unit.min()), float(lowest_bit(np.array([node.begin_score]))[0]))
    most = max(sum(float((np.abs(q) @ np.abs(k).T).max()) for q, k in node.factors), abs(node.begin_score))
    what = "largest part of a score, in the last digit kept"
    yield Margin(node=node.name, what=what, have=most * float_type.sum_unit, need=least)
    largest = scale * most * math.sqrt(plan.d_head)
    yield Margin(node=node.name, what="largest score", have=largest, need=float_type.largest / 2)
    # The root of d_head is a power of two, which rounds nothing.
    odd = math.log2(plan.d_head) % 2 + (node.pattern != "recent")
    yield Margin(node=node.name, what="heads whose scores are no whole numbers", have=odd, need=1.0)


def _writing(node: Neurons, norms: Norms, float_type: FloatType) -> Margin:
    """What neurons write adds up exactly, together with what stood there before and is erased."""
    pre = before_activation(node)
    unit = form_units(pre, norms.units)
    if node.points is not None and node.read.width == 1:  # largest at the ends, since it is convex
        most = np.maximum(node.points[:, None] * node.slopes[0] + node.offsets, 0.0) @ np.abs(node.write)
        most = most.max(axis=0)
    else:
        top = np.abs(pre.bias)
        for name, matrix in pre.terms:
            top = top + norms.reach[norms.part(name)] @ np.abs(matrix)
        most = top @ np.abs(node.write)
    written = np.where(node.write == 0, np.inf, lowest_bit(node.write) * unit[:, None]).min(axis=0, initial=np.inf)
    share = (most + 2 * float(norms.reach.max())) * float_type.sum_unit
    at = int(np.argmax(share / written))
    what = "largest part of what is written, in the last digit kept"
    return Margin(node=node.name, what=what, have=float(share[at]), need=float(written[at]))


def _reads(node: Node, at_begin: Mapping[str, np.ndarray]) -> list[tuple[Form, np.ndarray]]:
    """What a node reads, as columns of weights have it, and what that must be at the begin token."""
    match node:
        case Attend():
            nothing = np.zeros(node.query.width)
            return [(node.query, nothing), (node.key, nothing), (node.value, node.begin_value)]
        case Neurons():
            pre = before_activation(node)
            return [(pre, neurons_at_begin(pre, at_begin, exact=True))]
        case Unembed():
            return [(node.form, node.form.bias)]
        case _:
            return []
