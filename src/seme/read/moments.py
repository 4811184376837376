"""One pass over a token table: norms, mean and second moments in float64, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Num
from scipy.linalg import blas

from seme.core.errors import InputError
from seme.read.rows import Rows, as_rows

UNUSED = 0.5
"""A token whose norm is under half the median is taken as never trained: in MiniLM those lie at .41 of the
median with a deviation of .01, the used ones above .6."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenMoments:
    """What the measures need to know of a token table.

    Attributes:
        norms: Norm of every row.
        used: Which rows are measured.
        mean: Mean of the used rows.
        scatter: Sum over used rows of (row - mean) (row - mean)^T, float64.
        count: Number of used rows.
    """

    norms: Float[np.ndarray, "vocab"]
    used: Bool[np.ndarray, "vocab"]
    mean: Float[np.ndarray, "d_model"]
    scatter: Float[np.ndarray, "d_model d_model"]
    count: int

    @property
    def second_moment(self) -> Float[np.ndarray, "d_model d_model"]:
        """Sum of row row^T over used rows, not centred."""
        return self.scatter + self.count * np.outer(self.mean, self.mean)

    @property
    def covariance(self) -> Float[np.ndarray, "d_model d_model"]:
        """Scatter over count."""
        return self.scatter / self.count


def token_moments(
    table: Rows | Num[np.ndarray, "vocab d_model"], *, advance: Callable[[int], None] = lambda rows: None
) -> TokenMoments:
    """Streams over a token table three times: norms, mean, centred second moment.

    Args:
        table: One row per token.
        advance: Told the number of rows read after each block (for a progress bar).

    Returns:
        The moments of the rows whose norm is at least half the median.

    Raises:
        InputError: If an entry is NaN or infinite, or all are zero.
    """
    rows = as_rows(table)
    norms = np.empty(rows.shape[0])
    for start, block in rows.blocks():
        values = block.astype(np.float64)
        norms[start : start + len(block)] = np.sqrt(np.einsum("ij,ij->i", values, values))
        advance(len(block))
    _refuse_bad(norms)
    used = norms >= UNUSED * np.median(norms[norms > 0])
    total = np.zeros(rows.shape[1])
    for start, block in rows.blocks():
        total += block[used[start : start + len(block)]].sum(axis=0, dtype=np.float64)
        advance(len(block))
    count = int(used.sum())
    mean = total / count
    scatter = np.zeros((rows.shape[1], rows.shape[1]), order="F")
    for start, block in rows.blocks():
        _add_scatter(scatter, block[used[start : start + len(block)]], mean, rows.half)
        advance(len(block))
    scatter += np.triu(scatter, 1).T
    return TokenMoments(norms=norms, used=used, mean=mean, scatter=scatter, count=count)


def _add_scatter(scatter: np.ndarray, block: np.ndarray, mean: np.ndarray, half: bool) -> None:
    """Adds one block's upper triangle; 16-bit numbers multiply in float32 and add in float64."""
    if not len(block):
        return
    if half:
        centred = block.astype(np.float32) - mean.astype(np.float32)
        product = blas.ssyrk(1.0, centred.T)  # pyright: ignore
        scatter += product
        return
    centred = block.astype(np.float64) - mean
    blas.dsyrk(1.0, centred.T, beta=1.0, c=scatter, overwrite_c=True)  # pyright: ignore


def _refuse_bad(norms: np.ndarray) -> None:
    bad = np.flatnonzero(~np.isfinite(norms))
    if len(bad):
        raise InputError(
            f"cannot measure the token table: {len(bad)} of its rows hold NaN or infinity, the first is row {bad[0]}",
            hint="the checkpoint is damaged or its training diverged",
        )
    if not norms.any():
        raise InputError(
            "cannot measure the token table: every entry is zero", hint="check --token-key, or the checkpoint"
        )


def token_projections(
    table: Rows | Num[np.ndarray, "vocab d_model"],
    frame: Float[np.ndarray, "d_model k"],
    moments: TokenMoments,
) -> tuple[Float[np.ndarray, "tokens k"], Float[np.ndarray, "tokens"]]:
    """Gives each used token's coordinates in a frame and its squared norm, both centred.

    Args:
        table: One row per token.
        frame: Orthonormal directions.
        moments: The table's moments.

    Returns:
        Coordinates of (row - mean), and |row - mean|^2.
    """
    rows, offset = as_rows(table), moments.mean @ frame
    coordinates, squares = [], []
    for start, block in rows.blocks():
        values = block[moments.used[start : start + len(block)]].astype(np.float64)
        coordinates.append(values @ frame - offset)
        centred = values - moments.mean
        squares.append(np.einsum("ij,ij->i", centred, centred))
    return np.vstack(coordinates), np.concatenate(squares)
