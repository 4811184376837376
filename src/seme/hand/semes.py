"""What a model by hand is written with: semes, the spaces that hold them, and formulas over them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from seme.compiler.values import Value
from seme.core.errors import ProgramError
from seme.ir import Form

FINEST = 10**6
"""A threshold given as a float is read as the nearest fraction with at most this denominator: 1/3 means a third."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """The ideal values a seme can have.

    Attributes:
        lo: Smallest.
        hi: Largest.
        points: All of them in order; empty where they are not listed.
        shares: Beside the points, all fractions between 0 and 1 with a denominator up to this.
    """

    lo: float
    hi: float
    points: tuple[float, ...] = ()
    shares: int = 0

    @property
    def logical(self) -> bool:
        """Whether every value is 0 or 1."""
        return bool(self.points) and not self.shares and set(self.points) <= {0.0, 1.0}

    @property
    def listed(self) -> bool:
        """Whether all values are known one by one."""
        return bool(self.points or self.shares)

    def around(self, threshold: Fraction, *, above_is_strict: bool) -> tuple[float, float] | None:
        """The largest value below a threshold and the smallest above; None where all lie on one side.

        Args:
            threshold: Where to part the values.
            above_is_strict: Whether the threshold itself counts as below.
        """
        values = {Fraction(point).limit_denominator(FINEST) for point in self.points}
        for q in range(1, self.shares + 1):
            at = int(threshold * q // 1)
            values |= {Fraction(p, q) for p in (0, at - 1, at, at + 1, q) if 0 <= p <= q}
        above = {v for v in values if v > threshold or (v == threshold and not above_is_strict)}
        below = values - above
        return (float(max(below)), float(min(above))) if above and below else None

    def told(self) -> str:
        """The values, for people."""
        if self.shares:
            return f"fractions between {self.lo:g} and {self.hi:g}"
        if not self.points:
            return f"real numbers between {self.lo:g} and {self.hi:g}"
        some = " ".join(f"{point:g}" for point in self.points[:8])
        return some + (" ..." if len(self.points) > 8 else "")


LOGICAL = Domain(lo=0.0, hi=1.0, points=(0.0, 1.0))


def domain_of(points: set[float]) -> Domain:
    """A list of values."""
    ordered = tuple(sorted(points))
    return Domain(lo=ordered[0], hi=ordered[-1], points=ordered)


class Formula:
    """A statement about one position: semes combined by `&`, `|` and `~`."""

    __slots__ = ()

    def __and__(self, other: Formula) -> Formula:
        return All(parts=(self, as_formula(other)))

    def __or__(self, other: Formula) -> Formula:
        return Some(parts=(self, as_formula(other)))

    def __invert__(self) -> Formula:
        return Not(inner=self)

    def __bool__(self) -> bool:
        raise ProgramError("a seme has no single truth value", hint="write & | ~ for and/or/not of semes")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class All(Formula):
    """A conjunction."""

    parts: tuple[Formula, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Some(Formula):
    """A disjunction."""

    parts: tuple[Formula, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Not(Formula):
    """A negation."""

    inner: Formula


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Above(Formula):
    """Whether a seme lies above a threshold.

    Attributes:
        seme: The seme.
        threshold: The threshold.
        strict: Whether it must lie above it, or may lie on it.
    """

    seme: Seme
    threshold: Fraction
    strict: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seme(Formula):
    """One named direction, readable by neurons and heads. Compared with a number it is a formula.

    Attributes:
        name: Its space's name and its own.
        form: The form of width 1 that reads it.
        domain: Its ideal values.
        owner: The model it belongs to.
        value: How the compiler carries it, where it has one already.
    """

    name: str
    form: Form
    domain: Domain
    owner: object
    value: Value | None = None

    def __gt__(self, threshold: float | Fraction) -> Formula:
        return self._above(threshold, strict=True)

    def __ge__(self, threshold: float | Fraction) -> Formula:
        return self._above(threshold, strict=False)

    def __le__(self, threshold: float | Fraction) -> Formula:
        return Not(inner=self._above(threshold, strict=True))

    def __lt__(self, threshold: float | Fraction) -> Formula:
        return Not(inner=self._above(threshold, strict=False))

    def _above(self, threshold: float | Fraction, *, strict: bool) -> Above:
        if isinstance(threshold, Formula) or not isinstance(threshold, (int, float, Fraction)):
            raise ProgramError(
                f"`{self.name}` is compared with a {type(threshold).__name__}, expected a number",
                hint="compare two values in a compiled part: model.compiled(model.sequence(a) < model.sequence(b))",
            )
        return Above(seme=self, threshold=Fraction(threshold).limit_denominator(FINEST), strict=strict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Space:
    """A named space: a seme for every label.

    Attributes:
        name: Its name.
        labels: What its semes are called.
        semes: The semes, in the order of the labels.
        owner: The model it belongs to.
        value: How the compiler carries it, where always exactly one of its semes is 1 and the others are 0.
    """

    name: str
    labels: tuple[Any, ...]
    semes: tuple[Seme, ...]
    owner: object
    value: Value | None = None

    def __getitem__(self, label: Any) -> Seme:
        for own, seme in zip(self.labels, self.semes, strict=True):
            if type(own) is type(label) and own == label:
                return seme
        raise ProgramError(
            f"space `{self.name}` has no seme {label!r}, expected one of {', '.join(map(repr, self.labels[:12]))}",
            hint="semes are called as they were named; 1, 1.0 and True differ",
        )

    def __iter__(self) -> Iterator[Seme]:
        return iter(self.semes)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part(Space):
    """A compiled part: a space with a seme for every value it can have, where they can be listed.

    Attributes:
        number: The value itself as one seme, where it is a number; None otherwise.
    """

    number: Seme | None = None


def as_formula(value: Any) -> Formula:
    """What stands beside `&` or `|`.

    Raises:
        ProgramError: It is no formula.
    """
    if isinstance(value, Formula):
        return value
    raise ProgramError(
        f"expected a seme or a formula over semes, got {type(value).__name__}",
        hint='take one seme of a space by its name: kinds["open"]',
    )
