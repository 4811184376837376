"""Large programs that carry out every instruction on corner values: each a list of words that ends in a trap."""

from __future__ import annotations

from itertools import product

from seme.machines.rv32.instructions import FORMS, encode
from support.rv32 import CORNERS, constant

TRAP = 0

OPERATIONS = [form.name for form in FORMS if form.kind == "R"]
BRANCHES = [form.name for form in FORMS if form.kind == "B"]
IMMEDIATES = [form.name for form in FORMS if form.kind == "I" and form.opcode == 0x13]
SHIFTS = [form.name for form in FORMS if form.kind == "H"]
LOADS = [form.name for form in FORMS if form.opcode == 0x03]
STORES = [form.name for form in FORMS if form.kind == "S"]
UPPERS = ("lui", "auipc")


def operations() -> list[int]:
    """Every operation on two registers, on every pair of corner values."""
    words = []
    for a in CORNERS:
        words += constant(1, a)
        for b in CORNERS:
            words += constant(2, b)
            words += [encode(name, rd=3, rs1=1, rs2=2) for name in OPERATIONS]
    return [*words, TRAP]


def branches() -> list[int]:
    """Every branch on every pair of corner values; what is skipped when it is taken tells the two cases apart."""
    words = []
    for a in CORNERS:
        words += constant(1, a)
        for b in CORNERS:
            words += constant(2, b)
            for name in BRANCHES:
                words += [encode(name, rs1=1, rs2=2, immediate=8), encode("addi", rd=3)]
    return [*words, TRAP]


def constants() -> list[int]:
    """Every operation with a constant."""
    words = []
    for a in CORNERS:
        words += constant(1, a)
        immediates = (0, 1, -1, 2, 127, 128, 255, 256, 2047, -2048)
        words += [encode(name, rd=3, rs1=1, immediate=i) for name, i in product(IMMEDIATES, immediates)]
        words += [encode(name, rd=3, rs1=1, immediate=i) for name, i in product(SHIFTS, range(32))]
    uppers = (0, 1, -1, 0x7FFFF, -0x80000, 0x12345, -0x54321)
    # The second instruction reads what the first one wrote: LUI says nothing of its result.
    read = encode("addi", rd=4, rs1=3)
    words += [word for n, u in product(UPPERS, uppers) for word in (encode(n, rd=3, immediate=u << 12), read)]
    return [*words, TRAP]


def accesses() -> list[int]:
    """Every load and store at every alignment, at both ends of memory and in its middle."""
    words = []
    for base in (0, 0x7FFF_FFF8, 0x8000_0FFC, 0xFFFF_FFF8):
        words += constant(1, base)
        for value in (0x8081_8283, 0x7F01_FF80):
            words += constant(2, value)
            for store, offset in product(STORES, range(8)):
                words.append(encode(store, rs1=1, rs2=2, immediate=offset))
                near = product(LOADS, (-3, -1, 0, 1, 2))
                words += [encode(load, rd=3, rs1=1, immediate=offset + distance) for load, distance in near]
    return [*words, TRAP]


def links() -> list[int]:
    """Jumps that keep where they come from, in many registers, and its being read."""
    words = []
    for rd in range(1, 26):
        words += [encode("jal", rd=rd, immediate=8), TRAP, encode("addi", rd=27, rs1=rd)]
        # Of an odd target the lowest bit is cleared.
        words += [encode("auipc", rd=28), encode("jalr", rd=rd, rs1=28, immediate=12 + rd % 2), TRAP]
        words += [encode("addi", rd=27, rs1=rd, immediate=-1)]
    return [*words, TRAP]
