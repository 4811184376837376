"""`seme exec`: a C or ELF program inside constructed weights."""

from __future__ import annotations

from typing import Any

import click

from seme.cli.options import json_option, quiet_option


@click.command("exec")
@click.argument("file", metavar="FILE.c|FILE.elf", type=click.Path())
@click.option("--model", metavar="DIR", type=click.Path(), help="A machine as `seme machine` saves it.")
@click.option("--input", "text", metavar="TEXT", help="The program's standard input.")
@click.option("--stdin", "from_stdin", is_flag=True, help="Pass on this command's standard input, all of it.")
@click.option("--max-instructions", type=click.IntRange(min=1), metavar="N", help="Stop after N instructions.")
@click.option(
    "--engine", type=click.Choice(["sparse", "dense"]), default="sparse", show_default=True, help="What decodes."
)
@click.option("--cflags", metavar="FLAGS", help="More flags for the C compiler, quoted as for a shell.")
@click.option("--check", "checked", is_flag=True, help="Compare every instruction with an independent emulator.")
@click.option("--trace", "traced", is_flag=True, help="Print every instruction, with its values and heads, on stderr.")
@click.option(
    "--checkpoint", metavar="FILE", type=click.Path(), help="Go on from FILE if it is there; save the state in it."
)
@json_option
@quiet_option
def command(**options: Any) -> int:
    """Run a C or ELF program inside the weights of an RV32 machine.

    Every token is the weights' choice. The command exits with the program's own exit code; with 132 where it traps on
    an illegal instruction or a misaligned jump, and 133 on EBREAK; with 1 where --max-instructions or --check stops it;
    with 130 when interrupted. With --json the program's exit code is inside, and the status 0.
    """
    from seme.cli.executing import execute

    return execute(**options)
