"""Long decoding with the sparse executor: a counting Turing machine, against PyTorch in the same run."""

from __future__ import annotations

import time
from typing import Any

STEPS = 100_000
LONG = 10_000_000
DENSE = 300
CELLS = 7
"""Bits of the head's place: 128 cells, 768 tokens."""

RULES = {
    (0, 0): (1, 0, -1),
    (0, 1): (0, 1, 1),
    (0, 2): (0, 2, 1),
    (1, 2): (1, 1, -1),
    (1, 1): (0, 2, 1),
    (1, 0): (0, 2, 1),
}
"""(state, symbol) -> (state, written, move): counts in binary for ever, on as many cells as the count has digits."""


def counter():
    """The machine: a token says state, symbol read and place."""
    from seme.lang.trace import bits, latest, tables, trace_program, vocabulary, within

    places = range(1 << CELLS)
    tokens = {
        f"{state}.{symbol}.{place}": {"state": state, "symbol": symbol, "place": place}
        | {f"b{bit}": place >> bit & 1 for bit in range(CELLS)}
        for state in range(2)
        for symbol in range(3)
        for place in places
    }
    known = vocabulary(tokens)
    case = 3 * known["state"] + known["symbol"]
    columns = [{3 * s + a: rule[part] + (part == 2) for (s, a), rule in RULES.items()} for part in range(3)]
    state, written, move = tables(case, columns, name="rule")
    place = within(known["place"] + move - 1, 0, len(places) - 1)
    key = [known[f"b{bit}"] for bit in range(CELLS)]
    symbol = latest(written, key=key, query=bits(place, CELLS, "to"), name="read")
    return trace_program(known, emit={"state": state, "symbol": symbol, "place": place}, longest=1 << 26, name="count")


def measure() -> dict[str, Any]:
    from seme.compiler.trace import compile_trace
    from seme.execute.sparse import Sparse
    from seme.execute.stream import DenseStream
    from seme.model.artifact import TokenTable

    program = counter()
    artifact = compile_trace(program, max_length=1024)
    started = time.perf_counter()
    sparse = Sparse(artifact)
    loaded = time.perf_counter() - started
    start = [0, program.vocabulary.row(f"0.0.{1 << CELLS - 1}") + TokenTable.FIRST_ID]
    dense, fast = DenseStream(artifact), sparse.stream()
    dense.feed(start)
    fast.feed(start)
    started = time.perf_counter()
    expected = dense.run(DENSE).tolist()
    slow = (time.perf_counter() - started) / DENSE
    same = fast.run(DENSE).tolist() == expected
    out: dict[str, Any] = {
        "nonzeros": sparse.report["nonzeros"],
        "seconds_to_load": loaded,
        "cached": sparse.report["cached"],
        "dense_tokens_per_second": 1 / slow,
        "agrees": same,
    }
    done = 0
    for until in (STEPS, LONG):
        while done < until:
            asked = min(STEPS, until - done)
            started, worked = time.perf_counter(), time.thread_time()
            fast.run(asked)
            seconds, own = time.perf_counter() - started, time.thread_time() - worked
            done += asked
        out[f"at_{until}"] = {"tokens_per_second": asked / seconds, "tokens_per_processor_second": asked / own}
    return out | {"memory_bytes": fast.memory}
