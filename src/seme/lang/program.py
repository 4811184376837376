"""A program: named outputs with the vocabulary and the length they are meant for."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from seme.core.errors import InputError, ProgramError
from seme.lang.expressions import Count, Expression, Length, Positions, Sequence, Tokens


@runtime_checkable
class Translates(Protocol):
    """Anything that can be written as an expression of this language, such as a RASP expression."""

    def to_lang(self, shared: dict[Any, Any]) -> Sequence:
        """The same computation as a sequence of `seme.lang`.

        Args:
            shared: One dictionary for all outputs of a program, for what they have in common.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A closed program.

    Attributes:
        outputs: Name to sequence; a single output is named "output".
        vocab: The tokens a user may give, in a fixed order.
        max_length: The most tokens a user may give.
        causal: Whether a position sees only itself and those before it.
        name: What to call the program.
    """

    outputs: Mapping[str, Sequence]
    vocab: tuple[Any, ...]
    max_length: int
    causal: bool = False
    name: str = ""

    def check_input(self, xs: Iterable[Any]) -> list[Any]:
        """The input as a list.

        Raises:
            InputError: A token is not in the vocabulary, or there are more than `max_length`.
        """
        if not isinstance(xs, Iterable):
            raise InputError(
                f"input is a {type(xs).__name__}, expected a sequence of tokens", hint='"abc" or [1, 2, 3]'
            )
        xs = list(xs)
        if len(xs) > self.max_length:
            raise InputError(
                f"input has {len(xs)} tokens, expected at most {self.max_length}",
                hint="compile with a larger --max-length",
            )
        known = {(type(t), t) if isinstance(t, bool) else t for t in self.vocab}
        for position, x in enumerate(xs):
            if not _hashable(x) or ((type(x), x) if isinstance(x, bool) else x) not in known:
                raise InputError(
                    f"unknown token {x!r} at position {position}, expected one of {_some(self.vocab)}",
                    hint="tokens keep their type: 1 is not '1'",
                )
        return xs


def program(
    output: Any = None,
    /,
    *,
    vocab: Iterable[Any],
    max_length: int,
    causal: bool = False,
    name: str = "",
    **outputs: Any,
) -> Program:
    """Binds expressions to a vocabulary and a length.

    Args:
        output: The single output, or a mapping of names to outputs.
        vocab: The tokens a user may give: an iterable of strings, numbers or booleans; a set is put in order.
        max_length: The most tokens a user may give, not counting anything the model adds.
        causal: True for programs where a position sees only itself and those before it.
        name: What to call the program.
        outputs: Several named outputs.

    Raises:
        ProgramError: There is no output, the vocabulary is empty or repeats itself, or nothing depends on the input.
    """
    named = dict(output) if isinstance(output, Mapping) else ({} if output is None else {"output": output})
    named |= outputs
    for key in named:
        if not re.fullmatch(r"[\w.+-]+", str(key)):
            raise ProgramError(
                f"{key!r} cannot name an output", hint="use letters, digits and . + - _, as in next_token"
            )
    if not named:
        raise ProgramError("a program needs at least one output", hint="program(expression, vocab=..., max_length=...)")
    ordered = _vocabulary(vocab)
    if not isinstance(max_length, int) or isinstance(max_length, bool) or max_length < 1:
        raise ProgramError(f"max_length is {max_length!r}, expected a positive integer", hint="max_length=20")
    shared: dict[Any, Any] = {}
    sequences = {key: _sequence(key, value, shared) for key, value in named.items()}
    leaves = [e for s in sequences.values() for e in walk(s)]
    if not any(isinstance(e, (Tokens, Positions, Length, Count)) for e in leaves):  # a count sees how long the input is
        raise ProgramError("the program depends on nothing: no token, position or length is read", hint="use tokens")
    return Program(outputs=sequences, vocab=ordered, max_length=max_length, causal=causal, name=name)


def walk(expression: Expression) -> Iterator[Any]:
    """Every expression below and including this one, each once, arguments first."""
    done: set[int] = set()
    stack: list[tuple[Expression, bool]] = [(expression, False)]
    while stack:
        node, expanded = stack.pop()
        if id(node) in done:
            continue
        if expanded:
            done.add(id(node))
            yield node
        else:
            stack.append((node, True))
            stack.extend((child, False) for child in reversed(node.arguments))


def _sequence(name: str, value: Any, shared: dict[Any, Any]) -> Sequence:
    if isinstance(value, Sequence):
        return value
    if isinstance(value, Translates):
        return value.to_lang(shared)
    raise ProgramError(f"output `{name}` is a {type(value).__name__}, expected a sequence", hint="see docs/language.md")


def _vocabulary(vocab: Iterable[Any]) -> tuple[Any, ...]:
    if not isinstance(vocab, Iterable):
        raise ProgramError(f"vocab is a {type(vocab).__name__}, expected tokens", hint='vocab="abc" or vocab=range(10)')
    values = list(vocab)
    if isinstance(vocab, (set, frozenset)):
        values.sort(key=lambda t: (type(t).__name__, t))
    if not values:
        raise ProgramError("the vocabulary is empty", hint='vocab="abc" or vocab=range(10)')
    for value in values:
        if not isinstance(value, (str, int, float, bool)):
            raise ProgramError(f"token {value!r} is a {type(value).__name__}", hint="use strings, numbers or booleans")
        if value == "":
            raise ProgramError("a token is the empty string, which no tokenizer can find", hint="give it a name")
        if isinstance(value, float) and not math.isfinite(value):
            raise ProgramError(f"token {value!r} is not a finite number", hint="use a string for it")
    if len({(str(value), type(value)) for value in values}) < len(values) or len(set(values)) < len(values):
        twice = next(v for i, v in enumerate(values) if v in values[:i])
        hint = "leave one out" if isinstance(twice, str) else "1, 1.0 and True are the same token"
        raise ProgramError(f"the vocabulary has the same token twice: {twice!r}", hint=hint)
    return tuple(values)


def _hashable(x: Any) -> bool:
    return isinstance(x, (str, int, float, bool))


def _some(vocab: tuple[Any, ...], most: int = 12) -> str:
    shown = " ".join(repr(t) for t in vocab[:most])
    return shown + (f" ... ({len(vocab)} in all)" if len(vocab) > most else "")
