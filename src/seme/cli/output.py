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


@contextmanager
def progress(what: str, total: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr where that is a terminal; gives the function to call with the steps just done."""
    import sys

    if quiet or not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.advance(task, done)
