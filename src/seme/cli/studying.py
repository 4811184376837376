"""What `seme linearity` and `seme study` do: run the studies, print what they found, write their pages."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from seme.cli.output import Stage, say, stages
from seme.core.errors import UsageError
from seme.core.text import read_text
from seme.report import linearity as linearity_report
from seme.report.positions import page
from seme.report.writing import check_folder, write_whole
from seme.store import Store
from seme.studies.linearity import study, surfaces
from seme.studies.positions import SMOKE, Plan, run_study
from seme.studies.positions_summary import as_text, summarise
from seme.studies.settings import grid


def linearity(
    *,
    store: Path,
    runner: str,
    workers: int | None,
    quiet: bool,
    data: Path | None,
    checkpoint_before: Path | None,
    checkpoint_after: Path | None,
    width: str,
    activation: str,
    weight_decay: str,
    seeds: int,
    html: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Runs the grid, or compares two checkpoints; prints what came out, and writes its page.

    Raises:
        UsageError: Options that do not parse or do not fit together, or the page's or store's folder does not exist.
        InputError: The data cannot be read.
    """
    check_folder(html, store)
    shown: list[dict[str, Any]] = []
    if checkpoint_before is not None or checkpoint_after is not None:
        result = _compare(checkpoint_before, checkpoint_after, data)
    else:
        configurations = grid(
            seeds,
            _numbers("width", width, int),
            [name.strip() for name in activation.split(",")],
            weight_decays=_numbers("weight-decay", weight_decay, float),
            data=None if data is None else read_text(data),
            **options,
        )
        with Store(store) as results, stages(quiet=quiet) as stage:
            told = _told(stage)
            result = study(
                configurations,
                results,
                runner=runner,
                workers=workers,
                progress=lambda done, total: told("networks", done, total),
                notice=say,
            )
        drawn = [c for c in configurations if c["seed"] == 0 and c["task"] == "product" and c["model"] == "mlp"]
        shown = [surfaces(drawn[0])] if html is not None and drawn else []
    if html is not None:
        linearity_report.write_page(result, shown, html)
    click.echo(linearity_report.as_text(result, as_json))


def _compare(before: Path | None, after: Path | None, data: Path | None) -> dict[str, Any]:
    if before is None or after is None or data is None:
        raise UsageError("comparing checkpoints needs --checkpoint-before, --checkpoint-after and --data together")
    from seme.studies.checkpoints import compare_checkpoints

    return compare_checkpoints(before, after, data)


def _numbers(name: str, text: str, kind: Callable[[str], Any]) -> list[Any]:
    try:
        return [kind(part) for part in text.split(",")]
    except ValueError as error:
        raise UsageError(f"--{name} takes numbers separated by commas, got {text!r}") from error


def positions(
    *,
    store: Path,
    smoke: bool,
    seeds: int,
    steps: int,
    workers: int,
    html: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Runs the study (what the store lacks of it), prints its table, and writes its page.

    Raises:
        UsageError: If a count is too small, or the page's or store's folder does not exist.
    """
    if min(steps, workers) < 1:
        raise UsageError(f"got --steps {steps} and --workers {workers}: expected at least 1", hint="leave them out")
    if seeds < 2:
        raise UsageError(
            f"got --seeds {seeds}: expected at least 2, since maps are made of the components of another seed's model",
            hint="leave it out for five",
        )
    check_folder(html, store)
    plan = SMOKE if smoke else Plan(seeds=seeds, steps=steps)
    with Store(store) as results, stages(quiet=quiet) as stage:
        rows = summarise(run_study(plan, results, workers=workers, advance=_told(stage)))
    if html is not None:
        write_whole(html, page(rows))
    click.echo(json.dumps({"schema": 1, "study": "positions", "rows": rows}) if as_json else as_text(rows))


def _told(stage: Stage) -> Callable[[str, int, int], None]:
    """Progress told as (phase, finished, all), as a bar for each phase."""
    bars: dict[str, Callable[[int], None]] = {}
    before: dict[str, int] = {}

    def told(phase: str, done: int, total: int) -> None:
        if phase not in bars:
            bars[phase] = stage(phase, total)
        bars[phase](done - before.get(phase, 0))
        before[phase] = done

    return told
