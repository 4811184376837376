"""The definition: a plain emulator of RV32IM, one function per kind of instruction, slow and obvious.

Whatever else runs programs - the weights, the independent emulator - is held to this one, instruction by instruction.
"""

from __future__ import annotations

from collections.abc import Callable

from seme.machines.rv32.calls import Input, answer
from seme.machines.rv32.elf import Program
from seme.machines.rv32.instructions import Instruction, decode
from seme.machines.rv32.memory import Memory
from seme.machines.rv32.memory_map import MASK
from seme.machines.rv32.retired import Retired

SIZE = {"b": 1, "h": 2, "w": 4}


def signed(value: int) -> int:
    """A register read as a number with sign."""
    return value - (1 << 32) if value >> 31 else value


def _divide(a: int, b: int) -> int:
    """DIV: rounds towards zero; by zero gives -1; the one overflow wraps."""
    if b == 0:
        return -1
    quotient = abs(signed(a)) // abs(signed(b))
    return -quotient if signed(a) * signed(b) < 0 else quotient


def _remainder(a: int, b: int) -> int:
    """REM: has the sign of the dividend; by zero gives the dividend."""
    return signed(a) - signed(b) * _divide(a, b) if b else a


RESULT: dict[str, Callable[[int, int], int]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "sll": lambda a, b: a << (b & 31),
    "slt": lambda a, b: signed(a) < signed(b),
    "sltu": lambda a, b: a < b,
    "xor": lambda a, b: a ^ b,
    "srl": lambda a, b: a >> (b & 31),
    "sra": lambda a, b: signed(a) >> (b & 31),
    "or": lambda a, b: a | b,
    "and": lambda a, b: a & b,
    "mul": lambda a, b: a * b,
    "mulh": lambda a, b: signed(a) * signed(b) >> 32,
    "mulhsu": lambda a, b: signed(a) * b >> 32,
    "mulhu": lambda a, b: a * b >> 32,
    "div": _divide,
    "divu": lambda a, b: a // b if b else MASK,
    "rem": _remainder,
    "remu": lambda a, b: a % b if b else a,
}
"""What each operation on two registers gives, from numbers without sign; only the low 32 bits count."""

WITH_CONSTANT = {
    "addi": "add", "slti": "slt", "sltiu": "sltu", "xori": "xor", "ori": "or", "andi": "and",
    "slli": "sll", "srli": "srl", "srai": "sra",
}  # fmt: skip
"""Operations whose second operand is the immediate."""

TAKEN: dict[str, Callable[[int, int], bool]] = {
    "beq": lambda a, b: a == b,
    "bne": lambda a, b: a != b,
    "blt": lambda a, b: signed(a) < signed(b),
    "bge": lambda a, b: signed(a) >= signed(b),
    "bltu": lambda a, b: a < b,
    "bgeu": lambda a, b: a >= b,
}


class Reference:
    """The machine, at the start of a program.

    Args:
        program: Memory and entry.
        stdin: The standard input.

    Attributes:
        registers: x0 to x31, without sign. All are 0 at the start.
        pc: Address of the next instruction.
        memory: What is written to it is there for the next fetch too.
    """

    def __init__(self, program: Program, stdin: bytes = b""):
        self.memory = Memory(program)
        self.registers = [0] * 32
        self.pc = program.entry
        self._stdin = Input(stdin)
        self._last: Retired | None = None

    def step(self) -> Retired:
        """Carries out one instruction. A machine that has halted repeats its last answer."""
        if self._last is not None and self._last.halted:
            return self._last
        word = self.memory.load(self.pc, 4)
        found = decode(word)
        done = self._execute(found) if found else self._trap(word)
        if done.rd:
            self.registers[done.rd] = done.value
        for address, size, value in done.stores:
            self.memory.store(address, size, value)
        self.pc = done.next_pc
        self._last = done
        return done

    def _execute(self, i: Instruction) -> Retired:
        a, b = self.registers[i.rs1], self.registers[i.rs2]
        if i.name in RESULT:
            return self._result(i, RESULT[i.name](a, b))
        if i.name in WITH_CONSTANT:
            return self._result(i, RESULT[WITH_CONSTANT[i.name]](a, i.immediate & MASK))
        if i.name in TAKEN:
            return self._jump(i, self.pc + i.immediate if TAKEN[i.name](a, b) else self.pc + 4)
        match i.name:
            case "lui":
                return self._result(i, i.immediate)
            case "auipc":
                return self._result(i, self.pc + i.immediate)
            case "jal":
                return self._jump(i, self.pc + i.immediate, link=True)
            case "jalr":
                return self._jump(i, a + i.immediate & ~1, link=True)
            case "lb" | "lh" | "lw" | "lbu" | "lhu":
                return self._load(i, a + i.immediate & MASK)
            case "sb" | "sh" | "sw":
                size = SIZE[i.name[1]]
                store = (a + i.immediate & MASK, size, b & (1 << 8 * size) - 1)
                return Retired(pc=self.pc, word=i.word, stores=(store,), next_pc=self.pc + 4 & MASK)
            case "ecall":
                return self._call(i)
            case "ebreak":
                return self._trap(i.word)
            case _:  # fence, fence.i: this memory is always in order
                return Retired(pc=self.pc, word=i.word, next_pc=self.pc + 4 & MASK)

    def _result(self, i: Instruction, value: int, next_pc: int | None = None) -> Retired:
        after = self.pc + 4 if next_pc is None else next_pc
        return Retired(pc=self.pc, word=i.word, rd=i.rd, value=value & MASK if i.rd else 0, next_pc=after & MASK)

    def _trap(self, word: int) -> Retired:
        return Retired(pc=self.pc, word=word, trap=True, next_pc=self.pc)

    def _jump(self, i: Instruction, target: int, *, link: bool = False) -> Retired:
        if target % 4:
            return self._trap(i.word)
        return self._result(i, self.pc + 4, target) if link else self._result(i, 0, target)

    def _load(self, i: Instruction, address: int) -> Retired:
        size = SIZE[i.name[1]]
        value = self.memory.load(address, size)
        if not i.name.endswith("u") and value >> 8 * size - 1:
            value -= 1 << 8 * size
        return self._result(i, value)

    def _call(self, i: Instruction) -> Retired:
        a0, a1, a2, a7 = (self.registers[n] for n in (10, 11, 12, 17))
        said = answer(a7, a0, a1, a2, self._stdin, lambda address: self.memory.load(address, 1))
        if said.value is None:
            return Retired(pc=self.pc, word=i.word, exit=said.exit, next_pc=self.pc)
        return Retired(
            pc=self.pc,
            word=i.word,
            rd=10,
            value=said.value,
            stores=said.stores,
            output=said.output,
            next_pc=self.pc + 4 & MASK,
        )
