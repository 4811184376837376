"""`seme export`: a model folder to the files of another tool."""

from __future__ import annotations

import json

import click


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path())
@click.option("--to", "kind", required=True, type=click.Choice(["onnx", "hf", "transformer-lens"]), help="The tool.")
@click.option("-o", "--output", required=True, type=click.Path(), help="The file or folder to write.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(folder: str, kind: str, output: str, as_json: bool) -> None:
    """Write the model in DIR for another tool, and compare its answers there."""
    from seme.exchange import load_artifact
    from seme.exchange.export import export, told

    exported = export(load_artifact(folder), kind, output)
    if as_json:
        click.echo(json.dumps(told(exported, kind)))
        return
    click.echo(exported.path)
    if exported.compared:
        click.echo(
            f"{exported.compared} inputs give the same answers there; "
            f"the largest difference of a logit is {exported.largest_difference:.2g}",
            err=True,
        )
    else:
        click.echo("not compared: the other tool is not installed (pip install 'seme[hf]')", err=True)
