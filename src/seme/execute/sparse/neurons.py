"""Neurons of a block: those that can be on and are read, gathered by the direction that they read.

Neurons on one direction u are a piecewise linear function of it. A few are computed one by one from one u; many become
a table: between two bends each thing they write is A + B u, with A and B summed beforehand. That is the same function,
rounded once where the sum over neurons is rounded at every step, so it is no further from the real number than the
model's own sum in another order. Where bends are equally spaced the table is entered by division, otherwise by halving.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from seme.execute.sparse.fold import Folded, Forms, Matrix
from seme.execute.sparse.ranges import GELU_SETTLED, Range, Ranges, activate, directions, settled
from seme.execute.sparse.sums import Row, with_sums

TABLE_FROM = 6
"""Neurons on one direction from which a table is faster than the neurons."""

MOST_CELLS = 1 << 20
"""Numbers in one table."""

LEAST_REPLAYED = 400
"""Non-zeros of a block from which looking for what it read before is faster than computing it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ridge:
    """Neurons on one direction.

    Attributes:
        direction: One form without a constant: u.
        scales: [neuron]; each computes scales u + offsets.
        offsets: [neuron].
        write: [neuron, feature].
        table: How they are tabulated; None where they are computed one by one.
    """

    direction: Forms
    scales: np.ndarray
    offsets: np.ndarray
    write: Matrix
    table: Table | None

    @property
    def nonzeros(self) -> int:
        """Numbers multiplied for one token."""
        made = self.write.nnz + len(self.scales) if self.table is None else self.table.cells[0].size
        return self.direction.matrix.nnz + made


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """A piecewise linear function.

    Attributes:
        features: What it writes.
        bends: Where cells end, rising; cell i lies below bends[i] and the last above all.
        step: The distance of all bends; 0 where they are not equally spaced.
        cells: [cell, feature, 2]: A and B.
    """

    features: np.ndarray
    bends: np.ndarray
    step: float
    cells: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NeuronPlan:
    """The neurons of a block.

    Attributes:
        ridges: All of them.
        replayed: Whether what they write is remembered by what they read: see `replay.c`.
        early: Ridges, by number, that are computed all the same.
        erased: Features that these neurons take back, and whether nothing can be left of them.
        bias: [feature]; added to the stream.
        bundles: Sums that directions of ridges have in common; ridges, and bundles behind them, read them by the
            numbers after the index's.
    """

    ridges: tuple[Ridge, ...]
    replayed: bool
    early: frozenset[int]
    erased: dict[int, bool]
    bias: np.ndarray
    bundles: Forms

    @property
    def count(self) -> int:
        """How many neurons can be on."""
        return sum(len(ridge.scales) for ridge in self.ridges)

    @property
    def nonzeros(self) -> int:
        """Numbers multiplied for one token."""
        return self.bundles.matrix.nnz + sum(ridge.nonzeros for ridge in self.ridges)

    def feeds(self) -> np.ndarray:
        """The features read, by number; the index may be among them."""
        return np.union1d(self.feeds_early(), self.feeds_late())

    def feeds_early(self) -> np.ndarray:
        """What those read that are computed even where the block is replayed."""
        return self._read(self.ridges[at].direction for at in self.early)

    def feeds_late(self) -> np.ndarray:
        """What all others read."""
        late = (ridge.direction for at, ridge in enumerate(self.ridges) if at not in self.early)
        return self._read([self.bundles, *late])

    def _read(self, forms: Iterable[Forms]) -> np.ndarray:
        read = np.unique(np.concatenate([np.zeros(0, dtype=int), *(form.matrix.indices for form in forms)]))
        return read[read < self.bundles.matrix.shape[1] - len(self.bundles)]

    @property
    def writes_early(self) -> set[int]:
        """Features that nothing else of the block writes."""
        return {int(feature) for at in self.early for feature in self.ridges[at].write.indices}


def plan_neurons(
    model: Folded, bounds: Ranges, layer: int, live: np.ndarray, raw: np.ndarray, *, replay: bool = True
) -> NeuronPlan:
    """Leaves out neurons that are never on, or that write to nothing that is read; constant ones become biases.

    Args:
        model: The model.
        bounds: What is proved of the features.
        layer: The block.
        live: Features that are read by anything later.
        raw: Features that nothing but the embedding and the first heads wrote before, the index not among them.
        replay: Whether what neurons write may be remembered.
    """
    block, now = model.blocks[layer], bounds.middle[layer]
    write = (block.write @ sparse.diags_array(live.astype(float))).tocsr()
    write.eliminate_zeros()
    pre = settled(block.neurons, now)
    fixed = np.diff(pre.matrix.indptr) == 0
    bias = block.write_bias + activate(np.where(fixed, pre.bias, 0.0), model.gelu) @ write
    most = now.through(pre.matrix, pre.bias).high
    write, erased = (write, {}) if model.gelu or not model.paired else _erased(pre, write, now)
    on = most > (-GELU_SETTLED if model.gelu else 0.0)
    kept = np.flatnonzero(on & ~fixed & (np.diff(write.indptr) > 0))
    pre, write = pre.take(kept), write[kept]
    ridges = _ridges(pre, write, model.gelu)
    worth = not model.gelu and sum(ridge.nonzeros for ridge in ridges) >= LEAST_REPLAYED
    indexed = any(model.features in ridge.direction.matrix.indices for ridge in ridges)
    able = replay and model.paired and worth and not indexed
    early = _early(ridges, raw) if able else frozenset()
    replayed = able and len(early) < len(ridges)
    early = early if replayed else frozenset()
    ridges, bundles = _bundled(ridges, early, model.features + 1)
    return NeuronPlan(
        ridges=ridges,
        replayed=replayed,
        early=early,
        erased=erased,
        bias=bias,
        bundles=bundles,
    )


def _erased(pre: Forms, write: Matrix, now: Range) -> tuple[Matrix, dict[int, bool]]:
    """Takes out what neurons write that only take a feature back: x - relu(x) is the lesser of x and 0."""
    erased: dict[int, bool] = {}
    starts = pre.matrix.indptr
    rows = np.flatnonzero((np.diff(starts) == 1) & (pre.bias == 0))
    rows = rows[pre.matrix.data[starts[rows]] == 1.0]
    features = pre.matrix.indices[starts[rows]]
    left = write.tolil()
    for row, feature in zip(rows.tolist(), features.tolist(), strict=True):
        if feature < write.shape[1] and feature not in erased and left[row, feature] == -1.0:
            left[row, feature] = 0.0
            erased[feature] = bool(now.low[feature] >= 0)
    out = left.tocsr()
    out.eliminate_zeros()
    return out, erased


def _early(ridges: Sequence[Ridge], raw: np.ndarray) -> frozenset[int]:
    """Ridges that read what a token says, which seldom comes again, and write to features of their own.

    Others mostly read what follows from the tokens, which comes again and again: a block that is replayed without these
    is replayed more often.
    """
    early = {at for at, ridge in enumerate(ridges) if raw[ridge.direction.matrix.indices].all()}
    while True:
        late = [ridge.write.indices for at, ridge in enumerate(ridges) if at not in early]
        shared = np.unique(np.concatenate([np.zeros(0, dtype=int), *late]))
        alone = {at for at in early if not np.isin(ridges[at].write.indices, shared).any()}
        if alone == early:
            return frozenset(early)
        early = alone


def _bundled(ridges: Sequence[Ridge], apart: Collection[int], width: int) -> tuple[tuple[Ridge, ...], Forms]:
    """Takes sums that directions have in common once; those of ridges apart stay as they are."""
    some = [at for at in range(len(ridges)) if at not in apart]
    sums, rows = with_sums([dict(ridges[at].direction.terms(0)) for at in some], width)
    shorter = dict(zip(some, rows, strict=True))
    last = width + len(sums)
    out = (
        replace(ridge, direction=_forms([shorter.get(at, dict(ridge.direction.terms(0)))], last))
        for at, ridge in enumerate(ridges)
    )
    return tuple(out), _forms(sums, last)


def _forms(rows: Sequence[Row], width: int) -> Forms:
    starts = np.cumsum([0, *map(len, rows)])
    indices = np.array([number for row in rows for number in row], dtype=int)
    data = np.array([weight for row in rows for weight in row.values()])
    matrix = sparse.csr_array((data, indices, starts), shape=(len(rows), width))
    return Forms(matrix=matrix, bias=np.zeros(len(rows)))


def _ridges(pre: Forms, write: Matrix, gelu: bool) -> list[Ridge]:
    out = []
    for members, factors in directions(pre):
        scales = factors / factors[0]
        offsets = pre.bias[members]
        direction = Forms(matrix=_rows(pre.matrix, members[:1]), bias=np.zeros(1))
        part = _rows(write, members)
        table = None if gelu or len(members) < TABLE_FROM else _table(scales, offsets, part)
        out.append(Ridge(direction=direction, scales=scales, offsets=offsets, write=part, table=table))
    return out


def _rows(matrix: Matrix, rows: np.ndarray) -> Matrix:
    """Some rows; for a few of them several times faster than indexing."""
    parts = [slice(matrix.indptr[row], matrix.indptr[row + 1]) for row in rows.tolist()]
    starts = np.cumsum([0, *(part.stop - part.start for part in parts)])
    data = np.concatenate([matrix.data[part] for part in parts])
    indices = np.concatenate([matrix.indices[part] for part in parts])
    return sparse.csr_array((data, indices, starts), shape=(len(rows), matrix.shape[1]))


def _table(scales: np.ndarray, offsets: np.ndarray, write: Matrix) -> Table | None:
    features = np.unique(write.indices)
    bends = np.unique(-offsets / scales)
    step = float(np.diff(bends).min(initial=np.inf))
    places = (bends - bends[0]) / step
    if np.isfinite(step) and np.allclose(places, np.round(places), rtol=0, atol=1e-9) and places[-1] < 64 * len(bends):
        bends = bends[0] + step * np.arange(round(float(places[-1])) + 1)
    else:
        step = 0.0
    if (len(bends) + 1) * len(features) * 2 > MOST_CELLS or len(bends) < 2:
        return None
    inside = np.concatenate([[bends[0] - 1], (bends[1:] + bends[:-1]) / 2, [bends[-1] + 1]])
    on = (inside[:, None] * scales + offsets > 0).astype(np.longdouble)
    weights = write[:, features].toarray().astype(np.longdouble)
    cells = np.stack([on @ (weights * offsets[:, None]), on @ (weights * scales[:, None])], axis=-1)
    return Table(features=features, bends=bends, step=step, cells=cells.astype(np.float64))
