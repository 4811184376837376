"""What chunks of emitted tokens say, all tokens of a chunk at once: instructions, output, the end.

`machine.Listener` reads one token after another and is the definition; a run of millions of tokens is read with this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from seme.machines.rv32.elf import Program
from seme.machines.rv32.machine.history import STRETCH
from seme.machines.rv32.machine.vocabulary import COUNTED, KINDS, Tokens
from seme.machines.rv32.memory_map import MASK

RECENT = 8
"""Tokens kept of the chunks before: a word put out before a trap has at most five, a number at most four."""

IDLE = 1024
"""Tokens without an instruction or a byte after which the machine is judged broken: a long operation takes some 40."""

PLACE = MASK >> 2
"""All bits of an address / 4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a program ended.

    Attributes:
        exit: The exit code; None where it trapped.
        pc: Address of the last instruction.
        word: Its 32 bits where it trapped; 0 else.
    """

    exit: int | None
    pc: int
    word: int = 0


class Counter:
    """Reads chunks of tokens as they are emitted after a prompt.

    Args:
        tokens: The vocabulary.
        program: What the prompt was made from.

    Attributes:
        instructions: How many were carried out, an exit or a trap included.
        tokens: How many were read.
        idle: How many tokens ago, at least, the last chunk ended in which an instruction was carried out or a byte went
            in or out.
        end: How the program ended, once it has.
    """

    def __init__(self, tokens: Tokens, program: Program):
        sizes = [tokens.sizes[kind] for kind in KINDS]
        self._kinds = np.repeat(np.arange(len(KINDS), dtype=np.uint8), sizes)
        self._numbers = np.concatenate([np.arange(size) for size in sizes])
        self._codes = {kind: at for at, kind in enumerate(KINDS)}
        self._retires = np.isin(self._kinds, [self._codes[kind] for kind in COUNTED])
        self._size, self._digits = tokens.digit_bits, tokens.digits
        self._program = program
        self._place, self._since = program.entry >> 2, 0
        # An `x0` before the first token: the program's last token, so that it can be no part of a number.
        self._recent = np.full(RECENT, tokens.row("x"), np.int64)
        self.instructions = 0
        self.tokens = 0
        self.idle = 0
        self.end: End | None = None

    @property
    def pc(self) -> int:
        """Address of the next instruction: the latest jump's target plus four for every one retired since."""
        return 4 * (self._place + self._since) & MASK

    def state(self) -> dict[str, Any]:
        """All that was read, as plain JSON; `restore` takes it."""
        return {
            "place": self._place,
            "since": self._since,
            "recent": self._recent.tolist(),
            "instructions": self.instructions,
            "tokens": self.tokens,
            "end": None if self.end is None else [self.end.exit, self.end.pc, self.end.word],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes back to what `state` gave."""
        self._place, self._since = state["place"], state["since"]
        self._recent = np.array(state["recent"], np.int64)
        self.instructions, self.tokens = state["instructions"], state["tokens"]
        end = state["end"]
        self.end = None if end is None else End(exit=end[0], pc=end[1], word=end[2])

    def read(self, rows: np.ndarray) -> bytes:
        """Goes on by a chunk.

        Args:
            rows: Rows in the vocabulary, in order.

        Returns:
            The bytes that these tokens put out.
        """
        if not len(rows):
            return b""
        rows = np.concatenate([self._recent, rows])
        kinds, numbers = self._kinds[rows], self._numbers[rows]
        new = slice(RECENT, None)
        retired = np.cumsum(self._retires[rows[new]])
        jumps = np.flatnonzero(kinds[new] == self._codes["j"])
        done = int(retired[-1]) + self._jumped(kinds, numbers, retired, jumps)
        bytes_ = np.isin(kinds[new], [self._codes["o"], self._codes["i"]])
        self.instructions += done
        self.idle = 0 if done or bytes_.any() else self.idle + len(rows) - RECENT
        self.tokens += len(rows) - RECENT
        self._recent = rows[-RECENT:]
        self._ended(kinds, numbers)
        return numbers[new][kinds[new] == self._codes["o"]].astype(np.uint8).tobytes()

    def _jumped(self, kinds: np.ndarray, numbers: np.ndarray, retired: np.ndarray, jumps: np.ndarray) -> int:
        """How many jumps are instructions; moves the place on.

        Where code is fallen through from one stretch to the next, a jump only says where the machine is.
        """
        if not len(jumps):
            self._since += int(retired[-1])
            return 0
        targets = self._targets(kinds, numbers, jumps + RECENT)
        before = np.concatenate([[self._place], targets[:-1]])
        since = np.diff(retired[jumps], prepend=-self._since)
        says = (since > 0) & ((before + since) % STRETCH == 0)
        self._place, self._since = int(targets[-1]), int(retired[-1] - retired[jumps[-1]])
        return len(jumps) - int(says.sum())

    def _targets(self, kinds: np.ndarray, numbers: np.ndarray, at: np.ndarray) -> np.ndarray:
        """The numbers that end at these places: their lower digits stand before them."""
        number, goes_on = numbers[at], np.ones(len(at), dtype=bool)
        for back in range(1, self._digits):
            goes_on = goes_on & (kinds[at - back] == self._codes["d"])
            number = np.where(goes_on, number << self._size | numbers[at - back], number)
        return number & PLACE

    def _ended(self, kinds: np.ndarray, numbers: np.ndarray) -> None:
        last = KINDS[kinds[-1]]
        if last not in ("x", "trap"):
            return
        self.instructions += 1
        word = self._word(kinds, numbers) if last == "trap" else 0
        self.end = End(exit=int(numbers[-1]) if last == "x" else None, pc=self.pc, word=word)

    def _word(self, kinds: np.ndarray, numbers: np.ndarray) -> int:
        """The word that trapped: the one put out just before, where it was overwritten, or the program's."""
        shown = [KINDS[kind] for kind in kinds[-RECENT:-1]]
        while shown and shown[-1] == "y":
            shown.pop()
        if shown and shown[-1] == "a":
            number, at = int(numbers[-RECENT + len(shown) - 1]), len(shown) - 2
            while shown[at] == "d":
                number, at = number << self._size | int(numbers[-RECENT + at]), at - 1
            if shown[at] == "code":
                return number & MASK
        return next((word for address, word in self._program.words() if address == self.pc), 0)
