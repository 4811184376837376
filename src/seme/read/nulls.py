"""What the same measurement gives on structureless data, and how a value compares with it.

A *null* keeps what is not in question (number of rows, norms, increments) and destroys what is. A value is
reported with the mean of its null, the 95% interval over null draws and a p-value on each side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Num

LEVEL = 0.95
"""Mass of every interval in this room."""

CLAIM = 0.05
"""A claim is made only where its null reaches the value in at most one draw of twenty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A measured value beside its null.

    Attributes:
        value: The measurement.
        null: Mean over null draws.
        null_interval: Central 95% interval over null draws.
        p_above: Chance of a null draw at least as large, (1 + count) / (1 + draws); never zero.
        p_below: Chance of a null draw at least as small, likewise.
        draws: Number of null draws.
    """

    value: float
    null: float
    null_interval: tuple[float, float]
    p_above: float
    p_below: float
    draws: int


def compare(value: float, draws: Sequence[float] | np.ndarray) -> Comparison:
    """Sets a value beside the draws of its null.

    Args:
        value: The measurement.
        draws: The same measurement on null data, at least one.

    Returns:
        The comparison. With n draws no p-value is below 1 / (n + 1), so that the test keeps its level.

    Source:
        Phipson and Smyth, "Permutation p-values should never be zero", 2010.

    >>> compare(3.0, [1.0, 2.0, 4.0]).p_above
    0.5
    """
    values = np.asarray(draws, dtype=np.float64)
    total = len(values) + 1
    return Comparison(
        value=float(value),
        null=float(values.mean()),
        null_interval=interval(values),
        p_above=float((1 + np.count_nonzero(values >= value)) / total),
        p_below=float((1 + np.count_nonzero(values <= value)) / total),
        draws=len(values),
    )


def interval(draws: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """Gives the central 95% of a sample."""
    low, high = np.quantile(np.asarray(draws, dtype=np.float64), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def bootstrap_ratio(
    numerator: Float[np.ndarray, "items"],
    denominator: Float[np.ndarray, "items"],
    *,
    seed: int,
    draws: int = 200,
) -> tuple[float, float]:
    """Gives the 95% bootstrap interval of sum(numerator) / sum(denominator), items drawn with replacement.

    Args:
        numerator: One non-negative number per item.
        denominator: One positive number per item.
        seed: Seed of the draws.
        draws: Number of resamples. Resampling is by Poisson(1) weights, which streams and agrees with the
            multinomial bootstrap for more than a few dozen items.

    Returns:
        Lower and upper end.
    """
    rng = np.random.default_rng(seed)
    ratios = np.empty(draws)
    for draw in range(draws):
        weights = rng.poisson(1.0, len(numerator)).astype(np.float32)
        ratios[draw] = (weights @ numerator) / max(weights @ denominator, np.finfo(np.float64).tiny)
    return interval(ratios)


def random_walk(
    rng: np.random.Generator, rows: int, width: int, *, dtype: type[np.float64 | np.float32] = np.float64
) -> Float[np.ndarray, "pos d_model"]:
    """Gives a Gaussian random walk: the smooth curve that has no shape.

    In high dimension its components hold 6 / (pi k)^2 of the variance, 82.7% in the first three.

    Source:
        Antognini and Sohl-Dickstein, "PCA of high dimensional random walks", 2018.
    """
    return np.cumsum(rng.standard_normal((rows, width), dtype=dtype), axis=0, dtype=dtype)


def shuffled_increments(
    rng: np.random.Generator, table: Num[np.ndarray, "pos d_model"]
) -> Float[np.ndarray, "pos d_model"]:
    """Gives a walk of the table's own steps in random order and with random signs.

    It keeps the steps' sizes and directions and destroys their order. The signs matter: without them every
    shuffle ends where the table ends, and a table that drifts keeps its drift.
    """
    steps = np.diff(np.asarray(table, dtype=np.float64), axis=0)
    signs = rng.choice([-1.0, 1.0], size=(len(steps), 1))
    walk = np.cumsum(steps[rng.permutation(len(steps))] * signs, axis=0)
    return np.vstack([np.zeros((1, table.shape[1])), walk])


def rotated_rows(rng: np.random.Generator, table: Num[np.ndarray, "pos d_model"]) -> Float[np.ndarray, "pos d_model"]:
    """Gives rows of the same norms in independent random directions: no row knows of another."""
    directions = rng.standard_normal(table.shape)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return directions * np.linalg.norm(np.asarray(table, dtype=np.float64), axis=1, keepdims=True)


def random_frame(rng: np.random.Generator, width: int, k: int) -> Float[np.ndarray, "d_model k"]:
    """Gives k orthonormal directions, uniformly distributed (Haar).

    The signs of R's diagonal are moved into Q; without that QR is not uniform.

    Source:
        Mezzadri, "How to generate random matrices from the classical compact groups", 2007.
    """
    return _frame(rng.standard_normal((width, k)))


def null_frames(rng: np.random.Generator, width: int, k: int, draws: int) -> Iterator[Float[np.ndarray, "d_model k"]]:
    """Gives as many random frames, one after the other, orthonormal to 1e-6 only: made in float32, at half the cost."""
    for _ in range(draws):
        yield _frame(rng.standard_normal((width, k), dtype=np.float32)).astype(np.float64)


def _frame(normal: np.ndarray) -> np.ndarray:
    q, r = np.linalg.qr(normal)
    return q * np.where(np.diag(r) < 0, -1, 1).astype(q.dtype)
