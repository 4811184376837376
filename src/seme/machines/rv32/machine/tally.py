"""What emitted tokens say, many at once: the output, and how many instructions there were. It names none of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seme.machines.rv32.machine.history import STRETCH
from seme.machines.rv32.machine.vocabulary import COUNTED, KINDS, SAY_ADDRESS, Tokens

KEPT = 128
"""Tokens before a piece that are looked at again: the address was said at most 64 tokens and a number before."""


class Tally:
    """Reads pieces of an emitted trace.

    Args:
        tokens: The vocabulary.
        prompt: The rows of the prompt.

    Attributes:
        instructions: How many were carried out so far, an exit or a trap included.
        exit: The exit code, once there is one.
        trapped: Whether the machine trapped.
    """

    def __init__(self, tokens: Tokens, prompt: Sequence[int] | np.ndarray):
        sizes = [tokens.sizes[kind] for kind in KINDS]
        self._numbers = np.concatenate([np.arange(size) for size in sizes])
        kinds = np.repeat(np.arange(len(KINDS)), sizes)

        def among(*names: str) -> np.ndarray:
            return np.isin(kinds, [KINDS.index(name) for name in names])

        self._digit, self._jump, self._byte = among("d"), among("j"), among("o")
        self._says, self._counted, self._ends = among(*SAY_ADDRESS), among(*COUNTED), among("x", "trap")
        self._exit = tokens.starts["x"]
        self._tail = np.asarray(prompt, dtype=np.int64)[-KEPT:]
        self.instructions = 0
        self.exit: int | None = None
        self.trapped = False

    def read(self, rows: Sequence[int] | np.ndarray) -> bytes:
        """Goes on by a piece of the trace; the bytes that it puts out."""
        new = np.asarray(rows, dtype=np.int64)
        both = np.concatenate([self._tail, new])
        own = len(self._tail)
        self.instructions += int(self._counted[new].sum() + self._ends[new].sum())
        self.instructions += int((self._jump[both] & ~self._stretches(both))[own:].sum())
        if len(new) and self._ends[new[-1]]:
            code = int(new[-1]) - self._exit
            self.trapped = not 0 <= code < 256
            self.exit = None if self.trapped else code
        self._tail = both[-KEPT:]
        return self._numbers[new[self._byte[new]]].astype(np.uint8).tobytes()

    def _stretches(self, rows: np.ndarray) -> np.ndarray:
        """Which jumps only say that the machine fell into another stretch of code: those that come after 64 words."""
        index = np.arange(len(rows))
        says, counted = self._says[rows], self._counted[rows]
        # The first digit of the number that ends here.
        first = np.maximum.accumulate(np.where(self._digit[rows], -1, index))
        first = np.concatenate([[-1], first[:-1]]) + 1
        low = np.where(self._jump[rows], self._numbers[rows[first]], self._numbers[rows]) % STRETCH
        latest = np.maximum.accumulate(np.where(says, index, -1))
        before = np.concatenate([[-1], latest[:-1]])
        since = np.cumsum(counted)
        place = low[before] + since - since[before] + counted[before]
        return (before >= 0) & (place == STRETCH)
