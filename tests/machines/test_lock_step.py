"""The reference against an independent emulator: random programs, and every instruction over corner values."""

import pytest

from seme.machines.rv32.emulator import Emulator
from seme.machines.rv32.instructions import FORMS, decode, encode
from seme.machines.rv32.reference import Reference
from seme.machines.rv32.retired import Divergence, compare
from support import rv32_corners
from support.rv32 import assemble, constant, random_program

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


@pytest.mark.parametrize("name", ["operations", "branches", "constants", "accesses", "links"])
def test_every_instruction_agrees_on_corner_values(name):
    words = getattr(rv32_corners, name)()
    # One of two instructions after a branch is skipped, and one after each jump.
    assert len(words) / 2 < agree(words) <= len(words)


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
