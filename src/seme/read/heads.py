"""Splits the scores of every head of a model on a sample of text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float

from seme.core.errors import InputError
from seme.read.attention import (
    NULL_DRAWS,
    TERMS,
    Head,
    look,
    mean_parts,
    name_kind,
    nine_terms,
    project_parts,
    seen,
    share_intervals,
    share_products,
    shares_of,
    shuffled_positions,
)
from seme.read.nulls import Comparison, compare
from seme.read.transformer import Transformer, first_attention_parts, run

TOLERANCE = 1e-4
"""Largest distance of the nine terms' sum from the model's own float32 score, relative to the largest
score: a score is a sum over d_model products of order |score|, each rounded at 6e-8, through a norm and two
projections; 1e-5 is seen."""


MAP_LENGTH = 12
"""Tokens shown in a head's nine heat maps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadsReport:
    """Every head of a model.

    Attributes:
        heads: One result per head, in order of layer and head.
        maps: "layer.head" -> term (or "sum") -> query x key scores of the first tokens of the first context.
    """

    heads: tuple[Head, ...]
    maps: dict[str, dict[str, list[list[float]]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the split needs of one layer.

    Attributes:
        parts: Content, position and rest of what queries and keys are made from; they sum to it.
        scores: The model's own scores, context x head x query x key.
        pattern: Its attention, likewise.
    """

    parts: Float[np.ndarray, "part context pos d_model"]
    scores: Float[np.ndarray, "context head query key"]
    pattern: Float[np.ndarray, "context head query key"]


def record_layers(model: Transformer, tokens: torch.Tensor) -> Iterator[Recorded]:
    """Gives what each layer's split needs; one run of the model per layer, one layer held at a time."""
    first = first_attention_parts(model, tokens).detach().numpy().astype(np.float64)
    for layer in range(1 if model.partial else model.layers):
        kept: dict[str, np.ndarray] = {}
        wanted = {f"blocks.{layer}.attn.{name}": name for name in ("hook_in", "hook_attn_scores", "hook_pattern")}

        def watch(name: str, tensor: torch.Tensor, wanted=wanted, kept=kept) -> None:
            if name in wanted:
                kept[wanted[name]] = tensor.numpy().copy()

        run(_shortened(model, layer + 1), tokens, watch)
        inside = kept["hook_in"].astype(np.float64)
        yield Recorded(
            parts=first if layer == 0 else mean_parts(inside),
            scores=kept["hook_attn_scores"],
            pattern=kept["hook_pattern"],
        )


def _shortened(model: Transformer, layers: int) -> Transformer:
    """The model cut after some layers, without an output head."""
    return replace(model, layers=layers, objective="outputs", weights=_headless(model))


def _headless(model: Transformer) -> dict[str, torch.Tensor]:
    return {name: value for name, value in model.weights.items() if not name.startswith(("head_", "final_norm"))}


def measure_heads(
    model: Transformer,
    tokens: torch.Tensor,
    *,
    seed: int = 0,
    advance: Callable[[int], None] = lambda count: None,
) -> HeadsReport:
    """Splits every head's scores into nine terms and names the head.

    Args:
        model: The model.
        tokens: Token ids, context x pos; at least two contexts for the deeper layers' means.
        seed: Seed of the shuffles and bootstraps.
        advance: Told of each head done.

    Returns:
        One result per head, in order of layer and head, and its terms on a few tokens.

    Raises:
        InputError: If the terms do not sum to the model's own scores within the tolerance.
    """
    found, maps, ids = [], {}, tokens.numpy()
    mask = seen(tokens.shape[1], model.causal)
    rng = np.random.default_rng(seed)
    for layer, recorded in enumerate(record_layers(model, tokens)):
        for head in range(model.heads):
            one, terms = _one_head(model, layer, head, recorded, ids, mask, rng)
            found.append(one)
            maps[f"{layer}.{head}"] = _maps(terms[:, 0, :MAP_LENGTH, :MAP_LENGTH])
            advance(1)
    return HeadsReport(heads=tuple(found), maps=maps)


def _maps(terms: np.ndarray) -> dict[str, list[list[float]]]:
    """The nine heat maps by term, and "sum" for their sum, in logits."""
    named = dict(zip(TERMS, terms, strict=True)) | {"sum": terms.sum(axis=0)}
    return {name: matrix.round(3).tolist() for name, matrix in named.items()}


def _against(
    rng: np.random.Generator, query: np.ndarray, key: np.ndarray, mask: np.ndarray, *, first: bool
) -> dict[str, Comparison]:
    """Each term's share beside shuffled positions."""
    # rounded: where every query sees every key, the order of positions changes some shares by rounding alone
    changed = [(query, key), *(shuffled_positions(rng, query, key, first=first) for _ in range(NULL_DRAWS))]
    own, *null = [shares_of(share_products(*each, mask)) for each in changed]
    return {term: compare(round(own[term], 9), [round(draw[term], 9) for draw in null]) for term in TERMS}


def _one_head(
    model: Transformer,
    layer: int,
    head: int,
    recorded: Recorded,
    ids: np.ndarray,
    mask: np.ndarray,
    rng: np.random.Generator,
) -> tuple[Head, np.ndarray]:
    """One head's result and its nine terms."""
    query, key = _query_key(model, layer, head, recorded.parts)
    terms, own = nine_terms(query, key), recorded.scores[:, head]
    residual = float(np.abs(terms.sum(axis=0) - own).max())
    if residual > TOLERANCE * max(1.0, float(np.abs(own).max())):
        raise InputError(
            f"the nine terms of head {layer}.{head} miss the model's own scores by {residual:.2g}, "
            f"expected at most {TOLERANCE:g} of the largest score",
            hint="this model is wired differently from its family; report its configuration",
        )
    products = share_products(query, key, mask)
    against = _against(rng, query, key, mask, first=layer == 0)
    at = look(recorded.pattern[:, head], ids, causal=model.causal, seed=layer * 1000 + head)
    squares, shares = float(products.sum()), shares_of(products)
    result = Head(
        layer=layer,
        head=head,
        shares=shares,
        intervals=share_intervals(products, seed=layer * 1000 + head),
        against=against,
        deviation=float(np.sqrt(max(squares, 0.0) / (mask.sum() * len(products)))),
        kind=name_kind(at, shares, against if layer else None) if squares > 0 else "uniform",
        offset=at.offset,
        offset_mass=at.offset_mass,
        same_token_mass=at.same_token,
        same_token_chance=at.same_token_chance,
        first_mass=at.first,
        first_chance=at.first_chance,
        residual=residual,
    )
    return result, terms


def _query_key(model: Transformer, layer: int, head: int, parts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Projects parts to one head's queries and keys."""
    found = []
    for name in "qk":
        matrix = model.weights[f"{layer}.{name}_w"]
        width = matrix.shape[0] // model.heads
        rows = slice(head * width, (head + 1) * width)
        bias = model.weights.get(f"{layer}.{name}_b")
        found.append(
            project_parts(parts, matrix[rows].double().numpy(), None if bias is None else bias[rows].double().numpy())
        )
    return found[0], found[1]
