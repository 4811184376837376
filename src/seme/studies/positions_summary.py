"""The table of the positions study: losses with intervals, paired differences, cost, movement, geometry."""

from __future__ import annotations

from collections.abc import Sequence
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
        interval, mean cost, how far the positions moved and whether that leaves their initial state, and
        mean geometry.
    """
    cells: dict[tuple[float, str], dict[int, Run]] = {}
    for run in runs:
        config = run.configuration
        cells.setdefault((config["scale"], config["arm"]), {})[config["seed"]] = run
    rows = []
    for (scale, arm), found in cells.items():
        for regime in REGIMES:
            losses = {seed: run.result["losses"][regime] for seed, run in found.items()}
            base = {seed: run.result["losses"][regime] for seed, run in cells[scale, "added"].items()}
            paired = [loss - base[seed] for seed, loss in losses.items() if seed in base]
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
                }
            )
    return rows


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
        values = [each[name] for each in shapes if each[name] is not None]
        geometry[name] = np.array(values, dtype=float).mean(axis=0).tolist() if values else None
    return {
        "parameters": found[0].result["parameters"],
        "flops": found[0].result["flops"][regime],
        "steps": found[0].result["steps"][regime],
        "seconds": float(np.mean([run.seconds for run in found])),
        "moved": float(np.mean(moved)) if moved else None,
        "left_initial_state": bool(np.mean(moved) >= LEFT) if moved else None,
        "geometry": geometry or None,
    }


def as_text(rows: Sequence[dict[str, Any]]) -> str:
    """Writes the rows as a table of fixed width."""
    lines = [
        f"{'regime':17} {'scale':>5} {'arm':15} {'rate':>6} {'loss':>7} {'to added (95%)':>26} {'GFLOP':>7} "
        f"{'moved':>6} {'3 comp.':>7} {'ratio':>6}"
    ]
    for row in sorted(rows, key=lambda each: (each["regime"], each["scale"])):
        gap, shape = row["difference"], row["geometry"] or {}
        ends = gap["interval"]
        spread = f"{gap['mean']:+.4f} ({ends[0]:+.4f} to {ends[1]:+.4f})" if ends else f"{gap['mean']:+.4f}"
        moved = "-" if row["moved"] is None else f"{row['moved']:.2f}" + ("" if row["left_initial_state"] else "*")
        three, ratio = shape.get("three_components"), shape.get("participation_ratio")
        lines.append(
            f"{row['regime']:17} {row['scale']:>5} {row['arm']:15} {row['rate']:>6} "
            f"{row['loss']['mean']:>7.4f} {spread:>26} {row['flops'] / 1e9:>7.0f} {moved:>6} "
            f"{'-' if three is None else format(three, '.2f'):>7} "
            f"{'-' if ratio is None else format(ratio, '.1f'):>6}"
        )
    if any(row["left_initial_state"] is False for row in rows):
        lines.append("* the positions have not left their initial state: this arm says little about learned ones")
    return "\n".join(lines)
