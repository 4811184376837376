"""From a program file to a model folder, with the figures that are told of it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal

from seme.compiler.files import load_program
from seme.compiler.pipeline import compile
from seme.compiler.search import LONGEST, exact_up_to
from seme.exchange import Model, save
from seme.lang.program import Program


def compile_to(
    target: str,
    folder: str,
    *,
    dtype: str,
    activation: Literal["relu", "gelu"],
    vocab: Iterable[Any] | None = None,
    max_length: int | None = None,
    causal: bool | None = None,
) -> dict[str, Any]:
    """Compiles a program of a file into a folder and returns its figures.

    Raises:
        SemeError: Whatever reading, compiling or writing raises; nothing is written then.
    """
    program = load_program(target, vocab=vocab, max_length=max_length, causal=causal)
    model, seconds = compile_proved(program, dtype=dtype, activation=activation)
    save(model.artifact, folder)
    return figures(model) | {"compile_seconds": round(seconds, 4), "folder": folder}


def compile_proved(program: Program, *, dtype: str, activation: Literal["relu", "gelu"]) -> tuple[Model, float]:
    """The model with `exact_up_to` in its certificate, and the seconds that compiling alone took."""
    start = time.perf_counter()
    artifact = compile(program, dtype=dtype, activation=activation).artifact
    seconds = time.perf_counter() - start
    reached = exact_up_to(program, activation)
    # The length that was asked for is proved; the search may have found none beyond it.
    reached[dtype] = max(reached[dtype], program.max_length)
    return Model(replace(artifact, certificate={**artifact.certificate, "exact_up_to": reached})), seconds


def figures(model: Model) -> dict[str, Any]:
    """Sizes of a model and how far it is proved."""
    return {**model.artifact.sizes, "exact_up_to": dict(model.artifact.certificate.get("exact_up_to", {}))}


def summary_text(made: dict[str, Any]) -> str:
    """The figures in words."""
    reach = ", ".join(f"{name} {told_length(length)}" for name, length in made["exact_up_to"].items())
    layers, heads = some(made["layers"], "layer"), some(made["heads"], "head")
    return (
        f"{layers}, d_model {made['d_model']}, {heads} of {made['d_head']}, d_mlp {made['d_mlp']}\n"
        f"{made['parameters']:,} parameters, {made['nonzero']:,} of them not zero, "
        f"compiled in {made['compile_seconds']:.2f} s\nproved exact up to length: {reach}"
    )


def some(count: int, what: str) -> str:
    """A count with its noun."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def told_length(length: int) -> str:
    """A proved length; the search ends at `LONGEST`."""
    return f"{length} or more" if length >= LONGEST else str(length)
