"""`seme run`: one input through the weights."""

from __future__ import annotations

from typing import Any

import click

from seme.cli.options import TARGET, dtype_option, json_option, program_options, quiet_option
from seme.cli.output import print_json, say, tokens_text


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("target", metavar=TARGET)
@click.argument("text", metavar="INPUT")
@dtype_option("Run in this float type: a DIR is cast, a FILE compiled for it.")
@program_options
@json_option
@quiet_option
def command(target: str, text: str, dtype: str | None, as_json: bool, quiet: bool, **options: Any) -> None:
    """Run a model, or the model a program compiles to, on one INPUT.

    INPUT is a JSON list of tokens, or a string: of one-character tokens, or of words between blanks where tokens are
    longer. In a string, a number or a truth value is written as its text; in a list, 1 is not "1".
    """
    from seme.cli.inputs import is_ambiguous, read_input
    from seme.cli.models import open_model
    from seme.core.errors import InputError

    model = open_model(target, dtype=dtype, **options).model
    vocab = model.artifact.tokens.values
    xs, how = read_input(text, vocab)
    if how == "a JSON list" and is_ambiguous(text, vocab):
        say("note: the input was read as a JSON list; its characters are tokens too", quiet=quiet)
    try:
        answer = model(xs)
    except InputError as error:
        raise InputError(f"{error.message}; the input was read as {how}", hint=error.hint) from error
    named = answer if isinstance(answer, dict) else {"output": answer}
    if as_json:
        print_json(named)
        return
    for name, values in named.items():
        click.echo(tokens_text(values) if len(named) == 1 else f"{name}: {tokens_text(values)}")
