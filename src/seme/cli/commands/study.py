"""`seme study`: trains what a question asks for and reports it."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def command() -> None:
    """Trains small models for one question; results are kept and runs resume."""


@command.command()
@click.option("--store", default=Path("seme.db"), type=Path, help="SQLite file of finished runs.")
@click.option("--smoke", is_flag=True, help="Two minutes: every arm once through; its losses say nothing.")
@click.option("--seeds", default=5, show_default=True, help="Paired seeds.")
@click.option("--steps", default=1200, show_default=True, help="Training steps.")
@click.option("--workers", default=1, show_default=True, help="Processes.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page to this file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--quiet", is_flag=True, help="No progress.")
def positions(**options) -> None:
    """Positions added, concatenated, of low rank, fixed or left out: what does each cost?"""
    from seme.cli import studying

    studying.positions(**options)
