"""Scores: the query and key vectors of one head, from the literals of its term.

A selected key scores exactly zero and any other at most -1: every literal contributes a penalty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seme.compiler.builder import Builder
from seme.compiler.literals import Literal, Term
from seme.compiler.values import code
from seme.ir import Form, constant_form, stack_forms

WIDEST_TABLE = 64
"""An order relation over more classes than this is compared digit by digit instead of class by class."""

Factor = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scores:
    """The two sides of a head's score, and the ideal vectors they can be, group by group of components."""

    query: Form
    key: Form
    factors: tuple[Factor, ...]


Group = tuple[Form, Form, Factor]
ONE = np.ones((1, 1))


def penalties(builder: Builder, term: Term, *, averaged: bool = False, robust: int) -> Scores:
    """Query and key vectors whose product is 0 for a selected key and at most -1 for any other.

    Args:
        builder: The graph to add to.
        term: The literals.
        averaged: Whether selected keys are averaged: then their scores must agree to the last digits, which
            one-hots do (every product is zero) and +-1 bits only nearly do.
        robust: Passed on to codes.
    """
    groups = [group for one in term if not one.table.all() for group in _penalty(builder, one, averaged, robust=robust)]
    if not groups:
        groups = [(constant_form([0.0]), constant_form([0.0]), (np.zeros((1, 1)), np.zeros((1, 1))))]
    queries, keys, factors = zip(*groups, strict=True)
    return Scores(query=stack_forms(list(queries)), key=stack_forms(list(keys)), factors=factors)


def _penalty(builder: Builder, one: Literal, averaged: bool, *, robust: int) -> list[Group]:
    """One literal's query and key forms, with the vectors they can be."""
    rows, row_of = np.unique(one.table, axis=0, return_inverse=True)
    columns, column_of = np.unique(one.table, axis=1, return_inverse=True)
    row_of, column_of = row_of.ravel(), column_of.ravel()
    names = (f"{one.keys.carrier.name}?key", f"{one.queries.carrier.name}?query")
    if len(rows) == 1:
        wrong = -1.0 * ~one.table[0][one.keys.class_of][:, None]
        return [(constant_form([1.0]), code(builder, one.keys, wrong, names[0], robust=robust), (ONE, wrong))]
    if len(columns[0]) == 1:
        wrong = -1.0 * ~one.table[:, 0][one.queries.class_of][:, None]
        return [(code(builder, one.queries, wrong, names[1], robust=robust), constant_form([1.0]), (wrong, ONE))]
    open_rows, open_columns = ~rows.all(axis=1), ~columns.all(axis=0)
    direct = min(int(open_rows.sum()), int(open_columns.sum()))
    # What neurons computed is noisy: a one-hot of it passes on the noise of one direction, bits that of all.
    computed = robust < 2 and "scalar" in (one.keys.carrier.kind, one.queries.carrier.kind)
    block = _blocks(one.table)
    if block is not None:
        query_class, key_class = block
        if averaged and not computed and direct > WIDEST_TABLE:
            return _digit_onehots(builder, one, query_class, key_class, names, robust=robust)
        bits = max(1, int(np.ceil(np.log2(max(query_class.max(), key_class.max()) + 1))))
        if bits + 1 < direct and not ((averaged or computed) and direct <= WIDEST_TABLE):
            q = _signs(query_class, bits)[one.queries.class_of]
            k = _signs(key_class, bits)[one.keys.class_of]
            # Every differing bit costs 2 in the product: halved, a mismatch costs at least 1.
            query = code(builder, one.queries, q / 2, names[1], robust=robust)
            key = code(builder, one.keys, k, names[0], robust=robust)
            factor = (np.concatenate([q / 2, np.ones((len(q), 1))], axis=1), np.pad(k, ((0, 0), (0, 1))))
            factor[1][:, -1] = -bits / 2
            both = (stack_forms([query, constant_form([1.0])]), stack_forms([key, constant_form([-bits / 2])]))
            return [(*both, (np.unique(factor[0], axis=0), np.unique(factor[1], axis=0)))]
    by_key = int(open_columns.sum()) <= int(open_rows.sum())
    if computed and max(int(open_columns.sum()), int(open_rows.sum())) <= WIDEST_TABLE:
        by_key = one.keys.carrier.kind != "scalar"  # the one-hot stands on the side that is exact
    if by_key:
        live = np.flatnonzero(open_columns)
        k = (column_of[:, None] == live[None, :]).astype(float)[one.keys.class_of]
        q = -1.0 * ~columns[:, live][one.queries.class_of]
    else:
        live = np.flatnonzero(open_rows)
        q = (row_of[:, None] == live[None, :]).astype(float)[one.queries.class_of]
        k = -1.0 * ~rows[live].T[one.keys.class_of]
    query = code(builder, one.queries, q, names[1], robust=robust)
    key = code(builder, one.keys, k, names[0], robust=robust)
    return [(query, key, (np.unique(q, axis=0), np.unique(k, axis=0)))]


def _digit_onehots(
    builder: Builder,
    one: Literal,
    query_class: np.ndarray,
    key_class: np.ndarray,
    names: tuple[str, str],
    *,
    robust: int,
) -> list[Group]:
    """Equality of class numbers, digit by digit: one-hots keep selected scores exactly zero, which bits do not."""
    base = int(np.ceil(np.sqrt(max(query_class.max(), key_class.max()) + 1)))
    groups: list[Group] = []
    for q_digit, k_digit in ((query_class // base, key_class // base), (query_class % base, key_class % base)):
        q = -1.0 * (q_digit[:, None] != np.arange(base))[one.queries.class_of]
        k = (k_digit[:, None] == np.arange(base)).astype(float)[one.keys.class_of]
        query = code(builder, one.queries, q, names[1], robust=robust)
        key = code(builder, one.keys, k, names[0], robust=robust)
        groups.append((query, key, (np.unique(q, axis=0), np.unique(k, axis=0))))
    return groups


def _blocks(table: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Class numbers of queries and keys when the table says "same class", else None.

    Queries that select nothing and keys that nothing selects get numbers of their own.
    """
    rows, row_of = np.unique(table, axis=0, return_inverse=True)
    if (rows.sum(axis=0) > 1).any():
        return None
    row_of = row_of.ravel()
    key_class = np.where(table.any(axis=0), rows.argmax(axis=0), -1)
    number = len(rows)
    if not rows.any(axis=1).all():
        empty = int(np.flatnonzero(~rows.any(axis=1))[0])
        key_class = np.where(key_class == -1, number, key_class)
        assert not (key_class == empty).any()
    elif (key_class == -1).any():
        key_class = np.where(key_class == -1, number, key_class)
    return row_of, key_class


def _signs(numbers: np.ndarray, bits: int) -> np.ndarray:
    return 2.0 * ((numbers[:, None] >> np.arange(bits)[None, :]) & 1) - 1.0


def by_digits(term: Term) -> list[Term]:
    """Terms whose wide order relations are compared digit by digit; disjoint like before."""
    out: list[Term] = [()]
    for one in term:
        out = [(*before, *part) for before in out for part in _digits(one)]
    return out


def _digits(one: Literal) -> list[Term]:
    """A wide chain of thresholds as: high digit decides, or high digits agree and the low digit decides."""
    rows, row_of = np.unique(one.table, axis=0, return_inverse=True)
    if len(rows) <= WIDEST_TABLE or _blocks(one.table) is not None:
        return [(one,)]
    sizes = rows.sum(axis=1)
    order = np.argsort(sizes)
    chain = rows[order]
    if not (chain[1:] >= chain[:-1]).all():
        return [(one,)]
    threshold = np.argsort(order)[row_of.ravel()]  # how far up the chain each query's row stands
    level = (~chain).sum(axis=0)  # a key is selected from this step of the chain on
    base = int(np.ceil(np.sqrt(len(chain) + 1)))
    q_high, q_low, k_high, k_low = threshold // base, threshold % base, level // base, level % base
    pair = {"keys": one.keys, "queries": one.queries}
    same = Literal(**pair, table=k_high[None] == q_high[:, None], words=f"{one.words}: high digits agree")
    return [
        (Literal(**pair, table=k_high[None] < q_high[:, None], words=f"{one.words}: high digit"),),
        (same, Literal(**pair, table=k_low[None] <= q_low[:, None], words=f"{one.words}: low digit")),
    ]
