"""C programs in the RV32IM machine's weights: instructions a second, making and loading the model, digits of each size.

The peer (`transformer_vm`), where it is installed with clang and a C++ compiler, runs its own programs in the same
run, and the machine runs the same C: only `main` and the names of its print functions are ours.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import ROOT, one_thread

TARGETS = {
    "instructions_per_second, all evaluated": 200_000,
    "instructions_per_second": 600_000,
    "rate at 10 million tokens over rate at 100 thousand": 0.8,
    "seconds_to_make": 10,
    "seconds_to_load": 1,
}
PROGRAMS = ("sudoku", "assignment")
DIGIT_BITS = (8, 12, 16)
"""16 is the fastest once it is made, which takes about 50 s of processor time and 6.6 GB, for 330 thousand tokens.
Where memory is short: `python -m benchmarks.rv32 8 12`."""
SHORT, LONG = 100_000, 10_000_000
REPEATS = 7

ENDLESS = r"""
#include <stdint.h>
static uint32_t table[4096];
volatile uint32_t sum;
int main(void) {
  uint32_t x = 2463534242u;
  for (uint32_t round = 0;; round++) {
    x ^= x << 13, x ^= x >> 17, x ^= x << 5;
    sum += table[x >> 20], table[x >> 20] = x + round;
  }
}
"""
"""Numbers drawn by shifts go to and from a table of 4,096 words, for ever."""

PEER_MAIN = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static inline int str_len(const char *s) { return strlen(s); }
static inline void print_str(const char *s) { fputs(s, stdout); }
static inline void print_int(int n) { printf("%d", n); }
static inline int parse_int(const char *s) { return atoi(s); }
void compute(const char *input);
int main(void) { char text[4096] = ""; fgets(text, sizeof text, stdin); compute(text); return 0; }
"""


def measure(chosen: Sequence[int] = DIGIT_BITS) -> dict[str, Any]:
    one_thread()
    from seme.exchange import load_artifact, save
    from seme.machines.rv32.computer import Computer
    from seme.machines.rv32.made import rv32_artifact

    sizes: dict[int, Any] = {}
    out: dict[str, Any] = {"targets": TARGETS}
    for digit_bits in chosen:
        started = time.perf_counter()
        artifact = rv32_artifact(digit_bits=digit_bits)
        made = time.perf_counter() - started
        with tempfile.TemporaryDirectory() as folder:
            if digit_bits == 8:
                save(artifact, Path(folder) / "rv32im")
                started = time.perf_counter()
                load_artifact(Path(folder) / "rv32im")
                out["seconds_to_load"] = time.perf_counter() - started
        started = time.perf_counter()
        computer = Computer(artifact)
        assert computer.sparse is not None
        sizes[digit_bits] = {
            "seconds_to_make": made,
            "seconds_to_plan_and_build": time.perf_counter() - started,
            "vocabulary": len(artifact.tokens.texts),
            "nonzeros": computer.sparse.report["nonzeros"],
            "programs": {name: _run(computer, *_example(name)) for name in PROGRAMS},
        }
        if digit_bits == 8:
            out["all evaluated"] = _all_evaluated(artifact, computer)
            out["long"] = _long(computer)
            out["peer"] = _peer(computer)
    return out | {"digit_bits": sizes}


def _example(name: str) -> tuple[Any, bytes, bytes]:
    """The program, what it reads, and what it must put out."""
    from seme.machines.rv32.toolchain import compile_c

    path = ROOT / "examples" / "c" / f"{name}.c"
    stdin = path.with_suffix(".in")
    read = stdin.read_bytes() if stdin.exists() else b""
    return compile_c(path), read, path.with_suffix(".out").read_bytes()


def _run(computer: Any, program: Any, stdin: bytes, expected: bytes) -> dict[str, Any]:
    """A program to its end, its prompt included, by the outside clock: the least of several times."""
    from seme.machines.rv32.computer import carry_on

    outputs = [bytearray() for _ in range(REPEATS)]
    runs = [carry_on(computer.start(program, stdin), output=output.extend) for output in outputs]
    ran = min(runs, key=lambda ran: ran.seconds)
    return {
        "output as expected": all(output == expected for output in outputs),
        "instructions": ran.instructions,
        "tokens": ran.tokens,
        "seconds": ran.seconds,
        "tokens_per_instruction": ran.tokens / ran.instructions,
        "instructions_per_second": ran.instructions / ran.seconds,
        "tokens_per_second": ran.tokens / ran.seconds,
    }


def _all_evaluated(artifact: Any, replaying: Any) -> dict[str, Any]:
    """The same programs with every neuron computed, and that the first tokens are the same."""
    from seme.machines.rv32.computer import Computer

    computer = Computer(artifact, replay=False)
    for name in PROGRAMS:
        one, other = (each.start(*_example(name)[:2]) for each in (computer, replaying))
        one.feed()
        other.feed()
        assert np.array_equal(one.more(SHORT), other.more(SHORT)), name
    return {name: _run(computer, *_example(name)) for name in PROGRAMS}


def _long(computer: Any) -> dict[str, float]:
    """Processor seconds of a token at the start of an endless program and ten million tokens further on."""
    program = _compiled(ENDLESS)
    run = computer.start(program)
    run.feed()
    rates: dict[int, float] = {}
    seconds: list[float] = []
    while run.stream.length < LONG + SHORT:
        started = time.process_time()
        rows = run.more(SHORT // 4)
        seconds.append(time.process_time() - started)
        assert len(rows) == SHORT // 4, "the program ended"
    for at in (SHORT, LONG):
        last = at * 4 // SHORT
        rates[at] = SHORT / float(np.sum(seconds[last - 4 : last]))
    return {
        "tokens_per_processor_second at 100 thousand": rates[SHORT],
        "tokens_per_processor_second at 10 million": rates[LONG],
        "rate at 10 million tokens over rate at 100 thousand": rates[LONG] / rates[SHORT],
        "memory_bytes": run.stream.memory,
    }


def _compiled(text: str, flags: tuple[str, ...] = ()) -> Any:
    from seme.machines.rv32.toolchain import compile_c

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "program.c"
        path.write_text(text, encoding="utf-8")
        return compile_c(path, cflags=flags)


def _peer(computer: Any) -> dict[str, Any] | None:
    """The peer's programs with the peer's weights and with ours: seconds, by the outside clock.

    A program passes there where every token is that of the peer's own reference, which is read for what it puts out.
    """
    found = importlib.util.find_spec("transformer_vm")
    if found is None or not found.submodule_search_locations:
        return None
    import yaml

    root = Path(found.submodule_search_locations[0])
    listed = yaml.safe_load((root / "examples" / "manifest.yaml").read_text(encoding="utf-8"))["programs"]
    with contextlib.chdir(root.parent):
        told = subprocess.run(
            [sys.executable, "-m", "transformer_vm.runner"], capture_output=True, text=True, check=True
        )
    theirs = {
        name: {"tokens": int(tokens), "operations": int(operations), "seconds": float(seconds)}
        for name, tokens, operations, seconds in re.findall(
            r"^(\w+): PASS +(\d+) tok, (\d+) ops in ([\d.]+)s", told.stdout + told.stderr, re.MULTILINE
        )
    }
    compared = {}
    for entry in listed:
        text = (root / "examples" / f"{entry['name']}.c").read_text(encoding="utf-8")
        there = theirs[entry["name"]]
        expected = _put_out((root / "data" / f"{entry['name']}_ref.txt").read_text(encoding="utf-8"))
        ours = _run(computer, _compiled(PEER_MAIN + text), str(entry["args"]).encode(), expected)
        compared[entry["name"]] = {"peer": there, "seme": ours, "times faster": there["seconds"] / ours["seconds"]}
    return compared


def _put_out(trace: str) -> bytes:
    """What a trace of the peer puts out: `out(a)` is a letter, `out(0a)` any other byte."""
    bytes_told = [token[4:-1] for token in trace.split() if token.startswith("out(")]
    return bytes(ord(told) if len(told) == 1 else int(told, 16) for told in bytes_told)


if __name__ == "__main__":
    print(json.dumps(measure([int(word) for word in sys.argv[1:]] or DIGIT_BITS), indent=2))
