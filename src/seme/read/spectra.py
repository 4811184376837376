"""Variance and components of a table of vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Num
from scipy.sparse.linalg import LinearOperator, eigsh

from seme.core.errors import UsageError

DENSE_SIZE = 320
"""Up to this smaller side a full decomposition is quicker than Lanczos for ten components."""

RANK_TOLERANCE = 1e-10
"""Relative variance below which a component counts as zero: squares of float32 rounding, (2^-24)^2 =
4e-15, summed over some thousands of rows stay below it; the weakest component of any trained table seen
lies above 1e-6."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """The leading components of a table.

    Attributes:
        scores: Coordinates of each row, columns in falling variance; shape rows x k.
        directions: Orthonormal directions in the space, as columns; shape width x k.
        variance: Sum of squares along each direction; shape k.
        total: Sum of squares of the whole table.
    """

    scores: Float[np.ndarray, "rows k"]
    directions: Float[np.ndarray, "width k"]
    variance: Float[np.ndarray, "k"]
    total: float

    @property
    def explained(self) -> Float[np.ndarray, "k"]:
        """Cumulative fraction of the variance held by the first 1, 2, ... k components."""
        return np.cumsum(self.variance) / self.total


def centre(table: Num[np.ndarray, "rows width"]) -> Float[np.ndarray, "rows width"]:
    """Takes the mean row from every row, in float64."""
    values = np.asarray(table, dtype=np.float64)
    return values - values.mean(axis=0)


def components(table: Num[np.ndarray, "rows width"], k: int, *, centred: bool = True) -> Components:
    """Finds the k directions that hold most of a table's variance.

    Args:
        table: One vector per row.
        k: Number of components, from 1 to min(rows, width).
        centred: Whether the mean row is taken away first (principal components) or not (second moments).

    Returns:
        The components in falling order of variance.

    Raises:
        UsageError: If k exceeds what the table can have.

    >>> components(np.diag([3.0, 2.0, 1.0]), 1, centred=False).explained.round(3).tolist()
    [0.643]
    """
    values = centre(table) if centred else np.asarray(table, dtype=np.float64)
    limit = min(values.shape)
    if not 1 <= k <= limit:
        raise UsageError(
            f"cannot take {k} components of a table of {values.shape[0]} rows and {values.shape[1]} columns: "
            f"expected 1 to {limit}",
            hint="ask for fewer components",
        )
    total = float(np.einsum("ij,ij->", values, values))
    if limit <= DENSE_SIZE or k > limit // 3 or total == 0:
        left, singular, right = np.linalg.svd(values, full_matrices=False)
        return Components(
            scores=left[:, :k] * singular[:k],
            directions=right[:k].T,
            variance=singular[:k] ** 2,
            total=total or 1.0,
        )
    return _leading(values, k, total)


def _leading(values: np.ndarray, k: int, total: float) -> Components:
    """Lanczos on the smaller Gram matrix, started from a fixed vector so that runs repeat."""
    wide = values.shape[1] > values.shape[0]
    gram = values @ values.T if wide else values.T @ values
    operator = LinearOperator(gram.shape, matvec=lambda v: gram @ v.astype(gram.dtype), dtype=np.float64)  # pyright: ignore
    start, tolerance = np.cos(np.arange(len(gram)) + 0.5), 1e-9 if gram.dtype == np.float64 else 1e-5
    variance, vectors = eigsh(operator, k=k, which="LA", v0=start, ncv=max(3 * k, 24), tol=tolerance)  # pyright: ignore
    order = np.argsort(-variance)
    variance, vectors = np.maximum(variance[order], 0.0), vectors[:, order]
    lengths = np.sqrt(np.maximum(variance, np.finfo(np.float64).tiny))
    if wide:
        directions, scores = values.T @ vectors / lengths, vectors * lengths
    else:
        directions, scores = vectors, values @ vectors
    return Components(scores=scores, directions=directions, variance=variance, total=total)


def leading_shares(table: Num[np.ndarray, "rows width"], k: int) -> Float[np.ndarray, "k"]:
    """Cumulative fraction of the variance in the first 1, 2, ... k principal components, for null draws.

    Sums are taken in float32, which is twice as quick and off by 1e-6 at most, a thousandth of what draws differ by.
    """
    small = np.asarray(table, dtype=np.float32)
    small = small - small.mean(axis=0)
    total = float(np.einsum("ij,ij->", small, small, dtype=np.float64))
    if min(small.shape) <= DENSE_SIZE or k > min(small.shape) // 3 or total == 0:
        return components(table, k).explained
    return _leading(small, k, total).explained


def variances(values: Float[np.ndarray, "rows width"]) -> Float[np.ndarray, "components"]:
    """Gives all squared singular values, largest first, from the smaller Gram matrix.

    It is several times as quick as a decomposition and exact to 1e-15 of the largest, far below `RANK_TOLERANCE`.
    """
    gram = values @ values.T if values.shape[0] < values.shape[1] else values.T @ values
    return np.maximum(np.linalg.eigvalsh(gram)[::-1], 0.0)


def rank(table: Num[np.ndarray, "rows width"], *, centred: bool = True) -> int:
    """Counts the components that hold more than rounding."""
    values = centre(table) if centred else np.asarray(table, dtype=np.float64)
    variance = variances(values)
    return int(np.count_nonzero(variance > RANK_TOLERANCE * max(variance.sum(), np.finfo(np.float64).tiny)))


def participation_ratio(table: Num[np.ndarray, "rows width"], *, centred: bool = True) -> float:
    """Gives (sum of variances)^2 / sum of squared variances: how many directions the variance is spread over.

    Args:
        table: One vector per row.
        centred: Whether the mean row is taken away first.

    Returns:
        A number from 1 (a line) to min(rows, width); 0 for a table without variance.

    >>> round(participation_ratio(np.eye(4), centred=False), 6)
    4.0
    """
    values = centre(table) if centred else np.asarray(table, dtype=np.float64)
    gram = values @ values.T if values.shape[0] < values.shape[1] else values.T @ values
    squares = float(np.einsum("ij,ij->", gram, gram))
    return float(np.trace(gram)) ** 2 / squares if squares else 0.0
