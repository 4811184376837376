"""Many traces of one program at once: the interpreter's meaning on arrays, for sweeps that it is too slow for."""

from __future__ import annotations

from typing import Any

import numpy as np

from seme.lang.trace.program import TraceProgram
from seme.lang.trace.words import (
    Bank,
    Before,
    Field,
    Found,
    Later,
    Part,
    Several,
    Stairs,
    Step,
    Sum,
    Tables,
    Within,
    Word,
)


class BatchTracer:
    """As `Tracer`, for `size` traces side by side. Held to it by a test."""

    def __init__(self, program: TraceProgram, size: int):
        self.program, self.size, self._order = program, size, program.words()
        self._rows = np.array(list(program.emitted()))
        self._kept: dict[int, Any] = {}
        self.now: dict[int, Any] = {}

    def read(self, rows: np.ndarray) -> None:
        """Goes on by one token in each trace."""
        self.now = {}
        for node in self._order:
            value = self._value(node, rows)
            if isinstance(node, Word):
                assert np.all((node.lo <= value) & (value <= node.hi)), (node.name, node.lo, node.hi)
            self.now[id(node)] = value

    def next(self) -> np.ndarray:
        """The tokens that follow."""
        said = np.stack([np.broadcast_to(self.now[id(w)], self.size) for w in self.program.emit.values()], axis=1)
        scale = 1 << np.arange(said.shape[1])[::-1] * 12
        order = np.argsort(self._rows @ scale)
        at = order[np.searchsorted((self._rows @ scale)[order], said @ scale).clip(max=len(order) - 1)]
        assert np.all(self._rows[at] == said), "what is emitted is no token"
        return at

    def _value(self, node: Word | Several, rows: np.ndarray) -> Any:
        now = self.now
        match node:
            case Field():
                return np.array(node.values)[rows]
            case Sum():
                return sum((w * now[id(t)] for w, t in node.terms), start=np.full(self.size, node.constant))
            case Bank():
                return sum((w * np.maximum(0, now[id(t)]) for w, t in node.terms), start=np.zeros(self.size, dtype=int))
            case Step():
                return (now[id(node.of)] >= node.least).astype(int)
            case Stairs():
                return np.maximum(0, now[id(node.of)] // node.rise)
            case Tables():
                return np.array(node.rows)[now[id(node.of)] - node.of.lo].T
            case Found():
                return self._found(node)
            case Before():
                past = self._kept.setdefault(id(node), [])
                past.append([now[id(value)] for value in node.values])
                if len(past) > node.offset:
                    return past[-1 - node.offset]
                return [np.full(self.size, d) for d in node.default]
            case Part():
                return now[id(node.of)][node.index]
            case Within() | Later():
                return now[id(node.parts()[0])]
        raise TypeError(type(node).__name__)

    def _found(self, node: Found) -> list[np.ndarray]:
        assert not node.first
        weights = [1 << i for i in range(len(node.key))]
        key = sum((w * self.now[id(bit)] for w, bit in zip(weights, node.key, strict=True)), np.zeros(self.size, int))
        query = sum(
            (w * self.now[id(bit)] for w, bit in zip(weights, node.query, strict=True)), np.zeros(self.size, int)
        )
        if id(node) not in self._kept:
            table = np.empty((1 << len(node.key), self.size, len(node.values)), dtype=int)
            table[:] = node.default
            self._kept[id(node)] = table
        table, on = self._kept[id(node)], np.flatnonzero(self.now[id(node.where)])
        table[key[on], on] = np.stack([np.broadcast_to(self.now[id(v)], self.size) for v in node.values], axis=1)[on]
        return list(table[query, np.arange(self.size)].T)
