"""Reads a trace: what the tape holds and where the head is follows from the tokens alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from seme.core.errors import TraceError
from seme.machines.turing.odometer import Odometer
from seme.machines.turing.program import Machine
from seme.machines.turing.simulator import Run

FIRST_CELLS = 1 << 12
AT_ONCE = 1 << 16
"""Tokens looked at in one pass: what it makes of them stays in the cache."""


class Replay:
    """The tape and the head after the tokens read so far. Its memory grows with the cells visited, not with the tokens.

    Args:
        machine: Whose tokens they are.
    """

    def __init__(self, machine: Machine):
        self._said = machine.told
        self._odometer: Odometer = machine.odometer
        self._low = machine.odometer.home - FIRST_CELLS // 2
        self._cells = np.zeros(FIRST_CELLS, dtype=np.int8)
        self._head = machine.odometer.home
        self.tokens = 0
        self.steps = 0
        self.end = ""

    @property
    def head(self) -> int:
        """Where the head is, counted from where it began."""
        return self._head - self._odometer.home

    @property
    def halted(self) -> bool:
        """Whether the last token was one that halts."""
        return self.end == "halted"

    @property
    def ones(self) -> int:
        """How many cells are not blank."""
        return int(np.count_nonzero(self._cells))

    def tape(self) -> tuple[int, np.ndarray]:
        """The place of the first cell that is not blank, and the symbols from there to the last such cell."""
        kept = np.flatnonzero(self._cells)
        if not len(kept):
            return 0, self._cells[:0]
        return self._low + int(kept[0]) - self._odometer.home, self._cells[kept[0] : kept[-1] + 1]

    def run(self) -> Run:
        """The same as a simulator's result."""
        first, symbols = self.tape()
        held = {first + int(i): int(symbols[i]) for i in np.flatnonzero(symbols)}
        return Run(halted=self.halted, steps=self.steps, tape=held, head=self.head)

    def state(self) -> dict[str, np.ndarray]:
        """All that `restored` needs."""
        numbers = [self._low, self._head, self.tokens, self.steps]
        return {"cells": self._cells, "numbers": np.array(numbers, dtype=np.int64)}

    @classmethod
    def restored(cls, machine: Machine, state: Mapping[str, np.ndarray]) -> Replay:
        """The replay whose state this is; its trace had not ended."""
        out = cls(machine)
        out._cells = np.array(state["cells"], dtype=np.int8)
        out._low, out._head, out.tokens, out.steps = (int(number) for number in state["numbers"])
        return out

    def prompt(self, rows: np.ndarray) -> None:
        """Reads the tokens of a prompt, by their place in the vocabulary.

        Raises:
            TraceError: They contradict each other.
        """
        puts = self._said.puts
        for part in np.split(rows, np.flatnonzero(puts[rows])):
            if len(part) and puts[part[0]]:
                self._head = self._odometer.home
                self.tokens += 1
                part = part[1:]
            self._read(part)
        self.end = ""

    def feed(self, rows: np.ndarray) -> None:
        """Goes on by tokens of the trace, one for every step.

        Raises:
            TraceError: They contradict each other, or come after the end.
        """
        for at in range(0, len(rows), AT_ONCE):
            part = rows[at : at + AT_ONCE]
            if self.end:
                raise TraceError(f"the trace goes on after token {self.tokens}, which ends it ({self.end})")
            self._read(part)
            self.steps += len(part)

    def _read(self, rows: np.ndarray) -> None:
        if not len(rows):
            return
        said = self._said
        step, write = said.step[rows], said.write[rows]
        after = np.cumsum(step, dtype=np.int32)
        after += self._head
        wrong = (after & said.mask[rows]) != said.place[rows]
        if wrong.any():
            at = int(wrong.argmax())
            raise TraceError(
                f"token {self.tokens + at + 1} of the trace says that the head's digits are "
                f"{said.place[rows[at]]:#x} of {said.mask[rows[at]]:#x}, but the steps so far lead to {after[at]:#x}",
                hint="the weights are damaged, or not those of a Turing machine of this form",
            )
        before = after - step
        self._grow(int(before.min()), int(before.max()))
        writes = write >= 0
        if not writes.all():
            before, write = before[writes], write[writes]
        self._cells[before - self._low] = write
        self._head = int(after[-1])
        self.tokens += len(rows)
        self.end = said.end[int(rows[-1])]

    def _grow(self, least: int, most: int) -> None:
        high = self._low + len(self._cells)
        if least >= self._low and most < high:
            return
        room = len(self._cells)
        low = self._low if least >= self._low else max(0, min(least, self._low - room))
        high = high if most < high else max(most + 1, high + room)
        grown = np.zeros(high - low, dtype=np.int8)
        grown[self._low - low : self._low - low + room] = self._cells
        self._low, self._cells = low, grown
