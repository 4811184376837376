"""Options that several commands share."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click

from seme.core.errors import UsageError

DTYPES = ("float16", "bfloat16", "float32", "float64")

TARGET = "DIR|FILE.py[:NAME]"


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")(function)


def quiet_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--quiet`."""
    return click.option("-q", "--quiet", is_flag=True, help="Say nothing on stderr but errors.")(function)


def dtype_option(help_text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--dtype`, with the command's own words."""
    return click.option("--dtype", type=click.Choice(DTYPES), help=help_text)


def program_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """What closes or changes the program of a FILE.py."""
    for option in reversed(
        (
            click.option(
                "--vocab",
                callback=_vocab,
                help="The tokens: a string of one-character tokens, or a JSON list. Overrides the program's.",
            ),
            click.option(
                "--max-length", type=click.IntRange(min=1), help="The most tokens of an input. Overrides the program's."
            ),
            click.option("--causal/--bidirectional", default=None, help="Overrides the program's."),
        )
    ):
        function = option(function)
    return function


def activation_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--activation`."""
    return click.option(
        "--activation",
        type=click.Choice(["relu", "gelu"]),
        default="relu",
        show_default=True,
        help="What the neurons compute.",
    )(function)


def _vocab(ctx: click.Context, parameter: click.Parameter, text: str | None) -> list[Any] | None:
    """A JSON list where the text is one and is not empty ("[]" are two brackets), else its characters.

    Raises:
        UsageError: The text opens like JSON, but is no list; its quotes were probably eaten by the shell.
    """
    if text is None:
        return None
    if text.lstrip().startswith("["):
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            if len(set(text)) == len(text) and not any(c in text for c in ",\"'"):
                return list(text)  # brackets that are tokens, such as "[](){}"
            raise UsageError(
                f"--vocab {text!r} opens like a JSON list but is none: {error}",
                hint='quote it from the shell: --vocab \'["a", "b"]\'',
            ) from error
        return values or list(text)
    return list(text)
