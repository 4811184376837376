"""Batched checking of reverse at length 20 against the interpreter, oracle included, on one core."""

from __future__ import annotations

import random
import time
from typing import Any

from benchmarks.machine import examples, one_thread, peer

TARGET = 5000
"""Sequences per second."""

SEQUENCES = 20_000
PEER_SEQUENCES = 50


def measure() -> dict[str, Any]:
    one_thread()
    import seme
    from seme.compiler.check import check
    from seme.lang.oracle import oracle

    program = examples()["reverse"]
    model = seme.compile(program)
    rng = random.Random(0)
    sequences = [rng.choices(program.vocab, k=20) for _ in range(SEQUENCES)]
    check(model, oracle(program), iter(sequences[:512]))
    start, used = time.perf_counter(), time.process_time()
    report = check(model, oracle(program), iter(sequences))
    taken, used = time.perf_counter() - start, time.process_time() - used
    start = time.perf_counter()
    model.raw(sequences)
    weights = time.perf_counter() - start
    found: dict[str, Any] = {
        "checked": report.checked,
        "wrong": report.wrong,
        "sequences_per_second": round(SEQUENCES / taken),
        "sequences_per_core_second": round(SEQUENCES / used),  # the same where nothing else runs on the core
        "target": TARGET,
        "weights_alone_per_second": round(SEQUENCES / weights),
    }
    if peer() is not None:
        theirs = _peer_rate(sequences)
        found["tracr_weights_alone_per_second"] = round(theirs, 1)
        found["ratio_of_weights_alone"] = round(SEQUENCES / weights / theirs, 1)
    return found


def _peer_rate(sequences: list[list[Any]]) -> float:
    from benchmarks.peer import compiled

    model = compiled("reverse", sorted({token for xs in sequences for token in xs}), 20)
    model.apply(["BOS", *sequences[0]])
    start = time.perf_counter()
    for xs in sequences[:PEER_SEQUENCES]:
        model.apply(["BOS", *xs])
    return PEER_SEQUENCES / (time.perf_counter() - start)
