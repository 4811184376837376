"""What can be proved of a term: that it selects at most one key, at least one, or ranks the positions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from seme.compiler.arithmetic import is_integer
from seme.compiler.literals import Literal, Term, same, same_pair
from seme.compiler.values import role


def at_most_one(term: Term) -> bool:
    """Whether the term provably selects at most one key for any query."""
    return any(one.keys.distinct and one.one_class_per_query for one in term)


def always_one(term: Term, *, causal: bool) -> bool:
    """Whether the term provably selects at least one key for any query."""
    if all(one.table.all() for one in term):
        return True
    if all(same(one.keys, one.queries) and bool(np.diag(one.table).all()) for one in term):
        return True  # every position selects itself
    return len(term) == 1 and _hits_a_position(term[0], causal=causal)


def _hits_a_position(one: Literal, *, causal: bool) -> bool:
    """Whether the query is always the position of some visible token and the select is equality with it."""
    if role(one.keys) != "positions" or not one.queries.numeric:
        return False
    keys, queries = np.asarray(one.keys.classes), np.array([float(Fraction(v)) for v in one.queries.classes])
    if not np.array_equal(one.table, keys[None, :] == queries[:, None]):
        return False
    if one.queries.carrier.kind == "constant":
        roles, offset = {}, Fraction(one.queries.table[0])
    else:
        bases = one.queries.linear or ((one.queries, Fraction(1)),)
        roles, offset = {}, one.queries.offset
        for base, coefficient in bases:
            roles[role(base)] = roles.get(role(base), Fraction(0)) + coefficient
    if set(roles) - {"positions", "length"}:
        return False
    i, n = roles.get("positions", Fraction(0)), roles.get("length", Fraction(0))
    if causal:
        return (i, n, offset) in ((1, 0, 0), (0, 0, 0))
    size = one.keys.carrier.size
    corners = [(0, 1), (0, size), (size - 1, size)]  # (position, length) at the corners of what can occur
    return all(0 <= i * p + n * m + offset <= m - 1 for p, m in corners)


def is_strict_order(terms: list[Term]) -> bool:
    """Whether the terms spell a strict total order of the positions: (a < a') or (a = a' and b < b') ...

    Then the number of selected keys is a rank, different at every position.
    """
    return _order(terms)


def _order(terms: list[Term]) -> bool:
    if not terms or not all(same(one.keys, one.queries) for term in terms for one in term):
        return False
    first = terms[0][0]
    now = [t for t in terms if len(t) == 1 and same_pair(t[0], first)]
    later = [t for t in terms if t not in now]
    if len(now) != 1:
        return False
    less = now[0][0].table
    if (less & less.T).any() or np.diag(less).any() or not _transitive(less):
        return False
    tied = ~(less | less.T)
    if not later:
        return first.keys.distinct and bool((tied == np.eye(len(tied), dtype=bool)).all())
    rest: list[Term] = []
    for term in later:
        ties = [one for one in term if same_pair(one, first)]
        if len(ties) != 1 or not np.array_equal(ties[0].table, tied):
            return False
        rest.append(tuple(one for one in term if not same_pair(one, first)))
    return _transitive(tied) and _order(rest)


def _transitive(relation: np.ndarray) -> bool:
    step = relation.astype(np.float32)
    return not ((step @ step > 0) & ~relation).any()


def is_matching_of_integers(one: Literal) -> bool:
    """Whether the select is equality of integers on both sides."""
    if not (is_integer(one.keys) and is_integer(one.queries)):
        return False
    if any(abs(v) > 1 << 53 for v in (*one.keys.classes, *one.queries.classes)):
        return False
    keys = np.array([float(v) for v in one.keys.classes])
    queries = np.array([float(v) for v in one.queries.classes])
    return np.array_equal(one.table, keys[None, :] == queries[:, None])
