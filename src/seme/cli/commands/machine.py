"""`seme machine`: a machine to a model folder."""

from __future__ import annotations

import click

from seme.cli.options import dtype_option, json_option, quiet_option
from seme.cli.output import print_json, say


@click.command()
@click.argument("kind", metavar="rv32im|turing", type=click.Choice(["rv32im", "turing"]))
@click.argument("table", required=False)
@click.option("-o", "--output", "folder", required=True, metavar="DIR", type=click.Path(), help="The folder to write.")
@click.option("--digit-bits", type=click.Choice(["8", "12", "16"]), help="Bits of a digit, of rv32im.  [default: 8]")
@click.option(
    "--max-length", type=click.IntRange(min=1), metavar="N", help="Tokens for which position rows are written out."
)
@dtype_option("The float type the weights are proved for and kept in.  [default: float64]")
@json_option
@quiet_option
def command(
    kind: str,
    table: str | None,
    folder: str,
    digit_bits: str | None,
    max_length: int | None,
    dtype: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Save a machine as an ordinary model folder.

    rv32im is the RISC-V computer of `seme exec`. turing is a Turing machine: TABLE is its rules, as in 1RB1LB_1LA1RZ,
    or a built-in name; without TABLE, one that reads the rules from its prompt. Prints the sizes, and the longest
    trace that is proved exact.
    """
    from seme.cli.machines import machine_text, save_machine

    bits = int(digit_bits) if digit_bits else None
    made = save_machine(kind, table, folder, digit_bits=bits, max_length=max_length, dtype=dtype or "float64")
    if as_json:
        print_json(made)
        return
    click.echo(folder)
    say(machine_text(made), quiet=quiet)
