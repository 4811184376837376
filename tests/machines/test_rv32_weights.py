"""The RV32IM machine's weights: every token they emit is held to an independent emulator.

The interpreter's tests say that the program is right; these say that the matrices are.
"""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from seme.execute.stream import DenseStream
from seme.machines.rv32.emulator import Emulator
from seme.machines.rv32.instructions import FORMS
from seme.machines.rv32.reference import Reference
from seme.machines.rv32.toolchain import compile_c
from support import rv32_corners
from support.rv32 import assemble, random_program
from support.rv32_weights import Run, lock_step

PROGRAMS, SIZE = 90, 1000
SEEDS = range(1000, 1000 + PROGRAMS)
ENDINGS = ["exit", "illegal", "ebreak", "branch", "jal", "jalr"]
EXAMPLES = Path(__file__).parents[2] / "examples" / "c"
NOT_SAID = {"lui", "jal", "jalr", "ecall", "fence", "fence.i"} | {form.name for form in FORMS if form.kind in "SB"}
"""Instructions without a result, or whose result the tokens only show when something reads it."""


def test_a_hundred_thousand_random_instructions_run_in_the_weights_as_in_the_emulator(rv32_sparse):
    ran, traps, failed, names = 0, 0, {}, Counter()
    for seed in SEEDS:
        ending = ENDINGS[seed % len(ENDINGS)]
        program, stdin = random_program(seed, SIZE, ending=ending)
        run = lock_step(rv32_sparse.stream(), program, Emulator(program, stdin), stdin)
        ran, names = ran + run.instructions, names + run.names
        if run.divergence or run.last is None or not run.last.halted:
            failed[seed] = run.divergence or "no end"
            continue
        traps += run.last.trap
    assert not failed, f"seeds {sorted(failed)}; the first: {next(iter(failed.values()))}"
    assert ran >= 100_000
    assert set(names) == {form.name for form in FORMS} | {"illegal"}
    assert traps == sum(ENDINGS[seed % len(ENDINGS)] != "exit" for seed in SEEDS)


CORNER_PROGRAMS = {
    "operations": (rv32_corners.OPERATIONS, 38 * 38),
    "branches": (rv32_corners.BRANCHES, 38 * 38),
    "constants": ([*rv32_corners.IMMEDIATES, *rv32_corners.SHIFTS, *rv32_corners.UPPERS], 7),
    "accesses": ([*rv32_corners.LOADS, *rv32_corners.STORES], 64),
    "links": (["jal", "jalr"], 24),
}


@pytest.mark.parametrize("name", CORNER_PROGRAMS)
def test_every_instruction_computes_corner_values_in_the_weights(name, rv32_sparse):
    program = assemble(getattr(rv32_corners, name)(), at=0x4000)
    instructions, times = CORNER_PROGRAMS[name]
    run = lock_step(rv32_sparse.stream(), program, Reference(program))
    assert run.divergence is None, run.divergence
    assert run.last is not None
    assert run.last.trap
    for instruction in instructions:
        assert run.names[instruction] >= times
        assert run.said[instruction] == run.names[instruction] or instruction in NOT_SAID


def test_the_corner_programs_leave_out_no_instruction():
    held = {name for names, _ in CORNER_PROGRAMS.values() for name in names}
    assert {form.name for form in FORMS} - held == {"fence", "fence.i", "ecall", "ebreak"}
