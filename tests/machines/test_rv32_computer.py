"""Chunks of tokens, read all at once, against the listener that reads one by one. No weights."""

import random

import numpy as np
import pytest

from seme.core.errors import FolderError
from seme.machines.rv32.computer import expect_progress
from seme.machines.rv32.counting import IDLE, Counter
from seme.machines.rv32.elf import Program, Segment
from seme.machines.rv32.instructions import encode
from seme.machines.rv32.machine import Listener, Tokens
from seme.machines.rv32.machine.expected import Expected
from seme.machines.rv32.machine.prompt import digits
from seme.machines.rv32.reference import Reference
from seme.machines.rv32.toolchain import compile_c
from tests.cli.conftest import EXAMPLES
from tests.machines.rv32_programs import is_long
from tests.support.rv32 import random_program

C_FILES = sorted((EXAMPLES / "c").glob("*.c"))
MOST = 4_000


def emitted(program, tokens, stdin=b"", most=MOST):
    """The tokens of a run by the plain emulator; of products and quotients some that say the same result."""
    machine, expected, rows = Reference(program, stdin), Expected(tokens, program), []
    for _ in range(most):
        done = machine.step()
        own = expected.rows(done)
        if is_long(done):
            *lower, last = digits(Tokens(8), done.value)
            own = [*own, tokens.row("l", 3), tokens.row("e", 1), *(tokens.row("u", d) for d in lower)]
            own.append(tokens.row("w", last))
        rows += own
        if done.halted:
            break
    return rows


def agree(program, stdin=b"", digit_bits=8, seed=0, most=MOST):
    tokens, draw = Tokens(digit_bits), random.Random(seed)
    rows = emitted(program, tokens, stdin, most)
    listener, counter = Listener(tokens, program), Counter(tokens, program)
    at, said, output = 0, None, b""
    while at < len(rows):
        some = rows[at : at + draw.choice([1, 1, 2, 3, 7, 50, 1000])]
        at += len(some)
        told = b""
        for row in some:
            new = listener.read(row)
            told += tokens.kind(row)[1].to_bytes(1) if tokens.kind(row)[0] == "o" else b""
            said = new or said
        # Going on from what was saved is going on.
        state, counter = counter.state(), Counter(tokens, program)
        counter.restore(state)
        assert counter.read(np.array(some)) == told
        assert counter.instructions == listener.instructions
        assert counter.tokens == at
        output += told
    assert said is not None
    if said.exit is None and not said.trap:
        assert counter.end is None
    else:
        assert counter.end is not None
        assert (counter.end.exit, counter.end.pc) == (said.exit, said.pc)
        assert not said.trap or counter.end.word == said.word
    return counter, output


@pytest.mark.parametrize("path", C_FILES, ids=lambda path: path.stem)
def test_chunks_of_every_example_say_what_their_tokens_say(path):
    given = path.with_suffix(".in")
    stdin = given.read_bytes() if given.exists() else b""
    counter, output = agree(compile_c(path), stdin)
    assert path.with_suffix(".out").read_bytes().startswith(output)
    assert counter.instructions == MOST or counter.end is not None


@pytest.mark.parametrize("digit_bits", [8, 12, 16])
@pytest.mark.parametrize("ending", ["exit", "illegal", "ebreak", "branch", "jal", "jalr"])
def test_chunks_of_random_programs_say_what_their_tokens_say(ending, digit_bits):
    for seed in range(4):
        program, stdin = random_program(seed, 300, ending=ending)
        counter, _ = agree(program, stdin, digit_bits, seed)
        assert counter.end is not None
        assert (counter.end.exit is None) == (ending != "exit")


def test_a_jump_that_says_where_the_machine_is_is_no_instruction():
    """200 instructions in a row fall through three ends of stretches, each said by a jump; a real one follows."""
    words = [encode("addi", rd=5, rs1=5, immediate=1)] * 200
    words += [encode("jal", immediate=8), 0, encode("addi", rd=17, immediate=93), encode("ecall")]
    data = b"".join(word.to_bytes(4, "little") for word in words)
    program, tokens = Program(entry=0, segments=(Segment(address=0, data=data),)), Tokens(8)
    rows = emitted(program, tokens)
    jumps = sum(tokens.kind(row)[0] == "j" for row in rows)
    counter, _ = agree(program)
    assert jumps == 4
    assert counter.instructions == 203


def test_a_word_that_was_written_over_is_told_when_it_traps():
    words = [encode("addi", rd=5, immediate=7), encode("sw", rs2=5, immediate=12), encode("fence.i"), encode("addi")]
    data = b"".join(word.to_bytes(4, "little") for word in words)
    counter, _ = agree(Program(entry=0, segments=(Segment(address=0, data=data),)))
    assert counter.end is not None
    assert (counter.end.exit, counter.end.pc, counter.end.word) == (None, 12, 7)


def test_tokens_that_carry_nothing_out_are_stopped_and_bytes_and_instructions_count_as_progress():
    tokens = Tokens(8)
    counter = Counter(tokens, Program(entry=0, segments=()))
    idle = np.full(IDLE // 2, tokens.row("l", 3))
    for _ in range(3):
        counter.read(idle)
        expect_progress(counter)
        counter.read(np.array([tokens.row("o", 65)]))
    counter.read(np.append(idle, tokens.row("s", 1)))
    expect_progress(counter)
    counter.read(idle)
    counter.read(idle)
    with pytest.raises(FolderError, match=r"1,024 tokens after instruction 1 at pc 0x00000004 and carried none out"):
        expect_progress(counter)
