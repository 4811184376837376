"""`seme exec` and `seme machine`: programs inside the weights. The machine is made once."""

import io
import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from tests.cli.conftest import EXAMPLES

from seme.cli import executing
from seme.core.errors import FolderError, MissingExtraError
from seme.exchange import load_artifact
from seme.execute.stream import DenseStream
from seme.machines.rv32 import made
from seme.machines.rv32.computer import Computer, carry_on
from seme.machines.rv32.toolchain import compile_c
from seme.machines.rv32.watching import Watcher, watch

HELLO = EXAMPLES / "c" / "hello.c"
ELF_OF_X86 = b"\x7fELF\x02\x01\x01" + bytes(9) + bytes([2, 0, 62, 0, 1]) + bytes(43)
KEYS = {
    "stdout", "exit_code", "instructions", "tokens", "tokens_per_instruction", "seconds", "instructions_per_second",
    "tokens_per_second", "peak_memory_bytes", "model",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What `seme machine` writes."""
    from seme.cli.main import main

    path = tmp_path_factory.mktemp("machines") / "rv32im"
    with pytest.raises(SystemExit) as ended:
        main(["machine", "rv32im", "-o", str(path), "--quiet"])
    assert not ended.value.code
    return path


@pytest.fixture(scope="module")
def computer(folder):
    return Computer(load_artifact(folder))


@pytest.fixture
def run(seme, computer, monkeypatch):
    """`seme exec` on a machine that is loaded already."""
    monkeypatch.setattr(executing, "make_computer", lambda model, engine, quiet: computer)
    return lambda *arguments: seme("exec", *arguments)


@pytest.fixture
def c_file(tmp_path):
    def write(text, name="p.c"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_hello_runs_from_a_saved_folder(seme, folder):
    result = seme("exec", HELLO, "--model", folder)
    assert (result.status, result.out) == (0, "Hello, world!\n")
    assert "172 instructions" in result.err


@pytest.mark.parametrize("name", ["brainfuck", "matrix"])
def test_examples_print_what_they_print_natively(run, name):
    path = EXAMPLES / "c" / f"{name}.c"
    given = ["--input", path.with_suffix(".in").read_text()] if path.with_suffix(".in").exists() else []
    result = run(path, *given)
    assert (result.status, result.out) == (0, path.with_suffix(".out").read_text())


def test_the_status_is_the_programs_own(run, c_file):
    result = run(c_file("int main(void) { return 7; }"), "--quiet")
    assert (result.status, result.out, result.err) == (7, "", "")


def test_json_has_the_documented_keys_and_the_status_inside(run, c_file):
    program = c_file('#include <stdio.h>\nint main(void) { puts("hi"); return 3; }')
    result = run(program, "--json")
    told = result.json
    assert result.status == 0
    assert set(told) >= KEYS | {"schema"}
    assert set(told["model"]) == {"layers", "d_model", "heads", "d_head", "d_mlp", "parameters", "nonzero"}
    assert (told["stdout"], told["exit_code"], told["trap"], told["end"]) == ("hi\n", 3, None, "exit")
    assert told["tokens"] > told["instructions"] > 0
    assert told["tokens_per_instruction"] == pytest.approx(told["tokens"] / told["instructions"])


ECHO = "#include <stdio.h>\nint main(void) { int c; while ((c = getchar()) != EOF) putchar(c + 1); return 0; }"


def test_the_input_is_the_programs_standard_input(run, c_file, monkeypatch):
    assert run(c_file(ECHO), "--input", "HAL").out == "IBM"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"HAL")))
    assert run(c_file(ECHO), "--stdin").out == "IBM"


@pytest.mark.parametrize(("body", "status", "what"), [("unimp", 132, "illegal"), ("ebreak", 133, "EBREAK")])
def test_a_trap_tells_address_and_word(run, c_file, body, status, what):
    result = run(c_file(f'int main(void) {{ __asm__ volatile("{body}"); return 0; }}'))
    assert result.status == status
    assert "error[S042]" in result.err
    assert what in result.err
    assert "pc 0x" in result.err


LOOP = '#include <stdio.h>\nint main(void) { puts("on"); for (;;) __asm__ volatile(""); }'


def test_a_program_that_never_ends_is_stopped_with_what_it_printed(run, c_file):
    result = run(c_file(LOOP), "--max-instructions", "500")
    assert (result.status, result.out) == (1, "on\n")
    assert "error[S043]: the program has not ended after 500 instructions" in result.err
    result = run(c_file(LOOP), "--max-instructions", "500", "--json")
    assert (result.status, result.json["instructions"], result.json["exit_code"]) == (1, 500, None)


def test_what_cannot_be_run_is_refused(run, c_file, tmp_path):
    result = run(c_file("int main(void) { return x; }"))
    assert result.status == 4
    assert "p.c:1:" in result.err
    assert run(tmp_path / "none.c").status == 4
    assert run(c_file("int", "p.txt")).status == 4
    other = tmp_path / "other.elf"
    other.write_bytes(ELF_OF_X86)
    result = run(other)
    assert result.status == 4
    assert "error[S041]" in result.err
    assert run(HELLO, "--input", "a", "--stdin").status == 2
    assert run(HELLO, "--engine", "dense", "--checkpoint", tmp_path / "c").status == 2
    assert run(HELLO, "--check", "--checkpoint", tmp_path / "c").status == 2
    assert run(other, "--cflags", "-O1").status == 2
    assert run(HELLO, "--cflags", "'").status == 2


def test_a_model_that_is_no_machine_is_refused(seme, reverse_folder):
    result = seme("exec", HELLO, "--model", reverse_folder)
    assert result.status == 4
    assert "no RV32 machine" in result.err


def test_a_missing_extra_is_told(run, monkeypatch):
    def without(*arguments, **options):
        raise MissingExtraError("compiling C", "machines")

    monkeypatch.setattr(executing, "compile_c", without)
    result = run(HELLO)
    assert result.status == 3
    assert "seme[machines]" in result.err


def test_flags_for_the_compiler_are_passed_on(run, c_file):
    assert run(c_file("int main(void) { return N; }"), "--cflags", "-DN=9 -O1").status == 9


def test_a_checkpoint_is_resumed_to_the_identical_trace(run, tmp_path):
    path = EXAMPLES / "c" / "matrix.c"
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run(path, "--max-instructions", "9000", "--checkpoint", whole)
    for most in ("3000", "4111", "9000"):
        assert run(path, "--max-instructions", most, "--checkpoint", parts).status == 1
    assert parts.read_bytes() == whole.read_bytes()
    result = run(path, "--checkpoint", parts, "--json")
    assert result.json["stdout"] == path.with_suffix(".out").read_text()
    # It has ended; asked again, nothing is left to do.
    again = run(path, "--checkpoint", parts, "--json").json
    assert (again["exit_code"], again["instructions"]) == (0, result.json["instructions"])


def test_a_checkpoint_of_another_program_or_a_damaged_one_is_refused(run, tmp_path, computer):
    saved = tmp_path / "saved"
    run(HELLO, "--max-instructions", "50", "--checkpoint", saved)
    assert run(HELLO, "--input", "x", "--checkpoint", saved).status == 4
    data = bytearray(saved.read_bytes())
    for at in (3, 40, len(data) - 5):
        broken = bytearray(data)
        broken[at] ^= 1
        saved.write_bytes(broken)
        told = run(HELLO, "--checkpoint", saved)
        assert told.status == 4, at
        assert str(saved) in "".join(told.err.split()), at


def test_check_agrees_with_the_emulator_and_trace_names_the_heads(run):
    result = run(HELLO, "--check", "--trace")
    assert (result.status, result.out) == (0, "Hello, world!\n")
    lines = result.err.splitlines()
    assert len([line for line in lines if "fetch<-" in line]) == 172
    assert "addi sp, sp, -0x10" in lines[1]
    assert "x2=0x0<-" in lines[1]
    assert "-> x2=0xfffffff0" in lines[1]
    assert "all as the emulator has it" in lines[-1]


def test_a_damaged_weight_is_caught_by_check(seme, computer, monkeypatch):
    """The digits 4 and 5 are unembedded as each other: one of them is wrong where it is next said."""
    weights = dict(computer.artifact.weights)
    unembed = weights["unembed.W_U"].clone()
    rows = [computer.tokens.row("z", value) + 2 for value in (4, 5)]
    unembed[:, rows] = unembed[:, rows[::-1]]
    damaged = Computer(replace(computer.artifact, weights=weights | {"unembed.W_U": unembed}))
    monkeypatch.setattr(executing, "make_computer", lambda model, engine, quiet: damaged)
    result = seme("exec", EXAMPLES / "c" / "matrix.c", "--check")
    assert result.status == 1
    assert "diverged after " in result.err
    assert "as the emulator has it;" not in result.err
    assert "error[S044]: instruction " in result.err
    assert "by the weights, expected" in result.err
    with_json = seme("exec", EXAMPLES / "c" / "matrix.c", "--check", "--json")
    told = with_json.json
    found = told["divergence"]
    assert (with_json.status, told["end"], told["exit_code"]) == (1, "divergence", None)
    assert set(found) == {"instruction", "pc", "word", "text", "field", "weights", "emulator"}
    assert found["instruction"] < told["instructions"]
    assert found["weights"] != found["emulator"]
    assert f"instruction {found['instruction']:,} at pc {found['pc']:#010x} (`{found['text']}`)" in result.err


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A few instructions: constants, a link, a store, a load."""
    path = tmp_path_factory.mktemp("c") / "tiny.c"
    path.write_text(
        'int main(void) { __asm__ volatile("lui t0, 0x12345\\n auipc t1, 0\\n sh t0, 6(sp)\\n jal ra, 1f\\n 1: '
        'lw t2, 4(sp)\\n li a7, 93\\n li a0, 5\\n ecall"); __builtin_unreachable(); }'
    )
    return compile_c(path)


def test_the_dense_engine_chooses_the_same_tokens_and_its_registers_and_stores_are_checked(computer, tiny):
    dense = Computer(computer.artifact, engine="dense")
    watcher = Watcher(dense, tiny, checked=True)
    run = dense.start(tiny, hook=watcher.hook)
    ran = watch(run, watcher, most=60)
    fast = computer.start(tiny)
    told = carry_on(fast, most=60)
    assert (ran.end, ran.tokens, ran.instructions) == (told.end, told.tokens, told.instructions)
    # The same positions, teacher-forced.
    stream, other = DenseStream(computer.artifact), computer.stream()
    assert np.array_equal(stream.feed(run.prompt), other.feed(run.prompt))


def test_a_stopped_run_tells_so_and_leaves_a_checkpoint(computer, tmp_path, run, monkeypatch):
    from contextlib import contextmanager

    asked = []

    @contextmanager
    def interrupted():
        yield lambda: len(asked) > 3 or asked.append(0)

    monkeypatch.setattr(executing, "interrupts", interrupted)
    path, saved = EXAMPLES / "c" / "matrix.c", tmp_path / "saved"
    result = run(path, "--checkpoint", saved)
    assert result.status == 130
    assert "interrupted" in result.err
    monkeypatch.undo()
    monkeypatch.setattr(executing, "make_computer", lambda model, engine, quiet: computer)
    assert run(path, "--checkpoint", saved, "--json").json["stdout"] == path.with_suffix(".out").read_text()


def test_memory_that_is_too_small_is_told(computer, monkeypatch, tiny):
    from seme.core.errors import TooLargeError
    from seme.machines.rv32 import computer as module

    monkeypatch.setattr(module, "free_memory", lambda: 1000)
    with pytest.raises(TooLargeError, match="not enough memory for this run"):
        Computer(computer.artifact, engine="dense").start(tiny)
    run = computer.start(tiny)

    def full(rows, *, choices):
        raise MemoryError

    monkeypatch.setattr(run.stream, "feed", full)
    with pytest.raises(TooLargeError, match="memory is out"):
        run.feed()


def test_without_a_model_the_machine_is_made_once(computer, monkeypatch, tmp_path):
    count, said = [], []

    def make():
        count.append(1)
        return computer.artifact

    monkeypatch.setattr(made, "rv32_artifact", make)
    first = made.cached_artifact(said=said.append, cache=tmp_path)
    again = made.cached_artifact(said=said.append, cache=tmp_path)
    assert (len(count), len(said)) == (1, 1)
    assert first.spec == again.spec
    monkeypatch.setattr(made, "fingerprint", lambda: "other")
    made.cached_artifact(said=said.append, cache=tmp_path)
    assert len(count) == 2


def test_the_cache_keeps_the_two_machines_used_last(computer, monkeypatch, tmp_path):
    monkeypatch.setattr(made, "rv32_artifact", lambda: computer.artifact)
    monkeypatch.setattr(made, "save", lambda artifact, folder: folder.mkdir())
    monkeypatch.setattr(made, "load_artifact", lambda folder: computer.artifact)
    (tmp_path / "rv32im-notes.txt").write_text("not ours to delete")

    def used(version, at):
        monkeypatch.setattr(made, "fingerprint", lambda: version)
        monkeypatch.setattr("seme.core.cache.time.time_ns", lambda: at * 10**9)
        made.cached_artifact(cache=tmp_path)
        return sorted(path.name for path in tmp_path.iterdir() if path.is_dir())

    assert used("a", 1) == ["rv32im-a"]
    assert used("b", 2) == ["rv32im-a", "rv32im-b"]
    assert used("a", 3) == ["rv32im-a", "rv32im-b"]
    assert used("c", 4) == ["rv32im-a", "rv32im-c"]
    assert used("d", 5) == ["rv32im-c", "rv32im-d"]
    assert (tmp_path / "rv32im-notes.txt").exists()


def test_a_machine_that_goes_from_the_cache_while_it_is_read_is_made_anew(computer, monkeypatch, tmp_path):
    monkeypatch.setattr(made, "rv32_artifact", lambda: computer.artifact)
    made.cached_artifact(cache=tmp_path)
    (folder,) = tmp_path.iterdir()
    (folder / "model.safetensors").unlink()
    said = []
    assert made.cached_artifact(said=said.append, cache=tmp_path) is computer.artifact
    assert "cannot be read" in said[0]
    assert (folder / "model.safetensors").exists()


def test_a_machine_has_its_own_options(seme, tmp_path):
    assert seme("machine", "rv32im", "1RB", "-o", tmp_path / "m").status == 2
    assert seme("machine", "turing", "bb2", "--digit-bits", "8", "-o", tmp_path / "m").status == 2


def test_a_turing_machine_is_saved(seme, tmp_path):
    result = seme("machine", "turing", "bb2", "-o", tmp_path / "bb2", "--json")
    assert result.json["layers"] > 0
    assert json.loads((tmp_path / "bb2" / "config.json").read_text())["n_layer"] == result.json["layers"]
    with pytest.raises(FolderError):
        Computer(load_artifact(tmp_path / "bb2"))
