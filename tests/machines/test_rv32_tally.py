"""Reading emitted tokens, one by one and many at once, without weights."""

import pytest

from seme.machines.rv32.instructions import encode
from seme.machines.rv32.machine import Listener, Tally, Tokens, prompt_rows
from seme.machines.rv32.machine.expected import Expected
from seme.machines.rv32.reference import Reference
from seme.machines.rv32.retired import run
from tests.machines.rv32_programs import EXIT, image, load_constant, random_program


def _trace(program, digit_bits, most=2000, stdin=b""):
    tokens, emulator = Tokens(digit_bits), Reference(program, stdin)
    expected, rows = Expected(tokens, program), []
    for _ in range(most):
        done = emulator.step()
        rows += expected.rows(done)
        if done.halted:
            break
    return tokens, rows


LOOP = [
    *load_constant(5, 0x1234_5678),
    *[encode("xori", rd=5, rs1=5, immediate=i) for i in range(150)],
    encode("addi", rd=6, rs1=6, immediate=1),
    encode("addi", rd=7, immediate=3),
    encode("blt", rs1=6, rs2=7, immediate=-4 * 152),
    *EXIT,
]


@pytest.mark.parametrize("digit_bits", [8, 12, 16])
@pytest.mark.parametrize("piece", [1, 7, 100, 10**6])
@pytest.mark.parametrize("program", [image(LOOP, 0x3F0), random_program(3, products=False)])
def test_both_ways_of_reading_count_alike(program, piece, digit_bits):
    tokens, rows = _trace(program, digit_bits)
    prompt = prompt_rows(tokens, program)
    listener, tally = Listener(tokens, program), Tally(tokens, prompt)
    said = [told for row in rows if (told := listener.read(row))]
    for at in range(0, len(rows), piece):
        tally.read(rows[at : at + piece])
    assert tally.instructions == listener.instructions == len(said)
    assert (tally.exit, tally.trapped) == (said[-1].exit, said[-1].trap)


def test_output_comes_in_pieces():
    program = image([*load_constant(17, 64), encode("addi", rd=10, immediate=1), encode("addi", rd=12, immediate=5)])
    words = [word for _, word in program.words()] + [encode("ecall"), *EXIT]
    program = image(words, 0x100)
    tokens, rows = _trace(program, 8)
    tally = Tally(tokens, prompt_rows(tokens, program))
    assert b"".join(tally.read(rows[at : at + 3]) for at in range(0, len(rows), 3)) == bytes(5)
    assert tally.instructions == run(Reference(program), limit=100).instructions


def test_a_wrong_token_is_told_by_the_comparison():
    program = image([encode("addi", rd=5, immediate=3), encode("addi", rd=6, rs1=5, immediate=1), *EXIT])
    tokens, rows = _trace(program, 8)
    rows[1] += 1
    listener, emulator = Listener(tokens, program), Reference(program)
    told = [said.differs(emulator.step()) for row in rows if (said := listener.read(row))]
    assert told[:2] == [None, "value"]
