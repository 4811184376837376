"""Tables too large to hold: rows read in blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Num

BLOCK_BYTES = 32 * 2**20
"""Bytes of one block in float64. 32 MiB keeps a product's operands near the cache and the peak memory
small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A table that gives its rows from start to stop when asked.

    Attributes:
        shape: Number of rows and width.
        read: Gives rows start to stop as an array of floats.
        half: Whether the stored numbers have 16 bits, so that float32 products lose nothing that is there.
    """

    shape: tuple[int, int]
    read: Callable[[int, int], np.ndarray]
    half: bool = False

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """Gives (first row, rows) for the whole table, in order."""
        step = max(1, BLOCK_BYTES // (8 * max(1, self.shape[1])))
        for start in range(0, self.shape[0], step):
            yield start, self.read(start, min(start + step, self.shape[0]))

    def take(self, indices: np.ndarray) -> Float[np.ndarray, "rows width"]:
        """Gives chosen rows in float64."""
        if not len(indices):
            return np.zeros((0, self.shape[1]))
        return np.vstack([self.read(int(row), int(row) + 1) for row in indices]).astype(np.float64)


def as_rows(table: Rows | Num[np.ndarray, "rows width"]) -> Rows:
    """Wraps an array as `Rows`; gives `Rows` back unchanged.

    >>> as_rows(np.ones((3, 2))).shape
    (3, 2)
    """
    if isinstance(table, Rows):
        return table
    rows, width = table.shape
    return Rows(shape=(rows, width), read=lambda start, stop: table[start:stop], half=table.dtype == np.float16)
