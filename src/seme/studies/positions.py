"""Does it matter how positions enter? Trains every arm at equal parameters and at equal compute on real text.

Every arm has hidden layers widened until its parameters match, and is read twice: after as many steps as
`added` (equal parameters) and after as much arithmetic (equal compute). Seeds are paired: seed s draws the
same batches and the same attention in every arm. Rates are chosen per arm and scale on a validation
text that nothing else uses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from seme.core.text import default_text
from seme.read.interventions import truncate
from seme.read.positions import measure_positions
from seme.read.spectra import components
from seme.read.tokens import measure_tokens
from seme.store import Run, Store, content_key
from seme.studies.position_arms import ARMS, Small, effective_table, matched, sizes_of, step_flops
from seme.studies.runners import make_runner
from seme.studies.sweep import sweep

STUDY = "positions"
VERSION = 1
"""Part of every key: raise it when a change alters what a run measures."""

RATES = (2e-3, 4e-3, 8e-3)
"""Around the best rate of `added` at both scales (pilot of 1,200 steps: 3e-3 beats 1e-3 and 1e-2). Trials of a
third of the final length chose 1e-2 at scale .1, which is worse in the end, so trials run for two thirds."""

LEFT = 0.5
"""A position table has left its initial state when it moved by half its initial norm: the initial entries are
then no longer what decides most of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is trained.

    Attributes:
        arms: Arms, `added` first.
        scales: Initial standard deviations of token and position entries.
        seeds: Paired seeds.
        steps: Training steps of `added`.
        tune_steps: Steps of each rate's trial.
        rates: Rates tried per arm and scale.
        batch: Sequences per step.
        sizes: Sizes of the `added` model, without the vocabulary.
    """

    arms: tuple[str, ...] = ARMS
    scales: tuple[float, ...] = (0.02, 0.1)
    seeds: int = 5
    steps: int = 1200
    tune_steps: int = 800
    rates: tuple[float, ...] = RATES
    batch: int = 16
    sizes: tuple[int, int, int, int, int] = (64, 64, 2, 4, 256)


SMOKE = Plan(seeds=2, scales=(0.1,), steps=40, tune_steps=0, rates=(3e-3,), batch=8, sizes=(32, 32, 1, 2, 64))
"""Every arm once through in under two minutes on two cores; its losses say nothing."""


@cache
def text_splits() -> tuple[str, dict[str, np.ndarray]]:
    """Gives the alphabet and the text as codes: 80% training, 10% validation, 10% test, in that order."""
    text = "".join(each if each.isascii() else "?" for each in default_text())
    alphabet = "".join(sorted(set(text)))
    codes = np.searchsorted(np.array(list(alphabet)), np.array(list(text)))
    ends = (int(0.8 * len(codes)), int(0.9 * len(codes)))
    return alphabet, {
        "train": codes[: ends[0]],
        "validation": codes[ends[0] : ends[1]],
        "test": codes[ends[1] :],
    }


def configuration(plan: Plan, arm: str, scale: float, seed: int, rate: float, *, trial: bool) -> dict[str, Any]:
    """Gives everything that decides one run, as plain JSON."""
    names = ("context", "d_model", "layers", "heads", "d_mlp")
    sizes = {"vocabulary": len(text_splits()[0]), **dict(zip(names, plan.sizes, strict=True))}
    return {
        "arm": arm,
        "scale": scale,
        "seed": seed,
        "rate": rate,
        "trial": trial,
        "steps": plan.tune_steps if trial else plan.steps,
        "batch": plan.batch,
        "sizes": sizes,
        "version": VERSION,
        "text": _text_key(),  # the text that ships with Python changes with its version
    }


@cache
def _text_key() -> str:
    return content_key("text", {"text": default_text()})


def train(config: dict[str, Any], directions: list[list[float]] | None = None) -> dict[str, Any]:
    """Trains one model and measures it.

    Args:
        config: From `configuration`.
        directions: Components of a trained model, for arms that map through them.

    Returns:
        Losses in nats per character, costs, movement of the positions, geometry.
    """
    torch.set_num_threads(1)
    base, arm = sizes_of(config), config["arm"]
    sizes = matched(arm, base)
    chosen = None if directions is None else torch.tensor(directions, dtype=torch.float32)
    model = Small(arm, sizes, config["scale"], chosen, seed=config["seed"])
    start = effective_table(model)
    splits = text_splits()[1]
    batch, context, steps = config["batch"], sizes.context, config["steps"]
    ratio = step_flops("added", base, batch) / step_flops(arm, sizes, batch)
    stops = {"equal_parameters": steps, "equal_compute": max(1, round(steps * ratio))}
    optimizer = torch.optim.AdamW(model.parameters(), lr=config["rate"], betas=(0.9, 0.98), weight_decay=0.01)
    rng, warm, losses = np.random.default_rng(config["seed"]), max(1, steps // 20), {}
    for step in range(1, max(stops.values()) + 1):
        for group in optimizer.param_groups:
            group["lr"] = config["rate"] * min(1.0, step / warm)
        starts = rng.integers(0, len(splits["train"]) - context - 1, batch)
        loss = _loss(model, splits["train"], starts, context)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        for name, stop in stops.items():
            if step == stop:
                losses[name] = evaluate(model, splits["validation" if config["trial"] else "test"], context)
    return {
        "losses": losses,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "flops": {name: stop * step_flops(arm, sizes, batch) for name, stop in stops.items()},
        "steps": stops,
        **({} if config["trial"] else measured(model, start, config["seed"])),
        "truncated": None if config["trial"] or arm != "added" else truncated(model, splits["test"], context),
    }


def _loss(model: Small, codes: np.ndarray, starts: np.ndarray, context: int) -> torch.Tensor:
    windows = torch.from_numpy(np.stack([codes[at : at + context + 1] for at in starts]))
    return functional.cross_entropy(model(windows[:, :-1]).transpose(1, 2), windows[:, 1:])


@torch.no_grad()
def evaluate(model: Small, codes: np.ndarray, context: int, windows: int = 256) -> float:
    """Gives the mean loss over evenly spaced windows of a text, in nats per character."""
    starts = np.linspace(0, len(codes) - context - 1, windows).astype(int)
    parts = [_loss(model, codes, part, context).item() * len(part) for part in np.array_split(starts, 8)]
    return sum(parts) / windows


def truncated(model: Small, codes: np.ndarray, context: int) -> dict[str, float]:
    """Gives the loss of a trained `added` model with only k components of its table kept, without training on."""
    table = effective_table(model)
    losses = {}
    for k in (0, 3, 8):
        model.positions.rows.data = torch.from_numpy(truncate(table, k)).float()
        losses[str(k)] = evaluate(model, codes, context)
    model.positions.rows.data = torch.from_numpy(table).float()
    return losses


def measured(model: Small, start: np.ndarray | None, seed: int) -> dict[str, Any]:
    """Measures the positions of a trained model: movement and the geometry of `seme read`."""
    table = effective_table(model)
    if table is None or start is None:
        return {"moved": None, "geometry": None, "components": None}
    moved = float(np.linalg.norm(table - start) / max(np.linalg.norm(start), 1e-12))
    report = measure_positions(table, seed=seed, draws=19)
    geometry: dict[str, Any] = {
        "three_components": report.explained_variance[min(2, len(report.explained_variance) - 1)],
        "participation_ratio": report.participation_ratio,
        "helix": [report.helix_score.value, report.helix_score.p_above],
        "ring": [report.ring_score.value, report.ring_score.p_above],
        "toeplitz": report.toeplitz.value,
        "token_energy": None,
        "mean_abs_cos": None,
    }
    tokens = model.tokens.detach().double().numpy()
    if model.positions.kind != "concat":  # side by side, the two share no space, of whatever widths
        beside = measure_tokens(tokens, table, k=3, seed=seed, draws=39)
        top, cosine = beside.energy_top_k, beside.mean_abs_cosine_centred
        geometry["token_energy"] = [top.value, top.null, top.p_below]
        geometry["mean_abs_cos"] = [cosine.value, cosine.null, cosine.p_below]
    k = min(8, min(table.shape) - 1)
    kept = components(table, k).directions.T.tolist() if model.positions.kind == "added" else None
    return {"moved": moved, "geometry": geometry, "components": kept}


Advance = Callable[[str, int, int], None]
"""Told (phase, finished, all) after every run."""


def run_study(
    plan: Plan, store: Store, *, workers: int = 1, advance: Advance = lambda phase, done, total: None
) -> tuple[Run, ...]:
    """Trains what the store lacks: trials of rates, then `added`, then every other arm.

    Args:
        plan: What is trained.
        store: Where results are kept; a run already there is not repeated.
        workers: Processes.
        advance: Told of progress.

    Returns:
        The final runs (not the trials), in order of scale, arm and seed.
    """
    rates = _tuned(plan, store, workers, advance)
    final = {
        (arm, scale, seed): configuration(plan, arm, scale, seed, rates[arm, scale], trial=False)
        for seed in range(plan.seeds)
        for scale in plan.scales
        for arm in plan.arms
    }
    first = [config for key, config in final.items() if key[0] == "added"]
    _sweep(first, {}, store, workers, lambda done, total: advance("added", done, total))
    maps = {
        content_key(STUDY, config): _directions(store, final, *key)
        for key, config in final.items()
        if key[0].endswith("-trained")
    }
    others = [config for key, config in final.items() if key[0] != "added"]
    _sweep(others, maps, store, workers, lambda done, total: advance("other arms", done, total))
    ordered = [final[arm, scale, seed] for scale in plan.scales for arm in plan.arms for seed in range(plan.seeds)]
    return tuple(run for config in ordered if (run := store.get(STUDY, config)) is not None)


def _directions(
    store: Store, final: dict[tuple[str, float, int], dict[str, Any]], arm: str, scale: float, seed: int
) -> list[list[float]]:
    """Components of the `added` model of the next seed, so that no arm is given its own answer."""
    seeds = max(key[2] for key in final) + 1
    run = store.get(STUDY, final["added", scale, (seed + 1) % seeds])
    assert run is not None
    return run.result["components"][: int(arm.split("-")[1])]


def _tuned(plan: Plan, store: Store, workers: int, advance: Advance) -> dict[tuple[str, float], float]:
    """The best rate per arm and scale, by validation loss of one seed outside the study's.

    Arms that map through trained components are tuned as the random map of their rank: they differ in a
    constant.
    """
    if len(plan.rates) == 1:
        return {(arm, scale): plan.rates[0] for arm in plan.arms for scale in plan.scales}
    stand_in = {arm: arm.replace("-trained", "-random") for arm in plan.arms}
    trials = {
        (arm, scale, rate): configuration(plan, arm, scale, 1000, rate, trial=True)
        for arm in sorted(set(stand_in.values()))
        for scale in plan.scales
        for rate in plan.rates
    }
    _sweep(list(trials.values()), {}, store, workers, lambda done, total: advance("rates", done, total))

    def loss(arm: str, scale: float, rate: float) -> float:
        run = store.get(STUDY, trials[arm, scale, rate])
        return run.result["losses"]["equal_parameters"] if run else float("inf")

    return {
        (arm, scale): min(plan.rates, key=lambda rate: loss(stand_in[arm], scale, rate))
        for arm in plan.arms
        for scale in plan.scales
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainer:
    """What a worker is sent: trains one configuration, through the directions that belong to it.

    Attributes:
        directions: Key of a configuration -> components of the trained model it maps through.
    """

    directions: Mapping[str, list[list[float]]]

    def __call__(self, config: dict[str, Any]) -> dict[str, Any]:
        """Gives the result of `train`."""
        return train(config, self.directions.get(content_key(STUDY, config)))


def _sweep(
    configurations: Sequence[dict[str, Any]],
    directions: Mapping[str, list[list[float]]],
    store: Store,
    workers: int,
    advance: Callable[[int, int], None],
) -> None:
    """Runs what the store lacks; its leases keep two processes from the same run."""
    sweep(STUDY, configurations, store, make_runner("local", Trainer(directions=directions), workers), advance)
