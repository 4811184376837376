"""Which neurons one test passes over: those that a feature keeps off while it is low.

A neuron computes w_g g + rest. Where g <= -max(rest) / w_g it is off, whatever the rest is. The largest rest follows from
bounds on the features. Where the proved ones are too wide, narrower ones are hoped for, and the test asks of each token
whether they hold: a group is passed over only then. So nothing rests on hope but the time that is saved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from seme.execute.sparse.fold import Forms, Matrix
from seme.execute.sparse.ranges import Range

LEAST_GROUP = 16
"""Non-zeros that a test must save on average."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """When a group of ridges is off.

    Attributes:
        feature: The group is off where this feature is
        most: at most this, if
        within: all of these, (feature, low, high), are as hoped: what is proved of them is less.
    """

    feature: int
    most: float
    within: tuple[tuple[int, float, float], ...]


class Ridged(Protocol):
    """What is asked of neurons on one direction; see `neurons.Ridge`."""

    direction: Forms
    scales: np.ndarray
    offsets: np.ndarray
    write: Matrix
    table: object | None


def group(
    ridges: Sequence[Ridged], proved: Range, hoped: Range, likely: np.ndarray
) -> tuple[tuple[Gate, tuple[int, ...]], ...]:
    """Groups ridges by the feature that saves most.

    Args:
        ridges: Neurons on one direction each.
        proved: What is proved of the features.
        hoped: What is hoped of them; not where it is the same.
        likely: How often each is on, as a guess.
    """
    now = Range(low=np.maximum(proved.low, hoped.low), high=np.minimum(proved.high, hoped.high))
    loose = (now.low > proved.low) | (now.high < proved.high)
    doors: dict[int, dict[int, float]] = {}
    for at, ridge in enumerate(ridges):
        if ridge.table is None:
            for feature, most in _doors(ridge, now).items():
                doors.setdefault(feature, {})[at] = most
    sizes = [ridge.direction.matrix.nnz + ridge.write.nnz for ridge in ridges]
    out: list[tuple[Gate, tuple[int, ...]]] = []
    taken: set[int] = set()
    while doors:
        saved = {
            f: (1 - likely[f]) * sum(sizes[at] for at in members if at not in taken) for f, members in doors.items()
        }
        feature = max(saved, key=lambda f: (saved[f], -f))
        if saved[feature] < LEAST_GROUP:
            break
        members = {at: most for at, most in doors.pop(feature).items() if at not in taken}
        support = {int(f) for at in members for f in ridges[at].direction.matrix.indices} - {feature}
        within = tuple((f, float(now.low[f]), float(now.high[f])) for f in sorted(support) if loose[f])
        taken |= set(members)
        out.append((Gate(feature=feature, most=min(members.values()), within=within), tuple(sorted(members))))
    return tuple(out)


def _doors(ridge: Ridged, now: Range) -> dict[int, float]:
    """Features that keep every neuron of a ridge off while they are as low as they get, and up to where."""
    features, weights = ridge.direction.matrix.indices, ridge.direction.matrix.data
    out: dict[int, float] = {}
    for scale, offset in zip(ridge.scales, ridge.offsets, strict=True):
        scaled = scale * weights
        whole = Forms(matrix=ridge.direction.matrix * scale, bias=np.array([offset]))
        most = float(now.through(whole.matrix, whole.bias).high[0])
        rest = most - np.maximum(scaled * now.low[features], scaled * now.high[features])
        found = {}
        for feature, weight, other in zip(features.tolist(), scaled.tolist(), rest.tolist(), strict=True):
            if weight > 0 and feature < len(now.low) - 1 and -other / weight >= now.low[feature]:
                found[feature] = -other / weight
        out = found if not out else {f: min(out[f], found[f]) for f in out if f in found}
        if not out:
            break
    return out
