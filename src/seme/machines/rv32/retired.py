"""What one instruction did: the common language of everything that runs programs, and how two runs are compared."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Retired:
    """One instruction that was carried out, or that trapped.

    Args:
        pc: Its address.
        word: Its 32 bits; 0 when the machine trapped before reading it.
        rd: Register written; 0 when none was.
        value: What was written to rd; 0 when nothing was.
        stores: Memory written, in order: (address, size, value). READ stores byte by byte.
        output: Bytes put out by WRITE.
        exit: The exit code, when this was the call EXIT.
        trap: Whether it trapped. It then wrote nothing, and the machine stands still.
        next_pc: Address of the next instruction; `pc` itself after an exit or a trap.
    """

    pc: int
    word: int
    rd: int = 0
    value: int = 0
    stores: tuple[tuple[int, int, int], ...] = ()
    output: bytes = b""
    exit: int | None = None
    trap: bool = False
    next_pc: int

    @property
    def halted(self) -> bool:
        """Whether the machine stands still after this."""
        return self.trap or self.exit is not None


class Stepper(Protocol):
    """Anything that carries out one instruction after another."""

    def step(self) -> Retired:
        """Carries out the next instruction."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """The first instruction that two runs carry out differently.

    Args:
        index: How many instructions agreed before it.
        field: The first field of `Retired` that differs.
        first: What the first run did.
        second: What the second run did.
    """

    index: int
    field: str
    first: Retired
    second: Retired

    def __str__(self) -> str:
        first, second = getattr(self.first, self.field), getattr(self.second, self.field)
        return f"instruction {self.index} at pc {self.first.pc:#x}: {self.field} is {first!r} and {second!r}"


def difference(first: Retired, second: Retired) -> str | None:
    """The name of the first field that differs, or None."""
    if first == second:
        return None
    return next(field.name for field in fields(Retired) if getattr(first, field.name) != getattr(second, field.name))


def compare(first: Stepper, second: Stepper, *, limit: int) -> tuple[int, Divergence | None]:
    """Runs two machines in lock step until they halt or differ.

    Args:
        first: One machine, at its start.
        second: The other.
        limit: The most instructions to run.

    Returns:
        How many instructions agreed, and the first that did not, if any.
    """
    for index in range(limit):
        mine, other = first.step(), second.step()
        field = difference(mine, other)
        if field:
            return index, Divergence(index=index, field=field, first=mine, second=other)
        if mine.halted:
            return index + 1, None
    return limit, None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A whole run.

    Args:
        output: All bytes put out.
        exit: The exit code; None when the machine trapped or the limit came first.
        trap: The address of the instruction that trapped, if one did.
        instructions: How many were carried out, an exit or a trap included.
    """

    output: bytes
    exit: int | None
    trap: int | None
    instructions: int


def run(machine: Stepper, *, limit: int) -> Outcome:
    """Runs until the machine halts, or for at most `limit` instructions."""
    output = bytearray()
    for index in range(limit):
        done = machine.step()
        output += done.output
        if done.halted:
            trap = done.pc if done.trap else None
            return Outcome(output=bytes(output), exit=done.exit, trap=trap, instructions=index + 1)
    return Outcome(output=bytes(output), exit=None, trap=None, instructions=limit)
