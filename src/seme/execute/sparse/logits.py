"""The unembedding: few directions, each with a number per row.

Features whose logits are multiples of each other act through one sum. Where few such sums are left, a choice is a
function of them: one that was made before is remembered by their bits, and one that was not is looked for in a tree,
whose nodes say what the logits of many rows cannot exceed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from seme.execute.sparse.fold import Forms
from seme.model.artifact import TokenTable

MOST_SUMS = 64
"""More sums than this are multiplied out row by row as they are."""

SAMPLED = 1 << 10
"""Pairs of rows, at least, that are compared at each distance."""

MOST_MOVED = 2.0**10
"""A sum is moved by this at most: of one that is no whole number, float64 then rounds away no more than 2^-43."""

BRANCHES = 8
"""Rows of a leaf of a tree of logits, and parts of every other node: numbers in a C `wide`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LogitPlan:
    """Logits as sums over few directions.

    Attributes:
        sums: What the features are added up to.
        rows: [sum, row]: the logits are sums @ rows + bias.
        bias: [row].
    """

    sums: Forms
    rows: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LogitTree:
    """Bounds of logits that depend on few sums; parts.c looks through it.

    Attributes:
        before: Places left empty before the first row.
        starts: [level]; the first node of each level: leaves are level 0, the last level has one node.
        bias: [node, branch]; of a row, or the largest of a part. Where there is no row it is minus infinity.
        weights: Of a leaf [sum, branch]; of every other node [sum, 2, branch], the greatest and the least of a part.
    """

    before: int
    starts: np.ndarray
    bias: np.ndarray
    weights: np.ndarray


def plan_logits(logits: Forms) -> LogitPlan | None:
    """Gathers features by direction; None where too many are left."""
    by_feature = logits.matrix.tocsc()
    groups: dict[tuple[bytes, bytes], list[tuple[int, float]]] = {}
    parts: list[np.ndarray] = []
    for feature in np.flatnonzero(np.diff(by_feature.indptr)).tolist():
        at, end = by_feature.indptr[feature], by_feature.indptr[feature + 1]
        column, rows = by_feature.data[at:end], by_feature.indices[at:end]
        scale = _unit(column)
        key = (rows.tobytes(), (column / scale).tobytes())
        if key not in groups:
            if len(groups) == MOST_SUMS:
                return None
            groups[key] = []
            whole = np.zeros(len(logits))
            whole[rows] = column / scale
            parts.append(whole)
        groups[key].append((feature, scale))
    if not groups:
        return None
    matrix = sparse.lil_array((len(groups), logits.matrix.shape[1]))
    for row, members in enumerate(groups.values()):
        for feature, scale in members:
            matrix[row, feature] = scale
    rows = np.stack(parts)
    moved = _moved(rows, logits.bias)
    return LogitPlan(sums=Forms(matrix=matrix.tocsr(), bias=moved), rows=rows, bias=logits.bias - moved @ rows)


def _moved(rows: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """[sum]: by how much to move each, so that rows have much the same bias; whole numbers, and zero where that rounds.

    The logit 2 x v - v^2 of a bit v is (2 x - 1) v: then a row that is best by each sum alone is best, and rows reach
    what the weights of single sums allow. How the bias goes with a sum is seen where nothing else differs between two
    rows, looked for a power of two apart. Sums that are no such bits, but have more weights than one, stay.
    """
    slopes: list[list[float]] = [[] for _ in rows]
    if _whole(rows) and _whole(bias):
        step = (len(bias) // SAMPLED) | 1  # odd, so that rows fall on both sides of every bit
        for distance in (1 << power for power in range(len(bias).bit_length())):
            first = np.arange(TokenTable.FIRST_ID, len(bias) - distance, step)
            apart = rows[:, first + distance] - rows[:, first]
            for at in np.flatnonzero(np.count_nonzero(apart, axis=0) == 1).tolist():
                (which,) = np.flatnonzero(apart[:, at])
                slopes[which].append((bias[first[at] + distance] - bias[first[at]]) / apart[which, at])
    single = [len(np.unique(row[row != 0])) == 1 for row in rows]
    moved = np.array([np.round(np.median(of)) if of and one else 0.0 for of, one in zip(slopes, single, strict=True)])
    moved[np.abs(moved) > MOST_MOVED] = 0.0
    exact = np.abs(bias).max() + np.abs(moved) @ np.abs(rows).max(axis=1) < 2.0**53
    return moved if exact else np.zeros(len(rows))


def _whole(values: np.ndarray) -> bool:
    return bool((values == np.round(values)).all())


def _unit(column: np.ndarray) -> float:
    """What a column is divided by: its smallest number where that divides exactly, else the sign of that."""
    least = float(column[np.abs(column).argmin()])
    return least if np.array_equal(column / least * least, column) else float(np.sign(least))


def tree(plan: LogitPlan) -> LogitTree:
    """Gathers rows by eights, and these by eights again, up to one node.

    Tokens stand behind the begin token and padding, and kinds of them mostly have sizes that are powers of two. Rows
    that differ in few sums come together where the first of the tokens has a place that is a power of eight.
    """
    power = max((len(plan.bias) // 4).bit_length() - 1, 0) // 3
    before = max(BRANCHES**power - TokenTable.FIRST_ID, 0)
    kind = np.int16 if _whole(plan.rows) and np.abs(plan.rows).max() < 1 << 15 else np.float64
    bias = np.pad(plan.bias, (before, 0), constant_values=-np.inf)
    greatest = np.pad(plan.rows.T.astype(kind), ((before, 0), (0, 0)), mode="edge")
    least, starts, biases, weights = greatest, [0], [], []
    while True:
        room = -len(bias) % BRANCHES
        bias = np.pad(bias, (0, room), constant_values=-np.inf).reshape(-1, BRANCHES)
        ends = [np.pad(end, ((0, room), (0, 0)), mode="edge") for end in (greatest, least)]
        high, low = (end.reshape(-1, BRANCHES, len(plan.rows)) for end in ends)
        biases.append(bias)
        weights.append((high if least is greatest else np.stack([high, low], axis=2)).swapaxes(1, -1).ravel())
        if len(bias) == 1:
            break
        starts.append(starts[-1] + len(bias))
        bias, greatest, least = bias.max(axis=1), high.max(axis=1), low.min(axis=1)
    return LogitTree(
        before=before, starts=np.array(starts), bias=np.concatenate(biases), weights=np.concatenate(weights)
    )
