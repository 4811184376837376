"""What the command line asks of the studies: options as text in, results out, progress on stderr."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from seme.core.errors import UsageError
from seme.core.text import read_text
from seme.store import Store
from seme.studies.linearity import study, surfaces
from seme.studies.settings import grid

ESTIMATE_SECONDS = 3600.0


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
    draw: bool,
    **options: Any,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Runs the grid, or compares two checkpoints.

    Returns:
        The summary (see `studies.linearity.summary`), and where `draw` asks for them, surfaces of x1 * x2.

    Raises:
        UsageError: Options that do not parse or do not fit together.
        InputError: The data cannot be read.
    """
    if checkpoint_before is not None or checkpoint_after is not None:
        if checkpoint_before is None or checkpoint_after is None or data is None:
            raise UsageError("comparing checkpoints needs --checkpoint-before, --checkpoint-after and --data together")
        from seme.studies.checkpoints import compare_checkpoints

        return compare_checkpoints(checkpoint_before, checkpoint_after, data), []
    configurations = grid(
        seeds,
        _numbers("width", width, int),
        [name.strip() for name in activation.split(",")],
        weight_decays=_numbers("weight-decay", weight_decay, float),
        data=None if data is None else read_text(data),
        **options,
    )
    with Store(store) as results, _bar(quiet) as progress:
        line = progress.add_task("networks", total=len(configurations))

        def advance(done: int, of: int) -> None:
            progress.update(line, completed=done, total=of)

        result = study(configurations, results, runner=runner, workers=workers, progress=advance)
    drawn = [c for c in configurations if c["seed"] == 0 and c["task"] == "product" and c["model"] == "mlp"]
    return result, [surfaces(drawn[0])] if draw and drawn else []


def _bar(quiet: bool) -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # Runs take from a second to minutes: an estimate from the last half minute alone would come and go.
    return Progress(
        *columns,
        console=console,
        disable=quiet or not console.is_terminal,
        transient=True,
        speed_estimate_period=ESTIMATE_SECONDS,
    )


def _numbers(name: str, text: str, kind: Callable[[str], Any]) -> list[Any]:
    try:
        return [kind(part) for part in text.split(",")]
    except ValueError as error:
        raise UsageError(f"--{name} takes numbers separated by commas, got {text!r}") from error
