"""Is a network effectively linear in its weights over the range training moves them, and does width help?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch

from seme.core.plain import plain
from seme.learn import call, linearize, parameters, stable_rate, train, train_linear
from seme.learn.measure import Checkpoint, RunReport, measure_run, summarise
from seme.learn.verdict import LEARNED_ACCURACY, LEARNED_R2, LINEAR_GAP, estimate, width_slope
from seme.store import Run, Store
from seme.studies.runners import Runner, make_runner
from seme.studies.settings import make
from seme.studies.sweep import Notice, Progress, sweep

STUDY = "linearity"
# Expected slopes of the gap with width (smooth activations: first order in 1 / width; relu: kinks crossed).
EXPECTED = {"relu": "-3/4 to -1/2", "gelu": "-1", "erf": "-1", "exp": "-1"}


def run_one(configuration: dict[str, Any]) -> dict[str, Any]:
    """Trains and measures one network.

    Args:
        configuration: From `Setting.configuration`.

    Returns:
        The run's report as plain JSON.
    """
    per_doubling = configuration.get("per_doubling", 1)
    return plain(measure_run(*make(configuration), per_doubling=per_doubling))


def study(
    configurations: Sequence[dict[str, Any]],
    store: Store,
    *,
    runner: str | Runner = "local",
    workers: int | None = None,
    progress: Progress | None = None,
    notice: Notice | None = None,
) -> dict[str, Any]:
    """Runs what the store lacks and summarises all of it; errors as for `sweep`."""
    ready = make_runner(runner, run_one, workers) if isinstance(runner, str) else runner
    return summary(sweep(STUDY, configurations, store, ready, progress, notice))


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
        "thresholds": {"learned_r2": LEARNED_R2, "learned_accuracy": LEARNED_ACCURACY, "linear_gap": LINEAR_GAP},
    }


def _setting(run: Run) -> dict[str, Any]:
    return {key: value for key, value in run.configuration.items() if key != "seed"}


def _row(group: list[Run]) -> dict[str, Any]:
    reports = []
    for run in group:
        points = tuple(_checkpoint(point) for point in run.result["checkpoints"])
        reports.append(RunReport(**{**run.result, "checkpoints": points}))
    report = summarise(reports)
    shares = [r.checkpoints[0].trace_shares for r in reports]
    setting = _setting(group[0])
    return {
        **{key: setting[key] for key in ("task", "model", "activation", "width", "parametrization")},
        "seeds": [run.configuration["seed"] for run in group],
        "verdict": report.verdict,
        **{name: plain(value.as_json()) for name, value in report.estimates.items()},
        "events": {name: [_first(r, name) for r in reports] for name in EVENTS},
        "trace_shares": {name: estimate([each[name] for each in shares]).value for name in sorted(shares[0])},
        "gaps": [r.end.taylor_gap for r in reports],
        "history": plain(reports[0].checkpoints),
        "seconds": sum(run.seconds for run in group),
        "setting": setting,
    }


def _checkpoint(stored: dict[str, Any]) -> Checkpoint:
    """A checkpoint as it was measured: None was NaN, but where there are no classes to be accurate on."""
    nan = float("nan")
    values: dict[str, Any] = {k: nan if v is None and "accuracy" not in k else v for k, v in stored.items()}
    return Checkpoint(**values)


EVENTS = {
    "left_linear_regime": lambda c: c.step > 0 and c.taylor_gap > LINEAR_GAP,
    "memorised": lambda c: _learned(c.train_accuracy, c.train_r2),
    "generalised": lambda c: _learned(c.accuracy, c.r2),
}


def _learned(accuracy: float | None, r2: float) -> bool:
    """Classes are learned by their accuracy (weight decay holds outputs, and so R2, down), numbers by R2."""
    return r2 >= LEARNED_R2 if accuracy is None else accuracy >= LEARNED_ACCURACY


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
                | {"widths": sorted(row["width"] for row in family), "slope": plain(slope.as_json())}
                | {"expected": EXPECTED.get(first["activation"]) if first["model"] == "mlp" else None}
                | {"setting": {k: v for k, v in first["setting"].items() if k != "width"}}
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
