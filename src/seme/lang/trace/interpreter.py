"""What a trace program means: slow, obvious, one position at a time. The oracle for its weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from seme.core.errors import ProgramError
from seme.lang.trace.program import TraceProgram
from seme.lang.trace.words import (
    Bank,
    Before,
    Field,
    Found,
    Later,
    Part,
    RunningSum,
    Several,
    Stairs,
    Step,
    Sum,
    Tables,
    Within,
    Word,
)


class Tracer:
    """The tokens so far, and what every word was at each.

    Args:
        program: The program.
    """

    def __init__(self, program: TraceProgram):
        self.program = program
        self._order = program.words()
        self._emitted = program.emitted()
        self._found: dict[int, dict[tuple[int, ...], tuple[int, ...]]] = {}
        self._sums: dict[int, int] = {}
        self._past: dict[int, list[tuple[int, ...]]] = {}
        self._now: dict[int, Any] = {}
        self.length = 0

    def read(self, row: int) -> None:
        """Goes on by one token, given by its place in the vocabulary."""
        self._now = {}
        for node in self._order:
            self._now[id(node)] = self._value(node, row)
        self.length += 1

    def value(self, word: Word) -> int:
        """What a word is at the latest position."""
        return self._now[id(word)]

    def next(self) -> int:
        """The token that follows.

        Raises:
            ProgramError: What is emitted is no token.
        """
        key = tuple(self._now[id(word)] for word in self.program.emit.values())
        for row, fields in self._matching(key):
            if all(f is None or f == k for f, k in zip(fields, key, strict=True)):
                return row
        told = ", ".join(f"{name}={value}" for name, value in zip(self.program.emit, key, strict=True))
        raise ProgramError(f"no token has {told} (after {self.length} tokens)", hint="check what the program emits")

    def _matching(self, key: tuple[int, ...]) -> Iterable[tuple[int, tuple[int | None, ...]]]:
        if key in self._emitted:
            return [(self._emitted[key], key)]
        return [(row, fields) for fields, row in self._emitted.items() if None in fields]

    def _value(self, node: Word | Several, row: int) -> Any:
        now = self._now
        match node:
            case Field():
                value = node.values[row]
            case Sum():
                value = node.constant + sum(weight * now[id(term)] for weight, term in node.terms)
            case Bank():
                value = sum(weight * max(0, now[id(term)]) for weight, term in node.terms)
            case Step():
                value = int(now[id(node.of)] >= node.least)
            case Stairs():
                value = max(0, now[id(node.of)] // node.rise)
            case Tables():
                return node.rows[now[id(node.of)] - node.of.lo]
            case Found():
                return self._find(node)
            case Before():
                past = self._past.setdefault(id(node), [])
                past.append(tuple(now[id(value)] for value in node.values))
                return past[-1 - node.offset] if len(past) > node.offset else node.default
            case RunningSum():
                value = self._sums[id(node)] = self._sums.get(id(node), 0) + now[id(node.of)]
            case Part():
                value = now[id(node.of)][node.index]
            case Within():
                value = now[id(node.of)]
            case Later():
                value = now[id(node.parts()[0])]
            case _:
                raise TypeError(type(node).__name__)
        if not node.lo <= value <= node.hi:  # a vouched range that does not hold
            raise ProgramError(
                f"`{node.name or type(node).__name__}` is {value} after {self.length} tokens, "
                f"vouched to be from {node.lo} to {node.hi} ({node.source})",
                hint="widen its range, or mend the program",
            )
        return value

    def _find(self, node: Found) -> tuple[int, ...]:
        now, kept = self._now, self._found.setdefault(id(node), {})
        if now[id(node.where)]:
            key = tuple(now[id(bit)] for bit in node.key)
            values = tuple(now[id(value)] for value in node.values)
            if node.first:
                kept.setdefault(key, values)
            else:
                kept[key] = values
        return kept.get(tuple(now[id(bit)] for bit in node.query), node.default)


def interpret(program: TraceProgram, prompt: Iterable[str], most: int) -> list[str]:
    """The tokens the program puts after a prompt.

    Args:
        program: The program.
        prompt: Texts of tokens.
        most: The most tokens to add; fewer come where one ends the trace.
    """
    tracer, texts = Tracer(program), program.vocabulary.texts
    for text in prompt:
        tracer.read(program.vocabulary.row(text))
    out: list[str] = []
    while len(out) < most:
        row = tracer.next()
        out.append(texts[row])
        if texts[row] in program.stops:
            break
        tracer.read(row)
    return out
