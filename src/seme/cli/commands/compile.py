"""`seme compile`: a program file to a model folder."""

from __future__ import annotations

from typing import Any

import click

from seme.cli.options import activation_option, dtype_option, json_option, program_options, quiet_option
from seme.cli.output import print_json, say


@click.command()
@click.argument("target", metavar="FILE.py[:NAME]")
@click.option("-o", "--output", "folder", required=True, metavar="DIR", type=click.Path(), help="The folder to write.")
@program_options
@dtype_option("The float type the weights are proved for and kept in.  [default: float32]")
@activation_option
@json_option
@quiet_option
def command(
    target: str, folder: str, dtype: str | None, activation: Any, as_json: bool, quiet: bool, **options: Any
) -> None:
    """Compile a program into an ordinary transformer that computes it exactly.

    Prints the sizes, and per float type the longest --max-length found that could be asked for and is proved. NAME is
    needed where the file holds several programs; a bare expression needs --vocab and --max-length.
    """
    from seme.cli.folders import compile_to, summary_text

    made = compile_to(target, folder, dtype=dtype or "float32", activation=activation, **options)
    if as_json:
        print_json(made)
        return
    click.echo(folder)
    say(summary_text(made), quiet=quiet)
