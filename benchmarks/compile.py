"""Compile time of every example program, at length 20 and vocabulary 26 where the program leaves that open."""

from __future__ import annotations

from typing import Any

from benchmarks.machine import examples, one_thread, seconds
from benchmarks.peer import PROGRAMS as PEER_PROGRAMS
from benchmarks.peer import measure as measure_peer

TARGET_SECONDS = 0.2
"""Per program, in a warm process."""


def measure() -> dict[str, Any]:
    one_thread()
    import seme

    seme.compile(seme.lang.tokens, vocab="ab", max_length=2)
    rows = {}
    for name, program in examples().items():
        model = seme.compile(program)
        took = seconds(lambda program=program: seme.compile(program))
        row: dict[str, Any] = {
            "seconds": round(took, 4),
            "length": program.max_length,
            "vocabulary": len(program.vocab),
            "parameters": sum(weight.numel() for weight in model.artifact.weights.values()),
        }
        if name in PEER_PROGRAMS:
            vocab = list(range(1, len(program.vocab) + 1)) if name == "sort" else list(program.vocab)
            peer = measure_peer(name, vocab, program.max_length)
            if peer is not None:
                row["tracr"] = peer | {
                    "seconds_ratio": round(peer["seconds"] / took, 1),
                    "parameters_ratio": round(peer["parameters"] / row["parameters"], 1),
                }
        rows[name] = row
    times = [row["seconds"] for row in rows.values()]
    slow = [name for name, row in rows.items() if row["seconds"] > TARGET_SECONDS]
    return {"target_seconds": TARGET_SECONDS, "slowest": max(times), "above_target": slow, "programs": rows}
