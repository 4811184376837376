"""The champion of five states to its halt, 47,176,870 tokens: time, memory, whether it slows down, and the floor."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from typing import Any

from benchmarks.machine import ROOT, one_thread, seconds

TARGETS = {"seconds": 60, "aim": 15, "peak_memory_bytes": 10**9, "rate at 10 million over rate at 100 thousand": 0.8}
SHORT, LONG = 100_000, 10_000_000
MOST_SIMULATED = 1_000_000


def measure() -> dict[str, Any]:
    one_thread()
    from seme.execute.sparse import Sparse
    from seme.machines.turing import machine_of, run, simulate, table, turing_model

    started = time.perf_counter()
    artifact = turing_model("bb5")
    made = time.perf_counter() - started
    fast, machine = Sparse(artifact), machine_of(artifact)
    rates = {most: _rate(run(machine, artifact, most=most)) for most in (SHORT, LONG)}
    simulated = seconds(lambda: simulate(table("bb5"), most=MOST_SIMULATED), repeats=1) / MOST_SIMULATED
    whole = _whole()
    left = fast.report["nonzeros"]
    return {
        "bb5": whole,
        "targets": TARGETS,
        "seconds_to_make": round(made, 3),
        "tokens_per_second": rates,
        "rate at 10 million over rate at 100 thousand": round(rates[LONG] / rates[SHORT], 3),
        "nanoseconds_per_token": round(1e9 / rates[LONG], 1),
        "nonzeros_after_folding": left,
        "floor_nanoseconds": round(0.09 * left, 1),
        "python_simulator_nanoseconds_per_step": round(simulated * 1e9, 1),
    }


def _rate(outcome: Any) -> float:
    return outcome.tokens / outcome.seconds


def _whole() -> dict[str, Any]:
    """The command itself, in a process of its own: its peak memory is its own too."""
    words = [sys.executable, "-c", "from seme.cli import main; main()", "turing", "bb5", "--json"]
    before = _children()
    told = json.loads(subprocess.run(words, check=True, capture_output=True, cwd=ROOT).stdout)
    kept = {key: value for key, value in told.items() if key not in ("tape", "schema")}
    return kept | {"core_seconds": round(_children() - before, 2)}


def _children() -> float:
    """Processor time of all processes started so far, their start included."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
