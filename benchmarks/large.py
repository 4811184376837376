"""Long programs: compile time, size, peak memory, and what is proved. Each runs in a process of its own."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import ROOT, examples, one_thread, peer

CASES = (
    # program, length, vocabulary, target: seconds, parameters, bytes
    ("reverse", 80, 26, {"seconds": 1.0, "parameters": 300_000}),
    ("reverse", 512, 100, {"seconds": 20.0, "peak_gigabytes": 4.0}),
    ("sort", 512, 100, {"seconds": 20.0, "peak_gigabytes": 4.0}),
)

PEER_LENGTHS = (20, 40, 60)
"""Of reverse over 26 letters; Tracr takes 27 s at length 60 and four minutes at 80."""


def measure() -> dict[str, Any]:
    cases = []
    for name, length, vocabulary, target in CASES:
        found = _child("one", name, length, vocabulary)
        cases.append({"program": name, "length": length, "vocabulary": vocabulary, "target": target, **found})
    out: dict[str, Any] = {"cases": cases}
    if peer() is not None:
        out["tracr_reverse_26"] = []
        for length in PEER_LENGTHS:
            theirs, ours = _child("peer", "reverse", length, 26), _child("one", "reverse", length, 26)
            ratios = {key: round(theirs[key] / ours[key], 1) for key in ("seconds", "parameters")}
            out["tracr_reverse_26"].append({"length": length, "tracr": theirs, "seme": ours, "ratio": ratios})
    return out


def one(name: str, length: int, vocabulary: int) -> dict[str, Any]:
    """Compiles one program in this process, once the compiler is warm."""
    one_thread()
    import seme
    from seme.core.errors import NotProvedError

    program = examples()[name]
    seme.compile(program, max_length=4)
    before = _peak()
    start = time.perf_counter()
    found: dict[str, Any] = {}
    try:
        model = seme.compile(program, vocab=_vocab(vocabulary), max_length=length)
        weights = model.artifact.weights.values()
        found["proved_exact_in_float32"] = True
        found["parameters"] = sum(weight.numel() for weight in weights)
        found["nonzero"] = sum(int(weight.count_nonzero()) for weight in weights)
    except NotProvedError as error:
        found["proved_exact_in_float32"] = False
        found["refusal"] = str(error)
    return {
        "seconds": round(time.perf_counter() - start, 3),
        "peak_gigabytes": round(_peak(), 3),
        "peak_gigabytes_before": round(before, 3),
        **found,
    }


def _peer(name: str, length: int, vocabulary: int) -> dict[str, Any]:
    from benchmarks.peer import measure as measure_peer

    measure_peer(name, ["a", "b"], 3)
    found = measure_peer(name, _vocab(vocabulary), length)
    assert found is not None
    return found | {"peak_gigabytes": round(_peak(), 3)}


def _vocab(size: int) -> list[str]:
    return [chr(ord("a") + i) if size <= 26 else f"t{i:03d}" for i in range(size)]


def _peak() -> float:
    """The most memory this process has held; not `ru_maxrss`, which on Linux begins with what the parent held."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e9
    except (OSError, StopIteration):
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9


def _child(what: str, name: str, length: int, vocabulary: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.large", what, name, str(length), str(vocabulary)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    which, wanted, long, wide = sys.argv[1:]
    print(json.dumps({"one": one, "peer": _peer}[which](wanted, int(long), int(wide))))
