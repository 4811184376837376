"""The tokens that the machine must emit for what a plain emulator says that it does: for tests, without any weights."""

from __future__ import annotations

from collections.abc import Iterator

from seme.machines.rv32.elf import Program
from seme.machines.rv32.instructions import Instruction, decode
from seme.machines.rv32.machine.decode import KNOWN, PRODUCTS
from seme.machines.rv32.machine.history import REST, STRETCH, STRIDE
from seme.machines.rv32.machine.prompt import number_rows, value_rows
from seme.machines.rv32.machine.registers import A0, A2, A7
from seme.machines.rv32.machine.vocabulary import SAY_ADDRESS, Tokens
from seme.machines.rv32.memory_map import MASK, Call
from seme.machines.rv32.reference import TAKEN
from seme.machines.rv32.retired import Retired

SIZES = {"sb": 1, "sh": 2, "sw": 4}
SILENT = ("fence", "fence.i", "sb", "sh", "sw", *TAKEN)


class Expected:
    """Turns what instructions do into tokens, one after another.

    Args:
        tokens: The vocabulary.
        program: What the prompt was made from.
    """

    def __init__(self, tokens: Tokens, program: Program):
        self._tokens = tokens
        self._registers = [0] * 32
        self._since = 1
        self._fell = False
        self._stale: set[int] = set()
        self._words = {address >> 2: word for address, word in program.words()}
        self._taken = 0

    def rows(self, done: Retired) -> list[int]:
        """The tokens of one instruction; of a long operation those before it, and the others are to be given `also`."""
        found = decode(done.word)
        out: list[int] = []
        for piece in self._pieces(done, found):
            out += piece
            self._count(piece)
        if done.rd:
            self._registers[done.rd] = done.value
        for address, size, _ in done.stores:
            self._touch(address, size)
        return out

    def _touch(self, address: int, size: int) -> None:
        self._stale |= _reached(address, size)

    def also(self, row: int) -> None:
        """Goes on by a token of a long operation, which only its own reference knows."""
        self._count([row])

    def _count(self, rows: list[int]) -> None:
        for row in rows:
            self._since = 0 if self._tokens.kind(row)[0] in SAY_ADDRESS else self._since + 1

    def _pieces(self, done: Retired, found: Instruction | None) -> Iterator[list[int]]:
        tokens, place = self._tokens, done.pc >> 2
        if self._fell and place % STRETCH == 0:
            yield number_rows(tokens, place, "j")
        elif self._since >= REST * STRIDE:
            yield [tokens.row("y", place % STRETCH)]
        # A store to its own word finds that word stored to, by itself.
        itself = found is not None and found.name in SIZES and place in _reached(*done.stores[0][:2])
        if place in self._stale or itself:
            # What stood here is not carried out, but if it was a store, the words it would reach are looked at again.
            old = decode(self._words.get(place, 0))
            if old and old.name in SIZES:
                self._touch(self._registers[old.rs1] + old.immediate & MASK, SIZES[old.name])
            self._stale.discard(place)
            self._words[place] = done.word
            yield [tokens.row("code"), *number_rows(tokens, done.word, "a")]
        self._fell = True
        if done.trap or found is None:
            yield [tokens.row("trap")]
        elif done.exit is not None:
            yield [tokens.row("x", done.exit)]
        elif found.name == "ecall":
            yield from self._call(done)
        elif found.name in ("jal", "jalr") or (found.name in TAKEN and self._is_taken(found)):
            self._fell = False
            yield number_rows(tokens, done.next_pc >> 2, "j")
        elif found.name in KNOWN or found.name in SILENT or not found.rd:
            yield [tokens.row("s", place % STRETCH)]
        else:
            yield from self._result(done, found)

    def _result(self, done: Retired, found: Instruction) -> Iterator[list[int]]:
        if found.name not in PRODUCTS:
            yield value_rows(self._tokens, done.value)

    def _is_taken(self, found: Instruction) -> bool:
        return TAKEN[found.name](self._registers[found.rs1], self._registers[found.rs2])

    def _call(self, done: Retired) -> Iterator[list[int]]:
        tokens, number = self._tokens, self._registers[A7]
        wanted, go = self._registers[A2], tokens.row("g", (done.pc >> 2) % STRETCH)
        if number == Call.WRITE and self._registers[A0] in (1, 2):
            yield [tokens.row("write")]
            for handled, byte in enumerate(done.output, 1):
                yield [go, tokens.row("o", byte), *number_rows(tokens, handled, "a")]
        elif number == Call.READ and self._registers[A0] == 0:
            yield [tokens.row("read")]
            for handled, (_, _, byte) in enumerate(done.stores, 1):
                self._taken += 1
                yield [go, tokens.row("i", byte), tokens.row("count"), *number_rows(tokens, 4 * self._taken, "a")]
                yield [tokens.row("next"), *number_rows(tokens, handled, "a")]
            if len(done.stores) < wanted:
                yield [go]
        yield value_rows(tokens, done.value)


def _reached(address: int, size: int) -> set[int]:
    """Addresses / 4 of the words that a store touches."""
    return {address >> 2, (address + size - 1 & MASK) >> 2}
