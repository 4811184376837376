"""Random and corner programs for the machine, and a run of it in lock step with the plain emulator."""

from __future__ import annotations

import random
from functools import lru_cache

from seme.machines.rv32.elf import Program, Segment
from seme.machines.rv32.instructions import BY_NAME, decode, encode
from seme.machines.rv32.machine import Listener, Said, Tokens, prompt_rows, rv32_program
from seme.machines.rv32.machine.decode import PRODUCTS
from seme.machines.rv32.machine.expected import Expected
from seme.machines.rv32.reference import Reference
from seme.machines.rv32.retired import Retired
from tests.machines.rv32_tracer import Unrolled

CORNERS = (
    *(0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 33, 127, 128, 255, 256, 257, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0xFF00),
    *(0x7FFF_FFFF, 0x8000_0000, 0x8000_0001, 0xFFFF_FFFE, 0xFFFF_FFFF, 0xFFFF_FF80, 0xFFFF_8000, 0xFFFF_7FFF),
    *(0x5555_5555, 0xAAAA_AAAA, 0x1234_5678, 0xFFFF_F000, 0xFF00_0000, 0x00FF_FFFF),
)
MOST_LONG = 48
"""A division has no more tokens."""

REGISTERS = (1, 2, 5, 6, 7, 8, 9, 10, 11, 31)
EXIT = [encode("addi", rd=17, immediate=93), encode("ecall")]


def image(words: list[int], at: int = 0) -> Program:
    """A program of these words, that starts at the first."""
    data = b"".join(word.to_bytes(4, "little") for word in words)
    return Program(entry=at, segments=(Segment(address=at, data=data),))


def load_constant(rd: int, value: int) -> list[int]:
    """Instructions that set a register."""
    low = (value & 0xFFF) - ((value & 0x800) << 1)
    high = (value - low) & 0xFFFF_FFFF
    high -= (high >> 31) << 32
    if not high:
        return [encode("addi", rd=rd, immediate=low)]
    return [encode("lui", rd=rd, immediate=high), encode("addi", rd=rd, rs1=rd, immediate=low)]


@lru_cache
def machine(digit_bits: int):
    """The machine; made once for each size of digits."""
    return rv32_program(digit_bits)


def difference(
    program: Program, stdin: bytes = b"", *, digit_bits: int = 8, most: int = 1000
) -> tuple[str | None, int]:
    """Where the machine first emits another token than it must, if anywhere, and how many instructions it ran."""
    tokens = Tokens(digit_bits)
    tracer = Unrolled(machine(digit_bits))
    for row in prompt_rows(tokens, program, stdin):
        tracer.read(row)
    emulator, expected, listener = Reference(program, stdin), Expected(tokens, program), Listener(tokens, program)
    for index in range(most):
        done = emulator.step()
        rows, said = expected.rows(done), None
        for place, row in enumerate(rows):
            found = tracer.next()
            if found != row:
                wanted = " ".join(map(tokens.text, rows))
                return f"{done}: expected {wanted}, token {place} is {tokens.text(found)}", index
            said = listener.read(found)
            tracer.read(found)
            if (said is not None) != (place == len(rows) - 1 and not is_long(done)):
                return f"{done}: token {place} of {len(rows)} ends the instruction", index
        if is_long(done):
            said = _long(tracer, listener, expected)
        if said is None or said.differs(done):
            return f"{done}: {said and said.differs(done)} of {said}", index
        if done.halted:
            return None, index + 1
    return None, most


def is_long(done: Retired) -> bool:
    """Whether an instruction emits tokens that only the arithmetic of long operations knows."""
    found = decode(done.word)
    return found is not None and found.name in PRODUCTS and found.rd != 0


def _long(tracer: Unrolled, listener: Listener, expected: Expected) -> Said | None:
    for _ in range(MOST_LONG):
        row = tracer.next()
        said = listener.read(row)
        tracer.read(row)
        expected.also(row)
        if said is not None:
            return said
    return None


def random_program(seed: int, length: int = 120, *, products: bool = True) -> Program:
    """Random instructions on corner values; jumps go forward."""
    rng = random.Random(seed)
    words: list[int] = []
    for register in REGISTERS:
        words += load_constant(register, _value(rng))
    names = [name for name in BY_NAME if name not in ("ecall", "ebreak") and (products or name not in PRODUCTS)]
    while len(words) < length:
        words += _instruction(rng, rng.choice(names), len(words))
        if rng.random() < 0.2:
            words += load_constant(rng.choice(REGISTERS), _value(rng))
    words += [EXIT[0], *[EXIT[1]] * 6]
    return image(words, rng.choice([0, 0x1000, 0x10000, 0x8000_0000, 0xFFFF_F000]))


def _value(rng: random.Random) -> int:
    kind = rng.random()
    if kind < 0.6:
        return rng.choice(CORNERS)
    return rng.getrandbits(32) if kind < 0.8 else rng.getrandbits(rng.randrange(1, 33))


def _instruction(rng: random.Random, name: str, place: int) -> list[int]:
    kind, before = BY_NAME[name].kind, []
    rd, rs1, rs2 = (rng.choice([*REGISTERS, 0]) for _ in range(3))
    immediate = {
        "H": rng.randrange(32),
        "B": 4 * rng.randrange(1, 5),
        "J": 4 * rng.randrange(1, 5),
        "U": rng.choice([0, 0x1000, -0x1000, -(1 << 31), 0x7FFF_F000, rng.randrange(-(1 << 19), 1 << 19) << 12]),
        "I": rng.choice([0, 1, -1, 2047, -2048, rng.randrange(-2048, 2048)]),
        "S": rng.choice([0, 1, -1, 2047, -2048, rng.randrange(-2048, 2048)]),
    }.get(kind, 0)
    if name == "jalr":
        before, rs1, immediate = [encode("auipc", rd=20)], 20, rng.choice([8, 12, 13, 16])
    elif name[0] in "ls" and name[1:].rstrip("u") in "bhw" and rng.random() < 0.8:
        base = rng.choice([0x2000, 0xFFFF_EF80, 0x7FFF_FFFF, 0xFFFF_FFFE, 0xFFFF_FFFD, 4 * place])
        before, rs1, immediate = load_constant(21, base), 21, rng.randrange(-6, 7)
    fields = {"rd": rd} if kind in "RIHUJ" else {}
    fields |= {"rs1": rs1} if kind in "RIHSB" else {}
    fields |= {"rs2": rs2} if kind in "RSB" else {}
    fields |= {"immediate": immediate} if kind not in "R-" else {}
    return [*before, encode(name, **fields)]
