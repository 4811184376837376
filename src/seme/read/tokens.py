"""Tokens against positions: do the two live in the same directions of the residual stream?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Num
from scipy.linalg import eigh

from seme.core.errors import InputError, UsageError
from seme.read.moments import TokenMoments, token_moments, token_projections
from seme.read.nulls import Comparison, bootstrap_ratio, compare, null_frames
from seme.read.positions import checked
from seme.read.rows import Rows, as_rows
from seme.read.spectra import components, rank

SAMPLE = 512
"""Tokens drawn for the measures over pairs."""

POSITION_SAMPLE = 128
"""Position rows used for them, evenly spaced."""

COUNTS = (1, 2, 3, 5, 10, 20)
"""Numbers of directions at which energies are listed."""

BLOCKS = (10, 20, 50)
"""Sizes of the ends of the token spectrum at which position energy is listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopEnergy:
    """Share of the centred tokens' energy in the top-k directions of the centred positions.

    Attributes:
        k: Number of directions.
        value: The share.
        null: Mean share over random orientations; its expectation is k / width.
        interval: 95% bootstrap interval of the value over tokens.
        null_interval: 95% interval over random orientations.
        p_below: Chance of a random orientation with so small a share.
        p_above: Chance of one with so large a share.
    """

    k: int
    value: float
    null: float
    interval: tuple[float, float]
    null_interval: tuple[float, float]
    p_below: float
    p_above: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SpectrumBlock:
    """Share of the centred positions' energy in one end of the token spectrum.

    Attributes:
        end: "lowest" or "highest" token variance.
        directions: Number of token components in the block.
        energy: The share against random orientations.
    """

    end: str
    directions: int
    energy: Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenReport:
    """How tokens and positions share the space, beside random orientations of the positions.

    Attributes:
        vocabulary: Rows of the token table.
        measured: Rows measured.
        left_out: Rows left out, and `left_out_why`.
        median_norm: Median norm of the measured rows.
        left_out_norm: Median norm of the rows left out, or None.
        participation_ratio: Of the centred tokens.
        explained_variance: Cumulative fractions by the leading token components.
        energy_top_k: Token energy in the top three position directions, centred.
        energy_by_k: k -> the same for other k, centred, against random orientations.
        energy_by_k_raw: The same without centring either table.
        position_energy_by_block: Position energy in the ends of the token spectrum.
        principal_angles: k -> mean cosine of the principal angles between the top-k subspaces.
        mean_abs_cosine: Between tokens and positions as they are, against random orientations.
        mean_abs_cosine_centred: With both means taken away.
        cosine_of_means: Of the mean token with the mean position: why raw and centred differ.
    """

    vocabulary: int
    measured: int
    left_out: int
    left_out_why: str
    median_norm: float
    left_out_norm: float | None
    participation_ratio: float
    explained_variance: tuple[float, ...]
    energy_top_k: TopEnergy
    energy_by_k: dict[int, Comparison]
    energy_by_k_raw: dict[int, Comparison]
    position_energy_by_block: tuple[SpectrumBlock, ...]
    principal_angles: dict[int, Comparison]
    mean_abs_cosine: Comparison
    mean_abs_cosine_centred: Comparison
    cosine_of_means: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensAlone:
    """A token table without positions beside it.

    Attributes:
        vocabulary: Rows of the table.
        measured: Rows measured; the others have norms under half the median.
        median_norm: Median norm of the measured rows.
        participation_ratio: Of the centred tokens.
        explained_variance: Cumulative fractions by the leading components.
    """

    vocabulary: int
    measured: int
    median_norm: float
    participation_ratio: float
    explained_variance: tuple[float, ...]


def measure_alone(moments: TokenMoments) -> TokensAlone:
    """Measures a token table that has no positions to be compared with."""
    variance = np.maximum(np.linalg.eigvalsh(moments.scatter)[::-1], 0.0)
    total = max(variance.sum(), np.finfo(np.float64).tiny)
    return TokensAlone(
        vocabulary=len(moments.norms),
        measured=moments.count,
        median_norm=float(np.median(moments.norms[moments.used])),
        participation_ratio=float(total**2 / max((variance**2).sum(), np.finfo(np.float64).tiny)),
        explained_variance=tuple((np.cumsum(variance) / total)[:64].tolist()),
    )


def energy_in(frame: Float[np.ndarray, "d_model k"], moment: Float[np.ndarray, "d_model d_model"]) -> float:
    """Gives the share of a second moment's trace that lies in a frame: tr(U^T M U) / tr(M).

    >>> energy_in(np.eye(4)[:, :1], np.diag([3.0, 1.0, 0.0, 0.0]))
    0.75
    """
    return float(np.einsum("ik,ik->", frame, moment @ frame) / np.trace(moment))


def measure_tokens(
    tokens: Rows | Num[np.ndarray, "vocab d_model"],
    positions: Num[np.ndarray, "pos d_model"],
    *,
    k: int = 3,
    seed: int = 0,
    draws: int = 99,
    moments: TokenMoments | None = None,
) -> TokenReport:
    """Measures how a token table and a position table share directions.

    Args:
        tokens: One row per token; may be streamed.
        positions: One row per position, outliers already left out.
        k: Position directions for `energy_top_k`, at most the smaller side of the position table.
        seed: Seed of null draws and of the bootstrap.
        draws: Random orientations of the positions per comparison.
        moments: The token table's moments, if they are known already.

    Returns:
        The report.

    Raises:
        InputError: If the widths differ, a table holds NaN or infinity, or there are fewer than four positions or none
            that differ.
        UsageError: If k is larger than the position table allows.
    """
    rows, table = as_rows(tokens), np.asarray(positions, dtype=np.float64)
    limit = _check(rows, table, k)
    moments = moments or token_moments(rows)
    rng = np.random.default_rng(seed)
    counts = tuple(count for count in COUNTS if count <= limit)
    top = components(table, max(*counts, k))
    top_raw = components(table, max(*counts, k), centred=False)
    variance, basis = eigh(moments.scatter)
    energy, energy_raw = _energies(counts, top.directions, top_raw.directions, moments, rng, draws)
    pairs = _cosines(rows, table, moments, rng, draws)
    skipped = moments.norms[~moments.used]
    return TokenReport(
        vocabulary=rows.shape[0],
        measured=moments.count,
        left_out=len(skipped),
        left_out_why="norm under half the median: probably never trained" if len(skipped) else "",
        median_norm=float(np.median(moments.norms[moments.used])),
        left_out_norm=float(np.median(skipped)) if len(skipped) else None,
        participation_ratio=float(variance.sum() ** 2 / (variance**2).sum()),
        explained_variance=tuple((np.cumsum(variance[::-1]) / variance.sum())[:64].tolist()),
        energy_top_k=_top_energy(rows, top.directions[:, :k], moments, rng, seed, draws),
        energy_by_k=energy,
        energy_by_k_raw=energy_raw,
        position_energy_by_block=_blocks(table, basis, rng, draws),
        principal_angles=_angles(counts, top.directions, basis, rng, draws),
        mean_abs_cosine=pairs[0],
        mean_abs_cosine_centred=pairs[1],
        cosine_of_means=_cosine(moments.mean, table.mean(axis=0)),
    )


def _check(rows: Rows, table: np.ndarray, k: int) -> int:
    """The rank of the positions."""
    if rows.shape[1] != table.shape[1]:
        raise InputError(
            f"cannot compare tokens with positions: token rows have width {rows.shape[1]}, position rows "
            f"{table.shape[1]}",
            hint="name tables of the same space with --token-key and --position-key, or project them first",
        )
    table = checked(table)
    limit = rank(table)
    if not limit:
        raise InputError(
            f"cannot compare tokens with positions: all {len(table)} position rows are the same",
            hint="the model adds no positions; measure its tokens alone",
        )
    if not 1 <= k <= limit:
        raise UsageError(
            f"cannot take {k} position directions: the centred table of {table.shape[0]} rows and width "
            f"{table.shape[1]} has rank {limit}",
            hint=f"choose k from 1 to {limit}",
        )
    return limit


def _top_energy(
    rows: Rows, frame: np.ndarray, moments: TokenMoments, rng: np.random.Generator, seed: int, draws: int
) -> TopEnergy:
    coordinates, squares = token_projections(rows, frame, moments)
    inside, k = (coordinates**2).sum(axis=1), frame.shape[1]
    null = [energy_in(each, moments.scatter) for each in null_frames(rng, len(frame), k, draws)]
    against = compare(inside.sum() / squares.sum(), null)
    return TopEnergy(
        k=k,
        value=against.value,
        null=against.null,
        interval=bootstrap_ratio(inside, squares, seed=seed),
        null_interval=against.null_interval,
        p_below=against.p_below,
        p_above=against.p_above,
    )


def _energies(
    counts: tuple[int, ...],
    centred: np.ndarray,
    raw: np.ndarray,
    moments: TokenMoments,
    rng: np.random.Generator,
    draws: int,
) -> tuple[dict[int, Comparison], dict[int, Comparison]]:
    """Energy of tokens in growing subspaces; one random frame per draw serves every size, centred and raw."""
    second = moments.second_moment
    null, null_raw = np.empty((draws, len(counts))), np.empty((draws, len(counts)))
    for draw, frame in enumerate(null_frames(rng, len(centred), max(counts), draws)):
        null[draw] = _cumulative(frame, moments.scatter, counts)
        null_raw[draw] = _cumulative(frame, second, counts)
    values = _cumulative(centred, moments.scatter, counts)
    values_raw = _cumulative(raw, second, counts)
    return (
        {count: compare(values[i], null[:, i]) for i, count in enumerate(counts)},
        {count: compare(values_raw[i], null_raw[:, i]) for i, count in enumerate(counts)},
    )


def _cumulative(frame: np.ndarray, moment: np.ndarray, counts: tuple[int, ...]) -> np.ndarray:
    each = np.einsum("ik,ik->k", frame, moment @ frame) / np.trace(moment)
    return np.cumsum(each)[np.array(counts) - 1]


def _blocks(table: np.ndarray, basis: np.ndarray, rng: np.random.Generator, draws: int) -> tuple[SpectrumBlock, ...]:
    """Position energy in the lowest and highest token directions; `basis` is in rising order of variance."""
    width = len(basis)
    centred = table - table.mean(axis=0)
    moment = centred.T @ centred
    sizes = tuple(size for size in BLOCKS if size < width) or (max(1, width // 2),)
    null = np.array([_cumulative(each, moment, sizes) for each in null_frames(rng, width, max(sizes), draws)])
    found = []
    for end, ordered in (("lowest", basis), ("highest", basis[:, ::-1])):
        values = _cumulative(ordered[:, : max(sizes)], moment, sizes)
        found += [
            SpectrumBlock(end=end, directions=size, energy=compare(values[i], null[:, i]))
            for i, size in enumerate(sizes)
        ]
    return tuple(found)


def _angles(
    counts: tuple[int, ...], frame: np.ndarray, basis: np.ndarray, rng: np.random.Generator, draws: int
) -> dict[int, Comparison]:
    """Mean cosine of principal angles between the top-k position and top-k token directions."""
    found = {}
    for count in counts:
        tokens = basis[:, ::-1][:, :count]
        null = [_mean_cosine(each, tokens) for each in null_frames(rng, len(frame), count, draws)]
        value = _mean_cosine(frame[:, :count], tokens)
        found[count] = compare(float(value), null)
    return found


def _mean_cosine(first: np.ndarray, second: np.ndarray) -> float:
    """Of the principal angles between two subspaces, each given by orthonormal columns."""
    return float(np.minimum(np.linalg.svd(first.T @ second, compute_uv=False), 1.0).mean())


def _cosines(
    rows: Rows, table: np.ndarray, moments: TokenMoments, rng: np.random.Generator, draws: int
) -> list[Comparison]:
    """Mean |cos| of tokens with positions, raw and centred, against random orientations."""
    used = np.flatnonzero(moments.used)
    chosen = rows.take(np.sort(rng.choice(used, min(SAMPLE, len(used)), replace=False)))
    spread = np.unique(np.linspace(0, len(table) - 1, min(POSITION_SAMPLE, len(table))).round().astype(int))
    pairs = (
        (chosen, table[spread]),
        (chosen - moments.mean, (table - table.mean(axis=0))[spread]),
    )
    found = []
    for left, right in pairs:
        unit_left, unit_right = _unit(left), _unit(right)
        values, k = unit_left.T, min(unit_right.shape)
        u, s, _ = np.linalg.svd(unit_right, full_matrices=False)
        coordinates = u[:, :k] * s[:k]
        null = [np.abs(coordinates @ (each.T @ values)).mean() for each in null_frames(rng, len(values), k, draws)]
        found.append(compare(float(np.abs(unit_right @ values).mean()), null))
    return found


def _unit(values: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    return np.divide(values, norms, out=np.zeros_like(values), where=norms > 0)


def _cosine(x: np.ndarray, y: np.ndarray) -> float:
    scale = float(np.linalg.norm(x) * np.linalg.norm(y))
    return float(x @ y) / scale if scale > 0 else 0.0
