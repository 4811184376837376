"""The syntax tree of programs: sequences (one value per position) and selectors (which keys each query sees).

Comparison and arithmetic operators build new expressions, so expressions compare and hash by identity.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from seme.core.errors import ProgramError

Tie = Literal["first", "last", "lowest", "only"]
Kind = Literal["number", "category"]

_PACKAGE = str(Path(__file__).resolve().parent.parent)


def source_line() -> str:
    """`file:line` of the nearest caller outside the package."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith((_PACKAGE, "<")):
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}" if frame is not None else ""


@dataclass(eq=False, slots=True, kw_only=True)
class Expression:
    """What sequences and selectors share.

    Attributes:
        name: The name given by the programmer, or "".
        source: `file:line` where the expression was written.
    """

    name: str = ""
    source: str = field(default_factory=source_line)

    @property
    def arguments(self) -> tuple[Expression, ...]:
        """The expressions this one is computed from."""
        return ()

    def named(self, name: str) -> Any:
        """Gives the expression a name, which follows it into the weights. Returns the named expression."""
        own = self._own()
        own.name = name
        return own

    def _own(self) -> Any:
        """The expression itself, or a copy of what all programs share: tokens, positions, length."""
        return self if self.arguments else replace(self, source=source_line())


@dataclass(eq=False, slots=True, kw_only=True)
class Sequence(Expression):
    """One value at every position."""

    as_kind: Kind | None = None

    def numerical(self) -> Sequence:
        """Asks for one number (one logit) where this sequence is an output. Returns the sequence that asks."""
        own = self._own()
        own.as_kind = "number"
        return own

    def categorical(self) -> Sequence:
        """Asks for one label per value where this sequence is an output. Returns the sequence that asks."""
        own = self._own()
        own.as_kind = "category"
        return own

    # Operators. Python's own functions do the work, so a program means what the same Python means.
    def __add__(self, other: Any) -> Sequence:
        return operation("add", self, other)

    def __radd__(self, other: Any) -> Sequence:
        return operation("add", other, self)

    def __sub__(self, other: Any) -> Sequence:
        return operation("subtract", self, other)

    def __rsub__(self, other: Any) -> Sequence:
        return operation("subtract", other, self)

    def __mul__(self, other: Any) -> Sequence:
        return operation("multiply", self, other)

    def __rmul__(self, other: Any) -> Sequence:
        return operation("multiply", other, self)

    def __truediv__(self, other: Any) -> Sequence:
        return operation("divide", self, other)

    def __rtruediv__(self, other: Any) -> Sequence:
        return operation("divide", other, self)

    def __floordiv__(self, other: Any) -> Sequence:
        return operation("floor_divide", self, other)

    def __rfloordiv__(self, other: Any) -> Sequence:
        return operation("floor_divide", other, self)

    def __mod__(self, other: Any) -> Sequence:
        return operation("modulo", self, other)

    def __rmod__(self, other: Any) -> Sequence:
        return operation("modulo", other, self)

    def __neg__(self) -> Sequence:
        return operation("negative", self)

    def __abs__(self) -> Sequence:
        return operation("absolute", self)

    def __lt__(self, other: Any) -> Sequence:
        return operation("less", self, other)

    def __le__(self, other: Any) -> Sequence:
        return operation("less_equal", self, other)

    def __gt__(self, other: Any) -> Sequence:
        return operation("greater", self, other)

    def __ge__(self, other: Any) -> Sequence:
        return operation("greater_equal", self, other)

    def __eq__(self, other: Any) -> Sequence:  # type: ignore[override]
        return operation("equal", self, other)

    def __ne__(self, other: Any) -> Sequence:  # type: ignore[override]
        return operation("not_equal", self, other)

    def __and__(self, other: Any) -> Sequence:
        return operation("and", self, other)

    def __rand__(self, other: Any) -> Sequence:
        return operation("and", other, self)

    def __or__(self, other: Any) -> Sequence:
        return operation("or", self, other)

    def __ror__(self, other: Any) -> Sequence:
        return operation("or", other, self)

    def __xor__(self, other: Any) -> Sequence:
        return operation("xor", self, other)

    def __rxor__(self, other: Any) -> Sequence:
        return operation("xor", other, self)

    def __invert__(self) -> Sequence:
        return operation("not", self)

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        raise ProgramError(
            "a sequence has no single truth value",
            hint="write & | ~ for and/or/not of sequences, and seme.lang.where(condition, a, b) for if",
        )


@dataclass(eq=False, slots=True, kw_only=True)
class Tokens(Sequence):
    """The input."""


@dataclass(eq=False, slots=True, kw_only=True)
class Positions(Sequence):
    """0, 1, 2 ... : the index of each of the user's tokens."""


@dataclass(eq=False, slots=True, kw_only=True)
class Length(Sequence):
    """How many tokens a position can see: all of them, or in a causal program those up to itself."""


@dataclass(eq=False, slots=True, kw_only=True)
class Constant(Sequence):
    """The same value everywhere."""

    value: Any


@dataclass(eq=False, slots=True, kw_only=True)
class Map(Sequence):
    """A Python function of the values at one position.

    Attributes:
        function: Called with one value per argument; it must be pure.
        inputs: The argument sequences.
        operator: The name in `seme.lang.operators` when it is one of ours, else "".
    """

    function: Callable[..., Any]
    inputs: tuple[Sequence, ...]
    operator: str = ""

    @property
    def arguments(self) -> tuple[Expression, ...]:
        """The argument sequences."""
        return self.inputs


@dataclass(eq=False, slots=True, kw_only=True)
class RealFunction(Sequence):
    """A real function computed to within a stated error by piecewise-linear neurons.

    Attributes:
        function: One of exp, log, sqrt, reciprocal.
        input: A sequence of numbers.
        error: Largest absolute error allowed, or None when `neurons` says how many to spend.
        neurons: Neurons to spend, or None.
    """

    function: str
    input: Sequence
    error: float | None = None
    neurons: int | None = None

    @property
    def arguments(self) -> tuple[Expression, ...]:
        """The input sequence."""
        return (self.input,)


@dataclass(eq=False, slots=True, kw_only=True)
class Aggregate(Sequence):
    """What the selected keys hold: the mean of numbers, or the value of categories."""

    selector: Selector
    value: Sequence
    default: Any = None
    tie: Tie | None = None

    @property
    def arguments(self) -> tuple[Expression, ...]:
        """The selector and the value sequence."""
        return (self.selector, self.value)


@dataclass(eq=False, slots=True, kw_only=True)
class Count(Sequence):
    """How many keys are selected."""

    selector: Selector

    @property
    def arguments(self) -> tuple[Expression, ...]:
        """The selector."""
        return (self.selector,)


@dataclass(eq=False, slots=True, kw_only=True)
class Selector(Expression):
    """For every query position, a set of key positions."""

    def __and__(self, other: Selector) -> Selector:
        return Both(left=self, right=_selector(other))

    def __or__(self, other: Selector) -> Selector:
        return Either(left=self, right=_selector(other))

    def __invert__(self) -> Selector:
        return Neither(inner=self)

    def __bool__(self) -> bool:
        raise ProgramError("a selector has no truth value", hint="write & | ~ for and/or/not of selectors")


@dataclass(eq=False, slots=True, kw_only=True)
class Select(Selector):
    """Keys for which `predicate(key, query)` is true.

    Attributes:
        operator: The name of the comparison when the predicate is one of ours, else "".
    """

    keys: Sequence
    queries: Sequence
    predicate: Callable[[Any, Any], Any]
    operator: str = ""

    @property
    def arguments(self) -> tuple[Expression, ...]:
        """Keys and queries."""
        return (self.keys, self.queries)


@dataclass(eq=False, slots=True, kw_only=True)
class Both(Selector):
    """Keys that both selectors select."""

    left: Selector
    right: Selector

    @property
    def arguments(self) -> tuple[Expression, ...]:
        """The two selectors."""
        return (self.left, self.right)


@dataclass(eq=False, slots=True, kw_only=True)
class Either(Selector):
    """Keys that at least one of the selectors selects."""

    left: Selector
    right: Selector

    @property
    def arguments(self) -> tuple[Expression, ...]:
        """The two selectors."""
        return (self.left, self.right)


@dataclass(eq=False, slots=True, kw_only=True)
class Neither(Selector):
    """Visible keys that the selector does not select."""

    inner: Selector

    @property
    def arguments(self) -> tuple[Expression, ...]:
        """The inner selector."""
        return (self.inner,)


def as_sequence(value: Any) -> Sequence:
    """Wraps plain values as constants; leaves sequences as they are."""
    if isinstance(value, Sequence):
        return value
    if isinstance(value, Expression):
        raise ProgramError("a selector was used where a sequence is expected", hint="count(selector) or aggregate(...)")
    return Constant(value=plain(value, "an argument"))


def plain(value: Any, what: str) -> Any:
    """A value that can stand at a position, unchanged.

    Raises:
        ProgramError: It is a sequence, a list, or anything else that cannot.
    """
    if value is not None and not isinstance(value, (str, int, float, Fraction, tuple)):
        raise ProgramError(
            f"{what} is a {type(value).__name__}, expected a plain value such as 0 or 'a'",
            hint="to choose between sequences write where(condition, a, b)",
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise ProgramError(f"{what} is {value}, expected a finite number", hint="use None for nothing")
    return value


def _selector(value: Any) -> Selector:
    if not isinstance(value, Selector):
        raise ProgramError(f"expected a selector, got {type(value).__name__}", hint="make one with select(...)")
    return value


def operation(name: str, *inputs: Any) -> Map:
    """A map by one of the named operators of `seme.lang.operators`."""
    from seme.lang.operators import OPERATORS

    return Map(function=OPERATORS[name], inputs=tuple(as_sequence(x) for x in inputs), operator=name)
