"""The reference against an independent emulator: random programs, and every instruction over corner values."""

from itertools import product

import pytest

from seme.machines.rv32.emulator import Emulator
from seme.machines.rv32.instructions import FORMS, decode, encode
from seme.machines.rv32.reference import Reference
from seme.machines.rv32.retired import Divergence, compare
from support.rv32 import CORNERS, assemble, constant, random_program

PROGRAMS, SIZE = 100, 1000
ENDINGS = ["exit", "illegal", "ebreak", "branch", "jal", "jalr"]
LIMIT = 1_000_000


def test_a_hundred_thousand_random_instructions_agree():
    agreed, names, traps = 0, set(), 0
    for seed in range(PROGRAMS):
        program, stdin = random_program(seed, SIZE, ending=ENDINGS[seed % len(ENDINGS)])
        count, divergence = compare(Reference(program, stdin), Emulator(program, stdin), limit=LIMIT)
        assert divergence is None, f"seed {seed}: {divergence}"
        agreed += count
        machine = Reference(program, stdin)
        while not (done := machine.step()).halted:
            found = decode(done.word)
            assert found is not None
            names.add(found.name)
        traps += done.trap
    assert agreed >= 100_000
    assert names == {form.name for form in FORMS} - {"ebreak"}
    assert traps == sum(ENDINGS[seed % len(ENDINGS)] != "exit" for seed in range(PROGRAMS))


def agree(words: list[int]) -> int:
    program = assemble(words)
    agreed, divergence = compare(Reference(program), Emulator(program), limit=LIMIT)
    assert divergence is None, divergence
    return agreed


def test_every_operation_on_two_registers_agrees_on_every_pair_of_corner_values():
    names = [form.name for form in FORMS if form.kind == "R"]
    assert len(names) == 18
    words = []
    for a in CORNERS:
        words += constant(1, a)
        for b in CORNERS:
            words += constant(2, b)
            words += [encode(name, rd=3, rs1=1, rs2=2) for name in names]
    assert agree([*words, 0]) == len(words) + 1


def test_every_branch_agrees_on_every_pair_of_corner_values():
    names = [form.name for form in FORMS if form.kind == "B"]
    assert len(names) == 6
    words = []
    for a in CORNERS:
        words += constant(1, a)
        for b in CORNERS:
            words += constant(2, b)
            # What is skipped when the branch is taken tells the two cases apart.
            words += [
                word for name in names for word in (encode(name, rs1=1, rs2=2, immediate=8), encode("addi", rd=3))
            ]
    branches = 6 * len(CORNERS) ** 2
    agreed = agree([*words, 0])
    assert len(words) - branches < agreed < len(words)


def test_every_operation_with_a_constant_agrees_on_corner_values():
    names = [form.name for form in FORMS if form.kind == "I" and form.opcode == 0x13]
    shifts = [form.name for form in FORMS if form.kind == "H"]
    assert (len(names), len(shifts)) == (6, 3)
    words = []
    for a in CORNERS:
        words += constant(1, a)
        immediates = (0, 1, -1, 2, 127, 128, 255, 256, 2047, -2048)
        words += [encode(name, rd=3, rs1=1, immediate=i) for name, i in product(names, immediates)]
        words += [encode(name, rd=3, rs1=1, immediate=i) for name, i in product(shifts, range(32))]
    uppers = (0, 1, -1, 0x7FFFF, -0x80000, 0x12345, -0x54321)
    words += [encode(name, rd=3, immediate=upper << 12) for name, upper in product(("lui", "auipc"), uppers)]
    assert agree([*words, 0]) == len(words) + 1


def test_every_load_and_store_agrees_at_every_alignment_and_at_both_ends_of_memory():
    loads = [form.name for form in FORMS if form.opcode == 0x03]
    stores = [form.name for form in FORMS if form.kind == "S"]
    words = []
    for base in (0, 0x7FFF_FFF8, 0x8000_0FFC, 0xFFFF_FFF8):
        words += constant(1, base)
        for value in (0x8081_8283, 0x7F01_FF80):
            words += constant(2, value)
            for store, offset in product(stores, range(8)):
                words.append(encode(store, rs1=1, rs2=2, immediate=offset))
                near = product(loads, (-3, -1, 0, 1, 2))
                words += [encode(load, rd=3, rs1=1, immediate=offset + distance) for load, distance in near]
    assert agree([*words, 0]) == len(words) + 1


def test_register_zero_stays_zero():
    names = [form.name for form in FORMS if form.kind == "R"]
    agree([*constant(1, 77), *(encode(name, rd=0, rs1=1, rs2=1) for name in names), encode("sltu", rd=2, rs2=1), 0])


class Wrong(Reference):
    """Gives one result that is off by one bit."""

    def __init__(self, program, at, **changed):
        super().__init__(program)
        self._count, self._at, self._changed = 0, at, changed

    def step(self):
        from dataclasses import replace

        done = super().step()
        self._count += 1
        return replace(done, **self._changed) if self._count == self._at else done


@pytest.mark.parametrize(
    ("field", "value"),
    [("rd", 5), ("value", 1), ("stores", ((0, 1, 1),)), ("next_pc", 8), ("output", b"x"), ("exit", 0), ("trap", True)],
)
def test_a_wrong_machine_is_caught_where_it_goes_wrong(field, value):
    program, _ = random_program(1, 100)
    agreed, divergence = compare(Wrong(program, 7, **{field: value}), Emulator(program), limit=LIMIT)
    assert isinstance(divergence, Divergence)
    assert (agreed, divergence.index, divergence.field) == (6, 6, field)
    assert f"instruction 6 at pc {divergence.first.pc:#x}: {field} is" in str(divergence)


@pytest.mark.parametrize("ahead", [1, 2, 7, 4096])
def test_how_far_the_emulator_runs_ahead_changes_nothing(ahead):
    program, stdin = random_program(4, 300)
    assert compare(Reference(program, stdin), Emulator(program, stdin, ahead=ahead), limit=LIMIT)[1] is None


def test_both_see_changed_code_also_without_a_fence():
    new = encode("addi", rd=5, immediate=99)
    words = [*constant(28, new), encode("sw", rs1=0, rs2=28, immediate=16), encode("addi"), encode("addi", rd=5), 0]
    program = assemble(words)
    assert compare(Reference(program), Emulator(program), limit=LIMIT) == (6, None)
    machine = Reference(program)
    for _ in range(5):
        done = machine.step()
    assert (done.rd, done.value) == (5, 99)


def test_a_register_that_changes_unasked_is_noticed():
    machine = Emulator(assemble([encode("addi", rd=1, immediate=n) for n in range(8)]), ahead=2)
    machine.step()
    machine._uc.reg_write(machine._x[20], 5)
    machine.step()
    with pytest.raises(AssertionError, match="a register that the instruction does not name"):
        machine.step()
