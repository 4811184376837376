"""Every example gives on the machine what the same C gives natively."""

import re
from pathlib import Path

import pytest

from seme.machines.rv32.emulator import Emulator
from seme.machines.rv32.reference import Reference
from seme.machines.rv32.retired import compare, run
from seme.machines.rv32.toolchain import compile_c
from support.native import run_natively

ROOT = Path(__file__).parents[2]
EXAMPLES, PAGE = ROOT / "examples" / "c", ROOT / "docs" / "machines.md"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.c"))
LIMIT = 2_000_000
LOCK_STEP = 4_000
DRIFT = 1.3


def stdin_of(name: str) -> bytes:
    path = EXAMPLES / f"{name}.in"
    return path.read_bytes() if path.exists() else b""


def expected(name: str) -> bytes:
    return (EXAMPLES / f"{name}.out").read_bytes()


def test_there_are_thirteen_and_each_has_its_output():
    assert len(NAMES) == 13
    assert all(expected(name) for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_expected_output_is_what_the_example_prints_natively(name, tmp_path):
    assert run_natively(EXAMPLES / f"{name}.c", tmp_path, stdin_of(name)) == (expected(name), 0)


def counted(name: str) -> int:
    """What the page says that the example takes."""
    row = re.search(rf"^\| {name} \|.*\| ([\d,]+) \| [\d,]+ \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert row, name
    return int(row[1].replace(",", ""))


@pytest.mark.parametrize("name", NAMES)
def test_the_machine_prints_the_expected_output(name):
    done = run(Reference(compile_c(EXAMPLES / f"{name}.c"), stdin_of(name)), limit=LIMIT)
    assert (done.output, done.exit, done.trap) == (expected(name), 0, None)
    # Another version of the compiler makes other code, but not of another size.
    assert counted(name) / DRIFT < done.instructions < counted(name) * DRIFT


@pytest.mark.parametrize("name", NAMES)
def test_reference_and_emulator_agree_on_its_beginning(name):
    program = compile_c(EXAMPLES / f"{name}.c")
    agreed, divergence = compare(Reference(program, stdin_of(name)), Emulator(program, stdin_of(name)), limit=LOCK_STEP)
    assert divergence is None
    assert agreed == LOCK_STEP or name == "hello"


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_reference_and_emulator_agree_on_all_of_it(name):
    program = compile_c(EXAMPLES / f"{name}.c")
    agreed, divergence = compare(Reference(program, stdin_of(name)), Emulator(program, stdin_of(name)), limit=LIMIT)
    assert divergence is None
    assert agreed < LIMIT
