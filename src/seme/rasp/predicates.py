"""When a key is selected for a query: comparisons, and what becomes of predicates that are put together.

Comparisons of the same two values form an algebra: each is the set of outcomes (less, equal, greater) it accepts,
so their and, or and not are comparisons again. A program's selectors therefore stay comparisons for as long as
possible, which a compiler can do more with than with a Python function.
"""

from __future__ import annotations

import enum
import operator
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from seme.rasp.base import EvaluationError


class Predicate(Protocol):
    """Says whether a key is selected for a query."""

    def __call__(self, key: Any, query: Any, /) -> Any:
        """True when it is."""
        ...


class Comparison(enum.Enum):
    """The predicates that have names."""

    EQ = "=="
    LT = "<"
    LEQ = "<="
    GT = ">"
    GEQ = ">="
    NEQ = "!="
    TRUE = "True"
    FALSE = "False"

    def __call__(self, key: Any, query: Any) -> bool:
        """Compares key and query, in that order.

        Raises:
            EvaluationError: One of them is None.
        """
        for role, value in (("key", key), ("query", query)):
            if value is None:
                raise EvaluationError(
                    f"{role} is None in the comparison {self.name}",
                    hint="give the aggregate it comes from a default, or use a function of (key, query)",
                )
        return compare(self, key, query)


_OUTCOMES = MappingProxyType(
    {
        Comparison.FALSE: frozenset(),
        Comparison.LT: frozenset("<"),
        Comparison.EQ: frozenset("="),
        Comparison.GT: frozenset(">"),
        Comparison.LEQ: frozenset("<="),
        Comparison.GEQ: frozenset(">="),
        Comparison.NEQ: frozenset("<>"),
        Comparison.TRUE: frozenset("<=>"),
    }
)
_BY_OUTCOMES = MappingProxyType({outcomes: comparison for comparison, outcomes in _OUTCOMES.items()})

_FUNCTIONS: MappingProxyType[Comparison, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        Comparison.EQ: operator.eq,
        Comparison.LT: operator.lt,
        Comparison.LEQ: operator.le,
        Comparison.GT: operator.gt,
        Comparison.GEQ: operator.ge,
        Comparison.NEQ: operator.ne,
    }
)


def compare(comparison: Comparison, key: Any, query: Any) -> bool:
    """The outcome of a comparison of two values, neither of which is None."""
    if comparison in _FUNCTIONS:
        return bool(_FUNCTIONS[comparison](key, query))
    return comparison is Comparison.TRUE


@dataclass(frozen=True, eq=False, slots=True)
class Bound:
    """A predicate whose key or query is always the same value."""

    inner: Predicate
    value: Any
    is_key: bool

    def __call__(self, key: Any, query: Any) -> bool:
        """The inner predicate with the value in place of the key or the query."""
        return self.inner(self.value, query) if self.is_key else self.inner(key, self.value)


@dataclass(frozen=True, eq=False, slots=True)
class Joined:
    """Both or either of two predicates."""

    first: Predicate
    second: Predicate
    both: bool

    def __call__(self, key: Any, query: Any) -> bool:
        """Both predicates are asked, so that either may complain."""
        first, second = self.first(key, query), self.second(key, query)
        return (first and second) if self.both else (first or second)


@dataclass(frozen=True, eq=False, slots=True)
class Negated:
    """The opposite of a predicate."""

    inner: Predicate

    def __call__(self, key: Any, query: Any) -> bool:
        """True where the inner predicate is not."""
        return not self.inner(key, query)


def negated(predicate: Predicate) -> Predicate:
    """The opposite of a predicate; of a comparison it is a comparison."""
    if isinstance(predicate, Comparison):
        return _BY_OUTCOMES[_OUTCOMES[Comparison.TRUE] - _OUTCOMES[predicate]]
    return Negated(predicate)


def joined(first: Predicate, second: Predicate, *, both: bool) -> Predicate:
    """And (`both`) or or of two predicates of the same key and query; of two comparisons it is a comparison."""
    if isinstance(first, Comparison) and isinstance(second, Comparison):
        a, b = _OUTCOMES[first], _OUTCOMES[second]
        return _BY_OUTCOMES[a & b if both else a | b]
    return Joined(first, second, both)


def every_key(key: Any, query: Any) -> bool:
    """Selects every key."""
    return True


def no_key(key: Any, query: Any) -> bool:
    """Selects no key."""
    return False


def total(predicate: Predicate) -> Predicate:
    """The same predicate where it is defined; a comparison with None, which is not, selects nothing.

    Weights cannot raise, so this is what a compiled program does where an evaluated one complains.
    """
    match predicate:
        case Comparison.TRUE:
            return every_key
        case Comparison.FALSE:
            return no_key
        case Comparison():
            comparison = predicate
            return lambda key, query: key is not None and query is not None and compare(comparison, key, query)
        case Bound():
            return Bound(total(predicate.inner), predicate.value, predicate.is_key)
        case Joined():
            return Joined(total(predicate.first), total(predicate.second), predicate.both)
        case Negated():
            return Negated(total(predicate.inner))
    return predicate
