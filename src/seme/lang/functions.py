"""The words a program is written with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seme.core.errors import ProgramError
from seme.lang.expressions import (
    Aggregate,
    Constant,
    Count,
    Length,
    Map,
    Positions,
    RealFunction,
    Select,
    Selector,
    Sequence,
    Tie,
    Tokens,
    as_sequence,
    operation,
    plain,
)
from seme.lang.operators import COMPARISONS

tokens = Tokens(name="tokens", source="")
positions = Positions(name="positions", source="")
length = Length(name="length", source="")

_SYMBOLS = {
    "==": "equal",
    "!=": "not_equal",
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
}


def constant(value: Any) -> Sequence:
    """The same value at every position."""
    return Constant(value=plain(value, "a constant"))


def map(function: Callable[..., Any], *inputs: Any) -> Sequence:
    """Applies a Python function position by position, to one sequence or to several.

    Args:
        function: Pure; called once for every combination of values its arguments can have.
        inputs: Sequences or plain values.

    >>> from seme.lang import interpret, program
    >>> interpret(program(map(str.upper, tokens), vocab="ab", max_length=3), "ab")
    ['A', 'B']
    """
    if not callable(function) or not inputs:
        raise ProgramError("map takes a function and at least one sequence", hint="map(lambda x: ..., tokens)")
    return Map(function=function, inputs=tuple(as_sequence(x) for x in inputs))


def minimum(a: Any, b: Any) -> Sequence:
    """The smaller of two numbers, position by position."""
    return operation("minimum", a, b)


def maximum(a: Any, b: Any) -> Sequence:
    """The larger of two numbers, position by position."""
    return operation("maximum", a, b)


def where(condition: Any, a: Any, b: Any) -> Sequence:
    """`a` where the condition is true, else `b`."""
    return operation("where", condition, a, b)


def bit_and(a: Any, b: Any) -> Sequence:
    """Bitwise and of integers."""
    return operation("bit_and", a, b)


def bit_or(a: Any, b: Any) -> Sequence:
    """Bitwise or of integers."""
    return operation("bit_or", a, b)


def bit_xor(a: Any, b: Any) -> Sequence:
    """Bitwise exclusive or of integers."""
    return operation("bit_xor", a, b)


def shift_left(a: Any, b: Any) -> Sequence:
    """Integer `a` times two to the `b`."""
    return operation("shift_left", a, b)


def shift_right(a: Any, b: Any) -> Sequence:
    """Integer `a` divided by two to the `b`, rounded down."""
    return operation("shift_right", a, b)


def exp(x: Any, *, error: float | None = None, neurons: int | None = None) -> Sequence:
    """E to the x, within a proved error; give `error`, or `neurons` to spend, or neither for the default error."""
    return _real("exp", x, error, neurons)


def log(x: Any, *, error: float | None = None, neurons: int | None = None) -> Sequence:
    """Natural logarithm of positive numbers, within a proved error."""
    return _real("log", x, error, neurons)


def sqrt(x: Any, *, error: float | None = None, neurons: int | None = None) -> Sequence:
    """Square root of numbers that are not negative, within a proved error."""
    return _real("sqrt", x, error, neurons)


def reciprocal(x: Any, *, error: float | None = None, neurons: int | None = None) -> Sequence:
    """1/x of positive numbers, within a proved error."""
    return _real("reciprocal", x, error, neurons)


def _real(function: str, x: Any, error: float | None, neurons: int | None) -> Sequence:
    if error is not None and neurons is not None:
        raise ProgramError(f"{function} takes an error or a number of neurons, not both", hint="leave one out")
    if error is not None and not error > 0:
        raise ProgramError(f"{function} needs a positive error, got {error}", hint="for example error=0.01")
    if neurons is not None and neurons < 1:
        raise ProgramError(f"{function} needs at least one neuron, got {neurons}", hint="for example neurons=16")
    return RealFunction(function=function, input=as_sequence(x), error=error, neurons=neurons)


def select(keys: Any, queries: Any, predicate: Callable[[Any, Any], Any] | str) -> Selector:
    """For every query position, the key positions with `predicate(key, query)`.

    Args:
        keys: A sequence, or a plain value for the same key everywhere.
        queries: A sequence, or a plain value.
        predicate: A Python function of (key, query), or one of "==", "!=", "<", "<=", ">", ">=".
    """
    name = ""
    if isinstance(predicate, str):
        if predicate not in _SYMBOLS:
            raise ProgramError(f"unknown comparison {predicate!r}", hint=f"use one of {' '.join(_SYMBOLS)}")
        name = _SYMBOLS[predicate]
        function: Callable[[Any, Any], Any] = COMPARISONS[name]
    elif callable(predicate):
        function = predicate
        name = next((n for n, f in COMPARISONS.items() if f is predicate), "")
    else:
        raise ProgramError(f"expected a predicate, got {type(predicate).__name__}", hint='select(tokens, tokens, "==")')
    return Select(keys=as_sequence(keys), queries=as_sequence(queries), predicate=function, operator=name)


def aggregate(selector: Selector, value: Any, *, default: Any = None, tie: Tie | None = None) -> Sequence:
    """What the selected keys hold.

    Args:
        selector: Which keys each query sees.
        value: Numbers are averaged; categories must come from one key (proved, or told by `tie`).
        default: The answer where nothing is selected; any value.
        tie: With several keys selected, take the value of the "first" or the "last" of them, or the "lowest"
            value, instead of a mean. "only" is a promise: no two keys with different categories are ever selected
            at once; an input that breaks it has no answer.
    """
    if tie not in (None, "first", "last", "lowest", "only"):
        raise ProgramError(f"unknown tie rule {tie!r}", hint='use "first", "last", "lowest" or "only"')
    if not isinstance(selector, Selector):
        raise ProgramError(f"expected a selector, got {type(selector).__name__}", hint="make one with select(...)")
    return Aggregate(selector=selector, value=as_sequence(value), default=plain(default, "a default"), tie=tie)


def count(selector: Selector) -> Sequence:
    """How many keys each query selects."""
    if not isinstance(selector, Selector):
        raise ProgramError(f"expected a selector, got {type(selector).__name__}", hint="make one with select(...)")
    return Count(selector=selector)
