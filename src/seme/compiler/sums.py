"""Every sum that a trace model takes, as whole numbers of units, and the layer norms that it is taken behind.

What stands in the stream of a trace model are whole multiples of powers of two. What spoils them is the layer norm
before every part, whose mean of numbers that sum to zero need not be zero to the last bit. Its bias mends that: near a
large offset C neighbouring floats are further apart than the mean is off, so that f - mean + C is rounded to f + C.
Whoever reads takes C off again with its own bias, one more whole number in the same sum.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from seme.compiler.layout import Layout, neurons_at_begin
from seme.compiler.schedule import Schedule
from seme.core.numerics import FloatType, sum_error
from seme.ir import Attend, Embed, Form, Graph, Neurons, Node, Unembed, begin_values, form_at


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
                pre, zero = form_units(before_activation(node), out), np.zeros(node.space.size)
                out[node.name] = form_units(Form(terms=((node.name, node.write),), bias=zero), {node.name: pre})
            case _:
                out[node.name] = np.zeros(node.space.size)
    return out


def form_units(form: Form, of: Mapping[str, np.ndarray]) -> np.ndarray:
    """A power of two that each term of each component of a form is a whole multiple of; 0 where none is known."""
    out = lowest_bit(form.bias)
    for name, matrix in form.terms:
        scaled = np.where(matrix == 0, np.inf, lowest_bit(np.where(matrix == 0, 1.0, matrix)) * of[name][:, None])
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
        unit: [sum] a power of two that every term is a whole multiple of, offsets aside.
    """

    nodes: tuple[str, ...]
    time: np.ndarray
    weights: sparse.csr_array
    bias: np.ndarray
    unit: np.ndarray

    def units(self, offsets: np.ndarray) -> np.ndarray:
        """[sum] a power of two that every term is a whole multiple of, offsets included."""
        least = np.full(len(self.nodes), np.inf)
        rows, _ = self.weights.nonzero()
        np.minimum.at(least, rows, lowest_bit(self.weights.data))
        return np.minimum(self.unit, least * lowest_bit(offsets)[self.time])

    def largest(self, offsets: np.ndarray, reach: np.ndarray) -> np.ndarray:
        """The largest part of each sum, [sum], where norms add offsets[time] to semes of at most `reach`."""
        offset = offsets[self.time]
        above, below = self.weights.maximum(0), (-self.weights).maximum(0)
        bias = self.bias - offset * self.weights.sum(axis=1)
        up = offset * above.sum(axis=1) + above @ reach + np.maximum(bias, 0)
        down = offset * below.sum(axis=1) + below @ reach + np.maximum(-bias, 0)
        return np.maximum(up, down)


class Norms:
    """The layer norms of a trace model.

    Norm 2b stands before the heads of block b, 2b + 1 before its neurons, and the last one before the unembedding.

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
        self.units, at_begin = units(graph), begin_values(graph)
        self.unit = np.full(self.semes, plan.begin_size)
        for name, part in self._parts():
            node = graph[name]
            self.reach[part] = np.maximum(np.maximum(np.abs(node.lo), np.abs(node.hi)), np.abs(at_begin[name]))
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
        for erasure in self.plan.places.erased:
            seme = self.first[erasure.node] + erasure.part
            rows.append(np.array([len(nodes)]))
            columns.append(np.array([seme]))
            values.append(np.ones(1))
            nodes.append(erasure.node)
            times.append(2 * erasure.block + 1)
            biases.append(np.zeros(1))
            unit.append(self.unit[seme : seme + 1])
        shape = (len(nodes), self.semes)
        entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))  # none of them is 0
        return Sums(
            nodes=tuple(nodes),
            time=np.array(times),
            weights=sparse.csr_array(entries, shape=shape),
            bias=np.concatenate(biases),
            unit=np.concatenate(unit),
        )


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
