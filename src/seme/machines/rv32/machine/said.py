"""What the emitted tokens say, read one by one: instructions, output, the end. Weights compute; nothing here does.

A word of memory is only looked at to name the register that an instruction writes. Results that are not put out as
digits (constants of LUI, addresses after a jump) are not made up: `value` is then None.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seme.machines.rv32.elf import Program
from seme.machines.rv32.instructions import decode
from seme.machines.rv32.machine.history import STRETCH
from seme.machines.rv32.machine.registers import A0
from seme.machines.rv32.machine.vocabulary import KINDS, Tokens
from seme.machines.rv32.memory_map import MASK
from seme.machines.rv32.retired import Retired


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What tokens say of one instruction.

    Attributes:
        pc: Its address.
        word: Its 32 bits, from the program or from what was emitted after `code`.
        rd: The register written; 0 where none was, or where no digits were put out.
        value: What was written, where its digits were put out.
        output: Bytes put out.
        taken: Bytes taken from the standard input.
        exit: The exit code.
        trap: Whether the machine trapped.
        next_pc: Address of the next instruction.
    """

    pc: int
    word: int
    rd: int = 0
    value: int | None = None
    output: bytes = b""
    taken: bytes = b""
    exit: int | None = None
    trap: bool = False
    next_pc: int = 0

    def differs(self, done: Retired) -> str | None:
        """The first field in which an emulator's instruction differs, or None. What was not said is not compared."""
        pairs = {
            "pc": (self.pc, done.pc),
            "word": (self.word, done.word),
            "trap": (self.trap, done.trap),
            "exit": (self.exit, done.exit),
            "output": (self.output, done.output),
            "next_pc": (self.next_pc, done.next_pc),
        }
        if self.value is not None:
            pairs |= {"rd": (self.rd, done.rd), "value": (self.value, done.value)}
        if self.taken:
            pairs["stores"] = (self.taken, bytes(byte for _, _, byte in done.stores))
        return next((name for name, (mine, other) in pairs.items() if mine != other), None)


class Listener:
    """Reads tokens as they are emitted after a prompt.

    Args:
        tokens: The vocabulary.
        program: What the prompt was made from.
    """

    def __init__(self, tokens: Tokens, program: Program):
        self._kinds = [kind for kind in KINDS for _ in range(tokens.sizes[kind])]
        self._numbers = [value for kind in KINDS for value in range(tokens.sizes[kind])]
        self._size = tokens.digit_bits
        self._words = {address >> 2: word for address, word in program.words()}
        self._pc = program.entry
        self._output, self._taken = bytearray(), bytearray()
        self._begin()
        self._code = self._fell = False
        self.instructions = 0

    def _begin(self) -> None:
        self._number, self._shift = 0, 0

    def read(self, row: int) -> Said | None:
        """Goes on by one token.

        Args:
            row: Its row in the vocabulary.

        Returns:
            The instruction that it ends, if it ends one.
        """
        kind, number = self._kinds[row], self._numbers[row]
        if kind == "d":
            self._number |= number << self._shift
            self._shift += self._size
            return None
        if kind in "lu":
            self._number |= number << self._shift
            self._shift += 8
            return None
        if kind in "ewv":
            return self._ended("a" if kind == "e" else "f" if kind == "v" else "z", number, 8)
        if kind in "zfja":
            return self._ended(kind, number, self._size)
        if kind == "o":
            self._output.append(number)
        elif kind == "i":
            self._taken.append(number)
        elif kind == "code":
            self._code = True
        elif kind == "s":
            return self._retire(self._pc + 4)
        elif kind == "x":
            return self._retire(self._pc, exit=number)
        elif kind == "trap":
            return self._retire(self._pc, trap=True)
        return None

    def _ended(self, kind: str, number: int, size: int) -> Said | None:
        number = (number << self._shift | self._number) & MASK
        if kind == "f":
            number |= MASK << self._shift + size & MASK
        self._begin()
        if kind == "j":
            return self._jump(number << 2)
        if kind == "a":
            if self._code:
                self._words[self._pc >> 2], self._code = number, False
            return None
        found = decode(self._words.get(self._pc >> 2, 0))
        rd = A0 if found and found.name == "ecall" else found.rd if found else 0
        return self._retire(self._pc + 4, rd=rd, value=number)

    def _jump(self, target: int) -> Said | None:
        # Where code is fallen through from one stretch to the next, a jump says where the machine is; none retires.
        if self._fell and self._pc % (4 * STRETCH) == 0:
            self._pc, self._fell = target, False
            return None
        return self._retire(target, jumped=True)

    def _retire(self, next_pc: int, *, jumped: bool = False, **fields: Any) -> Said:
        self._fell = not jumped
        said = Said(
            pc=self._pc,
            word=self._words.get(self._pc >> 2, 0),
            output=bytes(self._output),
            taken=bytes(self._taken),
            next_pc=next_pc & MASK,
            **fields,
        )
        self._pc = next_pc & MASK
        self._output.clear()
        self._taken.clear()
        self.instructions += 1
        return said
