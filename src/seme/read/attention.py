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

from seme.read.nulls import interval

PARTS = ("content", "position", "rest")
TERMS = tuple(f"{query}-{key}" for query in PARTS for key in PARTS)
"""Names of the nine terms, query part first."""

REACH = 8
"""Offsets up to which a head is looked at as one with a fixed offset."""

KIND_MASS = 0.4
"""Mean attention on one offset, on the same token or on the first position from which a head is named
after it. The
largest such mass of a uniform head is 1 / context; the value only draws the line between named and
unnamed."""

KIND_SHARE = 0.5
"""Share from which an otherwise unnamed head is called content or position."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """One head's scores and where it looks.

    Attributes:
        layer: Its layer.
        head: Its index in the layer.
        shares: Term -> covariance of the term with the score over the score's variance, both less their
            mean over the keys each query sees (softmax does not see it); the shares sum to 1.
        intervals: Term -> 95% bootstrap interval over contexts.
        null_shares: Term -> the same with positions shuffled within each context.
        deviation: Standard deviation of the score over keys, in logits.
        kind: previous token, next token, fixed offset, itself, same token, first token, content,
            position or mixed.
        offset: Offset (key minus query) with the largest mean attention.
        offset_mass: Mean attention at that offset.
        offset_mass_null: The largest over offsets with key positions shuffled.
        same_token_mass: Mean attention on other places that hold the query's token.
        first_mass: Mean attention on the first position.
        residual: Largest distance of the nine terms' sum from the model's own score.
    """

    layer: int
    head: int
    shares: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    null_shares: dict[str, float]
    deviation: float
    kind: str
    offset: int
    offset_mass: float
    offset_mass_null: float
    same_token_mass: float
    first_mass: float
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


def moments(
    terms: Float[np.ndarray, "term context query key"], mask: np.ndarray
) -> tuple[Float[np.ndarray, "context term"], Float[np.ndarray, "context"], int]:
    """Gives each term's product with the score per context, both less their means over seen keys.

    Returns:
        Sums of term x score, sums of score^2, and the number of scores in one context.
    """
    visible = mask / mask.sum(axis=1, keepdims=True)
    centred = (terms - np.einsum("tcqk,qk->tcq", terms, visible)[..., None]) * mask
    total = centred.sum(axis=0)
    products = np.einsum("tcqk,cqk->ct", centred, total)
    return products, products.sum(axis=1), int(mask.sum())


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


def shuffle_within(
    rng: np.random.Generator, values: Float[np.ndarray, "context pos width"]
) -> Float[np.ndarray, "context pos width"]:
    """Puts each context's rows in an order of its own."""
    return np.stack([rng.permutation(context, axis=0) for context in values])


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Where a head looks: mean attention by offset, on equal tokens and on the first position.

    Attributes:
        offset: Offset with the largest mean attention.
        offset_mass: That attention.
        same_token: Mean attention on other places that hold the query's token, over queries that have one.
        first: Mean attention on position 0, over queries after it.
    """

    offset: int
    offset_mass: float
    same_token: float
    first: float


def look(pattern: Float[np.ndarray, "context query key"], tokens: Int[np.ndarray, "context pos"]) -> Look:
    """Measures where a head looks.

    Args:
        pattern: Attention of one head.
        tokens: Token ids of the contexts.

    Returns:
        The measures; offsets reach to `REACH` or to the context's length less one.
    """
    mean = pattern.mean(axis=0)
    reach = min(REACH, len(mean) - 1)
    masses = {offset: float(np.diagonal(mean, offset).mean()) for offset in range(-reach, reach + 1)}
    offset = max(masses, key=lambda each: masses[each])
    equal = tokens[:, :, None] == tokens[:, None, :]
    equal &= ~np.eye(tokens.shape[1], dtype=bool)
    on_equal = (pattern * equal).sum(axis=2)
    have = equal.any(axis=2)
    return Look(
        offset=offset,
        offset_mass=masses[offset],
        same_token=float(on_equal[have].mean()) if have.any() else 0.0,
        first=float(mean[1:, 0].mean()) if len(mean) > 1 else 1.0,
    )


def name_kind(at: Look, null_mass: float, shares: dict[str, float]) -> str:
    """Names a head by where it looks, else by what its scores are made of.

    Args:
        at: Where it looks.
        null_mass: Largest offset mass with key positions shuffled.
        shares: Its nine shares.
    """
    if at.offset_mass >= KIND_MASS and at.offset_mass > null_mass:
        names = {-1: "previous token", 0: "itself", 1: "next token"}
        return names.get(at.offset, f"fixed offset {at.offset:+d}")
    if at.same_token >= KIND_MASS:
        return "same token"
    if at.first >= KIND_MASS:
        return "first token"
    for part in ("content", "position"):
        if shares[f"{part}-{part}"] >= KIND_SHARE:
            return part
    return "mixed"
