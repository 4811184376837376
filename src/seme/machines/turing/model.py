"""Turing machines as artifacts: made, and known again in a folder."""

from __future__ import annotations

import re

from seme.compiler.trace import compile_trace
from seme.core.errors import FolderError, UsageError
from seme.machines.turing.named import table as named_table
from seme.machines.turing.odometer import Odometer
from seme.machines.turing.program import LONGEST, Machine, turing
from seme.machines.turing.table import Table
from seme.machines.turing.universal import Universal, universal
from seme.model.artifact import Artifact

LONGEST_IN = {"float64": LONGEST, "float32": 1 << 18}
"""The longest trace asked for in a float type."""

STATES, SYMBOLS = 6, 4
"""What the machine that reads its table takes where nothing is said: every busy beaver that is known to halt soon."""

_NAME = re.compile(r"turing (?:(\d+)x(\d+)|(\S+)) ([\d.]+)")


def turing_model(
    table: Table | str | None = None,
    dtype: str = "float64",
    max_length: int | None = None,
    *,
    states: int = STATES,
    symbols: int = SYMBOLS,
) -> Artifact:
    """The model of a machine, or of the one that reads a table from its prompt.

    Args:
        table: A table, its text or its name; None for the machine that reads a table.
        dtype: "float64", for traces of 2^26 tokens on 2^24 cells, or "float32", for 2^18.
        max_length: Rows of the position table; in float32 also the longest trace, where that is more.
        states: The most states of a table that is read.
        symbols: The most symbols.

    Raises:
        TuringTableError: The text is no table.
        NotProvedError: So long a trace cannot be proved in this float type.
    """
    longest = LONGEST_IN.get(dtype, LONGEST_IN["float32"])
    if dtype != "float64":
        longest = max(longest, max_length or 0)
    odometer = Odometer() if dtype == "float64" else Odometer.reaching(longest, width=3)
    if table is None:
        program = universal(states, symbols, odometer, longest).program
    else:
        program = turing(named_table(table) if isinstance(table, str) else table, odometer, longest).program
    return compile_trace(program, dtype=dtype, max_length=max_length)


def machine_of(artifact: Artifact, table: Table | None = None) -> Machine:
    """How to talk to a model that `turing_model` made: its prompts, and what its tokens say.

    Args:
        artifact: The model.
        table: The machine to be; needed where the model reads it from the prompt.

    Raises:
        FolderError: It is no Turing machine, or one of another version.
        UsageError: It is another machine, or the table is missing.
    """
    found = _NAME.fullmatch(str(artifact.provenance.get("program", "")))
    if found is None:
        raise FolderError(
            "the model is no Turing machine: nothing of its provenance says so",
            hint="make one: seme machine turing TABLE -o DIR",
        )
    longest = int(artifact.provenance.get("longest", LONGEST))
    odometer = Odometer(widths=tuple(map(int, found[4].split("."))))
    made: Universal | Machine
    if found[3] is None:
        made = universal(int(found[1]), int(found[2]), odometer, longest)
        if table is None:
            raise UsageError("the model reads a table from its prompt, and none was given", hint="give TABLE too")
        machine = made.machine(table)
    else:
        if table is not None and str(table) != found[3]:
            raise UsageError(
                f"the model is the machine {found[3]}, asked for {table}",
                hint="leave out TABLE, or use a model that reads its table: seme machine turing -o DIR",
            )
        machine = turing(named_table(found[3]), odometer, longest)
    if tuple(artifact.tokens.values) != machine.program.vocabulary.texts:
        raise FolderError(
            "the model's tokens are not those of its machine: it was made by another version, or changed",
            hint="make it again: seme machine turing TABLE -o DIR",
        )
    return machine
