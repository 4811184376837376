"""What every command prints: data on stdout, messages on stderr."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

SCHEMA = 1
"""Version of the JSON that commands print; raised when a key changes its meaning or goes."""


def print_json(data: dict[str, Any]) -> None:
    """Prints a command's answer as one line of JSON with the schema version in front."""
    click.echo(json.dumps({"schema": SCHEMA, **data}, ensure_ascii=False))


def say(text: str, *, quiet: bool = False) -> None:
    """A message on stderr."""
    if not quiet:
        click.echo(text, err=True)


def tokens_text(values: list[Any]) -> str:
    """A sequence as JSON, which can be pasted back as INPUT."""
    return json.dumps(values, ensure_ascii=False)


Stage = Callable[[str, int], Callable[[int], None]]
"""Told of a stage's name and size, gives what to call with the steps just done."""

ESTIMATE_SECONDS = 3600.0
"""Steps take from a moment to minutes: an estimate from the last half minute alone would come and go."""


@contextmanager
def stages(*, quiet: bool) -> Iterator[Stage]:
    """Progress bars on stderr where that is a terminal, one a stage, each with an estimate of what is left."""
    import sys

    if quiet or not sys.stderr.isatty():
        yield lambda what, total: lambda done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, speed_estimate_period=ESTIMATE_SECONDS) as bars:

        def stage(what: str, total: int) -> Callable[[int], None]:
            task = bars.add_task(what, total=total)
            return lambda done: bars.advance(task, done)

        yield stage


@contextmanager
def progress(what: str, total: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A progress bar for one stage; gives the function to call with the steps just done."""
    with stages(quiet=quiet) as stage:
        yield stage(what, total)
