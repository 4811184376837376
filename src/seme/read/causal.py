"""Does it matter: what the model loses when its positions, or terms of its scores, are changed.

With a language-model head the cost is the change of loss in nats per token; without one, the share of the
outputs' variance that changes. Every test reports the untouched model (change 0 by construction is the
control that must fail to show an effect) and an interval over contexts and draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from seme.read import interventions
from seme.read.attention import PARTS, TERMS, mean_parts
from seme.read.nulls import interval
from seme.read.text import Sample
from seme.read.transformer import Transformer, first_attention_parts, run

RANKS = (0, 1, 2, 3, 5, 10, 20, 50, 100)
REMOVED = (1, 3, 10)
SHIFTS = (1, 8)
MASKED_SHARE = 0.15
LAYERS_CUT = 4
"""Layers whose terms are deleted, one layer at a time; in deeper models evenly spaced, first and last kept."""

RANDOM_DRAWS = 5
"""Draws of each random intervention; the interval is over draws and contexts, each resampled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What one change costs.

    Attributes:
        change: What was changed: truncate (to 0: every row the mean), remove_top, remove_random, shift, permute,
            rotate, delete.
        amount: Rank, number of directions or places, or the deleted term.
        layer: Layer whose scores lose the term, for delete; None for changes of the position table. In layer 0
            the terms are exact parts of the model, deeper they are those of the mean decomposition.
        cost: Mean change of loss (nats per token), or share of output variance changed.
        interval: 95% bootstrap interval over contexts, and over draws of random changes.
    """

    change: str
    amount: int | str
    layer: int | None
    cost: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class CausalReport:
    """All effects on one model.

    Attributes:
        measure: "loss" (nats per token) or "output variance" (share changed).
        baseline: Loss of the untouched model, or 0.
        uniform_loss: log of the vocabulary, for scale; None without a head.
        contexts: Sequences used.
        positions: Their length.
        effects: One per change and amount.
        left_out: Why changes are missing, in words.
    """

    measure: str
    baseline: float
    uniform_loss: float | None
    contexts: int
    positions: int
    effects: tuple[Effect, ...]
    left_out: tuple[str, ...] = ()

    def cost(self, change: str, amount: int | str | None = None, *, layer: int | None = None) -> float | None:
        """Gives one effect's cost, or None if it was not measured; the first layer's where none is named."""
        for each in self.effects:
            if each.change == change and amount in (None, each.amount) and layer in (None, each.layer):
                return each.cost
        return None


def measure_effects(
    model: Transformer,
    sample: Sample,
    *,
    contexts: int = 16,
    seed: int = 0,
    advance: Callable[[int], None] = lambda count: None,
) -> CausalReport:
    """Changes the positions and the terms of the scores, and measures what is lost.

    Args:
        model: The model, with its own positions.
        sample: Token sequences.
        contexts: Sequences used.
        seed: Seed of random changes, masks and bootstraps.
        advance: Told of each run done.

    Returns:
        The report.
    """
    tokens = torch.from_numpy(sample.tokens[:contexts])
    inputs, *goals = _task(model, tokens, sample, seed)
    score, baseline, measure = _scorer(model, inputs, *goals)
    table = model.weights["pos"].double().numpy()
    length, rng = tokens.shape[1], np.random.default_rng(seed)
    effects = []
    for change, amount, changed in _tables(table, length, rng):
        costs = []
        for each in changed:
            costs.append(score(model.with_positions(each), None))
            advance(1)
        effects.append(_effect(change, amount, None, np.stack(costs), seed))
    for layer in cut_layers(model.layers):
        parts = _parts(model, inputs, layer)
        for term in TERMS:
            costs = score(model, _without(model, layer, parts, term))[None]
            effects.append(_effect("delete", term, layer, costs, seed))
            advance(1)
    return CausalReport(
        measure=measure,
        baseline=baseline,
        uniform_loss=float(np.log(len(model.weights["tok"]))) if measure == "loss" else None,
        contexts=len(tokens),
        positions=length,
        effects=tuple(effects),
        left_out=tuple(
            f"positions were not shifted by {places}: the sample's {length} tokens would need {length + places} of the "
            f"{len(table)} rows"
            for places in SHIFTS
            if length + places > len(table)
        ),
    )


def cut_layers(layers: int) -> tuple[int, ...]:
    """Gives the layers whose terms are deleted.

    >>> cut_layers(2), cut_layers(12)
    ((0, 1), (0, 4, 7, 11))
    """
    return tuple(np.linspace(0, layers - 1, min(LAYERS_CUT, layers)).round().astype(int).tolist())


def count_runs(width: int, rows: int, length: int, layers: int) -> int:
    """Gives the number of runs `measure_effects` makes, for a progress bar."""
    rng = np.random.default_rng(0)
    tables = _tables(np.eye(rows, width), length, rng, dry=True)
    return sum(len(changed) for _, _, changed in tables) + len(TERMS) * len(cut_layers(layers))


def _tables(
    table: np.ndarray, length: int, rng: np.random.Generator, *, dry: bool = False
) -> Iterator[tuple[str, int | str, list[np.ndarray]]]:
    """Every changed table; random changes come several times. Truncation looks at the rows that are used."""
    used, limit = table[:length], min(length - 1, table.shape[1])

    def whole(part: np.ndarray) -> np.ndarray:
        return np.vstack([part, table[length:]])

    for k in (*[rank for rank in RANKS if rank < limit], limit):
        yield "truncate", k, [whole(interventions.truncate(used, k))]
    for k in [count for count in REMOVED if count < limit]:
        yield "remove_top", k, [whole(interventions.remove_top(used, k))]
        draws = [] if dry else [interventions.remove_random(used, k, rng) for _ in range(RANDOM_DRAWS)]
        yield "remove_random", k, [whole(each) for each in draws] or [table] * RANDOM_DRAWS
    for places in SHIFTS:
        if length + places <= len(table):
            yield "shift", places, [interventions.shift(table, places)]
    yield "permute", length, [interventions.permute(table, length, rng) for _ in range(RANDOM_DRAWS)]
    draws = [table] * RANDOM_DRAWS if dry else [interventions.rotate(table, rng) for _ in range(RANDOM_DRAWS)]
    yield "rotate", table.shape[1], draws


Scorer = Callable[[Transformer, Callable[[str, Tensor], Tensor | None] | None], np.ndarray]


def _scorer(
    model: Transformer, inputs: Tensor, targets: Tensor | None, counted: Tensor | None
) -> tuple[Scorer, float, str]:
    """Gives a function from a changed model to costs per context, the baseline, and the measure's name."""
    untouched = run(model, inputs)
    if targets is None:
        spread = ((untouched - untouched.mean(dim=(0, 1))) ** 2).sum(dim=(1, 2)).mean().clamp_min(1e-30)

        def changed(other: Transformer, edit) -> np.ndarray:
            outputs = run(other, inputs, edit or (lambda name, tensor: None))
            return (((outputs - untouched) ** 2).sum(dim=(1, 2)) / spread).numpy().astype(np.float64)

        return changed, 0.0, "output variance"
    before = _losses(untouched, targets, counted)

    def lost(other: Transformer, edit) -> np.ndarray:
        return _losses(run(other, inputs, edit or (lambda name, tensor: None)), targets, counted) - before

    return lost, float(before.mean()), "loss"


def _task(model: Transformer, tokens: Tensor, sample: Sample, seed: int) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Inputs, targets and which places count; no targets where there is no language-model head."""
    if model.objective == "next":
        targets = torch.roll(tokens, -1, dims=1)
        counted = torch.ones_like(tokens, dtype=torch.bool)
        counted[:, -1] = False
        return tokens, targets, counted
    if model.objective == "masked" and sample.mask is not None:
        chance = torch.rand(tokens.shape, generator=torch.Generator().manual_seed(seed))
        special = torch.isin(tokens, torch.tensor(sample.special))
        counted = (chance < MASKED_SHARE) & ~special
        counted[:, tokens.shape[1] // 2] = True
        return torch.where(counted, torch.tensor(sample.mask), tokens), tokens, counted
    return tokens, None, None


def _losses(logits: Tensor, targets: Tensor, counted: Tensor | None) -> np.ndarray:
    """Mean cross-entropy over the counted places, per context, in nats."""
    assert counted is not None
    each = torch.nn.functional.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
    return ((each * counted).sum(dim=1) / counted.sum(dim=1)).numpy().astype(np.float64)


def _parts(model: Transformer, inputs: Tensor, layer: int) -> Tensor:
    """Content, position and rest of what a layer's queries and keys are made from, in the untouched model."""
    if layer == 0:
        return first_attention_parts(model, inputs)
    found: dict[str, Tensor] = {}

    def watch(name: str, tensor: Tensor) -> None:
        if name == f"blocks.{layer}.attn.hook_in":
            found[name] = tensor

    run(model, inputs, watch)
    (inside,) = found.values()
    return torch.from_numpy(mean_parts(inside.numpy()))


def _without(model: Transformer, layer: int, parts: Tensor, term: str) -> Callable[[str, Tensor], Tensor | None]:
    """A watch that takes one term away from a layer's scores; layers before it are untouched, so it is exact."""
    query, key = (PARTS.index(part) for part in term.split("-"))
    projected = []
    for name, index in (("q", query), ("k", key)):
        bias = model.weights.get(f"{layer}.{name}_b") if index == 2 else None
        full = torch.nn.functional.linear(parts[index], model.weights[f"{layer}.{name}_w"], bias)
        projected.append(full.view(*full.shape[:2], model.heads, -1))
    taken = torch.einsum("bqhd,bkhd->bhqk", *projected) / projected[0].shape[-1] ** 0.5

    def watch(name: str, tensor: Tensor) -> Tensor | None:
        return tensor - taken if name == f"blocks.{layer}.attn.hook_attn_scores" else None

    return watch


def _effect(change: str, amount: int | str, layer: int | None, costs: np.ndarray, seed: int) -> Effect:
    """Mean of costs, draw x context, with its interval.

    Every draw meets the same contexts, so the two are resampled apart: taken as one sample of draws x contexts they
    would give an interval too narrow.
    """
    rng, (draws, contexts) = np.random.default_rng(seed), costs.shape
    by_draw, by_context = rng.integers(0, draws, (200, draws, 1)), rng.integers(0, contexts, (200, 1, contexts))
    means = costs[by_draw, by_context].mean(axis=(1, 2))
    return Effect(change=change, amount=amount, layer=layer, cost=float(costs.mean()), interval=interval(means))
