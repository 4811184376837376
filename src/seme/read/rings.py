"""Rings, helices and the spectrum of a table of positions.

A *ring* is two components that turn together: same frequency, a quarter turn apart, equal amplitude. A
*helix* is a ring with a third component that grows steadily along it. Smooth noise draws arcs too (the
components of a random walk are half-cosines), so every score is compared with the best score of walks made
of the same steps.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Float, Num

from seme.read.nulls import Comparison, compare, random_frame
from seme.read.spectra import centre

WINDOW = 2
"""Frequency bins to each side of a peak that count as the same frequency: the main lobe of an unwindowed
sine."""

DRIFT = 8
"""A ring may also speed up and slow down by one part in eight: the fast rings of MiniLM drift by 4%."""

CANDIDATES = 6
"""Components searched for rings: 15 pairs, small enough that the null of the best pair stays low."""

MOST_BANDS = 8
"""Bands reported, strongest first."""

MIN_TURNS = 1.0
"""A ring must close at least once; an arc is what every smooth curve draws."""

ROUNDING = 1e-9
"""Turns that a sum of some thousand phase steps may lack by rounding: a ring of exactly one turn still closes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """How well two components turn together.

    Attributes:
        pair: Indices of the two components.
        period: Tokens per turn at the strongest frequency.
        turns: Turns over the whole table.
        quadrature: |P(+f) - P(-f)| / (P(+f) + P(-f)) around the peak: 1 for a circle, 0 for a line.
        amplitude: 1 - deviation / mean of the distance from the centre, at least 0.
        concentration: Share of the pair's power near the peak frequency.
        local_frequency: Median turn per token from the phase, in radians (signed).
        score: quadrature x amplitude x concentration, or 0 below one turn.
    """

    pair: tuple[int, int]
    period: float
    turns: float
    quadrature: float
    amplitude: float
    concentration: float
    local_frequency: float
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Helix:
    """A ring with a steadily growing axis.

    Attributes:
        score: straightness x share x the ring's score.
        straightness: R^2 of a straight line in the index through the axis' curve.
        share: Share of the leading components' variance held by the axis and the ring's plane.
        ring: The best ring orthogonal to the axis; its pair counts components of what is orthogonal.
    """

    score: float
    straightness: float
    share: float
    ring: Ring


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A band of frequencies with more power than a table whose rows are in random order.

    Attributes:
        period: Tokens per turn at the band's peak.
        shortest: Shortest period in the band.
        longest: Longest period in the band.
        share: Share of the table's variance in the band.
        planarity: Share of the band's variance in its best plane, against the same band of
            shuffled-increment walks.
    """

    period: float
    shortest: float
    longest: float
    share: float
    planarity: Comparison


def ring(x: Num[np.ndarray, "pos"], y: Num[np.ndarray, "pos"], *, pair: tuple[int, int] = (0, 1)) -> Ring:
    """Scores two component curves as a ring.

    Args:
        x: First component's score at each position, in the units of the table.
        y: Second component's.
        pair: Their indices, kept in the result.

    Returns:
        The ring's parts and their product.

    >>> t = np.arange(64) * 2 * np.pi / 16
    >>> round(ring(np.cos(t), np.sin(t)).score, 3)
    1.0
    """
    curve = (x - np.mean(x)) + 1j * (y - np.mean(y))
    count = len(curve)
    power = np.abs(np.fft.fft(curve)) ** 2
    half = (count - 1) // 2
    forward, backward = power[1 : half + 1], power[::-1][:half]
    both = forward + backward
    peak = int(np.argmax(both))
    reach = max(WINDOW, (peak + 1) // DRIFT)
    near = slice(max(0, peak - reach), peak + reach + 1)
    forward_power, backward_power = forward[near].sum(), backward[near].sum()
    total = max(power.sum(), np.finfo(np.float64).tiny)
    quadrature = abs(forward_power - backward_power) / max(forward_power + backward_power, np.finfo(float).tiny)
    radius = np.abs(curve)
    amplitude = max(0.0, 1 - radius.std() / max(radius.mean(), np.finfo(float).tiny))
    concentration = both[near].sum() / total
    steps = np.angle(curve[1:] * np.conj(curve[:-1]))
    turns = float(abs(steps.sum()) / (2 * np.pi))
    closes = turns >= MIN_TURNS - 1 / count - ROUNDING
    return Ring(
        pair=pair,
        period=count / (peak + 1),
        turns=turns,
        quadrature=float(quadrature),
        amplitude=float(amplitude),
        concentration=float(concentration),
        local_frequency=float(np.median(steps)),
        score=float(quadrature * amplitude * concentration) if closes else 0.0,
    )


def rings(scores: Float[np.ndarray, "pos k"]) -> tuple[Ring, ...]:
    """Scores every pair of the leading components, best first."""
    pairs = combinations(range(min(CANDIDATES, scores.shape[1])), 2)
    found = [ring(scores[:, a], scores[:, b], pair=(a, b)) for a, b in pairs]
    return tuple(sorted(found, key=lambda item: -item.score))


def helix(scores: Float[np.ndarray, "pos k"]) -> Helix:
    """Finds the best helix in the span of the leading components.

    Components mix a ring with its axis wherever the two hold similar variance, so the axis is first taken
    as the direction of the span that follows the index best, and rings are looked for in what is
    orthogonal to it.

    Args:
        scores: Component scores, one row per position.

    Returns:
        The helix; score 0 if there are fewer than three components.
    """
    kept = scores[:, :CANDIDATES]
    line = np.arange(len(kept)) - (len(kept) - 1) / 2
    axis = kept.T @ line
    if kept.shape[1] < 3 or not axis.any():
        nothing = np.zeros(len(kept))
        return Helix(score=0.0, straightness=0.0, share=0.0, ring=ring(nothing, nothing))
    axis /= np.linalg.norm(axis)
    straightness = _squared_correlation(kept @ axis, line)
    across = kept - np.outer(kept @ axis, axis)
    left, singular, _ = np.linalg.svd(across, full_matrices=False)
    best = rings((left * singular)[:, :-1])[0]
    held = np.square(kept @ axis).sum() + np.square(singular[list(best.pair)]).sum()
    share = float(held / max(np.square(kept).sum(), np.finfo(np.float64).tiny))
    return Helix(score=straightness * best.score * share, straightness=straightness, share=share, ring=best)


def _squared_correlation(x: np.ndarray, y: np.ndarray) -> float:
    x, y = x - x.mean(), y - y.mean()
    scale = (x @ x) * (y @ y)
    return float((x @ y) ** 2 / scale) if scale > 0 else 0.0


def spectrum(table: Num[np.ndarray, "pos d_model"]) -> Float[np.ndarray, "frequency"]:
    """Gives the share of the variance at 1, 2, ... cycles over the table, summed over dimensions.

    Args:
        table: Rows in order of position.

    Returns:
        Shares that sum to 1; entry f - 1 is f cycles, period rows / f tokens.
    """
    power = (np.abs(np.fft.rfft(centre(table), axis=0)) ** 2).sum(axis=1)
    if len(table) % 2 == 0:
        power[-1] /= 2
    power = power[1:]
    return power / max(power.sum(), np.finfo(np.float64).tiny)


def bands(
    table: Num[np.ndarray, "pos d_model"], walks: Iterable[np.ndarray], *, seed: int, draws: int = 19
) -> tuple[Band, ...]:
    """Finds the frequency bands that hold more than a table in random row order would put there.

    Args:
        table: Rows in order of position.
        walks: Null tables (shuffled increments) for each band's planarity, looked at one at a time.
        seed: Seed of the row orders.
        draws: Row orders; the threshold is the largest bin over all of them, so that a table without any
            order shows a band in about one run of `draws` + 1.

    Returns:
        Bands in falling order of share, at most eight.
    """
    power = spectrum(table)
    rng = np.random.default_rng(seed)
    few = np.asarray(table, dtype=np.float64)
    if few.shape[1] > few.shape[0]:
        few = few @ random_frame(rng, few.shape[1], few.shape[0])
    threshold = max(spectrum(rng.permutation(few, axis=0)).max() for _ in range(draws))
    smooth = np.convolve(np.pad(power, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")
    groups = _groups(smooth > threshold)
    if not groups:
        return ()
    groups = sorted(groups, key=lambda each: -power[slice(*each)].sum())[:MOST_BANDS]
    null = np.array([_planarities(walk, groups) for walk in walks])
    own = _planarities(table, groups)
    found = []
    for index, (low, high) in enumerate(groups):
        peak = low + int(np.argmax(power[low:high]))
        found.append(
            Band(
                period=len(table) / (peak + 1),
                shortest=len(table) / high,
                longest=len(table) / (low + 1),
                share=float(power[low:high].sum()),
                planarity=compare(own[index], null[:, index]),
            )
        )
    return tuple(found)


def _planarities(table: np.ndarray, groups: list[tuple[int, int]]) -> list[float]:
    coefficients = np.fft.rfft(centre(table), axis=0)
    return [_planar(coefficients[low + 1 : high + 1]) for low, high in groups]


def _groups(marked: np.ndarray) -> list[tuple[int, int]]:
    """Ranges [low, high) of neighbouring marked bins."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]]).astype(int)))
    return [(int(low), int(high)) for low, high in edges.reshape(-1, 2)]


def _planar(kept: np.ndarray) -> float:
    """Share of the kept frequencies' variance that lies in one plane.

    Any single frequency lies in a plane by itself; a band of several does only if they form one ring whose
    speed or radius varies.
    """
    stacked = np.vstack([np.real(kept), np.imag(kept)])
    gram = stacked @ stacked.T
    values = np.linalg.eigvalsh(gram)
    return float(values[-2:].sum() / max(values.sum(), np.finfo(np.float64).tiny))
