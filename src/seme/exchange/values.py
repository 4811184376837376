"""Python values in JSON such that the type comes back: 1, "1", True, None, 1.0, 1/3, (1, "a")."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from seme.core.errors import UsageError


def to_json(value: Any) -> Any:
    """A value as plain JSON.

    What JSON has is written as it is; a fraction is {"fraction": "1/3"}, a tuple {"tuple": [...]}, a float that JSON
    lacks {"float": "inf"}.

    Raises:
        UsageError: A value of another type.
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, Fraction):
        return {"fraction": f"{value.numerator}/{value.denominator}"}
    if isinstance(value, tuple):
        return {"tuple": [to_json(item) for item in value]}
    raise UsageError(
        f"cannot save the value {value!r} of type {type(value).__name__}",
        hint="tokens and labels can be None, booleans, strings, numbers, fractions and tuples of these",
    )


def from_json(stored: Any) -> Any:
    """The value `to_json` was given.

    Raises:
        ValueError: This is not what `to_json` writes.
    """
    if stored is None or isinstance(stored, (bool, int, float, str)):
        return stored
    match stored:
        case {"float": str(text)}:
            return float(text)
        case {"fraction": str(text)}:
            return Fraction(text)
        case {"tuple": list(items)}:
            return tuple(from_json(item) for item in items)
    raise ValueError(f"{stored!r} is not a stored value")


def text_of(value: Any) -> str:
    """What a label is called where only text is possible: 3 is "3", None is "None", a string is itself."""
    return value if isinstance(value, str) else str(value)
