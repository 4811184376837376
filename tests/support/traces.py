"""Trace programs that several tests use."""

from __future__ import annotations

from seme.lang import trace as t


def odometer(longest: int = 4096) -> t.TraceProgram:
    """Four counters in base 4, visited in turn: the latest value of the next counter, plus one; a look three back."""
    tokens = {f"w{k}{v}": {"stop": 0, "key": k, "value": v} for k in range(4) for v in range(4)}
    vocabulary = t.vocabulary(tokens | {"halt": {"stop": 1}})
    key, value = vocabulary["key"], vocabulary["value"]
    following = t.bits(key + 1, 2)
    old = t.latest(value, key=t.bits(key, 2), query=following, default=3)
    new = t.table(old + 1, {v: v % 4 for v in range(5)})
    stop = t.all_of(t.previous(value, 3, default=1) == 2, old == 3)
    emit = {"stop": stop, "key": t.number(following), "value": new}
    return t.trace_program(vocabulary, emit=emit, stops=["halt"], longest=longest, name="odometer")


def memory(longest: int = 4096) -> t.TraceProgram:
    """Reads and writes of a 16-cell memory: the latest and the first write of a cell, and what was never written."""
    tokens = {f"{a}={v}": {"write": 1, "address": a, "value": v} for a in range(16) for v in range(3)}
    tokens |= {f"{a}?": {"write": 0, "address": a, "value": 3} for a in range(16)}
    vocabulary = t.vocabulary(tokens)
    write, address, value = (vocabulary[name] for name in ("write", "address", "value"))
    key = t.bits(address, 4)
    last = t.latest(value, key=key, query=key, where=write, default=3)
    first = t.first(value, key=key, query=key, where=write, default=0)
    # After a read of cell a comes a write of a's first value to a + 5; after a write, a read of the cell before.
    moved = t.table(address + 5 * (1 - write) + 15 * write, {i: i % 16 for i in range(36)})
    known = t.table(last, {0: 0, 1: 1, 2: 2, 3: 0})
    content = t.table(known + first + vocabulary["write"], {i: i % 3 for i in range(8)})
    reading = 1 - write
    shown = t.choose([(reading, content), (write, t.word(3))])
    emit = {"write": reading, "address": moved, "value": shown}
    return t.trace_program(vocabulary, emit=emit, longest=longest, name="memory")


def sums(longest: int = 200) -> t.TraceProgram:
    """A count and a running sum decide what comes."""
    vocabulary = t.vocabulary({f"{k}{p}": {"k": k, "p": p} for k in (0, 1) for p in (0, 1, 2)})
    ones = t.count(vocabulary["k"] == 1, longest=longest)
    total = t.running_sum(vocabulary["p"], longest=longest)
    span = range(total.lo, total.hi + 1)
    kind = t.table(total, {i: i >> 1 & 1 for i in span})
    emit = {"k": kind, "p": t.table(ones, {i: i % 3 for i in range(ones.hi + 1)})}
    return t.trace_program(vocabulary, emit=emit, longest=longest, name="sums")
