"""The table of the positions study: losses with intervals, paired differences, cost, movement, geometry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from scipy import stats

from seme.store import Run
from seme.studies.positions import LEFT

REGIMES = ("equal_parameters", "equal_compute")


def summarise(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Gives one row per arm, scale and regime.

    Args:
        runs: Final runs of the study.

    Returns:
        Rows with mean loss, its 95% t-interval over seeds, the paired difference to `added` with its
        interval, mean cost, how far the positions moved and whether that leaves their initial state, mean
        geometry, and for `added` the loss it gains when only k components of its trained table are kept.
    """
    cells: dict[tuple[float, str], dict[int, Run]] = {}
    for run in runs:
        config = run.configuration
        cells.setdefault((config["scale"], config["arm"]), {})[config["seed"]] = run
    rows = []
    for (scale, arm), found in cells.items():
        for regime in REGIMES:
            losses = {seed: run.result["losses"][regime] for seed, run in found.items()}
            base = {seed: run.result["losses"][regime] for seed, run in cells.get((scale, "added"), {}).items()}
            paired = [loss - base[seed] for seed, loss in losses.items() if seed in base]
            if not paired:
                continue
            rows.append(
                {
                    "arm": arm,
                    "scale": scale,
                    "regime": regime,
                    "seeds": len(losses),
                    "loss": _mean(list(losses.values())),
                    "difference": _mean(paired),
                    "rate": next(iter(found.values())).configuration["rate"],
                    **_costs(list(found.values()), regime),
                    "truncated": _truncated(found.values(), regime),
                }
            )
    return rows


def _truncated(found: Iterable[Run], regime: str) -> dict[str, dict[str, Any]] | None:
    """K -> mean gain of loss, with its interval, of the trained model with k components of its table."""
    cut = [(cuts, run.result["losses"][regime]) for run in found if (cuts := run.result.get("truncated"))]
    if not cut:
        return None
    return {k: _mean([losses[k] - whole for losses, whole in cut]) for k in cut[0][0]}


def _mean(values: list[float]) -> dict[str, Any]:
    """Mean and 95% t-interval; no interval from one value."""
    array = np.array(values)
    if len(array) < 2 or np.ptp(array) == 0:
        return {"mean": float(array.mean()), "interval": None}
    low, high = stats.t.interval(0.95, len(array) - 1, loc=array.mean(), scale=stats.sem(array))
    return {"mean": float(array.mean()), "interval": [float(low), float(high)]}


def _costs(found: list[Run], regime: str) -> dict[str, Any]:
    moved = [run.result["moved"] for run in found if run.result["moved"] is not None]
    shapes = [run.result["geometry"] for run in found if run.result["geometry"] is not None]
    geometry = {}
    for name in shapes[0] if shapes else ():
        beside = name in ("token_energy", "mean_abs_cos") and found[0].configuration["arm"].startswith("concat")
        values = [each[name] for each in shapes if each[name] is not None and not beside]  # they share no space
        mean = np.array(values, dtype=float).mean(axis=0).tolist() if values else None
        geometry[name] = dict(zip(NAMED[name], mean, strict=True)) if mean is not None and name in NAMED else mean
    return {
        "parameters": found[0].result["parameters"],
        "flops": found[0].result["flops"][regime],
        "steps": found[0].result["steps"][regime],
        "seconds": float(np.mean([run.seconds for run in found])),
        "moved": float(np.mean(moved)) if moved else None,
        "left_initial_state": bool(np.mean(moved) >= LEFT) if moved else None,
        "geometry": geometry or None,
    }


NAMED = {
    "helix": ("value", "p_above"),
    "ring": ("value", "p_above"),
    "token_energy": ("value", "null", "p_below"),
    "mean_abs_cos": ("value", "null", "p_below"),
}
"""What the numbers of a measure are called that a run keeps as a list."""

COLUMNS = (
    f"{'regime':17} {'scale':>5} {'arm':15} {'rate':>6} {'seeds':>5} {'loss (95%)':>24} {'less added (95%)':>28} "
    f"{'GFLOP':>6} {'s':>4} {'moved':>6} {'3 comp':>6} {'ratio':>5} {'ring':>5} {'helix':>5} {'energy':>6}"
)
KEY = (
    "loss: nats per character of test text. moved: change of the positions over their initial norm. 3 comp: variance "
    "in three\ncomponents. ratio: participation ratio. energy: token energy in the top three position directions over "
    "that in random ones."
)


def as_text(rows: Sequence[dict[str, Any]]) -> str:
    """Writes the rows as a table of fixed width."""
    lines = [COLUMNS]
    for row in sorted(rows, key=lambda each: (each["regime"], each["scale"])):
        shape = row["geometry"] or {}
        moved = "-" if row["moved"] is None else f"{row['moved']:.2f}" + ("" if row["left_initial_state"] else "*")
        energy = shape.get("token_energy")
        cells = [
            (shape.get("three_components"), ".2f", 6), (shape.get("participation_ratio"), ".1f", 5),
            ((shape.get("ring") or {}).get("value"), ".2f", 5), ((shape.get("helix") or {}).get("value"), ".2f", 5),
            (energy["value"] / energy["null"] if energy else None, ".2f", 6),
        ]  # fmt: skip
        geometry = " ".join(f"{'-' if value is None else format(value, form):>{wide}}" for value, form, wide in cells)
        lines.append(
            f"{row['regime']:17} {row['scale']:>5} {row['arm']:15} {row['rate']:>6} {row['seeds']:>5} "
            f"{_spread(row['loss'], '.4f'):>24} {_spread(row['difference'], '+.4f'):>28} {row['flops'] / 1e9:>6.0f} "
            f"{row['seconds']:>4.0f} {moved:>6} {geometry}"
        )
    lines.append(KEY)
    for row in rows:
        if row["regime"] == REGIMES[0] and row.get("truncated"):
            parts = ", ".join(f"{k}: {_spread(found, '+.4f')}" for k, found in row["truncated"].items())
            lines.append(f"`{row['arm']}` at scale {row['scale']} with only k components of its trained table: {parts}")
    if any(row["left_initial_state"] is False for row in rows):
        lines.append("* the positions have not left their initial state: this arm says little about learned ones")
    return "\n".join(lines)


def _spread(found: dict[str, Any], form: str) -> str:
    ends = found["interval"]
    mean = format(found["mean"], form)
    return f"{mean} ({format(ends[0], form)} to {format(ends[1], form)})" if ends else mean
