"""Is a network effectively linear in its weights over the range training moves them, and does width help?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import product as combinations
from typing import Any

import torch
from torch import nn

from seme.core.errors import UsageError
from seme.learn import call, linearize, parameters, stable_rate, train, train_linear
from seme.learn.measure import Checkpoint, RunReport, measure_run, summarise
from seme.learn.models import PARAMETRIZATIONS, Activation, Mlp, Transformer
from seme.learn.tasks import TASKS, Task, default_text, make_task
from seme.learn.training import OPTIMISERS, Training
from seme.learn.verdict import LEARNED_R2, LINEAR_GAP, estimate, width_slope
from seme.store import Run, Store, content_key
from seme.studies.runners import Runner, make_runner
from seme.studies.sweep import Progress, sweep

STUDY = "linearity"
# Part of every key: raise it when a change alters what a run measures.
VERSION = 1
# What the size of a task is called there.
SIZES = {"product-bits": "bits", "product-tokens": "values", "modular": "modulus", "text": "length"}
# Expected slopes of the gap with width (smooth activations: first order in 1 / width; relu: kinks crossed).
EXPECTED = {"relu": "-3/4 to -1/2", "gelu": "-1", "erf": "-1", "exp": "-1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One point of the grid, without its seed.

    Attributes:
        task: Name of the task.
        model: mlp or transformer.
        activation: Name of the activation.
        width: Hidden units, or d_model.
        parametrization: standard, ntk or mean-field.
        depth: Hidden layers or blocks.
        alpha: Factor on the output.
        optimiser: gd, momentum, adam or adamw.
        rate: Learning rate; None to choose from the kernel.
        steps: Most steps.
        stop: Share of the first loss at which training ends.
        weight_decay: Weight decay.
        center: Whether the function at the start is subtracted.
        size: Bits of product-bits, values of product-tokens, modulus of modular, characters seen of text;
            None for the task's own.
        data: A text for the task `text`; None for the one that ships with Python.
    """

    task: str = "product"
    model: str = "mlp"
    activation: str = "gelu"
    width: int = 256
    parametrization: str = "ntk"
    depth: int = 1
    alpha: float = 1.0
    optimiser: str = "gd"
    rate: float | None = None
    steps: int = 1000
    stop: float = 0.01
    weight_decay: float = 0.0
    center: bool = True
    size: int | None = None
    data: str | None = None

    def __post_init__(self) -> None:
        for what, value, known in (
            ("task", self.task, tuple(TASKS)),
            ("model", self.model, ("mlp", "transformer")),
            ("parametrization", self.parametrization, PARAMETRIZATIONS),
            ("optimiser", self.optimiser, OPTIMISERS),
        ):
            if value not in known:
                raise UsageError(f"no {what} {value!r}", hint=f"use one of {', '.join(known)}")
        Activation(name=self.activation)
        if self.width < 1 or self.depth < 1 or self.steps < 1:
            raise UsageError("width, depth and steps must be at least 1")
        if self.size is not None and (self.size < 2 or self.task not in SIZES):
            raise UsageError(
                f"no size {self.size} for the task {self.task!r}",
                hint=f"a size is at least 2, for one of {', '.join(SIZES)}",
            )
        if self.model == "transformer" and self.task in ("product", "product-bits", "sine"):
            raise UsageError(
                f"a transformer reads tokens, the task {self.task!r} gives numbers",
                hint="use --task product-tokens, modular or text",
            )

    def configuration(self, seed: int) -> dict[str, Any]:
        """What decides a run, as it is hashed."""
        configuration = {**asdict(self), "seed": seed, "version": VERSION}
        if self.task == "text":  # the text that ships with Python changes with its version
            used = default_text() if self.data is None else self.data
            configuration["text_hash"] = content_key("text", {"text": used})
        return configuration


def grid(seeds: int, widths: Sequence[int], activations: Sequence[str], **options: Any) -> list[dict[str, Any]]:
    """Configurations of every width, activation and seed, cheapest first; `options` are `Setting`'s."""
    if seeds < 1:
        raise UsageError(f"a study needs at least one seed, got {seeds}")
    decays = options.pop("weight_decays", None) or (0.0,)
    settings = [
        Setting(width=w, activation=a, weight_decay=d, **options)
        for w, a, d in combinations(sorted(widths), activations, decays)
    ]
    return [setting.configuration(seed) for setting in settings for seed in range(seeds)]


def make(configuration: dict[str, Any]) -> tuple[nn.Module, Task, Training]:
    """The network, the data and the training of a run."""
    values = {f.name: configuration[f.name] for f in fields(Setting)}
    s, seed = Setting(**values), configuration["seed"]
    more: dict[str, Any] = {"data": s.data} if s.task == "text" and s.data is not None else {}
    if s.size is not None:
        more[SIZES[s.task]] = s.size
    task = make_task(s.task, seed=seed, **more)
    shared = {
        "outputs": task.train_y.shape[1], "width": s.width, "depth": s.depth, "activation": s.activation,
        "parametrization": s.parametrization, "alpha": s.alpha, "seed": seed,
    }  # fmt: skip
    how = Training(
        optimiser=s.optimiser,
        rate=s.rate,
        steps=s.steps,
        stop=s.stop,
        weight_decay=s.weight_decay,
        center=s.center,
    )
    if s.model == "mlp":
        task = task.as_numbers()
        return Mlp(inputs=task.train_x.shape[1], **shared), task, how
    return Transformer(vocabulary=task.vocabulary, length=task.train_x.shape[1], **shared), task, how


def run_one(configuration: dict[str, Any]) -> dict[str, Any]:
    """Trains and measures one network.

    Args:
        configuration: From `Setting.configuration`.

    Returns:
        The run's report as plain JSON.
    """
    return _plain(asdict(measure_run(*make(configuration))))


def _plain(value: Any) -> Any:
    """Tuples as lists, what is not finite as None."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not torch.isfinite(torch.tensor(value)):
        return None
    return value


def study(
    configurations: Sequence[dict[str, Any]],
    store: Store,
    *,
    runner: str | Runner = "local",
    workers: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Runs what the store lacks and summarises all of it; errors as for `sweep`."""
    ready = make_runner(runner, run_one, workers) if isinstance(runner, str) else runner
    return summary(sweep(STUDY, configurations, store, ready, progress))


def summary(runs: Iterable[Run]) -> dict[str, Any]:
    """Groups runs by setting and fits slopes with width.

    Returns:
        `{"schema", "runs": [...], "slopes": [...], "thresholds"}`; see the page on `seme linearity`.
    """
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(str(_setting(run)), []).append(run)
    rows = [_row(group) for group in groups.values()]
    return {
        "schema": 1,
        "runs": rows,
        "slopes": _slopes(rows),
        "thresholds": {"learned_r2": LEARNED_R2, "linear_gap": LINEAR_GAP},
    }


def _setting(run: Run) -> dict[str, Any]:
    return {key: value for key, value in run.configuration.items() if key != "seed"}


def _row(group: list[Run]) -> dict[str, Any]:
    reports = []
    for run in group:
        points = tuple(
            Checkpoint(**{k: float("nan") if v is None else v for k, v in c.items()})  # type: ignore[arg-type]
            for c in run.result["checkpoints"]
        )
        reports.append(RunReport(**{**run.result, "checkpoints": points}))
    report = summarise(reports)
    names = {name for r in reports for name in r.trace_shares}
    setting = _setting(group[0])
    return {
        **{key: setting[key] for key in ("task", "model", "activation", "width", "parametrization")},
        "seeds": [run.configuration["seed"] for run in group],
        "verdict": report.verdict,
        **{name: _plain(value.as_json()) for name, value in report.estimates.items()},
        "events": {name: [_first(r, name) for r in reports] for name in EVENTS},
        "trace_shares": {n: estimate([r.trace_shares[n] for r in reports]).value for n in sorted(names)},
        "gaps": [r.end.taylor_gap for r in reports],
        "history": _plain([asdict(point) for point in reports[0].checkpoints]),
        "seconds": sum(run.seconds for run in group),
        "setting": setting,
    }


EVENTS = {
    "left_linear_regime": lambda c: c.step > 0 and c.taylor_gap > LINEAR_GAP,
    "memorised": lambda c: c.train_r2 >= LEARNED_R2,
    "generalised": lambda c: c.r2 >= LEARNED_R2,
}


def _first(report: RunReport, event: str) -> int | None:
    """The first checkpoint's step at which an event holds."""
    return next((c.step for c in report.checkpoints if EVENTS[event](c)), None)


def _slopes(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    families: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        key = str({k: v for k, v in row["setting"].items() if k != "width"})
        families.setdefault(key, []).append(row)
    found = []
    for family in families.values():
        gaps: dict[int, dict[int, float]] = {}
        for row in family:
            for seed, gap in zip(row["seeds"], row["gaps"], strict=True):
                gaps.setdefault(seed, {})[row["width"]] = gap
        slope = width_slope(gaps)
        if slope is not None:
            first = family[0]
            found.append(
                {k: first[k] for k in ("task", "model", "activation", "parametrization")}
                | {"widths": sorted(row["width"] for row in family), "slope": _plain(slope.as_json())}
                | {"expected": EXPECTED.get(first["activation"])}
            )
    return found


def surfaces(configuration: dict[str, Any], points: int = 21) -> dict[str, Any]:
    """Trains one network on the product of two numbers and evaluates it, and its linear models, on a square.

    Args:
        configuration: A run of the task `product` with a perceptron.
        points: Points along each side.

    Returns:
        `axis` and, `points x points` each: `target`, `network`, `taylor` (the linear model at the
        trained weights) and `linear` (the linear model trained the same way); the start is subtracted.
    """
    model, task, how = make(configuration)
    start = parameters(model)
    axis = torch.linspace(-(3**0.5), 3**0.5, points)
    square = torch.cartesian_prod(axis, axis)
    rate = how.rate or stable_rate(model, start, task.train_x) / 2
    linear = train_linear(model, start, task.train_x, task.train_y, square, how, rate)
    steps = zip(train(model, start, task.train_x, task.train_y, how, rate), linear, strict=False)
    state, outputs = next((state, outputs) for state, outputs in steps if state.done)
    end = {name: value.detach() for name, value in state.params.items()}
    with torch.no_grad():
        origin = call(model, start, square)
        network = call(model, end, square) - origin
    taylor = linearize(model, start)(end, square).detach() - origin
    shown = {
        "target": square[:, :1] * square[:, 1:],
        "network": network,
        "taylor": taylor,
        "linear": outputs - origin,
    }
    return {
        "setting": {key: configuration[key] for key in ("activation", "width", "parametrization")},
        "axis": [round(value, 5) for value in axis.tolist()],
        **{n: [[round(v, 5) for v in row] for row in s.reshape(points, points).tolist()] for n, s in shown.items()},
    }
