"""Directions of the residual stream used again: what nobody reads any more is erased, and its place taken.

A stream that keeps every value to the end is as wide as all values together. Neurons can erase what has had its last
reader: relu(f) written back with weight -1 leaves zero, and in the same block a new value may be written there.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from seme.compiler.schedule import Schedule
from seme.ir import Attend, Embed, Graph, Neurons, Node, Unembed


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """One seme erased.

    Attributes:
        block: In whose neurons.
        seme: Which seme of the stream.
        node: The node whose value stood there.
        part: Which seme of the node.
        signed: Whether the value can be below zero: it then takes two neurons.
    """

    block: int
    seme: int
    node: str
    part: int
    signed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where every node stands.

    Attributes:
        seme_of: Node name -> its first seme.
        semes: How many semes the stream has.
        erased: What is erased.
        under: Node name -> for each of its semes the erasures that left their residue there.
    """

    seme_of: dict[str, int]
    semes: int
    erased: tuple[Erasure, ...]
    under: dict[str, tuple[tuple[Erasure, ...], ...]]


def in_time(graph: Graph, placed: Schedule) -> tuple[Node, ...]:
    """The nodes in the order in which blocks compute them."""
    return tuple(sorted(graph.nodes, key=lambda node: _written(node, placed)))


def keep_all(graph: Graph, first: int) -> Places:
    """Every value keeps its place to the end."""
    seme_of: dict[str, int] = {}
    for node in graph.nodes:
        if isinstance(node, (Embed, Attend, Neurons)):
            seme_of[node.name] = first
            first += node.space.size
    return Places(seme_of=seme_of, semes=first, erased=(), under={})


def reuse(graph: Graph, placed: Schedule, first: int, *, ending: Collection[str]) -> Places:
    """Places values where others have ended.

    Args:
        graph: The graph.
        placed: Which block computes what.
        first: Semes that are taken already.
        ending: Nodes whose place may be used again.
    """
    last_read = _last_reads(graph, placed)
    free: list[tuple[int, Erasure | None]] = []  # (seme, what ended there), in order
    waiting: list[tuple[int, Erasure]] = []  # (time from which it can be written over, erasure)
    seme_of: dict[str, int] = {}
    history: dict[int, tuple[Erasure, ...]] = {}
    under: dict[str, tuple[tuple[Erasure, ...], ...]] = {}
    erased: list[Erasure] = []
    semes = first
    for node in in_time(graph, placed):
        if not isinstance(node, (Embed, Attend, Neurons)):
            continue
        now = _written(node, placed)
        ended = [erasure for when, erasure in waiting if when < now or (when == now and isinstance(node, Neurons))]
        waiting = [(when, erasure) for when, erasure in waiting if erasure not in ended]
        free = sorted([*free, *((erasure.seme, erasure) for erasure in ended)], key=lambda place: place[0])
        size = node.space.size
        at = _room([seme for seme, _ in free], size)
        if at is None:
            at, semes = semes, semes + size
        for seme, erasure in [place for place in free if at <= place[0] < at + size]:
            assert erasure is not None
            erased.append(erasure)
            history[seme] = (*history.get(seme, ()), erasure)
        free = [place for place in free if not at <= place[0] < at + size]
        seme_of[node.name] = at
        under[node.name] = tuple(history.get(at + i, ()) for i in range(size))
        when = _erasable(last_read.get(node.name, now + 2))
        if node.name in ending and when // 2 < placed.layers:
            for i in range(size):
                signed = bool(node.lo[i] < 0)
                waiting.append((when, Erasure(block=when // 2, seme=at + i, node=node.name, part=i, signed=signed)))
    return Places(seme_of=seme_of, semes=semes, erased=tuple(erased), under=under)


def _written(node: Node, placed: Schedule) -> int:
    """When a value appears: attention of block b at 2b, its neurons at 2b + 1."""
    if isinstance(node, Embed):
        return -1
    if isinstance(node, Unembed):
        return 2 * placed.layers
    return 2 * placed.block[node.name] + (1 if isinstance(node, Neurons) else 0)


def _last_reads(graph: Graph, placed: Schedule) -> dict[str, int]:
    last: dict[str, int] = {}
    for node in graph.nodes:
        for form in node.forms():
            for name, _ in form.terms:
                last[name] = max(last.get(name, -1), _written(node, placed))
    return last


def _erasable(read: int) -> int:
    """When neurons can erase what was last read then: they see the stream before they write."""
    return read if read % 2 else read + 1


def _room(free: list[int], size: int) -> int | None:
    """The first stretch of neighbouring free semes that is long enough."""
    length = 0
    for i, seme in enumerate(free):
        length = length + 1 if i and free[i - 1] == seme - 1 else 1
        if length >= size:
            return seme - size + 1
    return None
