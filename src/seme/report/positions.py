"""What `seme study positions` does: runs the study, prints its table, writes its page."""

from __future__ import annotations

import html as escaping
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from seme.core.errors import MissingExtraError, UsageError
from seme.report.writing import check_folder, write_whole
from seme.store import Store
from seme.studies.positions import SMOKE, Plan, run_study
from seme.studies.positions_summary import REGIMES, as_text, summarise


def show(
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
    """Runs the study (what the store lacks of it) and prints its table.

    Args:
        store: SQLite file of finished runs.
        smoke: Whether the two-minute version is run.
        seeds: Paired seeds.
        steps: Training steps.
        workers: Processes.
        html: Where the page goes.
        as_json: Whether JSON is printed in place of the table.
        quiet: Whether progress is hidden.

    Raises:
        UsageError: If a count is not positive, or the page's folder does not exist.
    """
    if min(seeds, steps, workers) < 1:
        raise UsageError("expected --seeds, --steps and --workers of at least 1", hint="leave them out")
    check_folder(html)
    plan = SMOKE if smoke else Plan(seeds=seeds, steps=steps)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        Store(store) as results,
        Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bars,
    ):
        tasks: dict[str, Any] = {}

        def advance(phase: str, done: int, total: int) -> None:
            if phase not in tasks:
                tasks[phase] = bars.add_task(phase, total=total)
            bars.update(tasks[phase], completed=done)

        rows = summarise(run_study(plan, results, workers=workers, advance=advance))
    if html is not None:
        write_whole(html, page(rows))
    click.echo(json.dumps({"schema": 1, "study": "positions", "rows": rows}) if as_json else as_text(rows))


def page(rows: Sequence[dict[str, Any]]) -> str:
    """Draws differences with intervals and the table as a self-contained page.

    Raises:
        MissingExtraError: If plotly is not installed.
    """
    try:
        from plotly import graph_objects
        from plotly.io import to_html
    except ImportError as error:
        raise MissingExtraError("the page of a study", "report") from error
    parts = []
    for regime in REGIMES:
        figure = graph_objects.Figure()
        for scale in sorted({row["scale"] for row in rows}):
            chosen = [row for row in rows if row["regime"] == regime and row["scale"] == scale]
            ends = [row["difference"]["interval"] or [row["difference"]["mean"]] * 2 for row in chosen]
            means = [row["difference"]["mean"] for row in chosen]
            above = [high - mean for (_, high), mean in zip(ends, means, strict=True)]
            below = [mean - low for (low, _), mean in zip(ends, means, strict=True)]
            figure.add_scatter(
                x=[row["arm"] for row in chosen],
                y=means,
                mode="markers",
                name=f"initial scale {scale}",
                error_y={"type": "data", "symmetric": False, "array": above, "arrayminus": below},
            )
        figure.update_layout(
            title=regime.replace("_", " "), yaxis_title="loss less that of `added` (nats per character)"
        )
        parts.append(to_html(figure, full_html=False, include_plotlyjs=not parts))
    table = escaping.escape(as_text(rows))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>How positions enter</title>'
        '<link rel="icon" href="data:,"></head><body><h1>How positions enter</h1>'
        f'{"".join(parts)}<pre id="table">{table}</pre></body></html>'
    )
