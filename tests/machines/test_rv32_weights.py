"""The RV32IM machine's weights: every token they emit is held to an independent emulator.

The interpreter's tests say that the program is right; these say that the matrices are.
"""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from machines.turing_machines import model as turing_weights
from seme.exchange.writer import save
from seme.execute.stream import DenseStream
from seme.machines.rv32.emulator import Emulator
from seme.machines.rv32.instructions import FORMS
from seme.machines.rv32.made import rv32_artifact
from seme.machines.rv32.reference import Reference
from seme.machines.rv32.toolchain import compile_c
from seme.machines.turing import machine_of
from seme.model.artifact import TokenTable
from seme.model.transformer import forward
from support import rv32_corners
from support.reordered import permuted
from support.rv32 import assemble, random_program
from support.rv32_weights import lock_step, prompt, touched

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


@pytest.fixture(scope="module")
def short():
    """The machine proved in float32."""
    artifact = rv32_artifact(dtype="float32", max_length=1 << 12)
    assert artifact.certificate["length"] == 1 << 18
    assert artifact.certificate["types"]["float32"]["any_order"]
    return artifact


def traced(sparse, program, stdin=b"", *, most):
    """Prompt and emitted tokens of a run that the emulator agrees with, `most` in all."""
    rows = prompt(program, stdin)
    run = lock_step(sparse.stream(), program, Emulator(program, stdin), stdin, most=most - len(rows))
    assert run.divergence is None, run.divergence
    return rows, run.tokens


IN_FLOAT64 = {"mandelbrot", "brainfuck", "quicksort"}
"""The dense pass takes some thirty seconds there; the others are in the slow tests."""


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.c")), ids=lambda path: path.stem)
def test_every_choice_of_the_fast_decoder_is_that_of_the_dense_pass(path, rv32_sparse, short):
    """Two thousand positions of each example; the prompt has the words that so few instructions read."""
    stdin = path.with_suffix(".in").read_bytes() if path.with_suffix(".in").exists() else b""
    program = touched(compile_c(path), stdin, 2000)
    rows, emitted = traced(rv32_sparse, program, stdin, most=2000)
    whole = np.concatenate([rows, emitted])
    assert len(whole) == 2000 or path.stem == "hello"
    chosen = rv32_sparse.stream().feed(whole)
    assert np.array_equal(chosen[len(rows) - 1 : -1], emitted)
    in_float32 = DenseStream(short).feed(whole)
    assert np.array_equal(in_float32[len(rows) - 1 : -1], emitted)
    if path.stem in IN_FLOAT64:
        assert np.array_equal(DenseStream(rv32_sparse.artifact).feed(whole), chosen)


def test_in_float32_any_order_and_more_digits_give_bitwise_the_same(rv32_sparse, short):
    program, stdin = random_program(1, 100)
    rows, emitted = traced(rv32_sparse, program, stdin, most=500)
    tokens = torch.from_numpy(np.concatenate([rows, emitted]))[None]

    def logits(artifact, dtype=torch.float32):
        weights = {name: weight.to(dtype) for name, weight in artifact.weights.items()}
        with torch.inference_mode():
            return forward(artifact.spec, weights, tokens)[0, 1:]  # of the begin token nobody reads them

    want = logits(short)
    assert torch.equal(want, logits(permuted(short, seed=1, paired=False)))
    assert torch.equal(want.double(), logits(short, torch.float64))


def test_adding_up_in_another_order_chooses_the_same_tokens(rv32_sparse):
    """Directions of the residual stream, neurons and heads change places: every sum is taken in another order."""
    program, stdin = random_program(1, 100)
    rows, emitted = traced(rv32_sparse, program, stdin, most=900)
    whole = np.concatenate([rows, emitted])
    other = permuted(rv32_sparse.artifact, seed=1)
    assert not torch.equal(other.weights["blocks.3.mlp.W_in"], rv32_sparse.artifact.weights["blocks.3.mlp.W_in"])
    assert np.array_equal(DenseStream(other).feed(whole)[len(rows) - 1 : -1], emitted)


def test_transformers_generate_decodes_the_saved_folder_identically(rv32_sparse, short, tmp_path):
    rows, emitted = traced(rv32_sparse, compile_c(EXAMPLES / "hello.c"), most=320)
    assert len(emitted) > 60
    assert np.array_equal(generated(short, tmp_path / "rv32im", rows, 60), emitted[:60])


def generated(artifact, folder, rows, count):
    """What `transformers` makes of a saved folder: its own loop, its own forward pass."""
    import transformers

    save(artifact, folder)
    foreign = transformers.AutoModelForCausalLM.from_pretrained(folder)
    assert foreign.dtype == torch.float32
    given = torch.from_numpy(rows)[None]
    made = foreign.generate(given, attention_mask=torch.ones_like(given), max_new_tokens=count, do_sample=False)
    return made[0, len(rows) :].numpy()


def looped(stream, rows, most):
    """Forward, argmax, append: all that decoding is. It is told of no machine."""
    rows = stream.feed(rows)[-1:]
    while len(rows) < most:
        rows = np.append(rows, stream.feed(rows[-1:]))
    return rows


def test_the_same_loop_runs_a_turing_machine_when_it_is_given_other_weights(rv32_sparse):
    program, stdin = random_program(1, 100)
    rows, emitted = traced(rv32_sparse, program, stdin, most=900)
    assert np.array_equal(looped(rv32_sparse.stream(), rows, 150), emitted[:150])
    other = turing_weights("bb4", "float64")
    machine = machine_of(other)
    tape = np.array([machine.program.vocabulary.row(token) + TokenTable.FIRST_ID for token in machine.prompt(None)])
    steps = looped(DenseStream(other), np.array([TokenTable.BEGIN_ID, *tape]), 107)
    assert steps[-1] in other.outputs[0].stops
    assert not any(step in other.outputs[0].stops for step in steps[:-1])
