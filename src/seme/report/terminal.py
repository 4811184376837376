"""Progress on a terminal, and a reading in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from seme.read.run import Reading, Stage, silent


@contextmanager
def progress(quiet: bool) -> Iterator[Stage]:
    """Gives a stage that draws bars on stderr, or one that shows nothing where stderr is no terminal."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield silent
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:

        def stage(name: str, total: int) -> Callable[[int], None]:
            task = bars.add_task(name, total=total)
            return lambda count: bars.advance(task, count)

        yield stage


def in_words(reading: Reading) -> str:
    """Gives the verdicts, the heads' kinds and the notes of a reading as text."""
    lines = [f"{reading.name} ({reading.family})", ""]
    for verdict in reading.verdicts:
        lines += [
            f"{verdict.claim}: {verdict.answer}",
            f"    {verdict.because}",
            f"    unless: {verdict.unless}",
        ]
    if reading.heads:
        lines += ["", "head   kind            deviation  content-content  position-position"]
    for head in reading.heads:
        lines.append(
            f"{head.layer}.{head.head:<4} {head.kind:<16} {head.deviation:>8.2f}  "
            f"{head.shares['content-content']:>15.1%}  {head.shares['position-position']:>17.1%}"
        )
    lines += ["", *(f"note: {note}" for note in reading.notes)]
    if reading.text:
        lines.append(f"text: {reading.text}")
    return "\n".join(lines)
