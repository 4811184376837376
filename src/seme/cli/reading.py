"""What `seme read` does: reads a checkpoint and writes what was asked for."""

from __future__ import annotations

import json
from pathlib import Path

import click
import torch
from threadpoolctl import threadpool_limits

from seme.cli.output import stages
from seme.core.text import read_text
from seme.read.run import Settings, read
from seme.report.geometry_text import in_words
from seme.report.writing import check_folder, write_whole


def show(
    path: str,
    *,
    text: Path | None,
    html: Path | None,
    png: Path | None,
    as_json: bool,
    quick: bool,
    position_key: str,
    token_key: str,
    k: int | None,
    seed: int,
    threads: int,
    quiet: bool,
) -> None:
    """Reads a checkpoint, prints it, and writes the page and pictures that were asked for.

    Args:
        path: Folder, weights file or hub name.
        text: File with the text to run on.
        html: Where the page goes.
        png: Folder the pictures go to.
        as_json: Whether JSON is printed in place of words.
        quick: Whether causal tests and inner spaces are left out.
        position_key: Name of the position table.
        token_key: Name of the token table.
        k: Position directions of the token energy, or None for the default.
        seed: Seed of everything random.
        threads: Threads of BLAS and torch.
        quiet: Whether progress is hidden.

    Raises:
        UsageError: If a folder to write to does not exist.
        InputError: If the text is not UTF-8.
    """
    check_folder(html, png)
    torch.set_num_threads(threads)
    words = read_text(text) if text else None
    settings = Settings(k=k, quick=quick, seed=seed)
    with threadpool_limits(limits=threads), stages(quiet=quiet) as stage:
        reading = read(path, position_key=position_key, token_key=token_key, text=words, settings=settings, stage=stage)
    if html is not None:
        from seme.report.geometry_page import page

        write_whole(html, page(reading))
    if png is not None:
        from seme.report.geometry_png import pictures

        drawn = pictures(reading)
        png.mkdir(exist_ok=True)
        for name, content in drawn.items():
            write_whole(png / f"{name}.png", content)
    click.echo(json.dumps(reading.plain()) if as_json else in_words(reading))
