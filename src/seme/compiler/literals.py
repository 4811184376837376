"""Literals: one select as a table over (query class, key class), and conjunctions of them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from seme.compiler.values import Value, require_table
from seme.core.errors import TooLargeError
from seme.lang import expressions as e
from seme.lang.interpreter import label, matches

MOST_PAIRS = 1 << 21
"""Key-query pairs on which a Python predicate may be called."""

MOST_COMPARISONS = 1 << 25
"""Key-query pairs of one table, as bytes in memory."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Literal:
    """A table of which keys match which queries.

    Attributes:
        keys: The key value.
        queries: The query value.
        table: [query classes, key classes] of booleans.
        words: The predicate, for people.
    """

    keys: Value
    queries: Value
    table: np.ndarray
    words: str

    @property
    def one_class_per_query(self) -> bool:
        """Whether no query matches two different key values."""
        return bool((self.table.sum(axis=1) <= 1).all())


Term = tuple[Literal, ...]
"""A conjunction of literals over different keys or queries."""


def literal(node: e.Select, keys: Value, queries: Value) -> Literal:
    """The table of one select."""
    require_table(keys, label(node))
    require_table(queries, label(node))
    words = f"{_named(node.keys)} {node.operator or 'predicate'} {_named(node.queries)}"
    return Literal(keys=keys, queries=queries, table=_table(node, keys, queries), words=words)


def _table(node: e.Select, keys: Value, queries: Value) -> np.ndarray:
    if len(keys.classes) * len(queries.classes) > MOST_COMPARISONS:
        raise TooLargeError(
            f"`{label(node)}` compares {len(keys.classes):,} keys with {len(queries.classes):,} queries",
            hint="compare the parts one after the other: (a < a) | ((a == a) & (b < b)), or shorten --max-length",
        )
    if node.operator and keys.numeric and queries.numeric:
        exact = sorted({Fraction(v) for v in (*keys.classes, *queries.classes)})
        rank = {v: i for i, v in enumerate(exact)}  # ranks compare like the numbers, and exactly
        k = np.array([rank[Fraction(v)] for v in keys.classes])
        q = np.array([rank[Fraction(v)] for v in queries.classes])
        compare = {
            "equal": np.equal,
            "not_equal": np.not_equal,
            "less": np.less,
            "less_equal": np.less_equal,
            "greater": np.greater,
            "greater_equal": np.greater_equal,
        }[node.operator]
        return compare(k[None, :], q[:, None])
    if len(keys.classes) * len(queries.classes) > MOST_PAIRS:
        raise TooLargeError(
            f"`{label(node)}` would be called on {len(keys.classes) * len(queries.classes):,} pairs",
            hint='use a comparison by name ("==", "<", ...) or a shorter --max-length',
        )
    return np.array([[matches(node, k, q) for k in keys.classes] for q in queries.classes], dtype=bool).reshape(
        len(queries.classes), len(keys.classes)
    )


def _named(sequence: e.Sequence) -> str:
    return sequence.name or type(sequence).__name__.lower()


def negated(one: Literal) -> Literal:
    """The complement."""
    return Literal(keys=one.keys, queries=one.queries, table=~one.table, words=f"not {one.words}")


def same_pair(a: Literal, b: Literal) -> bool:
    """Whether two literals are over the same keys and the same queries."""
    return same(a.keys, b.keys) and same(a.queries, b.queries)


def same(a: Value, b: Value) -> bool:
    """Whether two values are the same table over the same atoms."""
    return a is b or (a.carrier is b.carrier and a.table == b.table)
