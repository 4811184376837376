"""What ECALL means, apart from how an emulator keeps its registers and memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seme.machines.rv32.memory_map import BAD_FILE, INPUT, MASK, NO_SUCH_CALL, OUTPUTS, Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a call does. Fields as in `Retired`; `value` goes to a0, and is None when the machine exits."""

    value: int | None
    stores: tuple[tuple[int, int, int], ...] = ()
    output: bytes = b""
    exit: int | None = None


class Input:
    """The given standard input, and how much of it was read.

    Args:
        data: All of it.
    """

    def __init__(self, data: bytes):
        self._data, self._at = data, 0

    def take(self, count: int) -> bytes:
        """The next bytes, at most `count`; none at the end."""
        taken = self._data[self._at : self._at + count]
        self._at += len(taken)
        return taken


def answer(number: int, a0: int, a1: int, a2: int, stdin: Input, load: Callable[[int], int]) -> Answer:
    """What ECALL does.

    Args:
        number: Register a7.
        a0: The exit code, or a file number.
        a1: Address of the bytes to write, or of where to put those read.
        a2: How many, without sign.
        stdin: The standard input, which READ moves on.
        load: The byte at an address.
    """
    if number == Call.EXIT:
        return Answer(value=None, exit=a0 & 255)
    if number == Call.WRITE:
        if a0 not in OUTPUTS:
            return Answer(value=BAD_FILE)
        return Answer(value=a2, output=bytes(load(a1 + i & MASK) for i in range(a2)))
    if number == Call.READ:
        if a0 != INPUT:
            return Answer(value=BAD_FILE)
        taken = stdin.take(a2)
        stores = tuple((a1 + i & MASK, 1, byte) for i, byte in enumerate(taken))
        return Answer(value=len(taken), stores=stores)
    return Answer(value=NO_SUCH_CALL)
