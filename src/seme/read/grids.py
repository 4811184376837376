"""Positions on a grid (images): does similarity depend on the offset in both axes only?"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Num

from seme.core.errors import InputError
from seme.read.nulls import Comparison, compare
from seme.read.spectra import centre


def grid_side(rows: int) -> int | None:
    """Gives the side of the square grid that `rows` positions fill, or None.

    >>> grid_side(196), grid_side(197)
    (14, None)
    """
    side = round(rows**0.5)
    return side if side > 1 and side * side == rows else None


def offset_r2(gram: Float[np.ndarray, "pos pos"], side: int) -> float:
    """Gives how much of a Gram matrix off its diagonal depends on the offsets (|dx|, |dy|) only."""
    rows, columns = np.divmod(np.arange(side * side), side)
    down = np.abs(rows[:, None] - rows[None])
    across = np.abs(columns[:, None] - columns[None])
    off = ~np.eye(side * side, dtype=bool)
    labels, entries = (down * side + across)[off], gram[off]
    counts = np.maximum(np.bincount(labels, minlength=side * side), 1)
    means = np.bincount(labels, weights=entries, minlength=side * side) / counts
    spread = ((entries - entries.mean()) ** 2).sum()
    return float(1 - ((entries - means[labels]) ** 2).sum() / spread) if spread > 0 else 1.0


def measure_grid(table: Num[np.ndarray, "pos d_model"], *, seed: int = 0, draws: int = 39) -> Comparison:
    """Sets the R^2 by grid offset beside cells in random order.

    Args:
        table: One row per cell of a square grid, in raster order.
        seed: Seed of the orders.
        draws: Orders.

    Returns:
        The comparison.

    Raises:
        InputError: If the rows do not fill a square.
    """
    side = grid_side(len(table))
    if side is None:
        raise InputError(
            f"cannot lay {len(table)} positions on a square grid: expected a square number of at least 4",
            hint="leave out class rows first",
        )
    values = centre(table)
    gram, rng = values @ values.T, np.random.default_rng(seed)
    null = []
    for _ in range(draws):
        order = rng.permutation(len(values))
        null.append(offset_r2(gram[np.ix_(order, order)], side))
    return compare(offset_r2(gram, side), null)
