"""Neurons of a block: those that can be on and are read, gathered by the direction that they read.

Neurons on one direction u are a piecewise linear function of it. A few are computed one by one from one u; many become
a table: between two bends each thing they write is A + B u, with A and B summed beforehand. That is the same function,
rounded once where the sum over neurons is rounded at every step, so it is no further from the real number than the
model's own sum in another order. Where bends are equally spaced the table is entered by division, otherwise by halving.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from seme.execute.sparse.fold import Folded, Forms, Matrix
from seme.execute.sparse.gates import Gate, group
from seme.execute.sparse.ranges import GELU_SETTLED, Ranges, activate, directions, settled

TABLE_FROM = 6
"""Neurons on one direction from which a table is faster than the neurons."""

MOST_CELLS = 1 << 20
"""Numbers in one table."""


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
        gated: Groups of them, by number, that one test passes over.
        bias: [feature]; added to the stream.
    """

    ridges: tuple[Ridge, ...]
    gated: tuple[tuple[Gate, tuple[int, ...]], ...]
    bias: np.ndarray

    @property
    def count(self) -> int:
        """How many neurons can be on."""
        return sum(len(ridge.scales) for ridge in self.ridges)

    @property
    def nonzeros(self) -> int:
        """Numbers multiplied for one token, where no group is passed over."""
        return sum(ridge.nonzeros for ridge in self.ridges)

    @property
    def gated_nonzeros(self) -> int:
        """How many of these groups can pass over."""
        return sum(self.ridges[at].nonzeros for _, members in self.gated for at in members)

    def feeds(self) -> np.ndarray:
        """The features read, by number; the index may be among them."""
        return np.unique(np.concatenate([np.zeros(0, dtype=int), *(r.direction.matrix.indices for r in self.ridges)]))


def plan_neurons(
    model: Folded, bounds: Ranges, hopes: Ranges, likely: Sequence[np.ndarray], layer: int, live: np.ndarray
) -> NeuronPlan:
    """Leaves out neurons that are never on, or that write to nothing that is read; constant ones become biases.

    Args:
        model: The model.
        bounds: What is proved of the features.
        hopes: What is hoped of them.
        likely: How often each is on, as a guess, per block.
        layer: The block.
        live: Features that are read by anything later.
    """
    block, now = model.blocks[layer], bounds.middle[layer]
    write = (block.write @ sparse.diags_array(live.astype(float))).tocsr()
    write.eliminate_zeros()
    pre = settled(block.neurons, now)
    fixed = np.diff(pre.matrix.indptr) == 0
    bias = block.write_bias + activate(np.where(fixed, pre.bias, 0.0), model.gelu) @ write
    most = now.through(pre.matrix, pre.bias).high
    on = most > (-GELU_SETTLED if model.gelu else 0.0)
    kept = np.flatnonzero(on & ~fixed & (np.diff(write.indptr) > 0))
    pre, write = pre.take(kept), write[kept]
    ridges = tuple(_ridges(pre, write, model.gelu))
    gated = () if model.gelu or not likely else group(ridges, now, hopes.middle[layer], likely[layer])
    return NeuronPlan(ridges=ridges, gated=gated, bias=bias)


def _ridges(pre: Forms, write: Matrix, gelu: bool) -> list[Ridge]:
    out = []
    for members, factors in directions(pre):
        scales = factors / factors[0]
        offsets = pre.bias[members]
        direction = Forms(matrix=pre.matrix[members[:1]], bias=np.zeros(1))
        part = write[members]
        table = None if gelu or len(members) < TABLE_FROM else _table(scales, offsets, part)
        out.append(Ridge(direction=direction, scales=scales, offsets=offsets, write=part, table=table))
    return out


def _table(scales: np.ndarray, offsets: np.ndarray, write: Matrix) -> Table | None:
    features = np.unique(write.indices)
    bends = np.unique(-offsets / scales)
    step = float(np.diff(bends).min(initial=np.inf))
    places = (bends - bends[0]) / step
    if np.isfinite(step) and np.allclose(places, np.round(places), rtol=0, atol=1e-9) and places[-1] < 64 * len(bends):
        bends = bends[0] + step * np.arange(int(round(places[-1])) + 1)
    else:
        step = 0.0
    if (len(bends) + 1) * len(features) * 2 > MOST_CELLS or len(bends) < 2:
        return None
    inside = np.concatenate([[bends[0] - 1], (bends[1:] + bends[:-1]) / 2, [bends[-1] + 1]])
    on = (inside[:, None] * scales + offsets > 0).astype(np.longdouble)
    weights = write[:, features].toarray().astype(np.longdouble)
    cells = np.stack([on @ (weights * offsets[:, None]), on @ (weights * scales[:, None])], axis=-1)
    return Table(features=features, bends=bends, step=step, cells=cells.astype(np.float64))
