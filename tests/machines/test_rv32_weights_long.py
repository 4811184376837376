"""Long runs of the RV32IM machine's weights: deep recursion, ten million tokens, whole examples, dense choices."""

import time
from pathlib import Path

import numpy as np
import pytest
import torch

from seme.exchange.writer import save
from seme.execute.sparse import Sparse
from seme.execute.stream import DenseStream
from seme.machines.rv32.emulator import Emulator
from seme.machines.rv32.instructions import encode
from seme.machines.rv32.machine import Listener
from seme.machines.rv32.made import rv32_artifact
from seme.machines.rv32.retired import run as run_emulator
from seme.machines.rv32.toolchain import compile_c
from seme.model.artifact import TokenTable
from support.rv32 import assemble, constant
from support.rv32_weights import TOKENS, lock_step, prompt, touched

pytestmark = [pytest.mark.slow, pytest.mark.timeout(4 * 3600)]

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "c").glob("*.c"))
DEPTH = 100_000
TEN_MILLION = 10_000_000
PIECE = 100_000
POSITIONS = 20_000

A0, RA, SP, T0, T1, T2, A7 = 10, 1, 2, 5, 6, 7, 17
EXIT = [encode("addi", rd=A7, immediate=93), encode("ecall")]


def example(path):
    stdin = path.with_suffix(".in")
    return compile_c(path), stdin.read_bytes() if stdin.exists() else b""


def sum_by_recursion(depth):
    """1 + 2 + ... + depth: every call keeps its argument and where it returns to on the stack."""
    call = [*constant(SP, 0x8000_0000), *constant(A0, depth), encode("jal", rd=RA, immediate=12), *EXIT]
    body = [
        encode("beq", rs1=A0, rs2=0, immediate=4 * 10),
        encode("addi", rd=SP, rs1=SP, immediate=-8),
        encode("sw", rs1=SP, rs2=RA),
        encode("sw", rs1=SP, rs2=A0, immediate=4),
        encode("addi", rd=A0, rs1=A0, immediate=-1),
        encode("jal", rd=RA, immediate=-4 * 5),
        encode("lw", rd=T0, rs1=SP, immediate=4),
        encode("lw", rd=RA, rs1=SP),
        encode("addi", rd=SP, rs1=SP, immediate=8),
        encode("add", rd=A0, rs1=A0, rs2=T0),
        encode("jalr", rs1=RA),
    ]
    return assemble([*call, *body], at=0x1000)


def test_recursion_a_hundred_thousand_deep_comes_back(rv32_sparse):
    program = sum_by_recursion(DEPTH)
    run = lock_step(rv32_sparse.stream(), program, Emulator(program), most=1 << 24, keep=False)
    assert run.divergence is None, run.divergence
    assert run.names["jal"] == DEPTH + 1
    assert run.names["jalr"] == DEPTH + 1
    assert run.last is not None
    assert run.last.exit == DEPTH * (DEPTH + 1) // 2 % 256
    print(f"\n{run.instructions} instructions, {run.count} tokens")


def mixing(rounds):
    """Numbers drawn by shifts go to and from a table of 4096 words; every 2^12 rounds a byte of the sum is put out."""
    at_write = [
        *constant(T2, 0xFFF),
        encode("and", rd=T2, rs1=8, rs2=T2),
        encode("bne", rs1=T2, immediate=4 * 8),
        encode("sb", rs1=20, rs2=9, immediate=-8),
        encode("addi", rd=A0, immediate=1),
        encode("addi", rd=11, rs1=20, immediate=-8),
        encode("addi", rd=12, immediate=1),
        encode("addi", rd=A7, immediate=64),
        encode("ecall"),
        encode("addi"),
    ]
    body = [
        encode("slli", rd=T0, rs1=T1, immediate=13),
        encode("xor", rd=T1, rs1=T1, rs2=T0),
        encode("srli", rd=T0, rs1=T1, immediate=17),
        encode("xor", rd=T1, rs1=T1, rs2=T0),
        encode("slli", rd=T0, rs1=T1, immediate=5),
        encode("xor", rd=T1, rs1=T1, rs2=T0),
        encode("srli", rd=T0, rs1=T1, immediate=18),
        encode("andi", rd=T0, rs1=T0, immediate=-4),
        encode("add", rd=T0, rs1=T0, rs2=20),
        encode("lw", rd=T2, rs1=T0),
        encode("sw", rs1=T0, rs2=T1),
        encode("add", rd=9, rs1=9, rs2=T2),
        *at_write,
        encode("addi", rd=8, rs1=8, immediate=-1),
    ]
    start = [*constant(8, rounds), *constant(T1, 2463534242), *constant(20, 0x0010_0000)]
    return assemble([*start, *body, encode("bne", rs1=8, immediate=-4 * len(body)), encode("addi", rd=A0), *EXIT])


def test_ten_million_tokens_put_out_what_the_emulator_does(rv32_sparse):
    program = mixing(380_000)
    stream, listener, output, last, seconds = rv32_sparse.stream(), Listener(TOKENS, program), b"", None, []
    stream.feed(prompt(program))
    while last is None or (last.exit is None and not last.trap):
        start = time.process_time()
        rows = stream.run(PIECE)
        seconds.append((time.process_time() - start) / len(rows))
        for row in rows.tolist():
            said = listener.read(row - TokenTable.FIRST_ID)
            if said is not None:
                last, output = said, output + said.output
    wanted = run_emulator(Emulator(program), limit=1 << 24)
    assert (output, last.exit, listener.instructions) == (wanted.output, wanted.exit, wanted.instructions)
    assert stream.length > TEN_MILLION
    slower = np.mean(seconds[98:100]) / np.mean(seconds[:2])
    print(f"\n{stream.length} tokens, {listener.instructions} instructions, output {output.hex()}")
    print(f"{seconds[0] * 1e6:.2f} us a token at {PIECE}, {slower:.3f} times that at ten million")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_whole_example_runs_in_lock_step(path, rv32_sparse):
    program, stdin = example(path)
    run = lock_step(rv32_sparse.stream(), program, Emulator(program, stdin), stdin, most=1 << 27, keep=False)
    assert run.divergence is None, run.divergence
    assert run.output == path.with_suffix(".out").read_bytes()
    print(f"\n{path.stem}: {run.instructions} instructions, {run.count} tokens")


@pytest.fixture(scope="module")
def in_float32():
    return Sparse(rv32_artifact(dtype="float32", max_length=1 << 12))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_twenty_thousand_choices_are_the_same_in_the_dense_pass(path, dtype, rv32_sparse, in_float32):
    """What float32 must choose is what float64 did; the prompt has the words that so few instructions read."""
    program, stdin = example(path)
    program = touched(program, stdin, POSITIONS)
    rows, stream = prompt(program, stdin), rv32_sparse.stream()
    stream.feed(rows)
    whole = np.concatenate([rows, stream.run(POSITIONS - len(rows))])
    model = rv32_sparse if dtype == "float64" else in_float32
    chosen = DenseStream(model.artifact).feed(whole)
    assert np.array_equal(chosen[len(rows) - 1 : -1], whole[len(rows) :])
    assert np.array_equal(model.stream().feed(whole), chosen)


def test_transformers_generate_decodes_two_thousand_tokens_identically(rv32_sparse, tmp_path):
    import transformers

    program, _ = example(EXAMPLES[[path.stem for path in EXAMPLES].index("mandelbrot")])
    rows, stream = prompt(program), rv32_sparse.stream()
    stream.feed(rows)
    wanted = stream.run(2000)
    save(rv32_artifact(dtype="float32", max_length=1 << 12), tmp_path / "rv32im")
    foreign = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "rv32im")
    assert foreign.dtype == torch.float32
    given = torch.from_numpy(rows)[None]
    made = foreign.generate(given, attention_mask=torch.ones_like(given), max_new_tokens=2000, do_sample=False)
    assert np.array_equal(made[0, len(rows) :].numpy(), wanted)
