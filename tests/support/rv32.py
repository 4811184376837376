"""Random programs for the RV32IM machine: every instruction, corner values, jumps, both ends of memory, changed code.

They always halt. Registers x28 to x31 are for the generator's own sequences; a jump never lands inside one.
"""

from __future__ import annotations

import random

from seme.machines.rv32.elf import Program, Segment
from seme.machines.rv32.instructions import EBREAK, FORMS, encode
from seme.machines.rv32.memory_map import MASK

CODE = 0x1000
"""Code begins here, so that both sides of address 0 are free for data."""

CORNERS = (
    0, 1, 2, 3, 4, 5, 7, 8, 31, 32, 33, 0x7F, 0x80, 0xFF, 0x100, 0x7FF, 0x800, 0xFFF, 0x1000, 0x7FFF, 0x8000, 0xFFFF,
    0x10000, 0x00FF_FFFF, 0x0100_0000, 0x5555_5555, 0x7FFF_FFFE, 0x7FFF_FFFF, 0x8000_0000, 0x8000_0001, 0xAAAA_AAAA,
    0xFFFF_0000, 0xFFFF_7FFF, 0xFFFF_8000, 0xFFFF_FF7F, 0xFFFF_FF80, 0xFFFF_FFFE, 0xFFFF_FFFF,
)  # fmt: skip
"""Values at which carries, signs, digits and shift amounts change."""

ENDS = (0, 0, 0x7FF, 0x7FFF_FFFE, 0x8000_0000, 0x4000_0000, 0xFFFF_FFFE, 0xFFFF_F800)
"""Addresses around which data is kept."""

_NAMES = {kind: [form.name for form in FORMS if form.kind == kind] for kind in "RIHSBU"}
_LOADS = ["lb", "lh", "lw", "lbu", "lhu"]
_WITH_IMMEDIATE = ["addi", "slti", "sltiu", "xori", "ori", "andi"]


def random_program(seed: int, size: int, *, ending: str = "exit") -> tuple[Program, bytes]:
    """A program of at least `size` instructions, and a standard input for it.

    Args:
        seed: The same seed gives the same program.
        size: How many instructions at least; loops make a run some two to three times longer.
        ending: "exit", or the trap at its end: "illegal", "ebreak", "branch", "jal" or "jalr".
    """
    draw = random.Random(seed)
    words = [word for n in range(1, 28) for word in constant(n, _value(draw))]
    while len(words) < size:
        words += _group(draw)
    words += _ending(draw, ending)
    return assemble(words, at=CODE), draw.randbytes(draw.randrange(64))


def assemble(words: list[int], *, at: int = 0) -> Program:
    """A program of these words that starts with the first."""
    data = b"".join(word.to_bytes(4, "little") for word in words)
    return Program(entry=at, segments=(Segment(address=at, data=data),))


def constant(rd: int, value: int) -> list[int]:
    """Two instructions that put a 32-bit value in a register."""
    low = (value & 0xFFF ^ 0x800) - 0x800
    high = value - low & MASK
    return [
        encode("lui", rd=rd, immediate=high - (1 << 32) if high >> 31 else high),
        encode("addi", rd=rd, rs1=rd, immediate=low),
    ]


def _value(draw: random.Random) -> int:
    return draw.choice(CORNERS) if draw.random() < 0.7 else draw.getrandbits(32)


def _group(draw: random.Random, *, nested: bool = False) -> list[int]:
    """A sequence that is only entered at its start."""
    kinds = [_plain, _plain, _plain, _plain, _access, _access, _refresh, _jump, _call, _changed_code, _system]
    if not nested:
        kinds += [_skip, _skip, _loop]
    return draw.choice(kinds)(draw)


def _register(draw: random.Random) -> int:
    return draw.randrange(28)


def _plain(draw: random.Random) -> list[int]:
    kind = draw.choice("RRRIHU")
    rd, rs1, rs2 = _register(draw), _register(draw), _register(draw)
    if kind == "R":
        return [encode(draw.choice(_NAMES["R"]), rd=rd, rs1=rs1, rs2=rs2)]
    if kind == "H":
        amount = draw.choice([0, 1, 8, 31, draw.randrange(32)])
        return [encode(draw.choice(_NAMES["H"]), rd=rd, rs1=rs1, immediate=amount)]
    if kind == "U":
        high = draw.choice([0, 0x7FFFF, -0x80000, -1, draw.randrange(-0x80000, 0x80000)])
        return [encode(draw.choice(_NAMES["U"]), rd=rd, immediate=high << 12)]
    immediate = draw.choice([0, 1, -1, 2047, -2048, draw.randrange(-2048, 2048)])
    return [encode(draw.choice(_WITH_IMMEDIATE), rd=rd, rs1=rs1, immediate=immediate)]


def _refresh(draw: random.Random) -> list[int]:
    return constant(draw.randrange(1, 28), _value(draw))


def _access(draw: random.Random) -> list[int]:
    """Stores and loads close to each other, aligned or not, with the distance split between base and immediate."""
    end, immediate = draw.choice(ENDS), draw.choice([0, 4, -4, 2047, -2048, draw.randrange(-2048, 2048)])
    words = constant(31, end - immediate + draw.randrange(-8, 8) & MASK)
    for _ in range(draw.randrange(1, 5)):
        offset = max(-2048, min(2047, immediate + draw.randrange(-4, 5)))
        if draw.random() < 0.5:
            words.append(encode(draw.choice(_NAMES["S"]), rs1=31, rs2=_register(draw), immediate=offset))
        else:
            words.append(encode(draw.choice(_LOADS), rd=_register(draw), rs1=31, immediate=offset))
    return words


def _skip(draw: random.Random) -> list[int]:
    """A branch over some groups, taken or not."""
    body = [word for _ in range(draw.randrange(1, 4)) for word in _group(draw, nested=True)]
    rs1 = _register(draw)
    rs2 = draw.choice([rs1, _register(draw), 0])
    return [encode(draw.choice(_NAMES["B"]), rs1=rs1, rs2=rs2, immediate=4 * len(body) + 4), *body]


def _loop(draw: random.Random) -> list[int]:
    """A few rounds of some groups, by a branch backwards."""
    body = [word for _ in range(draw.randrange(1, 6)) for word in _group(draw, nested=True)]
    count = encode("addi", rd=30, rs1=30, immediate=-1)
    back = encode(draw.choice(["bne", "bltu"]), rs1=0, rs2=30, immediate=-4 * len(body) - 4)
    return [encode("addi", rd=30, immediate=draw.randrange(1, 6)), *body, count, back]


def _jump(draw: random.Random) -> list[int]:
    """A jump over words that are no instructions; JALR clears the lowest bit of its target."""
    junk = [draw.getrandbits(32) for _ in range(draw.randrange(4))]
    distance = 4 * len(junk)
    if draw.random() < 0.5:
        return [encode("jal", rd=_register(draw), immediate=4 + distance), *junk]
    odd = draw.randrange(2)
    jump = encode("jalr", rd=_register(draw), rs1=29, immediate=8 + distance + odd)
    return [encode("auipc", rd=29), jump, *junk]


def _call(draw: random.Random) -> list[int]:
    """A call of a function that lies behind a jump, with the link read and used."""
    body = _plain(draw)
    call = encode("jal", rd=31, immediate=8)
    over = encode("jal", immediate=4 * len(body) + 8)
    # The function adds to the link so that it returns to the jump over itself, and keeps a copy.
    return [call, over, *body, encode("jalr", rd=_register(draw) if draw.random() < 0.5 else 28, rs1=31)]


def _changed_code(draw: random.Random) -> list[int]:
    """An instruction is written over another, and carried out after FENCE.I."""
    new = _plain(draw)[0]
    rest = [*constant(28, new), encode("auipc", rd=29)]
    padding = draw.randrange(3)
    offset = 4 * (3 + padding)
    old = draw.choice([draw.getrandbits(32), *_plain(draw)])
    nops = [encode("addi")] * padding
    return [*rest, encode("sw", rs1=29, rs2=28, immediate=offset), encode("fence.i"), *nops, old]


def _system(draw: random.Random) -> list[int]:
    """FENCE, or a call: WRITE, READ, or one that there is not."""
    if draw.random() < 0.3:
        return [encode("fence") | draw.getrandbits(12) << 20 & 0x0FF0_0000]
    number = draw.choice([63, 63, 64, 64, 64, 0, 57, 1 << 31])
    file = draw.choice([0, 1, 2, 3, -1] if number in (63, 64) else [0, 1])
    if draw.random() < 0.7:
        file = 0 if number == 63 else 1
    address = draw.choice(ENDS) + draw.randrange(-4, 4) & MASK
    count = draw.choice([0, 1, 1, 1, 2, 3, 5])
    return [
        *constant(17, number),
        encode("addi", rd=10, immediate=file),
        *constant(11, address),
        encode("addi", rd=12, immediate=count),
        encode("ecall"),
    ]


def _ending(draw: random.Random, ending: str) -> list[int]:
    if ending == "illegal":
        return [draw.choice([0, MASK, 0x0000_4501, 0xC000_2573, 0x1050_0073, 0x0200_0033 | 2 << 25])]
    if ending == "ebreak":
        return [EBREAK]
    if ending == "branch":
        return [encode("beq", immediate=draw.choice([2, 6, -2]))]
    if ending == "jal":
        return [encode("jal", rd=1, immediate=draw.choice([2, 10, -6]))]
    if ending == "jalr":
        return [encode("auipc", rd=1), encode("jalr", rd=1, rs1=1, immediate=draw.choice([10, 11]))]
    return [encode("addi", rd=17, immediate=93), encode("ecall")]
