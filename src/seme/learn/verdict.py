"""From numbers to a word: was anything learned, and did the network stay linear in its weights?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

# Below this the network explains less than nine tenths of its targets, and "it stayed linear" may only mean
# that it stayed where it was: an identity activation on a product (R^2 near 0) has a tiny gap.
LEARNED_R2 = 0.9
# Where there are classes, memorised and generalised mean that 19 of 20 answers are right.
LEARNED_ACCURACY = 0.95
# A gap of 0.1 leaves 1% of the learned function's energy (the gap squared) outside the tangent space, which
# costs the linear model about that much R^2. Relu networks of some hundred units stand there.
LINEAR_GAP = 0.1
# Where the readout holds this share of the kernel's trace, the other weights contribute a twentieth or less
# of how the function moves: the features are as good as fixed; linearity says nothing about learning them.
READOUT_SHARE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean over seeds.

    Attributes:
        value: The mean.
        interval: Student's t interval of 95% for it; None for a single seed.
    """

    value: float
    interval: tuple[float, float] | None

    def as_json(self) -> dict:
        """`{"value", "interval"}`."""
        return {"value": self.value, "interval": None if self.interval is None else list(self.interval)}


def estimate(values: Sequence[float], level: float = 0.95) -> Estimate:
    """Mean and t interval of values from independent seeds.

    >>> estimate([1.0, 2.0, 3.0]).value
    2.0
    >>> estimate([1.0]).interval is None
    True
    """
    data = np.asarray(values, dtype=float)
    mean = float(data.mean())
    if len(data) < 2:
        return Estimate(value=mean, interval=None)
    half = float(stats.t.ppf((1 + level) / 2, len(data) - 1) * data.std(ddof=1) / len(data) ** 0.5)
    return Estimate(value=mean, interval=(mean - half, mean + half))


def verdict(r2: Estimate, taylor_gap: Estimate, readout_share: Estimate) -> str:
    """The word for a group of runs.

    Args:
        r2: Of the trained network.
        taylor_gap: At the end of training.
        readout_share: Of the readout in the trace of the kernel at the start.

    Returns:
        UNLEARNED, RANDOM FEATURES, LINEAR or NONLINEAR. LINEAR is claimed only when the whole interval
        of the gap lies below the threshold.
    """
    if not r2.value >= LEARNED_R2:
        return "UNLEARNED"
    upper = taylor_gap.value if taylor_gap.interval is None else taylor_gap.interval[1]
    if not upper <= LINEAR_GAP:
        return "NONLINEAR"
    return "RANDOM FEATURES" if readout_share.value >= READOUT_SHARE else "LINEAR"


def width_slope(gaps: Mapping[int, Mapping[int, float]]) -> Estimate | None:
    """Slope of log gap against log width, fitted for every seed, then averaged.

    Args:
        gaps: Taylor gap by seed and width.

    Returns:
        The slope, or None when no seed has two widths with a positive gap.
    """
    slopes = []
    for by_width in gaps.values():
        points = [(w, g) for w, g in sorted(by_width.items()) if g > 0 and np.isfinite(g)]
        if len(points) >= 2:
            widths, values = zip(*points, strict=True)
            slopes.append(float(np.polyfit(np.log(widths), np.log(values), 1)[0]))
    return estimate(slopes) if slopes else None
