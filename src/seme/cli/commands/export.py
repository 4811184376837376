"""`seme export`: a model folder to the files of another tool."""

from __future__ import annotations

import click

from seme.cli.options import json_option, quiet_option
from seme.cli.output import print_json, say


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path())
@click.option("--to", "kind", required=True, type=click.Choice(["onnx", "hf", "transformer-lens"]), help="The tool.")
@click.option("-o", "--output", required=True, type=click.Path(), help="The file or folder to write.")
@json_option
@quiet_option
def command(folder: str, kind: str, output: str, as_json: bool, quiet: bool) -> None:
    """Write the model in DIR for another tool, and compare its answers there."""
    from seme.exchange import load_artifact
    from seme.exchange.export import export, told

    exported = export(load_artifact(folder), kind, output)
    if as_json:
        print_json(told(exported, kind))
        return
    click.echo(exported.path)
    if exported.compared:
        how = f"{exported.compared} inputs give the same answers there"
        say(f"{how}; the largest difference of a logit is {exported.largest_difference:.2g}", quiet=quiet)
    else:
        say("not compared: the other tool is not installed (pip install 'seme[hf]')", quiet=quiet)
