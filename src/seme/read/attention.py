"""Attention scores split into nine terms, their shares, and the kind of each head.

What makes queries and keys is a sum of three parts - content, position, rest (token type, norm bias,
projection bias) - so a score is a sum of nine terms. In the first layer the parts are exact given each
token's own norm scale; deeper they are defined by the mean decomposition: rest is the mean over everything,
position what is left of the mean over contexts at a position, content the remainder.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from seme.read.nulls import CLAIM, Comparison, compare, interval

PARTS = ("content", "position", "rest")
TERMS = tuple(f"{query}-{key}" for query in PARTS for key in PARTS)
"""Names of the nine terms, query part first."""

REACH = 8
"""Offsets up to which a head is looked at as one with a fixed offset."""

KIND_MASS = 0.4
"""A head is named after an offset, equal tokens or the first position when its mean attention there is chance
plus at least this share of what chance leaves: it draws the line between named and unnamed."""

KIND_SHARE = 0.5
"""Share from which an otherwise unnamed head is called content or position: of the two terms whose key part is that
and whose query part is the same or the rest, which asks the same of every query."""

NULL_DRAWS = 19
"""Draws of each head's nulls: the fewest with which a p-value of .05 can be reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """One head's scores and where it looks.

    Attributes:
        layer: Its layer.
        head: Its index in the layer.
        shares: Term -> covariance of the term with the score over the score's variance, both less their
            mean over the keys each query sees (softmax does not see it); the shares sum to 1.
        intervals: Term -> 95% bootstrap interval over contexts.
        against: Term -> the share beside its null. First layer: position parts in another order, the same in
            every context. Deeper: rows shuffled within each context before the means are taken, which leaves
            a position part that is chance alone.
        deviation: Standard deviation of the score over keys, in logits.
        kind: previous token, next token, fixed offset, itself, same token, first token, content,
            position or mixed.
        offset: Offset (key minus query) with the largest mean attention.
        offset_mass: Mean attention at that offset, beside the largest over offsets when each query's mean
            attention is dealt anew to the keys it sees.
        same_token_mass: Mean attention on other places that hold the query's token.
        same_token_chance: The same if attention were even over the keys seen.
        first_mass: Mean attention on the first position.
        first_chance: The same if attention were even.
        residual: Largest distance of the nine terms' sum from the model's own score.
    """

    layer: int
    head: int
    shares: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    against: dict[str, Comparison]
    deviation: float
    kind: str
    offset: int
    offset_mass: Comparison
    same_token_mass: float
    same_token_chance: float
    first_mass: float
    first_chance: float
    residual: float


def mean_parts(
    inside: Float[np.ndarray, "context pos d_model"],
) -> Float[np.ndarray, "part context pos d_model"]:
    """Splits activations into content, position and rest by the mean decomposition.

    Args:
        inside: Activations of several contexts at the same positions.

    Returns:
        Three parts that sum to `inside`; rest is the same everywhere, position the same in every context.

    Source:
        Song and Zhong, "Uncovering hidden geometry in transformers via disentangling position and
        context", 2023, with their context mean and residual taken together as content.
    """
    grand = inside.mean(axis=(0, 1), keepdims=True)
    position = np.broadcast_to(inside.mean(axis=0, keepdims=True) - grand, inside.shape)
    rest = np.broadcast_to(grand, inside.shape)
    return np.stack([inside - position - rest, position, rest])


def project_parts(
    parts: Float[np.ndarray, "part context pos d_model"],
    matrix: Float[np.ndarray, "d_head d_model"],
    bias: Float[np.ndarray, "d_head"] | None,
) -> Float[np.ndarray, "part context pos d_head"]:
    """Carries parts through one head's query or key projection; its bias joins the rest."""
    projected = parts @ matrix.T
    if bias is not None:
        projected[2] += bias
    return projected


def nine_terms(
    query: Float[np.ndarray, "part context pos d_head"], key: Float[np.ndarray, "part context pos d_head"]
) -> Float[np.ndarray, "term context query key"]:
    """Gives the nine terms of every score, in the order of `TERMS`; they sum to q.k / sqrt(d_head)."""
    count, (contexts, length, width) = len(TERMS), query.shape[1:]
    pairs = query[:, None] @ np.swapaxes(key, -1, -2)[None]
    return pairs.reshape(count, contexts, length, length) / np.sqrt(width)


def seen(length: int, causal: bool) -> np.ndarray:
    """Which keys each query sees, as a length x length matrix of truth values."""
    return np.tri(length, dtype=bool) if causal else np.ones((length, length), dtype=bool)


def share_products(
    query: Float[np.ndarray, "part context pos d_head"],
    key: Float[np.ndarray, "part context pos d_head"],
    mask: np.ndarray,
) -> Float[np.ndarray, "context term"]:
    """Gives each term's product with the score per context, both less their means over the keys seen.

    The centred score S is zero on unseen keys and sums to zero over seen ones, so that the sum of term x score is
    Q_a . (S K_b): the nine terms themselves are not needed. Summed over terms it is the sum of score^2.
    """
    scale = query.shape[-1] ** -0.5
    total = scale * (query.sum(axis=0) @ np.swapaxes(key.sum(axis=0), -1, -2))
    visible = mask / mask.sum(axis=1, keepdims=True)
    centred = (total - (total * visible).sum(axis=-1, keepdims=True)) * mask
    mixed = scale * (centred[None] @ key)
    left, right = (np.moveaxis(each, 0, 1).reshape(each.shape[1], len(PARTS), -1) for each in (query, mixed))
    return (left @ np.swapaxes(right, -1, -2)).reshape(len(left), len(TERMS))


def shares_of(products: Float[np.ndarray, "context term"]) -> dict[str, float]:
    """Gives each term's share of the score's variance; all are 0 where the score is constant."""
    sums = products.sum(axis=0)
    total = sums.sum()
    return dict(zip(TERMS, (sums / total if total > 0 else 0 * sums).tolist(), strict=True))


def share_intervals(
    products: Float[np.ndarray, "context term"], *, seed: int, draws: int = 200
) -> dict[str, tuple[float, float]]:
    """Gives the 95% bootstrap interval of each share over contexts."""
    rng = np.random.default_rng(seed)
    picks = rng.integers(0, len(products), (draws, len(products)))
    sums = products[picks].sum(axis=1)
    totals = sums.sum(axis=1, keepdims=True)
    ratios = np.divide(sums, totals, out=np.zeros_like(sums), where=totals > 0)
    return {term: interval(ratios[:, index]) for index, term in enumerate(TERMS)}


def shuffled_positions(
    rng: np.random.Generator, query: np.ndarray, key: np.ndarray, *, first: bool
) -> tuple[np.ndarray, np.ndarray]:
    """One draw of the shares' null, from projected parts; what is done to queries is done to keys.

    Args:
        rng: Source of the orders.
        query: Part x context x pos x d_head.
        key: The same of keys.
        first: Whether this is the first layer, whose position parts come from a table.

    Returns:
        Changed queries and keys. The means of the deeper layers commute with projection.
    """
    contexts, length = query.shape[1:3]
    if first:
        order = rng.permutation(length)
        found = [np.stack([each[0], each[1][:, order], each[2]]) for each in (query, key)]
        return found[0], found[1]
    orders = rng.permuted(np.tile(np.arange(length), (contexts, 1)), axis=1)[..., None]
    found = []
    for each in (query, key):
        moving = np.take_along_axis(each[0] + each[1], orders, axis=1)
        position = np.broadcast_to(moving.mean(axis=0), moving.shape)
        found.append(np.stack([moving - position, position, each[2]]))
    return found[0], found[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Where a head looks: mean attention by offset, on equal tokens and on the first position.

    Attributes:
        offset: Offset with the largest mean attention.
        offset_mass: That attention, beside the largest over offsets when each query's mean attention is dealt
            anew to the keys it sees.
        same_token: Mean attention on other places that hold the query's token, over queries that see one.
        same_token_chance: The same if attention were even over the keys seen.
        first: Mean attention on position 0, over queries after it.
        first_chance: The same if attention were even.
    """

    offset: int
    offset_mass: Comparison
    same_token: float
    same_token_chance: float
    first: float
    first_chance: float


def offset_masses(mean: Float[np.ndarray, "query key"]) -> dict[int, float]:
    """Gives the mean attention at each offset (key minus query) up to `REACH`, or the length less one."""
    reach = min(REACH, len(mean) - 1)
    return {offset: float(np.diagonal(mean, offset).mean()) for offset in range(-reach, reach + 1)}


def look(
    pattern: Float[np.ndarray, "context query key"],
    tokens: Int[np.ndarray, "context pos"],
    *,
    causal: bool = False,
    seed: int = 0,
    draws: int = NULL_DRAWS,
) -> Look:
    """Measures where a head looks.

    Args:
        pattern: Attention of one head.
        tokens: Token ids of the contexts.
        causal: Whether a query sees earlier keys only.
        seed: Seed of the null.
        draws: Draws of the null.

    Returns:
        The measures.
    """
    mean, rng = pattern.mean(axis=0), np.random.default_rng(seed)
    mask = seen(len(mean), causal)
    masses = offset_masses(mean)
    offset = max(masses, key=lambda each: masses[each])
    null = []
    for _ in range(draws):
        order = np.argsort(rng.random(mean.shape) + 2 * ~mask, axis=1)  # seen keys first, in random order
        null.append(max(offset_masses(np.take_along_axis(mean, order, axis=1)).values()))
    equal = (tokens[:, :, None] == tokens[:, None, :]) & mask & ~np.eye(len(mean), dtype=bool)
    have, even = equal.any(axis=2), mask / mask.sum(axis=1, keepdims=True)
    return Look(
        offset=offset,
        offset_mass=compare(masses[offset], null),
        same_token=float((pattern * equal).sum(axis=2)[have].mean()) if have.any() else 0.0,
        same_token_chance=float((even * equal).sum(axis=2)[have].mean()) if have.any() else 0.0,
        first=float(mean[1:, 0].mean()) if len(mean) > 1 else 1.0,
        first_chance=float(even[1:, 0].mean()) if len(mean) > 1 else 1.0,
    )


def name_kind(at: Look, shares: dict[str, float], against: dict[str, Comparison] | None = None) -> str:
    """Names a head by where it looks, else by what its scores are made of.

    Args:
        at: Where it looks.
        shares: Its nine shares.
        against: The shares beside their null, where a position part can be chance (deeper than the first layer).
    """
    mass = at.offset_mass
    if mass.p_above <= CLAIM and _stands_out(mass.value, mass.null):
        names = {-1: "previous token", 0: "itself", 1: "next token"}
        return names.get(at.offset, f"fixed offset {at.offset:+d}")
    if _stands_out(at.same_token, at.same_token_chance):
        return "same token"
    if _stands_out(at.first, at.first_chance):
        return "first token"
    for part in ("content", "position"):
        terms = (f"{part}-{part}", f"rest-{part}")
        largest = max(terms, key=lambda term: shares[term])
        chance = part == "position" and against is not None and against[largest].p_above > CLAIM
        if sum(shares[term] for term in terms) >= KIND_SHARE and not chance:
            return part
    return "mixed"


def _stands_out(mass: float, chance: float) -> bool:
    return mass - chance >= KIND_MASS * (1 - chance) and chance < 1
