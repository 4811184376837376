"""`seme turing`: a Turing machine, run by a transformer's weights."""

from __future__ import annotations

from typing import Any

import click

from seme.cli.options import json_option, quiet_option


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("table", metavar="TABLE", required=False)
@click.option("--tape", metavar="T", help="Symbols from the head to the right, blank beyond; ^ stands before the head.")
@click.option("--max-steps", type=click.IntRange(min=0), metavar="N", help="Stop after N steps; the status is then 1.")
@click.option("--model", metavar="DIR", type=click.Path(), help="A folder that `seme machine turing` wrote.")
@click.option(
    "--engine",
    type=click.Choice(["sparse", "dense"]),
    default="sparse",
    show_default=True,
    help="The fast decoder, or the forward pass that defines it.",
)
@click.option(
    "--checkpoint", metavar="FILE", type=click.Path(dir_okay=False), help="Go on from FILE where it is there; keep it."
)
@json_option
@quiet_option
def command(table: str | None, as_json: bool, quiet: bool, **options: Any) -> int:
    """Run a Turing machine inside a transformer: one token for every step.

    TABLE is a table such as 1RB1LB_1LA1RZ, or one of bb2, bb3, bb4, bb5, bb2x4, rogozhin4x6, rogozhin2x18; it may be
    left out where the model is one machine. States stand between _, in the order A, B, C ...; each has an entry for
    every symbol 0, 1, 2 ...: what to write, L or R, the next state. Z halts, and so does ---. Symbols of more than one
    digit in T are kept apart by commas.
    """
    from seme.cli.turing import run_turing, told

    outcome = run_turing(table, quiet=quiet, **options)
    told(outcome, as_json=as_json, quiet=quiet)
    return {"halted": 0, "stopped": 130}.get(outcome.end, 1)
