"""How large features get: bounds read off the weights, for every token but the first, and the first token's values.

The embedding bounds what it writes; a head writes a mean of values, so something between the least and the largest
value a key can bring; neurons on one direction are a piecewise linear function of it, whose extremes stand at its
bends; other neurons are bounded one by one. The first token attends only to itself, so it has one value per feature.
All bounds hold when row 0 of the embedding is the first token and no other, and up to `places.most` tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from seme.execute.sparse.fold import BlockForms, Folded, Forms, Matrix

SLACK = 1e-9
"""Bounds are taken wider by this share of the sizes summed: far more than rounding makes of a few thousand terms.
Not where all numbers are multiples of GRAIN and the sum of sizes is below MOST_EXACT: then float64 does not round."""

GRAIN = 2.0**-10
MOST_EXACT = 2.0**30

GELU_LEAST = -0.1701
"""Below the least value of gelu (tanh)."""

GELU_SETTLED = 8.5
"""Beyond this, tanh in gelu is 1 or -1 in float64: x itself above, zero below."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Range:
    """Bounds [n] from below and above."""

    low: np.ndarray
    high: np.ndarray

    def __add__(self, other: Range) -> Range:
        return Range(low=self.low + other.low, high=self.high + other.high)

    def hull(self, values: np.ndarray) -> Range:
        """The smallest range that also holds these values."""
        return Range(low=np.minimum(self.low, values), high=np.maximum(self.high, values))

    def through(self, matrix: Matrix, bias: np.ndarray | float = 0.0) -> Range:
        """Bounds of matrix @ x + bias."""
        up, down = matrix.maximum(0), matrix.minimum(0)
        low = up @ self.low + down @ self.high
        high = up @ self.high + down @ self.low
        sizes = abs(matrix) @ np.maximum(abs(self.low), abs(self.high)) + np.abs(bias)
        rough = ~(grained(self.low) & grained(self.high))
        flags = (~grained(matrix.data) | rough[matrix.indices]).astype(float)
        rounded = sparse.csr_array((flags, matrix.indices, matrix.indptr), shape=matrix.shape).sum(axis=1) > 0
        exact = ~rounded & grained(bias) & (sizes < MOST_EXACT)
        slack = np.where(exact | (low == high), 0.0, SLACK * sizes)  # a sum of constants stays one
        return Range(low=low + bias - slack, high=high + bias + slack)


def grained(values: np.ndarray | float) -> np.ndarray:
    """Whether numbers are multiples of GRAIN, and products of two of them no smaller than float64 can add up."""
    grains = np.asarray(values) / GRAIN
    return (grains == np.round(grains)) & (np.abs(grains) < 2.0**40)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Begin:
    """What the first token has in one block: keys and values of each head."""

    keys: tuple[np.ndarray, ...]
    values: tuple[np.ndarray, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranges:
    """Bounds throughout a model.

    Attributes:
        before: Features, and the index, before each block.
        middle: The same between heads and neurons.
        last: The same behind the last block.
        begin: The first token, per block; empty where norms are computed.
        begin_last: The first token's features behind the last block.
        largest: The largest size of any feature.
    """

    before: tuple[Range, ...]
    middle: tuple[Range, ...]
    last: Range
    begin: tuple[Begin, ...]
    begin_last: np.ndarray
    largest: float


def activate(values: np.ndarray, gelu: bool) -> np.ndarray:
    """What a neuron makes of its input."""
    if not gelu:
        return np.maximum(values, 0.0)
    return 0.5 * values * (1 + np.tanh(np.sqrt(2 / np.pi) * (values + 0.044715 * values**3)))


def ranges(model: Folded) -> Ranges:
    """Bounds every feature throughout a model.

    Args:
        model: The model.
    """
    if not model.paired:
        return _of_norms(model)
    low, high = model.embed[1:].min(axis=0), model.embed[1:].max(axis=0)
    places = model.places
    now = Range(low=low + places.repeated.min(axis=0), high=high + places.repeated.max(axis=0))
    rows = places.table[1:]
    if places.split and len(rows):
        now = now + Range(low=rows.min(axis=0), high=rows.max(axis=0))
    elif not places.split:
        rising = np.stack([np.zeros_like(places.slope), places.slope * places.most])
        beyond = Range(low=now.low + rising.min(axis=0), high=now.high + rising.max(axis=0))
        listed = Range(low=low + rows.min(axis=0), high=high + rows.max(axis=0)) if len(rows) else beyond
        now = beyond.hull(listed.low).hull(listed.high)
    index = Range(low=np.zeros(1), high=np.array([float(places.most)]))
    begin = np.append(model.embed[0] + places.table[0], 0.0)
    before, middle, begins, largest = [], [], [], 0.0
    now = Range(low=np.append(now.low, index.low), high=np.append(now.high, index.high))
    for block in model.blocks:
        before.append(now)
        now, begin, heads = _attended(block, now, begin)
        begins.append(heads)
        middle.append(now)
        kept, write = (now, block.write) if model.gelu else _erased(block.neurons, block.write, now)
        added = neuron_range(block.neurons, write, now, model.gelu)
        now = _add(kept, Range(low=added.low + block.write_bias, high=added.high + block.write_bias))
        hidden = activate(block.neurons.at(begin), model.gelu)
        begin = begin + np.append(hidden @ block.write + block.write_bias, 0.0)
        sizes = [
            np.abs(part[:-1]).max(initial=0.0) for part in (now.low, now.high, middle[-1].low, middle[-1].high, begin)
        ]
        largest = max(largest, *sizes)
    return Ranges(
        before=tuple(before),
        middle=tuple(middle),
        last=now,
        begin=tuple(begins),
        begin_last=begin,
        largest=largest,
    )


def _attended(block: BlockForms, now: Range, begin: np.ndarray) -> tuple[Range, np.ndarray, Begin]:
    """Features behind the heads: bounds, and the first token's own."""
    keys, values = [], []
    own = begin + np.append(block.head_bias, 0.0)
    total = Range(low=block.head_bias, high=block.head_bias)
    for head in block.heads:
        keys.append(head.key.at(begin))
        values.append(head.value.at(begin))
        own[:-1] += values[-1] @ head.out
        mean = now.through(head.value.matrix, head.value.bias).hull(values[-1])
        total = total + mean.through(head.out.T.tocsr())
    return _add(now, total), own, Begin(keys=tuple(keys), values=tuple(values))


def _add(now: Range, added: Range) -> Range:
    return Range(low=now.low + np.append(added.low, 0.0), high=now.high + np.append(added.high, 0.0))


def _erased(neurons: Forms, write: Matrix, now: Range) -> tuple[Range, Matrix]:
    """Features behind neurons that read one feature alone and write back to it, as those do that erase it.

    `x + sum of w relu(s x)` is bounded as the one function of x that it is. What these neurons write there is then
    taken out of `write`.
    """
    rows = neurons.matrix
    single = np.flatnonzero((np.diff(rows.indptr) == 1) & (neurons.bias == 0))
    features, scales = rows.indices[rows.indptr[single]], rows.data[rows.indptr[single]]
    weights = np.asarray(write[single, features]).ravel() if len(single) else np.zeros(0)
    back = weights != 0
    if not back.any():
        return now, write
    single, features, scales, weights = single[back], features[back], scales[back], weights[back]
    ends = []
    for x in (now.low, now.high, np.clip(0.0, now.low, now.high)):
        added = weights * np.maximum(scales * x[features], 0.0)
        # where the factors make up one, nothing is rounded
        slack = np.where(np.abs(scales * weights) == 1.0, 0.0, SLACK * np.abs(added))
        ends.append([x + np.bincount(features, sign * slack + added, minlength=len(x)) for sign in (-1.0, 1.0)])
    low = np.min([pair[0] for pair in ends], axis=0)
    high = np.max([pair[1] for pair in ends], axis=0)
    left = write.tolil()
    left[single, features] = 0.0
    left = left.tocsr()
    left.eliminate_zeros()
    return Range(low=low, high=high), left


def neuron_range(neurons: Forms, write: Matrix, now: Range, gelu: bool) -> Range:
    """Bounds of what neurons write: [feature]."""
    neurons = settled(neurons, now)
    pre = now.through(neurons.matrix, neurons.bias)
    low, high = activate(pre.low, gelu), activate(pre.high, gelu)
    if gelu:
        low = np.where(pre.low > 0, low, np.where(pre.high < -GELU_SETTLED, 0.0, GELU_LEAST))
        high = np.maximum(high, 0.0)
    alone = np.ones(len(neurons), dtype=bool)
    total = Range(low=np.zeros(write.shape[1]), high=np.zeros(write.shape[1]))
    for members, scales in [] if gelu else directions(neurons):
        if len(members) > 1:
            alone[members] = False
            total = total + _ridge(neurons, write, now, members, scales)
    rest = Range(low=low[alone], high=high[alone])
    return total + rest.through(write[alone].T.tocsr())


def directions(neurons: Forms) -> list[tuple[np.ndarray, np.ndarray]]:
    """Neurons grouped by what they read but for a factor: (numbers, factors) of each group."""
    matrix = neurons.matrix
    groups: dict[tuple[bytes, bytes], list[int]] = {}
    factors = np.zeros(len(neurons))
    for row in range(len(neurons)):
        at, end = matrix.indptr[row], matrix.indptr[row + 1]
        if at < end:
            factors[row] = matrix.data[at]
            parts = matrix.data[at:end] / matrix.data[at]
            groups.setdefault((matrix.indices[at:end].tobytes(), parts.tobytes()), []).append(row)
    return [(np.array(rows), factors[rows]) for rows in groups.values()]


def _ridge(neurons: Forms, write: Matrix, now: Range, members: np.ndarray, scales: np.ndarray) -> Range:
    """Bounds of a piecewise linear function: its values at the bends and at both ends."""
    first = neurons.matrix[members[:1]] / scales[0]
    ends = now.through(first.tocsr())
    bends = -neurons.bias[members] / scales
    points = np.concatenate([ends.low, ends.high, bends[(bends > ends.low) & (bends < ends.high)]])
    part = write[members].tocsc()
    touched = np.flatnonzero(np.diff(part.indptr))
    hidden = np.maximum(points[:, None] * scales + neurons.bias[members], 0.0)
    weights = part[:, touched].toarray()
    values = hidden @ weights
    sizes = (hidden @ np.abs(weights)).max(axis=0, initial=0.0)
    exact = grained(hidden).all() & grained(weights).all(axis=0) & (sizes < MOST_EXACT)
    slack = np.where(exact, 0.0, SLACK * sizes)
    low, high = np.zeros(write.shape[1]), np.zeros(write.shape[1])
    low[touched] = values.min(axis=0) - slack
    high[touched] = values.max(axis=0) + slack
    return Range(low=low, high=high)


def _of_norms(model: Folded) -> Ranges:
    """Behind a norm no number exceeds the root of their count, whatever came before."""
    most = np.full(model.features + 1, np.sqrt(model.features))
    most[-1] = 0.0
    every = Range(low=-most, high=most)
    count = len(model.blocks)
    return Ranges(
        before=(every,) * count,
        middle=(every,) * count,
        last=every,
        begin=(),
        begin_last=np.zeros(0),
        largest=0.0,
    )


def settled(forms: Forms, now: Range) -> Forms:
    """The same forms with constant features read as constants."""
    fixed = now.low == now.high
    if not fixed.any():
        return forms
    values = np.where(fixed, now.low, 0.0)
    matrix = (forms.matrix @ sparse.diags_array((~fixed).astype(float))).tocsr()
    matrix.eliminate_zeros()
    matrix.sort_indices()
    return Forms(matrix=matrix, bias=forms.bias + forms.matrix @ values)
