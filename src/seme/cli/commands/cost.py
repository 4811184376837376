"""`seme cost`: what one function costs as a transformer."""

from __future__ import annotations

import json
from typing import Any

import click


@click.command()
@click.argument("function")
@click.option("--bits", type=int, help="Width of the operands of an integer function.  [default: 8]")
@click.option("--range", "between", metavar="LO,HI", help="Range of the argument of a real function.")
@click.option("--error", type=float, help="Largest error of a real function.  [default: 0.01]")
@click.option("--neurons", type=int, help="Linear pieces of a real function, instead of an error.")
@click.option("--dtype", default="float32", show_default=True, help="The float type to prove it for.")
@click.option("--activation", default="relu", show_default=True, help="relu or gelu.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(function: str, between: str | None, as_json: bool, **options: Any) -> int:
    """Compile FUNCTION alone and print its layers, heads, neurons and exactness.

    Of integers: add subtract multiply divide modulo compare equal min max abs and or xor shift shift-right if; every
    pair of operands is checked. Of real numbers: exp log sqrt reciprocal, within a proved error.
    """
    from seme.cli.costing import parse_range, table
    from seme.compiler.cost import cost

    told = cost(function, between=parse_range(between), **options)
    click.echo(json.dumps(told) if as_json else table(told), nl=as_json)
    return 1 if told["wrong"] else 0
