"""Does it matter how positions enter? Trains every arm at equal parameters and at equal compute on real text.

Every arm has hidden layers widened until its parameters match, and is read twice: after as many steps as
`added` (equal parameters) and after as much arithmetic (equal compute). Seeds are paired: seed s draws the
same batches and the same attention in every arm. Rates are chosen per arm and scale on a validation
text that nothing else uses.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from seme.read.positions import measure_positions
from seme.read.spectra import components
from seme.read.text import default_text
from seme.read.tokens import measure_tokens
from seme.store import Run, Store
from seme.studies.position_arms import ARMS, Small, effective_table, matched, sizes_of, step_flops

STUDY = "positions"
RATES = (1e-3, 3e-3, 1e-2)
LEFT = 0.5
"""A position table has left its initial state when it moved by half its initial norm: the initial
entries are then no
longer what decides most of it."""


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
    steps: int = 2000
    tune_steps: int = 400
    rates: tuple[float, ...] = RATES
    batch: int = 32
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
    }


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
    }
    tokens = model.tokens.detach().double().numpy()
    if tokens.shape[1] == table.shape[1]:
        top = measure_tokens(tokens, table, k=3, seed=seed, draws=39).energy_top_k
        geometry["token_energy"] = [top.value, top.null, top.p_below]
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
        for scale in plan.scales
        for arm in plan.arms
        for seed in range(plan.seeds)
    }
    first = [(config, None) for key, config in final.items() if key[0] == "added"]
    _sweep(first, store, workers, lambda done, total: advance("added", done, total))
    others = [(config, _directions(store, final, *key)) for key, config in final.items() if key[0] != "added"]
    _sweep(others, store, workers, lambda done, total: advance("other arms", done, total))
    found = (store.get(STUDY, config) for config in final.values())
    return tuple(run for run in found if run is not None)


def _directions(
    store: Store, final: dict[tuple[str, float, int], dict[str, Any]], arm: str, scale: float, seed: int
) -> list[list[float]] | None:
    """Components of the `added` model of the next seed, so that no arm is given its own answer."""
    if not arm.endswith("-trained"):
        return None
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
    jobs = [(config, None) for config in trials.values()]
    _sweep(jobs, store, workers, lambda done, total: advance("rates", done, total))

    def loss(arm: str, scale: float, rate: float) -> float:
        run = store.get(STUDY, trials[arm, scale, rate])
        return run.result["losses"]["equal_parameters"] if run else float("inf")

    return {
        (arm, scale): min(plan.rates, key=lambda rate: loss(stand_in[arm], scale, rate))
        for arm in plan.arms
        for scale in plan.scales
    }


Job = tuple[dict[str, Any], list[list[float]] | None]


def _sweep(jobs: Sequence[Job], store: Store, workers: int, advance: Callable[[int, int], None]) -> None:
    waiting = [job for job in jobs if store.get(STUDY, job[0]) is None]
    done, total = len(jobs) - len(waiting), len(jobs)
    advance(done, total)
    for config, result, seconds in _results(waiting, workers):
        store.put(STUDY, config, result, seconds=seconds)
        done += 1
        advance(done, total)


def _results(jobs: Sequence[Job], workers: int) -> Iterator[tuple[dict[str, Any], dict[str, Any], float]]:
    """Results as they finish; with one worker nothing is forked."""
    if workers <= 1 or len(jobs) <= 1:
        for job in jobs:
            yield _timed(job)
        return
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    try:
        for future in as_completed([pool.submit(_timed, job) for job in jobs]):
            yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _timed(job: Job) -> tuple[dict[str, Any], dict[str, Any], float]:
    began = time.perf_counter()
    result = train(*job)
    return job[0], result, time.perf_counter() - began
