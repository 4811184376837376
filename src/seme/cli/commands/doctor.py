"""`seme doctor`: versions, devices, tools found, and what each absence disables."""

from __future__ import annotations

import click

from seme.cli.options import json_option, quiet_option
from seme.cli.output import print_json


@click.command()
@json_option
@quiet_option
def command(as_json: bool, quiet: bool) -> None:
    """Tell versions, devices and tools, and what is not possible without those that are missing."""
    from seme.exchange.tools import survey, survey_text

    found = survey()
    if as_json:
        print_json(found)
    else:
        click.echo(survey_text(found))
