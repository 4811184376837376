"""`seme cost`: what one function costs as a transformer."""

from __future__ import annotations

from typing import Any

import click

from seme.cli.options import activation_option, dtype_option, json_option, quiet_option
from seme.cli.output import print_json


@click.command()
@click.argument("function")
@click.option("--bits", type=int, help="Width of the operands of an integer function.  [default: 8]")
@click.option("--range", "between", metavar="LO,HI", help="Range of the argument of a real function.")
@click.option("--error", type=float, help="Largest error of a real function.  [default: 0.01]")
@click.option("--neurons", type=int, help="Linear pieces of a real function, instead of an error.")
@dtype_option("The float type to prove it for.  [default: float32]")
@activation_option
@json_option
@quiet_option
def command(function: str, between: str | None, dtype: str | None, as_json: bool, quiet: bool, **options: Any) -> int:
    """Compile FUNCTION alone and print its layers, heads, neurons and exactness.

    Of integers: add subtract multiply divide modulo compare equal min max abs and or xor shift shift-right if; every
    pair of operands is checked. Of real numbers: exp log sqrt reciprocal, within a proved error.
    """
    from seme.cli.costing import parse_range, show
    from seme.compiler.cost import cost

    told = cost(function, between=parse_range(between), dtype=dtype or "float32", **options)
    print_json(told) if as_json else show(told)
    return 1 if told["wrong"] else 0
