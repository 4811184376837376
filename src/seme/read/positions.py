"""The position matrix: variance, shape, and dependence on distance, each beside its nulls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Num

from seme.core.errors import InputError
from seme.read.nulls import Comparison, compare, random_walk, rotated_rows, shuffled_increments
from seme.read.rings import Band, Helix, Ring, bands, helix, rings, spectrum
from seme.read.spectra import (
    RANK_TOLERANCE,
    Components,
    centre,
    components,
    leading_shares,
    participation_ratio,
    variances,
)

KEPT = (1, 2, 3, 5, 10)
"""Component counts whose explained variance is compared with the nulls."""

MIN_POSITIONS = 4
"""Fewer rows have no shape: three points always lie in a plane."""

OUTLIER = 3.0
"""A row whose norm is over 3 times, or under a third of, the median is set apart: MiniLM's row 0 is at 4.9
times, its next largest at 2.0."""

LISTED = 64
"""Explained variances listed in the result; the rest is in the participation ratio."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowNorms:
    """Norms of the rows and which of them stand apart.

    Attributes:
        norms: Euclidean norm of each row, in the table's units.
        median: Their median.
        outliers: Rows over three times or under a third of the median.
    """

    norms: Float[np.ndarray, "pos"]
    median: float
    outliers: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionReport:
    """What the rows of a position table have in common, beside three nulls.

    Attributes:
        rows: Number of rows measured.
        width: Width of a row.
        rank: Components above rounding.
        explained_variance: Cumulative fractions held by 1, 2, ... components of the centred rows.
        explained_variance_raw: The same without centring.
        participation_ratio: Effective number of directions.
        against: For each null (random_walk, shuffled_increments, rotated_rows), k -> comparison of the
            variance explained by k components.
        rings: The best ring pairs among six components.
        ring_score: Best ring score against shuffled-increment walks.
        helix_score: Best helix score against the same.
        helix: The best helix: its axis and its ring.
        bands: Frequency bands above a table in random row order.
        spectrum: Share of variance at 1, 2, ... cycles over the table.
        toeplitz: R^2 of the centred Gram matrix by distance alone, against rows in random order.
        toeplitz_cosine: The same for cosines of the raw rows.
        similarity: Mean cosine of rows at distance 0, 1, 2, ...
        sinusoidal: The same for the sinusoidal encoding of this size.
        scores: Scores of the leading components, for pictures.
    """

    rows: int
    width: int
    rank: int
    explained_variance: tuple[float, ...]
    explained_variance_raw: tuple[float, ...]
    participation_ratio: float
    against: dict[str, dict[int, Comparison]]
    rings: tuple[Ring, ...]
    ring_score: Comparison
    helix_score: Comparison
    helix: Helix
    bands: tuple[Band, ...]
    spectrum: tuple[float, ...]
    toeplitz: Comparison
    toeplitz_cosine: Comparison
    similarity: tuple[float, ...]
    sinusoidal: tuple[float, ...]
    scores: Float[np.ndarray, "pos k"]


def row_norms(table: Num[np.ndarray, "pos d_model"]) -> RowNorms:
    """Measures the rows' norms and names those that stand apart.

    >>> row_norms(np.vstack([np.full((1, 4), 9.0), np.ones((7, 4))])).outliers
    (0,)
    """
    norms = np.linalg.norm(np.asarray(table, dtype=np.float64), axis=1)
    median = float(np.median(norms))
    apart = np.flatnonzero((norms > OUTLIER * median) | (norms < median / OUTLIER))
    return RowNorms(norms=norms, median=median, outliers=tuple(int(row) for row in apart))


def sinusoidal(rows: int, width: int) -> Float[np.ndarray, "pos d_model"]:
    """Gives the sinusoidal encoding of a size.

    Source:
        Vaswani et al., "Attention is all you need", 2017, section 3.5.
    """
    half = (width + 1) // 2
    angles = np.arange(rows)[:, None] / 10000.0 ** (2 * np.arange(half) / width)
    return np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(rows, 2 * half)[:, :width]


def similarity_by_distance(table: Num[np.ndarray, "pos d_model"]) -> Float[np.ndarray, "distance"]:
    """Gives the mean cosine of raw rows at distance 0, 1, 2, ...; rows of zeros count as cosine 0."""
    values = np.asarray(table, dtype=np.float64)
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    unit = np.divide(values, norms, out=np.zeros_like(values), where=norms > 0)
    return diagonal_means(unit @ unit.T)


def diagonal_means(gram: Float[np.ndarray, "pos pos"]) -> Float[np.ndarray, "distance"]:
    """Gives the mean of a matrix over each of its upper diagonals.

    Rows of twice the length, read one entry shorter, put each diagonal into a column: one sum does them all.

    >>> diagonal_means(np.array([[1.0, 2.0], [5.0, 3.0]])).tolist()
    [2.0, 2.0]
    """
    count = len(gram)
    skewed = np.zeros((count, 2 * count))
    skewed[:, :count] = np.triu(gram)[:, ::-1]
    sums = skewed.reshape(-1)[: count * (2 * count - 1)].reshape(count, 2 * count - 1).sum(axis=0)
    return sums[count - 1 :: -1] / np.arange(count, 0, -1)


def toeplitz_r2(gram: Float[np.ndarray, "pos pos"]) -> float:
    """Gives how much of a symmetric matrix off its diagonal depends on the distance |i - j| only.

    Returns:
        Variance of the diagonals' means, each counted by its length, over the variance of all off-diagonal
        entries; 1 where there is none.
    """
    count = len(gram)
    entries = count * (count - 1) / 2
    means, lengths = diagonal_means(gram)[1:], np.arange(count - 1, 0, -1)
    grand = float(means @ lengths) / entries
    squares = (float(np.einsum("ij,ij->", gram, gram)) - float(np.square(np.diagonal(gram)).sum())) / 2
    spread = squares - entries * grand**2
    explained = float(lengths @ (means - grand) ** 2)
    return explained / spread if spread > 1e-12 * max(squares, 1e-300) else 1.0


def measure_positions(
    table: Num[np.ndarray, "pos d_model"], *, seed: int = 0, draws: int = 39, walk_rows: int | None = None
) -> PositionReport:
    """Measures a position table and its nulls.

    Args:
        table: One row per position, in order; at least four, none of them NaN, not all zero.
        seed: Seed of all null draws.
        draws: Draws per null; 39 give two-sided intervals at 95%.
        walk_rows: Rows of the null's random walks, where another table's, of a row more or less, shall serve again.

    Returns:
        The report.

    Raises:
        InputError: If there are fewer than four rows, or the table is zero or not finite.
    """
    values = checked(table)
    k = min(max(KEPT), *values.shape)
    leading = components(values, k)
    rng = np.random.default_rng(seed)

    def walk(index: int) -> np.ndarray:
        return shuffled_increments(np.random.default_rng([seed, index]), values)

    walks = _walk_shares(walk_rows or len(values), values.shape[1], k, draws, seed)
    against, best_rings, best_helices = _explained_nulls(leading, values, walks, walk, rng)
    found, spiral = rings(leading.scores), helix(leading.scores)
    dots, cosines = _toeplitz(values, rng)
    full, full_raw = variances(centre(values)), variances(values)
    return PositionReport(
        rows=len(values),
        width=values.shape[1],
        rank=int(np.count_nonzero(full > RANK_TOLERANCE * max(full.sum(), np.finfo(np.float64).tiny))),
        explained_variance=_fractions(full),
        explained_variance_raw=_fractions(full_raw),
        participation_ratio=participation_ratio(values),
        against=against,
        rings=found[:3],
        ring_score=compare(found[0].score if found else 0.0, best_rings),
        helix_score=compare(spiral.score, best_helices),
        helix=spiral,
        bands=bands(values, map(walk, range(draws)), seed=seed),
        spectrum=tuple(spectrum(values).tolist()),
        toeplitz=dots,
        toeplitz_cosine=cosines,
        similarity=tuple(similarity_by_distance(values).tolist()),
        sinusoidal=tuple(similarity_by_distance(sinusoidal(*values.shape)).tolist()),
        scores=leading.scores,
    )


def checked(table: Num[np.ndarray, "pos d_model"]) -> Float[np.ndarray, "pos d_model"]:
    """Gives the table in float64, or refuses it.

    Raises:
        InputError: If there are fewer than four rows, or the table is zero or not finite.
    """
    values = np.asarray(table, dtype=np.float64)
    if values.ndim != 2:
        raise InputError(
            f"cannot measure a position table of shape {values.shape}: expected two axes, position and width",
            hint="pass one row per position",
        )
    if len(values) < MIN_POSITIONS:
        raise InputError(
            f"cannot measure {len(values)} positions: expected at least {MIN_POSITIONS}, fewer have no shape",
            hint="read a model with a longer context",
        )
    if not np.isfinite(values).all():
        rows = np.flatnonzero(~np.isfinite(values).all(axis=1))
        raise InputError(
            f"cannot measure the position table: {len(rows)} of its rows hold NaN or infinity, the first is "
            f"row {rows[0]}",
            hint="the checkpoint is damaged or its training diverged",
        )
    if not values.any():
        raise InputError(
            "cannot measure the position table: every entry is zero",
            hint="the model adds no positions; measure its tokens instead",
        )
    return values


def _fractions(variance: np.ndarray) -> tuple[float, ...]:
    total = max(variance.sum(), np.finfo(np.float64).tiny)
    return tuple((np.cumsum(variance) / total)[:LISTED].tolist())


@lru_cache(maxsize=2)
def _walk_shares(rows: int, width: int, k: int, draws: int, seed: int) -> np.ndarray:
    """Explained variance of random walks, [draws, k]: of a table it depends on nothing but the size."""
    rng = np.random.default_rng([seed, rows, width])
    return np.array([leading_shares(random_walk(rng, rows, width, dtype=np.float32), k) for _ in range(draws)])


def _explained_nulls(
    leading: Components,
    values: np.ndarray,
    walks: np.ndarray,
    walk: Callable[[int], np.ndarray],
    rng: np.random.Generator,
) -> tuple[dict[str, dict[int, Comparison]], list[float], list[float]]:
    """Explained variance under each null, and the best ring and helix of the shuffled-increment walks."""
    draws, k = walks.shape
    counts = [count for count in KEPT if count <= k]
    makers: dict[str, Callable[[int], np.ndarray]] = {
        "shuffled_increments": walk,
        "rotated_rows": lambda _: rotated_rows(rng, values),
    }
    against = {"random_walk": {count: compare(leading.explained[count - 1], walks[:, count - 1]) for count in counts}}
    best_rings, best_helices = [], []
    for name, make in makers.items():
        explained = np.empty((draws, k))
        for index in range(draws):
            if name != "shuffled_increments":
                explained[index] = leading_shares(make(index), k)
            else:
                null = components(make(index), k)
                explained[index] = null.explained
                found = rings(null.scores)
                best_rings.append(found[0].score if found else 0.0)
                best_helices.append(helix(null.scores).score)
        against[name] = {count: compare(leading.explained[count - 1], explained[:, count - 1]) for count in counts}
    return against, best_rings, best_helices


def _toeplitz(values: np.ndarray, rng: np.random.Generator, draws: int = 19) -> tuple[Comparison, Comparison]:
    """Toeplitz R^2 of dot products (centred) and cosines (raw), against rows in random order."""
    dots = centre(values) @ centre(values).T
    norms = np.linalg.norm(values, axis=1)
    norms[norms == 0] = 1.0
    cosines = (values @ values.T) / np.outer(norms, norms)
    null_dots, null_cosines = [], []
    for _ in range(draws):
        order = rng.permutation(len(values))
        null_dots.append(toeplitz_r2(dots[np.ix_(order, order)]))
        null_cosines.append(toeplitz_r2(cosines[np.ix_(order, order)]))
    return compare(toeplitz_r2(dots), null_dots), compare(toeplitz_r2(cosines), null_cosines)
