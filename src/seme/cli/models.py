"""A command's DIR|FILE.py[:NAME] to a model, and the program or the stored graph that says what is right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from seme.compiler.check import Oracle
from seme.compiler.files import is_program_file, load_program
from seme.compiler.pipeline import compile
from seme.core.errors import UsageError
from seme.exchange import Model, load
from seme.lang.oracle import oracle
from seme.lang.program import Program


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A model and where it came from.

    Attributes:
        model: The weights.
        program: The program of a FILE; None for a DIR.
    """

    model: Model
    program: Program | None

    def oracle(self) -> tuple[Oracle, str]:
        """What says what is right, and what to call it.

        Raises:
            FolderError: The folder holds no graph.
        """
        program = self.program
        if program is not None:
            return oracle(program), "interpreter"
        from seme.compiler.stored import graph_oracle

        return graph_oracle(self.model.artifact), "stored graph"


def open_model(
    target: str,
    *,
    dtype: str | None,
    vocab: Iterable[Any] | None = None,
    max_length: int | None = None,
    causal: bool | None = None,
) -> Opened:
    """Compiles a FILE for the float type, or loads a DIR and casts it.

    Raises:
        UsageError: Options of a program are given for a DIR.
        SemeError: Whatever compiling or loading raises.
    """
    if is_program_file(target):
        program = load_program(target, vocab=vocab, max_length=max_length, causal=causal)
        return Opened(model=compile(program, dtype=dtype or "float32"), program=program)
    given = {"--vocab": vocab, "--max-length": max_length, "--causal": causal}
    odd = [name for name, value in given.items() if value is not None]
    model = load(target)
    if odd:
        raise UsageError(f"{', '.join(odd)} cannot change a model that is compiled already", hint="compile it again")
    return Opened(model=cast(model, dtype), program=None)


def cast(model: Model, dtype: str | None) -> Model:
    """The model in another float type, its numbers held to what the certificate proves for that type.

    Where it proves nothing, a number must still round to the right one.
    """
    own = model.artifact.spec.dtype
    if dtype is None or dtype == own:
        return model
    artifact = model.to(dtype=dtype).artifact
    types = artifact.certificate.get("types", {})
    there, here = types.get(dtype, {}), types.get(own, {})
    outputs = []
    for block in artifact.outputs:
        most = max(block.max_denominator, 1)
        half_spacing = float(block.unit) / (2 * most * max(most - 1, 1))
        if there.get("proved"):
            added = there.get("errors", {}).get(block.name, 0.0) - here.get("errors", {}).get(block.name, 0.0)
            block = replace(block, error=block.error + added)
        elif block.integers or block.max_denominator:
            block = replace(block, error=max(block.error, half_spacing * (1 - 1e-9)))
        outputs.append(block)
    return Model(replace(artifact, outputs=tuple(outputs)))
