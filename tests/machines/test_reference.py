"""The definition itself, where the manual or Linux gives the answer in numbers; both emulators are held to it."""

import pytest

from seme.machines.rv32.emulator import Emulator
from seme.machines.rv32.instructions import EBREAK, encode
from seme.machines.rv32.memory_map import MASK
from seme.machines.rv32.reference import Reference
from seme.machines.rv32.retired import run
from support.rv32 import assemble, constant

MIN, MAX, MINUS = 0x8000_0000, 0x7FFF_FFFF, 0xFFFF_FFFF
BOTH = pytest.mark.parametrize("machine", [Reference, Emulator])


def last(machine, words, stdin=b"", *, before_end=0):
    """What the last of the given instructions did."""
    running = machine(assemble([*words, 0]), stdin)
    steps = [running.step() for _ in words]
    return steps[-1 - before_end]


@BOTH
@pytest.mark.parametrize(
    ("name", "a", "b", "value"),
    [
        ("div", 7, 0, MINUS), ("divu", 7, 0, MASK), ("rem", 7, 0, 7), ("remu", 7, 0, 7),
        ("div", MIN, MINUS, MIN), ("rem", MIN, MINUS, 0), ("div", -7 & MASK, 2, -3 & MASK),
        ("rem", -7 & MASK, 2, MINUS),
        ("div", 7, -2 & MASK, -3 & MASK), ("rem", 7, -2 & MASK, 1), ("mulh", MIN, MIN, 0x4000_0000),
        ("mulhsu", MINUS, MASK, MINUS), ("mulhu", MASK, MASK, 0xFFFF_FFFE), ("mul", MASK, MASK, 1),
        ("sll", 1, 33, 2), ("sra", MIN, 63, MINUS), ("srl", MIN, 31, 1), ("sub", 0, 1, MASK), ("add", MAX, 1, MIN),
        ("slt", MIN, 0, 1), ("sltu", MIN, 0, 0),
    ],
)  # fmt: skip
def test_results_of_the_manual(machine, name, a, b, value):
    done = last(machine, [*constant(1, a), *constant(2, b), encode(name, rd=3, rs1=1, rs2=2)])
    assert (done.rd, done.value) == (3, value)


@BOTH
def test_memory_that_was_never_written_is_zero(machine):
    assert last(machine, [encode("lw", rd=3, immediate=-4)]).value == 0


@BOTH
def test_an_access_across_the_ends_of_memory_wraps(machine):
    store = [*constant(2, 0x0403_0201), encode("sw", rs1=0, rs2=2, immediate=-2)]
    assert last(machine, store).stores == ((0xFFFF_FFFE, 4, 0x0403_0201),)
    assert last(machine, [*store, encode("lhu", rd=3, immediate=0)]).value == 0x0403
    assert last(machine, [*store, encode("lw", rd=3, immediate=-2)]).value == 0x0403_0201


@BOTH
@pytest.mark.parametrize("word", [0, EBREAK, 0xC000_2573, 0x0000_4501, 0x3020_0073])
def test_what_is_no_instruction_traps_where_it_stands(machine, word):
    running = machine(assemble([encode("addi", rd=1, immediate=5), word]))
    running.step()
    done = running.step()
    assert (done.trap, done.halted, done.pc, done.next_pc, done.word) == (True, True, 4, 4, word)
    assert (done.rd, done.value, done.stores, done.exit) == (0, 0, (), None)
    assert running.step() == done


@BOTH
@pytest.mark.parametrize(
    "jump",
    [encode("jal", rd=1, immediate=6), encode("jalr", rd=1, immediate=10), encode("jalr", rd=1, immediate=11),
     encode("beq", rd=0, immediate=-2)],
)  # fmt: skip
def test_a_jump_to_no_multiple_of_four_traps_at_the_jump_and_writes_nothing(machine, jump):
    done = last(machine, [encode("addi"), jump])
    assert (done.trap, done.pc, done.next_pc, done.rd) == (True, 4, 4, 0)


@BOTH
def test_an_untaken_branch_to_no_multiple_of_four_is_fine(machine):
    assert not last(machine, [encode("bne", immediate=6)]).trap


@BOTH
def test_jalr_clears_the_lowest_bit_and_reads_before_it_links(machine):
    done = last(machine, [encode("addi", rd=1, immediate=8), encode("jalr", rd=1, rs1=1, immediate=5)])
    assert (done.rd, done.value, done.next_pc) == (1, 8, 12)


@BOTH
def test_code_that_was_changed_runs_after_the_fence(machine):
    new = encode("addi", rd=5, immediate=99)
    words = [*constant(28, new), encode("sw", rs2=28, immediate=16), encode("fence.i"), encode("addi", rd=5)]
    assert last(machine, words).value == 99


@BOTH
def test_the_program_counter_wraps(machine):
    words = [encode("jal", immediate=-4)]
    program = assemble(words)
    running = machine(program)
    assert running.step().next_pc == 0xFFFF_FFFC
    assert running.step().trap  # there is nothing but zeros


def call(number, a0=0, a1=0, a2=0):
    registers = zip((17, 10, 11, 12), (number, a0, a1, a2), strict=True)
    return [word for register, value in registers for word in constant(register, value & MASK)] + [encode("ecall")]


TEXT = [*constant(5, int.from_bytes(b"seme", "little")), encode("sw", rs2=5, immediate=-4)]


@BOTH
@pytest.mark.parametrize("file", [1, 2])
@pytest.mark.parametrize("count", [0, 1, 4])
def test_write_puts_out_bytes_and_returns_how_many(machine, file, count):
    done = last(machine, [*TEXT, *call(64, file, -4, count)])
    assert (done.output, done.rd, done.value) == (b"seme"[:count], 10, count)


@BOTH
def test_read_takes_what_there_is_and_returns_how_many(machine):
    first = [*call(63, 0, -2, 3)]
    done = last(machine, first, b"abcde")
    assert (done.value, done.stores) == (3, ((MASK - 1, 1, 97), (MASK, 1, 98), (0, 1, 99)))
    again = last(machine, [*call(63, 0, 0x800, 3), *call(63, 0, 0x800, 3)], b"abcde")
    assert (again.value, again.stores) == (2, ((0x800, 1, 100), (0x801, 1, 101)))
    end = last(machine, [*call(63, 0, 0x800, 9), *call(63, 0, 0x800, 3)], b"abcde")
    assert (end.value, end.stores) == (0, ())


@BOTH
@pytest.mark.parametrize(
    ("number", "file", "value"),
    [(64, 0, -9), (64, 3, -9), (63, 1, -9), (63, -1, -9), (57, 0, -38), (0, 1, -38), (1 << 31, 1, -38)],
)
def test_other_files_and_other_calls_are_refused_with_the_numbers_of_linux(machine, number, file, value):
    done = last(machine, [*call(number, file, -4, 1)], b"abc")
    assert (done.rd, done.value, done.output, done.stores, done.exit) == (10, value & MASK, b"", (), None)


@BOTH
@pytest.mark.parametrize(("code", "seen"), [(0, 0), (7, 7), (256, 0), (-1, 255)])
def test_exit_gives_the_low_eight_bits(machine, code, seen):
    done = run(machine(assemble(call(93, code))), limit=100)
    assert (done.exit, done.trap, done.instructions) == (seen, None, 9)


@BOTH
def test_a_limit_stops_a_program_that_never_halts(machine):
    done = run(machine(assemble([encode("jal", immediate=0)])), limit=1000)
    assert (done.exit, done.trap, done.instructions) == (None, None, 1000)
