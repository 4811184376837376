"""Which neurons one look at a few features decides: those that control a block.

Features that many neurons read, and nothing with more weight, are likely to be bits that say what is to be done; the
others are what it is done with.
Neurons that read controls alone are a function of these few bits, which is remembered by them. Of the others, those
that read the same controls in the same way are off together: their largest sums differ by what the rest may bring. How
much that is, is learned while the model runs: every token is held against the bounds of all before it, and a bound that
is passed is widened and everything remembered forgotten (`control.c`). So a group is passed over only where bounds that
this very token keeps prove all of its neurons off, and nothing rests on the choice made here but the time it saves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import sparse

from seme.execute.sparse.fold import Forms, Matrix
from seme.execute.sparse.ranges import MOST_EXACT, SLACK, Range, grained

LEAST_READERS = 8
"""Neurons that must read a feature, and nothing with more weight, for it to be a control."""

MOST_CONTROLS = 28
"""Controls of a block: each may double what there is to remember."""

MOST_OF_BIT = 2.0**17
"""A feature with larger proved bounds is taken for a number. Those of bits are often bad, but seldom so bad."""

LEAST_GROUP = 32
"""Non-zeros that a test must be able to save."""

LEAST_DECIDED = 1024
"""Non-zeros that a block must be able to save: holding what it reads against bounds costs as much as some hundred."""

MOST_GROUPS = 64
"""Groups of a block: bits of a word."""


class Ridged(Protocol):
    """What is asked of neurons on one direction; see `neurons.Ridge`."""

    @property
    def direction(self) -> Forms:
        """What they read."""
        ...

    @property
    def scales(self) -> np.ndarray:
        """Their factors on it."""
        ...

    @property
    def offsets(self) -> np.ndarray:
        """Their constants."""
        ...

    @property
    def write(self) -> Matrix:
        """What they write."""
        ...

    @property
    def table(self) -> object | None:
        """Their table, where they are one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Control:
    """What decides in a block.

    Attributes:
        features: The controls.
        groups: Ridges, by number, that are off together.
        reads: Of every neuron in a group, what it reads: [neuron, feature].
        offsets: [neuron]; their constants.
        slacks: [neuron]; the share of all sizes by which their largest sums are taken larger.
        group_of: [neuron].
    """

    features: tuple[int, ...]
    groups: tuple[tuple[int, ...], ...]
    reads: Matrix
    offsets: np.ndarray
    slacks: np.ndarray
    group_of: np.ndarray


def control(ridges: Sequence[Ridged], proved: Range) -> Control | None:
    """Chooses a block's controls and gathers its neurons by them; None where nothing can be saved.

    Args:
        ridges: Neurons on one direction each.
        proved: What is proved of the features, the index being the last.
    """
    width = len(proved.high)
    rows = [(ridge.direction.matrix.indices, ridge.direction.matrix.data) for ridge in ridges]
    features = _controls(ridges, rows, proved, width - 1)
    chosen = np.zeros(width, dtype=bool)
    chosen[list(features)] = True
    others: dict[tuple[object, ...], list[int]] = {}
    for at, ridge in enumerate(ridges):
        mine = chosen[rows[at][0]]
        if ridge.table is None and mine.any() and _closes(ridge, *rows[at], mine):
            others.setdefault(_signature(ridge, *rows[at], mine), []).append(at)
    groups = _gathered(ridges, rows, others, chosen)
    decided = sum(len(rows[at][0]) + ridges[at].write.nnz for members in groups for at in members)
    if decided < LEAST_DECIDED:
        return None
    return Control(features=features, groups=groups, **_bounds(ridges, rows, groups, width))


Row = tuple[np.ndarray, np.ndarray]
"""Features and weights."""


def _controls(ridges: Sequence[Ridged], rows: list[Row], proved: Range, index: int) -> tuple[int, ...]:
    readers = np.zeros(index + 1, dtype=int)
    for ridge, (features, weights) in zip(ridges, rows, strict=True):
        if ridge.table is None and len(features):
            sizes = np.abs(weights)
            readers[features[sizes == sizes.max()]] += len(ridge.scales)
    bits = (proved.high[: index + 1] < MOST_OF_BIT) & (proved.high[: index + 1] >= 1)
    bits[index] = False
    able = np.flatnonzero((readers >= LEAST_READERS) & bits)
    able = able[np.argsort(-readers[able], kind="stable")]
    if len(able) > MOST_CONTROLS:  # of those that are read by equally many, all or none
        able = able[readers[able] > readers[able[MOST_CONTROLS]]]
    return tuple(sorted(able.tolist()))


def _closes(ridge: Ridged, features: np.ndarray, weights: np.ndarray, mine: np.ndarray) -> bool:
    """Whether controls can keep every neuron of a ridge off, if all it reads are bits."""
    for scale, offset in zip(ridge.scales, ridge.offsets, strict=True):
        scaled = scale * weights
        if np.minimum(scaled[mine], 0).sum() + np.maximum(scaled[~mine], 0).sum() + offset > 0:
            return False
    return True


def _signature(ridge: Ridged, features: np.ndarray, weights: np.ndarray, mine: np.ndarray) -> tuple[object, ...]:
    """Neurons of one signature add the same to what else they read."""
    out: list[object] = []
    for scale, offset in zip(ridge.scales, ridge.offsets, strict=True):
        scaled = scale * weights
        rest = np.maximum(scaled[~mine], 0).sum() + offset
        out.append((tuple(features[mine].tolist()), tuple(scaled[mine].tolist()), float(rest)))
    return tuple(out)


def _gathered(
    ridges: Sequence[Ridged], rows: list[Row], others: dict[tuple[object, ...], list[int]], chosen: np.ndarray
) -> tuple[tuple[int, ...], ...]:
    """Groups large enough to be tested for; small ones with those that share most of what decides."""
    sizes = [len(row[0]) + ridge.write.nnz for ridge, row in zip(ridges, rows, strict=True)]
    readers = np.zeros(len(chosen))
    for members in others.values():
        for at in members:
            readers[rows[at][0]] += sizes[at]

    def order(members: list[int]) -> list[tuple[float, int, float]]:
        features, weights = rows[members[0]]
        mine = [(-float(readers[f]), int(f), float(w)) for f, w in zip(features, weights, strict=True) if chosen[f]]
        return sorted(mine)

    least = LEAST_GROUP
    while True:
        groups: list[list[int]] = []
        rest = 0
        for members in sorted(others.values(), key=order):
            size = sum(sizes[at] for at in members)
            if size >= least:
                groups.insert(0, members)
            elif groups and 0 < rest < least:
                groups[-1] = groups[-1] + members
                rest += size
            else:
                groups.append(list(members))
                rest = size
        if len(groups) <= MOST_GROUPS:
            return tuple(tuple(sorted(group)) for group in groups)
        least *= 2


def _bounds(ridges: Sequence[Ridged], rows: list[Row], groups: tuple[tuple[int, ...], ...], width: int) -> dict:
    data, indices, starts, offsets, slacks, group_of = [], [], [0], [], [], []
    for number, members in enumerate(groups):
        for at in members:
            features, weights = rows[at]
            for scale, offset in zip(ridges[at].scales, ridges[at].offsets, strict=True):
                scaled = scale * weights
                data.append(scaled)
                indices.append(features)
                starts.append(starts[-1] + len(features))
                offsets.append(offset)
                exact = grained(scaled).all() and grained(offset) and np.abs(scaled).sum() < MOST_EXACT
                slacks.append(0.0 if exact else SLACK)
                group_of.append(number)
    none = [np.zeros(0)]
    matrix = sparse.csr_array(
        (np.concatenate(data or none), np.concatenate(indices or none).astype(int), np.array(starts)),
        shape=(len(offsets), width),
    )
    return {
        "reads": matrix,
        "offsets": np.array(offsets, dtype=float),
        "slacks": np.array(slacks, dtype=float),
        "group_of": np.array(group_of, dtype=int),
    }
