"""The spaces of all nodes: their size, and how far any two use the same directions with the same meaning.

Two nodes are compared on the same places of the same text. *Same basis* asks whether the vectors themselves
agree (coordinate i against coordinate i); *best rotation* whether some rotation makes them agree. Shuffling
the places of one node gives the null of both: it keeps every space and destroys what its directions mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from seme.read.nulls import interval
from seme.read.spectra import centre, participation_ratio

SPREAD_PAIRS = 32
"""Pairs of nodes whose null is drawn several times, to see how far one draw may lie from another."""

SPREAD_DRAWS = 10
"""Draws of each of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node's activations on a sample of places.

    Attributes:
        name: The field's name of the point.
        values: One row per place; the same places for every node.
    """

    name: str
    values: Float[np.ndarray, "place width"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Size of one node's space.

    Attributes:
        name: The node.
        width: Its coordinates.
        participation_ratio: Directions the centred activations are spread over.
        spread: Root mean square distance from the mean.
        offset: Norm of the mean over `spread`.
    """

    name: str
    width: int
    participation_ratio: float
    spread: float
    offset: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far any two nodes agree, as matrices in the order of `names`.

    Attributes:
        names: The nodes.
        same_basis: <X, Y> / (|X| |Y|) of centred activations; not a number where widths differ.
        best_rotation: The largest value a rotation of one node can reach: nuclear norm of X^T Y / (|X| |Y|).
        null_rotation: best_rotation with the places of one node shuffled, one draw.
        null_basis: same_basis with the places of one node shuffled, one draw.
        null_basis_deviation: Standard deviation of that null over all orders of the places, exact.
        null_rotation_range: 95% of ratios of two draws of null_rotation for the same pair lie here: a best
            rotation over its null beyond that is no chance.
    """

    names: tuple[str, ...]
    same_basis: Float[np.ndarray, "node node"]
    best_rotation: Float[np.ndarray, "node node"]
    null_rotation: Float[np.ndarray, "node node"]
    null_basis: Float[np.ndarray, "node node"]
    null_basis_deviation: Float[np.ndarray, "node node"]
    null_rotation_range: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """How far equal coordinates mean the same in two groups of nodes: mean size of same-basis agreement over pairs.

    Attributes:
        stream: Between points of the residual stream.
        inner: Between queries, keys, values and hidden layers of one width.
    """

    stream: float
    inner: float


def tie(names: Sequence[str], same_basis: Float[np.ndarray, "node node"]) -> Tie:
    """Gives the two means; agreements of opposite sign must not cancel.

    >>> tie(["hook_embed", "blocks.0.hook_resid_post"], np.array([[1.0, -0.5], [-0.5, 1.0]]))
    Tie(stream=0.5, inner=0.0)
    """
    stream = [i for i, name in enumerate(names) if "resid" in name or "embed" in name]
    inner = [i for i, name in enumerate(names) if ".attn." in name or ".mlp." in name]
    return Tie(stream=mean_pairs(same_basis, stream), inner=mean_pairs(same_basis, inner))


def mean_pairs(matrix: Float[np.ndarray, "node node"], members: Sequence[int]) -> float:
    """Gives the mean size over those pairs of members that were measured, or 0."""
    values = [abs(matrix[i, j]) for i in members for j in members if i < j and matrix[i, j] == matrix[i, j]]
    return float(sum(values) / len(values)) if values else 0.0


def same_basis(nodes: Sequence[Node]) -> Float[np.ndarray, "node node"]:
    """Gives same-basis agreement alone; NaN where widths differ."""
    units = [_unit(node.values) for node in nodes]
    found = np.full((len(nodes), len(nodes)), np.nan)
    for width in {unit.shape[1] for unit in units}:
        members = [index for index, unit in enumerate(units) if unit.shape[1] == width]
        flat = np.stack([units[index].ravel() for index in members])
        found[np.ix_(members, members)] = flat @ flat.T
    return found


def measure_space(node: Node) -> Space:
    """Measures the size of one node's space."""
    values = np.asarray(node.values, dtype=np.float64)
    mean = values.mean(axis=0)
    spread = float(np.sqrt(((values - mean) ** 2).sum(axis=1).mean()))
    return Space(
        name=node.name,
        width=values.shape[1],
        participation_ratio=participation_ratio(values),
        spread=spread,
        offset=float(np.linalg.norm(mean) / spread) if spread > 0 else 0.0,
    )


def agreement(nodes: Sequence[Node], *, seed: int = 0) -> Agreement:
    """Compares every pair of nodes.

    Args:
        nodes: Nodes on the same places.
        seed: Seed of the shuffled places.

    Returns:
        The matrices. Constant nodes agree with nothing: 0.

    Source:
        Best rotation: Schönemann, "A generalized solution of the orthogonal Procrustes problem", 1966.
    """
    rng, count = np.random.default_rng(seed), len(nodes)
    units = [_unit(node.values) for node in nodes]
    order = rng.permutation(len(units[0])) if units else np.zeros(0, dtype=int)
    same, null_same, deviation = (np.full((count, count), np.nan) for _ in range(3))
    grams = [unit.T @ unit if unit.shape[1] <= len(unit) else None for unit in units]
    best, null = np.zeros((count, count)), np.zeros((count, count))
    for members in _by_width(units):
        narrow = [_narrow(units[i]) for i in members]
        for i in range(count):
            later = [place for place, j in enumerate(members) if j >= i]
            if not later:
                continue
            own, targets = _narrow(units[i]), [members[place] for place in later]
            stack = np.stack([narrow[place] for place in later])
            best[i, targets] = best[targets, i] = nuclear_norm(own.T @ stack)
            null[i, targets] = null[targets, i] = nuclear_norm(own[order].T @ stack)
            for j in targets:
                if units[i].shape == units[j].shape:
                    same[i, j] = same[j, i] = float(np.vdot(units[i], units[j]))
                    null_same[i, j] = null_same[j, i] = float(np.vdot(units[i][order], units[j]))
                    deviation[i, j] = deviation[j, i] = _deviation(units[i], units[j], grams[i], grams[j])
    return Agreement(
        names=tuple(node.name for node in nodes),
        same_basis=same.round(4),
        best_rotation=best.round(4),
        null_rotation=null.round(4),
        null_basis=null_same.round(4),
        null_basis_deviation=deviation.round(4),
        null_rotation_range=_range([unit for unit in units if unit.any()], rng),
    )


def _deviation(x: np.ndarray, y: np.ndarray, gram_x: np.ndarray | None, gram_y: np.ndarray | None) -> float:
    """How far <X, Y> varies over all orders of Y's rows, both centred.

    Over orders two centred columns y, y' have covariance y.y' / (n - 1) at one place, so that the variance of the
    sum over columns is <X^T X, Y^T Y> / (n - 1).
    """
    if gram_x is None or gram_y is None:
        return float(np.linalg.norm(x @ y.T) / np.sqrt(len(x) - 1))
    return float(np.sqrt(np.vdot(gram_x, gram_y) / (len(x) - 1)))


def _range(units: Sequence[np.ndarray], rng: np.random.Generator) -> tuple[float, float]:
    """95% interval of the ratio of two null draws of one pair of nodes, over some pairs."""
    if len(units) < 2 or len(units[0]) < 3:
        return 1.0, 1.0
    ratios = []
    for _ in range(SPREAD_PAIRS):
        i, j = rng.choice(len(units), 2, replace=False)
        own, other = _narrow(units[i]), _narrow(units[j])
        draws = nuclear_norm(np.stack([rng.permutation(own).T @ other for _ in range(SPREAD_DRAWS)]))
        ratios.append(draws[0::2] / draws[1::2])
    low, high = interval(np.concatenate(ratios))
    return round(low, 4), round(high, 4)


def nuclear_norm(matrix: Float[np.ndarray, "*batch rows columns"]) -> Float[np.ndarray, "*batch"]:
    """Gives the sum of singular values, by the eigenvalues of the smaller Gram matrix.

    Squaring costs half the digits: values below 1e-8 of the largest are lost, far below any agreement
    reported.
    """
    turned = np.swapaxes(matrix, -1, -2)
    gram = matrix @ turned if matrix.shape[-1] > matrix.shape[-2] else turned @ matrix
    return np.sqrt(np.maximum(np.linalg.eigvalsh(gram), 0.0)).sum(axis=-1)


def _by_width(units: Sequence[np.ndarray]) -> list[list[int]]:
    """Indices of the nodes, grouped by the width they have after `_narrow`."""
    groups: dict[int, list[int]] = {}
    for index, unit in enumerate(units):
        groups.setdefault(min(unit.shape), []).append(index)
    return list(groups.values())


def _narrow(values: np.ndarray) -> np.ndarray:
    """Coordinates in the row space where a node is wider than the number of places: singular values stay."""
    if values.shape[1] <= values.shape[0]:
        return values
    left, singular, _ = np.linalg.svd(values, full_matrices=False)
    return left * singular


def _unit(values: np.ndarray) -> np.ndarray:
    centred = centre(values)
    size = np.linalg.norm(centred)
    return centred / size if size > 0 else centred


@dataclass(frozen=True, slots=True, kw_only=True)
class Decomposition:
    """Shares of one layer's variance that go with position, with context, and with neither.

    Attributes:
        name: The node.
        position: Share that goes with position, corrected for chance; can be slightly negative.
        context: Share that goes with context, likewise.
        residual: The rest: 1 - position - context.
        position_uncorrected: Plain share of the position means, which chance alone fills.
    """

    name: str
    position: float
    context: float
    residual: float
    position_uncorrected: float


def decompose(name: str, values: Float[np.ndarray, "context pos width"]) -> Decomposition:
    """Splits variance into position, context and residual parts, corrected for what chance gives.

    With C contexts of T positions, means over contexts hold (T - 1) of (CT - 1) degrees of freedom even of
    pure noise; omega squared takes that away.

    Args:
        name: The node.
        values: Activations of several contexts at the same positions; at least two of each.

    Returns:
        The shares.

    Source:
        Omega squared: Hays, "Statistics for psychologists", 1963; the decomposition: Song and Zhong, 2023.
    """
    cells = np.asarray(values, dtype=np.float64)
    contexts, length, _ = cells.shape
    grand = cells.mean(axis=(0, 1))
    total = float(((cells - grand) ** 2).sum())
    if total <= 0 or contexts < 2 or length < 2:
        return Decomposition(name=name, position=0.0, context=0.0, residual=0.0, position_uncorrected=0.0)
    by_position = contexts * float(((cells.mean(axis=0) - grand) ** 2).sum())
    by_context = length * float(((cells.mean(axis=1) - grand) ** 2).sum())
    noise = (total - by_position - by_context) / ((contexts - 1) * (length - 1))
    position = (by_position - (length - 1) * noise) / (total + noise)
    context = (by_context - (contexts - 1) * noise) / (total + noise)
    return Decomposition(
        name=name,
        position=position,
        context=context,
        residual=1 - position - context,
        position_uncorrected=by_position / total,
    )
