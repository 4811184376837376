"""How far a bank of neurons on one direction can be off, point by point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seme.compiler.bounds import Bound
from seme.core.numerics import FloatType
from seme.ir import Neurons

CHUNK = 2048


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RidgeError:
    """What is known of a bank.

    Attributes:
        bound: The error of its written semes.
        largest: The largest pre-activation.
        used: The largest share of a neuron's distance from its bend that noise takes up: at 1, noise can push some
            neuron over its bend from a point that is not on it.
    """

    bound: Bound
    largest: float
    used: float


def ridge_error(
    node: Neurons, absolute: float, relative: float, float_type: FloatType, *, own: float = 0.0
) -> RidgeError:
    """The error of `relu(z * slopes + offsets) @ write` when z is off by absolute + relative * |z|.

    The function is piecewise linear, so within the noise around a point it moves by at most the steepest slope
    there times the noise. To that comes the rounding of every pre-activation and of the sum.

    Args:
        node: A bank with a read of width 1.
        absolute: See above.
        relative: See above.
        float_type: The arithmetic.
        own: What of the noise each neuron has for itself: every one adds up the same terms, and each may round
            differently, so this part does not cancel between neurons.
    """
    slopes, offsets, write = node.slopes[0], node.offsets, node.write
    points = node.points
    if points is None:
        points = _ends(node)
    bends = -offsets / slopes
    order = np.argsort(bends)
    steep = _segment_slopes(slopes[order], write[order])
    at_zero, elsewhere = np.zeros(write.shape[1]), np.zeros(write.shape[1])
    largest = used = 0.0
    for start in range(0, len(points), CHUNK):
        z = points[start : start + CHUNK]
        # What rounds in a pre-activation near its bend moves it like so much more noise of z.
        noise = absolute + (relative + 6 * float_type.unit) * np.abs(z)
        left = np.searchsorted(bends[order], z - noise, side="left")
        right = np.searchsorted(bends[order], z + noise, side="right")
        moved = _steepest(steep, left, right) * noise[:, None]
        size = np.abs(z[:, None] * slopes) + np.abs(offsets)
        pre = np.maximum(z[:, None] * slopes + offsets, 0.0)
        # Three roundings: the product's factors and their sum with the bias.
        rounding = (3 * float_type.unit * size + own * np.abs(slopes)) * (pre > 0) @ np.abs(write)
        active = (pre > 0).sum(axis=1)
        total = (active + 2) * float_type.sum_unit + float_type.unit
        error = moved + rounding + total[:, None] * (pre @ np.abs(write))
        value = np.abs(pre @ write)
        zero = value < 1e-9
        at_zero = np.maximum(at_zero, np.where(zero, error, 0.0).max(axis=0))
        elsewhere = np.maximum(elsewhere, np.where(zero, 0.0, error).max(axis=0))
        largest = max(largest, float(size.max(initial=0.0)))
        if node.quantum > 0:
            distance = np.abs(z[:, None] - bends)
            distance[distance < 1e-9 * np.maximum(1.0, np.abs(bends))] = np.inf
            used = max(used, float((noise[:, None] / distance).max(initial=0.0)))
    worst = np.maximum(at_zero, elsewhere)
    bound = Bound(absolute=worst, relative=np.zeros(len(worst)), exact_zero=at_zero == 0)
    return RidgeError(bound=bound, largest=largest, used=used)


def _ends(node: Neurons) -> np.ndarray:
    """For a direction whose values are not listed: the bends, where the function can be steepest, and around them."""
    bends = np.sort(-node.offsets / node.slopes[0])
    middles = (bends[1:] + bends[:-1]) / 2
    return np.unique(np.concatenate([bends, middles, bends[:1] - 1, bends[-1:] + 1]))


def _segment_slopes(slopes: np.ndarray, write: np.ndarray) -> np.ndarray:
    """[bends + 1, size]: the function's slope left of the first bend, between bends, and right of the last."""
    rising = (np.maximum(slopes, 0)[:, None]) * write
    falling = (np.minimum(slopes, 0)[:, None]) * write
    zero = np.zeros((1, write.shape[1]))
    from_left = np.concatenate([zero, np.cumsum(rising, axis=0)])
    from_right = np.concatenate([np.cumsum(falling[::-1], axis=0)[::-1], zero])
    return np.abs(from_left + from_right)


def _steepest(steep: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The largest slope over segments left..right of every point."""
    out = np.maximum(steep[left], steep[right])
    for i in np.flatnonzero(right - left > 1):
        out[i] = steep[left[i] : right[i] + 1].max(axis=0)
    return out
