"""`seme check`: the weights against an oracle."""

from __future__ import annotations

from typing import Any

import click

from seme.cli.options import TARGET, dtype_option, json_option, program_options, quiet_option
from seme.cli.output import print_json


@click.command()
@click.argument("target", metavar=TARGET)
@click.option("--samples", type=click.IntRange(min=0), help="Random inputs.  [default: 1000]")
@click.option("--exhaustive", type=click.IntRange(min=0), metavar="L", help="Also every input up to length L.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the random inputs.")
@dtype_option("Check in this float type: a DIR is cast, a FILE compiled for it.")
@program_options
@json_option
@quiet_option
def command(
    target: str,
    samples: int | None,
    exhaustive: int | None,
    seed: int,
    dtype: str | None,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> int:
    """Check the weights against what the program means.

    For a FILE the interpreter says what is right, for a DIR the graph stored in it. Adversarial inputs are always
    among those compared: constant, all different, extreme counts, full length, length 1, padding. A model that
    continues its input, as a machine does, is given random prompts instead, the fewer the larger it is, and every next
    token is compared. The status is 1 if any answer is wrong.
    """
    from seme.cli.checking import check_opened, report_text
    from seme.cli.models import open_model

    opened = open_model(target, dtype=dtype, **options)
    told = check_opened(opened, samples=samples, length=exhaustive, seed=seed, quiet=quiet)
    if as_json:
        print_json(told)
    else:
        click.echo(report_text(told))
    return 1 if told["wrong"] else 0
