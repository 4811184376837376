"""The named operators and what they mean on single values.

Numbers are exact: integers stay integers, and a quotient of integers is a `Fraction`. The compiler knows these
names and spends fewer neurons on them than on an arbitrary table.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any


def divide(a: Any, b: Any) -> Any:
    """A / b, exactly when both are rational."""
    if isinstance(a, (int, Fraction)) and isinstance(b, (int, Fraction)):
        return tidy(Fraction(a) / Fraction(b))
    return a / b


def tidy(value: Any) -> Any:
    """A fraction with denominator one becomes the integer; all else is left as it is."""
    if isinstance(value, Fraction) and value.denominator == 1:
        return value.numerator
    return value


COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = MappingProxyType(
    {
        "equal": operator.eq,
        "not_equal": operator.ne,
        "less": operator.lt,
        "less_equal": operator.le,
        "greater": operator.gt,
        "greater_equal": operator.ge,
    }
)

OPERATORS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        **COMPARISONS,
        "add": operator.add,
        "subtract": operator.sub,
        "multiply": operator.mul,
        "divide": divide,
        "floor_divide": operator.floordiv,
        "modulo": operator.mod,
        "negative": operator.neg,
        "absolute": abs,
        "minimum": min,
        "maximum": max,
        "and": lambda a, b: bool(a and b),
        "or": lambda a, b: bool(a or b),
        "xor": lambda a, b: bool(a) != bool(b),
        "not": operator.not_,
        "bit_and": operator.and_,
        "bit_or": operator.or_,
        "bit_xor": operator.xor,
        "shift_left": operator.lshift,
        "shift_right": operator.rshift,
        "where": lambda condition, a, b: a if condition else b,
    }
)

NUMERIC_RESULTS = frozenset(
    {
        "add", "subtract", "multiply", "divide", "floor_divide", "modulo", "negative", "absolute", "minimum",
        "maximum", "bit_and", "bit_or", "bit_xor", "shift_left", "shift_right",
    }
)  # fmt: skip

REAL_FUNCTIONS: Mapping[str, Callable[[float], float]] = MappingProxyType(
    {"exp": math.exp, "log": math.log, "sqrt": math.sqrt, "reciprocal": lambda x: 1.0 / x}
)


def call(function: Callable[..., Any], operator_name: str, arguments: tuple[Any, ...]) -> Any:
    """Applies a map to single values, by the rules of `docs/semantics.md`.

    None in, None out. A user's function sees a non-integral rational as a float; our operators see it exactly.
    """
    if any(argument is None for argument in arguments) and operator_name != "where":
        return None
    if not operator_name:
        arguments = tuple(float(a) if isinstance(a, Fraction) else a for a in arguments)
    return tidy(function(*arguments))
