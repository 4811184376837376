"""`seme doctor`: versions, devices, tools found, and what each absence disables."""

from __future__ import annotations

import json

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """Tell versions, devices and tools, and what is not possible without those that are missing."""
    from seme.exchange.tools import survey, survey_text

    found = survey()
    click.echo(json.dumps(found) if as_json else survey_text(found))
