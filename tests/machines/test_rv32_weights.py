"""The machine's weights, in lock step with the plain emulator."""

import pytest

from seme.compiler.trace import compile_trace
from seme.execute.sparse import Sparse
from seme.machines.rv32.machine import Listener, Tokens, prompt_rows
from seme.machines.rv32.reference import Reference
from tests.machines.rv32_programs import machine, random_program

FIRST = 2
"""Rows of the embedding before the vocabulary's: begin and padding."""


@pytest.mark.slow
def test_the_weights_run_random_programs_in_lock_step():
    tokens, model = Tokens(8), Sparse(compile_trace(machine(8), max_length=64))
    ran = 0
    for seed in (1, 2, 3):
        program = random_program(seed)
        stream, emulator, listener = model.stream(), Reference(program), Listener(tokens, program)
        stream.feed([0, *(row + FIRST for row in prompt_rows(tokens, program))])
        for row in stream.run(2000):
            said = listener.read(int(row) - FIRST)
            if said is not None:
                done = emulator.step()
                assert said.differs(done) is None, (said, done)
                ran += 1
                if done.halted:
                    break
    assert ran > 300
