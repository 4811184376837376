"""The C library against the one of this machine: the same C, compiled for both, prints the same."""

from pathlib import Path

import pytest

from seme.machines.rv32.reference import Reference
from seme.machines.rv32.retired import run
from seme.machines.rv32.toolchain import compile_c
from support.native import run_natively

FOLDER = Path(__file__).parent / "c"
LIMIT = 20_000_000
NAMES = ["floating", "library", "mathematics", "printing", "reading"]


def both(name: str, folder: Path, *, step: int) -> tuple[tuple[bytes, int | None], tuple[bytes, int]]:
    source, stdin = FOLDER / f"{name}.c", FOLDER / f"{name}.in"
    given = stdin.read_bytes() if stdin.exists() else b""
    # Formats that do not fit their values are part of what is tested.
    cflags = ["-w", f"-DSTEP={step}"]
    done = run(Reference(compile_c(source, cflags=cflags), given), limit=LIMIT)
    return (done.output, done.exit), run_natively(source, folder, given, cflags)


@pytest.mark.parametrize("name", NAMES)
def test_the_library_agrees_with_the_native_one(name, tmp_path):
    machine, native = both(name, tmp_path, step=9)
    assert machine == native
    assert len(native[0]) > 200


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_library_agrees_with_the_native_one_on_every_value(name, tmp_path):
    machine, native = both(name, tmp_path, step=1)
    assert machine == native


def test_the_heap_gives_memory_back(tmp_path):
    text = """
      #include <stdlib.h>
      int main(void) {
        char *first = malloc(100), *second = malloc(100), *third = malloc(100);
        free(first); free(third); free(second);
        return malloc(300) == first && malloc(10) != first ? 0 : 1;
      }"""
    (tmp_path / "heap.c").write_text(text)
    # The compiler knows of malloc that no two blocks are the same, and would fold the comparison away.
    assert run(Reference(compile_c(tmp_path / "heap.c", cflags=["-fno-builtin"])), limit=LIMIT).exit == 0


@pytest.mark.parametrize("depth", [10_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_the_stack_holds_a_deep_recursion(depth, tmp_path):
    text = """
      static int depth(int n) { volatile int kept = n; return n ? depth(n - 1) + (kept == n) : 0; }
      int main(void) { return depth(DEPTH) == DEPTH ? 0 : 1; }"""
    (tmp_path / "deep.c").write_text(text)
    assert run(Reference(compile_c(tmp_path / "deep.c", cflags=[f"-DDEPTH={depth}"])), limit=LIMIT).exit == 0
