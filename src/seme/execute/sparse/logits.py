"""The unembedding: few directions, each with a number per row.

Features whose logits are multiples of each other act through one sum. Where few such sums are left, a choice is a
function of them, and one that was made before is remembered by their bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from seme.execute.sparse.fold import Forms

MOST_SUMS = 64
"""More sums than this are multiplied out row by row as they are."""


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
    sums = Forms(matrix=matrix.tocsr(), bias=np.zeros(len(groups)))
    return LogitPlan(sums=sums, rows=np.stack(parts), bias=logits.bias)


def _unit(column: np.ndarray) -> float:
    """What a column is divided by: its first number where that divides exactly, else the sign of it."""
    first = float(column[0])
    return first if np.array_equal(column / first * first, column) else float(np.sign(first))
