"""Selectors: boolean combinations of selects become disjoint terms, and each term the scores of one head.

A *literal* is a table over (query class, key class). A *term* is a conjunction of literals over different keys and
queries; its score is the sum of its literals' penalties, so a selected key scores exactly zero and any other at
most -1. A disjunction becomes terms that exclude each other, one head each.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from seme.compiler.arithmetic import is_integer
from seme.compiler.builder import Builder
from seme.compiler.joint import joint
from seme.compiler.values import Value, code, require_table, role
from seme.core.errors import NotProvedError, TooLargeError
from seme.ir import Form, constant_form, stack_forms
from seme.lang import expressions as e
from seme.lang.interpreter import label, matches

MOST_PAIRS = 1 << 21
"""Key-query pairs on which a Python predicate may be called."""

MOST_COMPARISONS = 1 << 25
"""Key-query pairs of one table, as bytes in memory."""

MOST_ATOMS = 8
"""Different selects in one selector: its disjoint terms could double with each."""

WIDEST_TABLE = 64
"""An order relation over more classes than this is compared digit by digit instead of class by class."""


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
        k = np.array([float(Fraction(v)) for v in keys.classes])
        q = np.array([float(Fraction(v)) for v in queries.classes])
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
    return np.array([[_matches(node, k, q) for k in keys.classes] for q in queries.classes], dtype=bool).reshape(
        len(queries.classes), len(keys.classes)
    )


def _matches(node: e.Select, key: Any, query: Any) -> bool:
    try:
        return matches(node, key, query)
    except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        from seme.core.errors import ProgramError

        raise ProgramError(
            f"the predicate of `{label(node)}` is undefined for key {key!r} and query {query!r}: {error}",
            hint="a predicate must be defined for every pair of values keys and queries can have",
        ) from error


def _named(sequence: e.Sequence) -> str:
    return sequence.name or type(sequence).__name__.lower()


def disjoint_terms(selector: e.Selector, literals: dict[int, Literal]) -> list[Term]:
    """The selector as terms that exclude each other.

    Args:
        selector: The selector.
        literals: The literal of every select in it, by `id`.
    """
    merged = _merge(selector, literals)
    if isinstance(merged, Literal):
        return [(merged,)] if merged.table.any() else []
    atoms = list({id(a): a for a in _atoms(merged)}.values())
    if len(atoms) > MOST_ATOMS:
        raise TooLargeError(
            f"`{label(selector)}` combines {len(atoms)} selects over different keys or queries",
            hint=f"at most {MOST_ATOMS}; combine some of the keys with a map first",
        )
    return _split(merged, atoms, {})


Tree = Any  # a Literal, or ("and" | "or" | "not", *trees)


def _merge(selector: e.Selector, literals: dict[int, Literal]) -> Tree:
    """The boolean tree, with selects over the same keys and queries already combined into one table."""
    match selector:
        case e.Select():
            return literals[id(selector)]
        case e.Both() | e.Either():
            left, right = _merge(selector.left, literals), _merge(selector.right, literals)
            both = isinstance(selector, e.Both)
            if isinstance(left, Literal) and isinstance(right, Literal) and _same_pair(left, right):
                table = left.table & right.table if both else left.table | right.table
                words = f"({left.words} {'and' if both else 'or'} {right.words})"
                return Literal(keys=left.keys, queries=left.queries, table=table, words=words)
            return ("and" if both else "or", left, right)
        case e.Neither():
            inner = _merge(selector.inner, literals)
            return negated(inner) if isinstance(inner, Literal) else ("not", inner)
    raise TypeError(type(selector).__name__)


def negated(one: Literal) -> Literal:
    """The complement."""
    return Literal(keys=one.keys, queries=one.queries, table=~one.table, words=f"not {one.words}")


def _same_pair(a: Literal, b: Literal) -> bool:
    return _same(a.keys, b.keys) and _same(a.queries, b.queries)


def _same(a: Value, b: Value) -> bool:
    return a is b or (a.carrier is b.carrier and a.table == b.table)


def _atoms(tree: Tree) -> list[Literal]:
    return [tree] if isinstance(tree, Literal) else [a for sub in tree[1:] for a in _atoms(sub)]


def _truth(tree: Tree, known: dict[int, bool]) -> bool | None:
    if isinstance(tree, Literal):
        return known.get(id(tree))
    values = [_truth(sub, known) for sub in tree[1:]]
    if tree[0] == "not":
        return None if values[0] is None else not values[0]
    decisive = tree[0] == "or"
    if decisive in values:
        return decisive
    return None if None in values else not decisive


def _split(tree: Tree, atoms: list[Literal], known: dict[int, bool]) -> list[Term]:
    """Shannon expansion: branch on the next atom that matters until the truth is decided."""
    truth = _truth(tree, known)
    if truth is False:
        return []
    if truth is True:
        term = _conjunction([a if known[id(a)] else negated(a) for a in atoms if id(a) in known])
        return [term] if term is not None else []
    branch = next(a for a in atoms if id(a) not in known and _matters(tree, a, known))
    return [t for answer in (True, False) for t in _split(tree, atoms, known | {id(branch): answer})]


def _matters(tree: Tree, atom: Literal, known: dict[int, bool]) -> bool:
    if isinstance(tree, Literal):
        return tree is atom
    return _truth(tree, known) is None and any(_matters(sub, atom, known) for sub in tree[1:])


def _conjunction(parts: list[Literal]) -> Term | None:
    """Literals over the same pair become one table; None when nothing can satisfy them all."""
    out: list[Literal] = []
    for part in parts:
        for i, other in enumerate(out):
            if _same_pair(part, other):
                words = f"{other.words} and {part.words}"
                out[i] = Literal(keys=part.keys, queries=part.queries, table=other.table & part.table, words=words)
                break
        else:
            out.append(part)
    if any(not one.table.any() for one in out):
        return None
    return tuple(one for one in out if not one.table.all()) or (out[0],)


def product_term(builder: Builder, terms: list[Term], name: str, *, robust: int) -> list[Term]:
    """One term over the tuple of all keys and the tuple of all queries: for what needs a single score."""
    pairs: list[Literal] = []
    for one in (one for term in terms for one in term):
        if not any(_same_pair(one, other) for other in pairs):
            pairs.append(one)
    keys = _product(builder, [one.keys for one in pairs], f"{name}.keys", robust=robust)
    queries = _product(builder, [one.queries for one in pairs], f"{name}.queries", robust=robust)
    if len(keys.classes) * len(queries.classes) > MOST_COMPARISONS:
        raise TooLargeError(
            f"`{name}` needs a table of {len(keys.classes):,} keys by {len(queries.classes):,} queries",
            hint="split the aggregate in two, or select over fewer different keys",
        )
    table = np.zeros((len(queries.classes), len(keys.classes)), dtype=bool)
    for term in terms:
        met = np.ones_like(table)
        for one in term:
            place = next(i for i, other in enumerate(pairs) if _same_pair(one, other))
            k = [one.keys.classes.index(c[place]) for c in keys.classes]
            q = [one.queries.classes.index(c[place]) for c in queries.classes]
            met &= one.table[np.ix_(q, k)]
        table |= met
    words = " or ".join(" and ".join(one.words for one in term) for term in terms)
    return [(Literal(keys=keys, queries=queries, table=table, words=words),)]


def _product(builder: Builder, values: list[Value], name: str, *, robust: int) -> Value:
    return joint(builder, values, lambda *parts: parts, name, "category", robust=robust)


def at_most_one(term: Term) -> bool:
    """Whether the term provably selects at most one key for any query."""
    return any(one.keys.distinct and one.one_class_per_query for one in term)


def always_one(term: Term, *, causal: bool) -> bool:
    """Whether the term provably selects at least one key for any query."""
    if all(one.table.all() for one in term):
        return True
    if all(_same(one.keys, one.queries) and bool(np.diag(one.table).all()) for one in term):
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
        roles, offset = {role(base): c for base, c in bases}, one.queries.offset
    if set(roles) - {"positions", "length"}:
        return False
    i, n = roles.get("positions", Fraction(0)), roles.get("length", Fraction(0))
    if causal:
        return (i, n, offset) in ((1, 0, 0), (0, 0, 0))
    size = one.keys.carrier.size
    corners = [(0, 1), (0, size), (size - 1, size)]  # (position, length) at the corners of what can occur
    return all(0 <= i * p + n * m + offset <= m - 1 for p, m in corners)


Factor = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scores:
    """The two sides of a head's score, and the ideal vectors they can be, group by group of components."""

    query: Form
    key: Form
    factors: tuple[Factor, ...]


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


Group = tuple[Form, Form, Factor]
ONE = np.ones((1, 1))


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


def is_strict_order(terms: list[Term]) -> bool:
    """Whether the terms spell a strict total order of the positions: (a < a') or (a = a' and b < b') ...

    Then the number of selected keys is a rank, different at every position.
    """
    return _order(terms)


def _order(terms: list[Term]) -> bool:
    if not terms or not all(_same(one.keys, one.queries) for term in terms for one in term):
        return False
    first = terms[0][0]
    now = [t for t in terms if len(t) == 1 and _same_pair(t[0], first)]
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
        same = [one for one in term if _same_pair(one, first)]
        if len(same) != 1 or not np.array_equal(same[0].table, tied):
            return False
        rest.append(tuple(one for one in term if not _same_pair(one, first)))
    return _transitive(tied) and _order(rest)


def _transitive(relation: np.ndarray) -> bool:
    step = relation.astype(np.float32)
    return not ((step @ step > 0) & ~relation).any()


def is_matching_of_integers(one: Literal) -> bool:
    """Whether the select is equality of integers on both sides."""
    if not (is_integer(one.keys) and is_integer(one.queries)):
        return False
    keys = np.array([float(v) for v in one.keys.classes])
    queries = np.array([float(v) for v in one.queries.classes])
    return np.array_equal(one.table, keys[None, :] == queries[:, None])


def refuse_ambiguous(name: str) -> NotProvedError:
    """The error for a categorical aggregate that may see several keys."""
    return NotProvedError(
        f"cannot compile `{name}`: several keys may be selected at once, and their categories have no mean",
        hint='name a tie rule: tie="first", "last" or "lowest"; or select by keys that differ at every position',
    )
