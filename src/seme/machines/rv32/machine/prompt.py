"""The prompt: memory at the start, the standard input, and where to begin, as tokens."""

from __future__ import annotations

from collections.abc import Iterable

from seme.machines.rv32.elf import Program
from seme.machines.rv32.machine.history import STRETCH, STRIDE
from seme.machines.rv32.machine.vocabulary import Tokens
from seme.machines.rv32.memory_map import MASK

FILLED = 2
"""So many words of zeros are written out rather than jumped over."""

FAR = STRIDE * STRIDE - 8
"""So many tokens after one that says the address, another is due: the count reaches 64 tokens back."""


def digits(tokens: Tokens, number: int, *, least: int = 1) -> list[int]:
    """The digits of a number without sign, lowest first, without upper zeros.

    Args:
        tokens: The vocabulary.
        number: From 0.
        least: The fewest digits to give.
    """
    size, found = tokens.digit_bits, []
    while number or len(found) < least:
        found.append(number & (1 << size) - 1)
        number >>= size
    return found


def number_rows(tokens: Tokens, number: int, end: str) -> list[int]:
    """The tokens of a number whose upper digits are zeros."""
    *lower, last = digits(tokens, number)
    return [*(tokens.row("d", digit) for digit in lower), tokens.row(end, last)]


def value_rows(tokens: Tokens, value: int) -> list[int]:
    """The tokens of a register's value: as few digits as the marks for zeros and ones allow."""
    size, plain = tokens.digit_bits, digits(tokens, value)
    # Digits below the first from which all bits are ones.
    kept = next(k for k in range(1, tokens.digits + 1) if value >> k * size == MASK >> k * size)
    if kept >= len(plain):
        return number_rows(tokens, value, "z")
    return [*(tokens.row("d", digit) for digit in plain[: kept - 1]), tokens.row("f", plain[kept - 1])]


class _Writer:
    """Writes words of memory, and says the address where it is needed."""

    def __init__(self, tokens: Tokens):
        self.tokens = tokens
        self.rows: list[int] = []
        self._next: int | None = None
        self._since = 0

    def jump(self, place: int) -> None:
        """Goes on at an address / 4."""
        self.rows += number_rows(self.tokens, place, "j")
        self._next, self._since = place, 0

    def words(self, words: Iterable[tuple[int, int]]) -> None:
        """Writes words at rising addresses / 4."""
        for place, word in words:
            gap = None if self._next is None else place - self._next
            if gap is None or not 0 <= gap <= FILLED:
                self.jump(place)
            for at in range(self._next or 0, place):
                self._word(at, 0)
            self._word(place, word)

    def _word(self, place: int, word: int) -> None:
        own = value_rows(self.tokens, word)
        if place % STRETCH == 0 and self._since:
            self.jump(place)
        elif self._since + len(own) > FAR:
            self.rows.append(self.tokens.row("y", place % STRETCH))
            self._since = 0
        self.rows += own
        self._next, self._since = place + 1, self._since + len(own)


def prompt_rows(tokens: Tokens, program: Program, stdin: bytes = b"") -> list[int]:
    """The rows of the prompt's tokens.

    Args:
        tokens: The vocabulary.
        program: Memory and entry.
        stdin: The standard input.
    """
    writer = _Writer(tokens)
    writer.words((address >> 2, word) for address, word in program.words())
    if stdin:
        writer.rows.append(tokens.row("input"))
        writer.jump(0)
        writer.words(enumerate(stdin))
    writer.jump(program.entry >> 2)
    return [*writer.rows, tokens.row("start")]


def prompt_texts(tokens: Tokens, program: Program, stdin: bytes = b"") -> list[str]:
    """The texts of the prompt's tokens; arguments as for `prompt_rows`."""
    return [tokens.text(row) for row in prompt_rows(tokens, program, stdin)]
