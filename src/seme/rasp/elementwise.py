"""Functions of values at one position, kept in a form in which arithmetic can still be recognised.

`x + 1` could be held as a lambda, but then only a table could be made of it. Operators are held as `WithConstant`
or as the function of Python's `operator` module, and maps of maps as a `Chain` of their functions.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


def keep_and(x: Any, y: Any) -> Any:
    """Python's `x and y`: one of the two values, which need not be a boolean."""
    return x and y


def keep_or(x: Any, y: Any) -> Any:
    """Python's `x or y`: one of the two values, which need not be a boolean."""
    return x or y


# The names are those of `seme.lang.operators`. Its `and` and `or` give booleans, so they mean the same as Python's
# only where the operands are booleans; the translation sees to that.
BINARY: MappingProxyType[str, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        "add": operator.add,
        "subtract": operator.sub,
        "multiply": operator.mul,
        "divide": operator.truediv,
        "floor_divide": operator.floordiv,
        "modulo": operator.mod,
        "less": operator.lt,
        "less_equal": operator.le,
        "greater": operator.gt,
        "greater_equal": operator.ge,
        "equal": operator.eq,
        "not_equal": operator.ne,
        "minimum": min,
        "maximum": max,
        "and": keep_and,
        "or": keep_or,
    }
)
_UNARY = MappingProxyType({operator.not_: "not", operator.neg: "negative", abs: "absolute"})


@dataclass(frozen=True, eq=False, slots=True)
class WithConstant:
    """An operator with one operand fixed.

    Attributes:
        name: A key of `BINARY`.
        constant: The fixed operand.
        constant_first: Whether it stands on the left.
    """

    name: str
    constant: Any
    constant_first: bool = False

    def __call__(self, x: Any) -> Any:
        """The value of the operator."""
        function = BINARY[self.name]
        return function(self.constant, x) if self.constant_first else function(x, self.constant)


@dataclass(frozen=True, eq=False, slots=True)
class Chain:
    """Functions applied one after the other."""

    steps: tuple[Callable[[Any], Any], ...]

    def __call__(self, x: Any) -> Any:
        """The value of the last step."""
        for step in self.steps:
            x = step(x)
        return x


@dataclass(frozen=True, eq=False, slots=True)
class Twice:
    """A function of two values given the same value twice."""

    function: Callable[[Any, Any], Any]

    def __call__(self, x: Any) -> Any:
        """The function on the diagonal."""
        return self.function(x, x)


@dataclass(frozen=True, eq=False, slots=True)
class Linear:
    """`a * x + b * y`."""

    a: float
    b: float

    def __call__(self, x: Any, y: Any) -> Any:
        """The weighted sum."""
        return self.a * x + self.b * y


def steps_of(function: Callable[[Any], Any]) -> tuple[Callable[[Any], Any], ...]:
    """The functions a function of one value is a chain of."""
    return function.steps if isinstance(function, Chain) else (function,)


def unary_name(function: Callable[..., Any]) -> str:
    """The name of the operator of one value this function is, or ""."""
    return next((name for known, name in _UNARY.items() if known is function), "")


def binary_name(function: Callable[..., Any]) -> str:
    """The name of the operator of two values this function is, or ""."""
    return next((name for name, known in BINARY.items() if known is function), "")
