"""Changed position tables: truncated, with directions removed, shifted, permuted, rotated, or gone.

Functions of plain arrays. Each keeps the mean row unless it says otherwise: the mean carries no position.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Num

from seme.core.errors import UsageError
from seme.read.nulls import random_frame
from seme.read.spectra import components

Table = Float[np.ndarray, "pos d_model"]


def truncate(table: Num[np.ndarray, "pos d_model"], k: int) -> Table:
    """Keeps the top-k components of the centred table; k = 0 leaves every row the mean.

    Raises:
        UsageError: If k exceeds what the table can have.
    """
    _check(table, k)
    mean = np.asarray(table, dtype=np.float64).mean(axis=0)
    if k == 0:
        return np.broadcast_to(mean, table.shape).copy()
    kept = components(table, k)
    return mean + kept.scores @ kept.directions.T


def remove_top(table: Num[np.ndarray, "pos d_model"], k: int) -> Table:
    """Removes the top-k components of the centred table."""
    _check(table, k)
    values = np.asarray(table, dtype=np.float64)
    return values - (truncate(values, k) - values.mean(axis=0))


def remove_random(table: Num[np.ndarray, "pos d_model"], k: int, rng: np.random.Generator) -> Table:
    """Removes k random directions of the space the centred table spans: the control of `remove_top`."""
    _check(table, k)
    values = np.asarray(table, dtype=np.float64)
    mean = values.mean(axis=0)
    _, singular, right = np.linalg.svd(values - mean, full_matrices=False)
    span = right[singular > 1e-6 * singular[0]] if singular[0] > 0 else right[:1]
    frame = span.T @ random_frame(rng, len(span), min(k, len(span)))
    return values - (values - mean) @ frame @ frame.T


def shift(table: Num[np.ndarray, "pos d_model"], places: int) -> Table:
    """Gives position i the row of position i + places; rows past the end wrap to the beginning."""
    return np.roll(np.asarray(table, dtype=np.float64), -places, axis=0)


def permute(table: Num[np.ndarray, "pos d_model"], used: int, rng: np.random.Generator) -> Table:
    """Puts the first `used` rows in random order."""
    values = np.asarray(table, dtype=np.float64).copy()
    values[:used] = rng.permutation(values[:used], axis=0)
    return values


def rotate(table: Num[np.ndarray, "pos d_model"], rng: np.random.Generator) -> Table:
    """Turns the centred table into a random orientation: every distance between positions stays."""
    values = np.asarray(table, dtype=np.float64)
    mean = values.mean(axis=0)
    return mean + (values - mean) @ random_frame(rng, values.shape[1], values.shape[1])


def _check(table: np.ndarray, k: int) -> None:
    limit = min(table.shape)
    if not 0 <= k <= limit:
        raise UsageError(
            f"cannot keep or remove {k} components of a table of {table.shape[0]} rows and width {table.shape[1]}",
            hint=f"choose k from 0 to {limit}",
        )
