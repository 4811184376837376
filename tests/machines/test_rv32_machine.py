"""The machine as a trace program, token by token against what the plain emulator says that it must emit."""

import random

import pytest

from seme.machines.rv32.instructions import BY_NAME, encode
from seme.machines.rv32.machine.decode import BRANCHES, PRODUCTS
from tests.machines.rv32_programs import CORNERS, EXIT, difference, image, load_constant, random_program

PAIRS = [(a, b) for a in CORNERS[::5] for b in CORNERS[::4]]
OPERATIONS = [name for name, form in BY_NAME.items() if form.kind == "R" and name not in PRODUCTS]
CONSTANTS = [name for name, form in BY_NAME.items() if form.kind in "IH" and form.opcode == 0x13]


def _same(program, stdin=b"", digit_bits=8, most=3000):
    told, ran = difference(program, stdin, digit_bits=digit_bits, most=most)
    assert told is None, told
    return ran


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_on_corner_values(name):
    words = []
    for a, b in PAIRS:
        words += [*load_constant(5, a), *load_constant(6, b), encode(name, rd=7, rs1=5, rs2=6)]
    assert _same(image([*words, *EXIT])) > 3 * len(PAIRS)


@pytest.mark.parametrize("name", CONSTANTS)
def test_operations_with_constants(name):
    words = []
    for a in CORNERS[::3]:
        words += load_constant(5, a)
        constants = (0, 1, 7, 8, 31) if BY_NAME[name].kind == "H" else (0, 1, -1, 2047, -2048, 255)
        words += [encode(name, rd=7, rs1=5, immediate=c) for c in constants]
    _same(image([*words, *EXIT]))


@pytest.mark.parametrize("name", BRANCHES)
def test_branches_on_corner_values(name):
    words = []
    for a, b in PAIRS:
        branch = encode(name, rs1=5, rs2=6, immediate=8)
        words += [*load_constant(5, a), *load_constant(6, b), branch, encode("addi", rd=8, rs1=8, immediate=1)]
    _same(image([*words, *EXIT]))


@pytest.mark.parametrize("base", [0x2000, 0xFFFF_FFFC, 0x7FFF_FFFC, 0x00FF_FFFC])
def test_every_access_at_every_place_of_a_word(base):
    words = [*load_constant(5, base), *load_constant(6, 0x89AB_CDEF), *load_constant(9, 0x7654_3210)]
    for offset in range(4):
        words += [encode("sw", rs1=5, rs2=9, immediate=i) for i in (-4, 0, 4)]
        for store in ("sb", "sh", "sw"):
            words.append(encode(store, rs1=5, rs2=6, immediate=offset))
            for load in ("lb", "lh", "lw", "lbu", "lhu"):
                words += [encode(load, rd=7, rs1=5, immediate=i) for i in (offset - 1, offset)]
    _same(image([*words, *EXIT], 0x400))


@pytest.mark.parametrize("digit_bits", [8, 12, 16])
@pytest.mark.parametrize("seed", range(6))
def test_random_programs(seed, digit_bits):
    _same(random_program(seed, products=False), digit_bits=digit_bits)


def test_code_that_writes_itself():
    # The instruction at 5 becomes another one, twice; the second time by a halfword across two words.
    words = load_constant(5, encode("addi", rd=7, immediate=77))
    words += [encode("sw", rs1=0, rs2=5, immediate=4 * 5), encode("fence.i"), encode("addi", rd=9, rs1=9, immediate=1)]
    words += [encode("addi", rd=7, immediate=1), encode("sh", rs1=0, rs2=5, immediate=4 * 5 - 1)]
    words += [encode("addi", rd=8, immediate=2), encode("blt", rs1=9, rs2=8, immediate=-4 * 4), *EXIT]
    _same(image(words))


def test_jumps_far_and_across_the_end_of_memory():
    words = [encode("jal", rd=1, immediate=-8), encode("jalr", rd=2, rs1=1, immediate=4), *EXIT]
    program = image(words)
    assert _same(program) == 2  # at 2^32 - 8 there is no instruction: a trap


@pytest.mark.parametrize(
    "word", [0, 0xFFFF_FFFF, 0x0000_2063, 0x0010_0073, 0x3000_1073, 0x4000_1013, 0x0200_6033 | 1 << 26, 0x0000_3003]
)
def test_illegal_instructions_trap(word):
    assert _same(image([encode("addi", rd=5, immediate=3), word])) == 2


@pytest.mark.parametrize("jump", [encode("jal", rd=1, immediate=6), encode("jalr", rd=1, rs1=5, immediate=3)])
def test_jumps_to_addresses_that_are_no_multiple_of_4_trap(jump):
    assert _same(image([encode("addi", rd=5, immediate=7), jump, *EXIT])) == 2


def test_long_stretches_without_a_jump():
    rng = random.Random(5)
    words = load_constant(5, 0x1234_5678)
    words += [encode("xori", rd=5, rs1=5, immediate=rng.randrange(-2048, 2048)) for _ in range(200)]
    _same(image([*words, *EXIT], 0x3F0))


CALL = {"read": 63, "write": 64, "exit": 93}


def _call(name, a0, a1=0, a2=0):
    registers = ((10, a0), (11, a1), (12, a2), (17, CALL.get(name, name)))
    return [word for register, value in registers for word in load_constant(register, value)] + [encode("ecall")]


def test_calls_read_and_write():
    words = [*_call("read", 0, 0x3001, 3), *_call("write", 1, 0x3000, 5), *_call("read", 0, 0xFFFF_FFFE, 4)]
    words += [*_call("write", 2, 0xFFFF_FFFE, 4), *_call("read", 0, 0x3000, 2), *_call("write", 1, 0x3000, 0)]
    words += [*_call("read", 0, 0x3000, 0), *_call("exit", 259)]
    _same(image(words, 0x100), b"abcde\xff")
    _same(image(words, 0x100), b"")


def test_calls_that_are_refused():
    words = [*_call("read", 1, 0x3000, 3), *_call("write", 0, 0x3000, 3), *_call("write", 3, 0, 1), *_call(57, 0)]
    _same(image([*words, *_call("exit", 0)]), b"abc")


def test_another_emission_is_noticed():
    """The control: with another program in the prompt, tokens differ."""
    from seme.machines.rv32.elf import Program
    from tests.machines import rv32_programs

    right = image([encode("addi", rd=5, immediate=3), *EXIT])
    wrong = image([encode("addi", rd=5, immediate=4), *EXIT])
    rows = rv32_programs.prompt_rows
    try:
        rv32_programs.prompt_rows = lambda tokens, program, stdin: rows(tokens, wrong, stdin)
        told, _ = difference(right)
    finally:
        rv32_programs.prompt_rows = rows
    assert isinstance(right, Program)
    assert told is not None
