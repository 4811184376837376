"""A plain simulator: what a table means, step by step. It shares nothing with the machine in weights but the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seme.machines.turing.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Where a machine is after some steps.

    Attributes:
        halted: Whether it halted. The step that halts counts as one.
        steps: Steps taken.
        tape: Cells that are not blank: place, counted from where the head began, to symbol.
        head: Where the head is.
    """

    halted: bool
    steps: int
    tape: Mapping[int, int]
    head: int

    @property
    def ones(self) -> int:
        """How many cells are not blank."""
        return len(self.tape)


def simulate(table: Table, tape: Mapping[int, int] | None = None, most: int | None = None) -> Run:
    """Runs a machine from state A at place 0.

    Args:
        table: The machine.
        tape: What the tape holds at first, blank elsewhere.
        most: The most steps; None to go on until it halts.

    >>> from seme.machines.turing.table import parse
    >>> run = simulate(parse("1RB1LB_1LA1RZ"))
    >>> run.steps, run.ones
    (6, 4)
    """
    rows = [
        [(entry.write, (1 if entry.right else -1) * entry.moves, entry.to) for entry in row] for row in table.entries
    ]
    cells = dict(tape or {})
    state, head, steps = 0, 0, 0
    halted = False
    while not halted and (most is None or steps < most):
        write, move, to = rows[state][cells.get(head, 0)]
        cells[head] = write
        head += move
        steps += 1
        if to is None:
            halted = True
        else:
            state = to
    kept = {place: cells[place] for place in sorted(cells) if cells[place]}
    return Run(halted=halted, steps=steps, tape=kept, head=head)
