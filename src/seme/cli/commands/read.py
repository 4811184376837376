"""`seme read`: the geometry of a checkpoint."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("path")
@click.option("--text", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Text to run on.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page to this file.")
@click.option("--png", type=click.Path(file_okay=False, path_type=Path), help="Write pictures to this folder.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--quick", is_flag=True, help="Leave out causal tests and spaces of inner nodes.")
@click.option("--position-key", default="", help="Name of the position table.")
@click.option("--token-key", default="", help="Name of the token table.")
@click.option(
    "-k",
    type=click.IntRange(min=1),
    help="Position directions for the token energy (default 3, or the rank if smaller).",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Threads of the numerical libraries."
)
@click.option("--quiet", is_flag=True, help="No progress.")
def command(path, text, html, png, as_json, quick, position_key, token_key, k, seed, threads, quiet):
    """Measures positions, tokens, heads and spaces of the checkpoint at PATH, each beside its null."""
    from seme.cli.reading import show

    show(
        path, text=text, html=html, png=png, as_json=as_json, quick=quick, position_key=position_key,
        token_key=token_key, k=k, seed=seed, threads=threads, quiet=quiet,
    )  # fmt: skip
