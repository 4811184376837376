"""`seme show`: a model in words."""

from __future__ import annotations

import click

from seme.cli.options import json_option, quiet_option
from seme.cli.output import print_json


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path())
@click.option("--layer", type=click.IntRange(min=0), metavar="L", help="Only this layer, counted from 0.")
@json_option
@quiet_option
def command(folder: str, layer: int | None, as_json: bool, quiet: bool) -> None:
    """Show the model in DIR in words.

    First its shape and what each space of the residual stream holds; then, layer by layer, what every head reads,
    selects and writes, and the neurons with their source lines; then the certificate.
    """
    from seme.cli.showing import as_plain, show
    from seme.exchange import load_artifact

    artifact = load_artifact(folder)
    data = as_plain(artifact, layer)
    if as_json:
        print_json(data)
    else:
        show(data)
