"""Machines to model folders, with the figures that are told of them."""

from __future__ import annotations

import time
from typing import Any

from seme.cli.folders import some
from seme.core.errors import UsageError
from seme.exchange import save
from seme.model.artifact import Artifact


def save_machine(
    kind: str, table: str | None, folder: str, *, digit_bits: int | None, max_length: int | None, dtype: str
) -> dict[str, Any]:
    """Makes a machine, writes it into a folder, and returns its figures.

    Raises:
        UsageError: An option is given that the machine does not have.
        SemeError: Whatever making or writing raises; nothing is written then.
    """
    start = time.perf_counter()
    artifact = _made(kind, table, digit_bits=digit_bits, max_length=max_length, dtype=dtype)
    seconds = time.perf_counter() - start
    save(artifact, folder)
    return {"machine": kind, **figures(artifact), "build_seconds": round(seconds, 4), "folder": folder}


def _made(kind: str, table: str | None, *, digit_bits: int | None, max_length: int | None, dtype: str) -> Artifact:
    if kind == "rv32im":
        if table is not None:
            raise UsageError(f"rv32im has no table, got {table!r}", hint="seme machine turing TABLE -o DIR")
        from seme.machines.rv32.made import rv32_artifact

        return rv32_artifact(digit_bits=digit_bits or 8, dtype=dtype, max_length=max_length)
    if digit_bits is not None:
        raise UsageError("--digit-bits is for rv32im: a Turing machine has no digits", hint="leave it out")
    from seme.machines.turing import turing_model  # pyright: ignore[reportMissingImports]

    return turing_model(table, dtype, max_length)


def figures(artifact: Artifact) -> dict[str, Any]:
    """Sizes of a machine's model and how far it is proved."""
    positions = artifact.spec.n_positions
    return {
        **artifact.sizes,
        "tokens": len(artifact.tokens.values),
        "positions": positions,
        "longest": positions - 1 if artifact.positions is None else artifact.positions.longest,
        "dtype": artifact.spec.dtype,
    }


def machine_text(made: dict[str, Any]) -> str:
    """The figures in words."""
    return (
        f"{some(made['layers'], 'layer')}, d_model {made['d_model']}, {some(made['heads'], 'head')} of "
        f"{made['d_head']}, d_mlp {made['d_mlp']}, {made['tokens']:,} tokens\n"
        f"{made['parameters']:,} parameters, {made['nonzero']:,} of them not zero, "
        f"made in {made['build_seconds']:.2f} s\n"
        f"proved exact in {made['dtype']} up to {made['longest']:,} tokens; "
        f"{made['positions']:,} position rows are in the folder"
    )
