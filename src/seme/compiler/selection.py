"""Selectors: boolean combinations of selects become disjoint terms, one head each.

A conjunction of literals over different keys and queries is a *term*; its score is the sum of its literals'
penalties. A disjunction becomes terms that exclude each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seme.compiler.builder import Builder
from seme.compiler.joint import joint
from seme.compiler.literals import MOST_COMPARISONS, Literal, Term, negated, same_pair
from seme.compiler.values import Value
from seme.core.errors import NotProvedError, TooLargeError
from seme.lang import expressions as e
from seme.lang.interpreter import label

MOST_ATOMS = 8
"""Different selects in one selector: its disjoint terms could double with each."""


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
            if isinstance(left, Literal) and isinstance(right, Literal) and same_pair(left, right):
                table = left.table & right.table if both else left.table | right.table
                words = f"({left.words} {'and' if both else 'or'} {right.words})"
                return Literal(keys=left.keys, queries=left.queries, table=table, words=words)
            return ("and" if both else "or", left, right)
        case e.Neither():
            inner = _merge(selector.inner, literals)
            return negated(inner) if isinstance(inner, Literal) else ("not", inner)
    raise TypeError(type(selector).__name__)


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
            if same_pair(part, other):
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
        if not any(same_pair(one, other) for other in pairs):
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
            place = next(i for i, other in enumerate(pairs) if same_pair(one, other))
            k = [one.keys.classes.index(c[place]) for c in keys.classes]
            q = [one.queries.classes.index(c[place]) for c in queries.classes]
            met &= one.table[np.ix_(q, k)]
        table |= met
    words = " or ".join(" and ".join(one.words for one in term) for term in terms)
    return [(Literal(keys=keys, queries=queries, table=table, words=words),)]


def _product(builder: Builder, values: list[Value], name: str, *, robust: int) -> Value:
    return joint(builder, values, lambda *parts: parts, name, "category", robust=robust)


def refuse_ambiguous(name: str) -> NotProvedError:
    """The error for a categorical aggregate that may see several keys."""
    return NotProvedError(
        f"cannot compile `{name}`: several keys may be selected at once, and their categories have no mean",
        hint='name a tie rule: tie="first", "last" or "lowest"; or select by keys that differ at every position',
    )
