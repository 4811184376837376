"""Aggregates and counts: what heads compute.

Every head also sees the begin token. It catches the query that selects nothing (score -1/2, between selected 0 and
unselected -1), and for a count it counts as one: its share of the attention is then 1 / (1 + n).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from seme.compiler.arithmetic import linear
from seme.compiler.builder import Builder, anonymous, space
from seme.compiler.literals import Term
from seme.compiler.proofs import always_one, at_most_one, is_matching_of_integers, is_strict_order
from seme.compiler.ridge import bank
from seme.compiler.scores import Scores, by_digits, penalties
from seme.compiler.selection import refuse_ambiguous
from seme.compiler.values import Carrier, Lattice, Value, code, constant_value, is_number, number, onehot, require_table
from seme.core.errors import NotProvedError, ProgramError
from seme.ir import Attend, Form, constant_form, stack_forms
from seme.lang.operators import tidy

MOST_FRACTIONS = 1 << 16
"""Different means that are still listed one by one."""

NOTHING = -34.0
"""Log weight of the begin token that stands for "nothing else was selected": e^-34 is below half an ulp of float32
for any count up to a million, and safely above the score of an unselected key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a head is for.

    Attributes:
        name: What to call its output.
        predicate: The selection in words.
        causal: Whether keys after the query are hidden.
        robust: Passed on to codes.
    """

    name: str
    predicate: str
    causal: bool
    robust: int


def count(builder: Builder, terms: list[Term], wish: Wish) -> Value:
    """How many keys are selected, exactly."""
    if not terms:
        return constant_value(0)
    rank = is_strict_order(terms) and not wish.causal  # causal queries see different keys: ranks repeat
    parts = [_count_term(builder, part, wish) for term in terms for part in by_digits(term)]
    if len(parts) == 1:
        return replace_distinct(parts[0], rank)
    total = linear(builder, [(p, Fraction(1)) for p in parts], Fraction(0), wish.name, robust=wish.robust)
    longest = builder.max_length
    possible = [i for i, v in enumerate(total.table) if v <= longest]
    assert total.carrier.points is not None
    carrier = replace(total.carrier, size=len(possible), points=total.carrier.points[possible])
    kept = Value(
        carrier=carrier,
        table=tuple(total.table[i] for i in possible),
        linear=total.linear,
        offset=total.offset,
        kind="number",
    )
    return replace_distinct(kept, rank)


def replace_distinct(value: Value, distinct: bool) -> Value:
    """The value with its carrier known to differ at every position, where that is so."""
    if not distinct:
        return value
    carrier = replace(value.carrier, distinct=True)
    return Value(carrier=carrier, table=value.table, linear=value.linear, offset=value.offset, kind=value.kind)


def _count_term(builder: Builder, term: Term, wish: Wish) -> Value:
    everything = all(one.table.all() for one in term)
    n_max = 1 if at_most_one(term) else builder.max_length
    n_min = 1 if always_one(term, causal=wish.causal) else 0
    if n_max == n_min:
        return constant_value(n_max)
    scores = penalties(builder, term, averaged=wish.robust > 0, robust=wish.robust)
    share = builder.add(
        Attend(
            space=space(f"1/(1+{wish.name})", 1, ("share",)),
            lo=np.array([1 / (1 + n_max)]),
            hi=np.array([1.0]),
            query=scores.query,
            key=scores.key,
            value=constant_form([0.0]),
            begin_score=0.0,
            begin_value=np.array([1.0]),
            weight=constant_form([0.0]),
            gap=1.0,
            pattern="match",
            predicate=wish.predicate,
            factors=scores.factors,
        )
    )
    counts = np.arange(n_max, n_min - 1, -1)
    carrier = Carrier(
        kind="scalar",
        size=len(counts),
        form=share,
        points=1.0 / (1.0 + counts),
        uniform=(everything and not wish.causal) or (all(one.queries.uniform for one in term) and not wish.causal),
        role="length" if everything and not wish.causal else "",
        name=wish.name,
    )
    return Value(carrier=carrier, table=tuple(int(n) for n in counts), kind="number")


def aggregate(builder: Builder, terms: list[Term], value: Value, default: Any, tie: str | None, wish: Wish) -> Value:
    """The mean of numbers, or the value of a category, over the selected keys.

    Raises:
        NotProvedError: Several categories may be selected and there is no tie rule.
    """
    if not terms:
        return constant_value(default)
    alone = len(terms) == 1 and at_most_one(terms[0])
    if tie == "only":  # a promise for categories; numbers are averaged all the same
        promised, tie = True, None
    else:
        promised = False
    total = len(terms) == 1 and always_one(terms[0], causal=wish.causal)
    if len(value.classes) == 1 and value.lattice is None and total:
        return constant_value(value.classes[0])
    if len(terms) == 1:
        if tie is not None and not alone:
            return _ranked(builder, terms[0], value, default, tie, total, wish)
        if value.numeric:
            return _mean(builder, terms[0], value, default, alone=alone, total=total, wish=wish)
        if not (alone or promised) and len(value.classes) > 1:
            raise refuse_ambiguous(wish.name)
        return _copy(builder, terms[0], value, default, total=total, wish=wish)
    if tie is not None:
        raise NotProvedError(
            f"cannot compile `{wish.name}`: the tie rule {tie!r} needs one score for the whole selector, and an `or` "
            f"over different keys or queries has {len(terms)}",
            hint="combine the keys with a map into one, or split the aggregate in two",
        )
    if not value.numeric:
        raise refuse_ambiguous(wish.name)
    return _mean_of_terms(builder, terms, value, default, wish)


def _attend(builder: Builder, scores: Scores, wish: Wish, **rest: Any) -> Form:
    rest.setdefault("pattern", "match")
    return builder.add(
        Attend(query=scores.query, key=scores.key, factors=scores.factors, predicate=wish.predicate, **rest)
    )


def _copy(builder: Builder, term: Term, value: Value, default: Any, *, total: bool, wish: Wish) -> Value:
    """The one selected category, as a one-hot."""
    require_table(value, wish.name)
    classes = list(value.classes)
    if not total and default not in classes:
        classes.append(default)
    form = onehot(builder, value, f"{value.carrier.name}.onehot", robust=min(wish.robust, 1))
    if len(classes) > form.width:
        form = form @ np.eye(form.width, len(classes))
    begin = np.eye(len(classes))[classes.index(default)] if not total else np.zeros(len(classes))
    semes = tuple(f"={v!r}" for v in classes)
    out = _head(builder, term, form, begin, semes, 0.0, 1.0, total=total, wish=wish)
    return Value(carrier=Carrier(kind="onehot", size=len(classes), form=out, name=wish.name), table=tuple(classes))


def _head(
    builder: Builder,
    term: Term,
    form: Form,
    begin: np.ndarray,
    semes: tuple[str, ...],
    lo: float | np.ndarray,
    hi: float | np.ndarray,
    *,
    total: bool,
    wish: Wish,
) -> Form:
    """One head for a term whose keys are averaged; picks the cheap way for equality of integers."""
    width = form.width
    bounds = {"lo": np.broadcast_to(lo, width).astype(float), "hi": np.broadcast_to(hi, width).astype(float)}
    nearest = _nearest(builder, term, total=total, wish=wish)
    if nearest is not None:
        return _attend(
            builder,
            nearest,
            wish,
            space=space(wish.name, width, semes),
            value=form,
            begin_score=-1.0,
            begin_value=np.zeros(width),
            gap=1.0,
            pattern="nearest",
            single=True,
            **bounds,
        )
    single = at_most_one(term)
    scores = penalties(builder, term, averaged=not single, robust=wish.robust)
    return _attend(
        builder,
        scores,
        wish,
        space=space(wish.name, width, semes),
        value=form,
        begin_score=-0.5,
        begin_value=begin,
        gap=0.5,
        single=single,
        **bounds,
    )


def _nearest(builder: Builder, term: Term, *, total: bool, wish: Wish) -> Scores | None:
    """Scores 2qk - k^2, whose largest is at k = q: for a query that is a number already and always finds its key.

    No neuron is spent on the query's bits. The certificate checks that the float type carries the squares.
    """
    if wish.robust or not total or len(term) != 1 or not is_matching_of_integers(term[0]):
        return None
    keys, queries = term[0].keys, term[0].queries
    if keys.carrier.kind != "position" or queries.carrier.kind != "scalar" or not at_most_one(term):
        return None
    middle = (builder.max_length - 1) // 2  # centred: the squares are four times smaller
    k = np.array([float(v) - middle for v in keys.table])
    key = code(builder, keys, np.stack([k, k**2], axis=1), f"{keys.carrier.name},square")
    q = number(builder, queries).shifted(-float(middle))
    reach = np.array([[2.0 * float(v - middle)] for v in queries.classes])
    factors = (np.concatenate([reach, -np.ones_like(reach)], axis=1), np.stack([k, k**2], axis=1))
    return Scores(query=stack_forms([q @ np.array([[2.0]]), constant_form([-1.0])]), key=key, factors=(factors,))


def _mean(builder: Builder, term: Term, value: Value, default: Any, *, alone: bool, total: bool, wish: Wish) -> Value:
    """The mean of numbers on one direction; the default is one more point."""
    form = number(builder, value, robust=wish.robust)
    values, lattice = _means(value, 1 if alone else builder.max_length)
    lo, hi = (lattice.lo, lattice.hi) if lattice is not None else (float(values[0]), float(values[-1]))
    points = [] if total else [_default_point(default, lo)]
    if lattice is not None and points and not (is_number(default) and _fits(lattice, default)):
        raise NotProvedError(
            f"cannot compile `{wish.name}`: its mean has too many values to tell the default {default!r} from them",
            hint=f"use a default between {lattice.lo:g} and {lattice.hi:g}, or a shorter --max-length",
        )
    begin = np.array(points or [0.0])
    low, high = min(lo, *points) if points else lo, max(hi, *points) if points else hi
    out = _head(builder, term, form, begin, ("mean",), low, high, total=total, wish=wish)
    if lattice is not None:
        return Value(carrier=Carrier(kind="real", size=0, form=out, name=wish.name), lattice=lattice, kind="number")
    table: dict[float, Any] = {float(v): tidy(v) for v in values}
    if points:
        table.setdefault(points[0], default)
    ordered = sorted(table)
    fetch = _fetch(builder, term, value, ordered, points, wish) if alone else None
    carrier = Carrier(kind="scalar", size=len(ordered), form=out, points=np.array(ordered), name=wish.name, fetch=fetch)
    kind = value.kind if alone else "number"
    return Value(carrier=carrier, table=tuple(table[p] for p in ordered), kind=kind)


def _fetch(
    builder: Builder, term: Term, value: Value, ordered: list[float], default: list[float], wish: Wish
) -> Callable[[np.ndarray, str], Form] | None:
    """The head that copied a number of a token or position, asked for another code of it.

    Args:
        builder: The graph to add to.
        term: What the head selects; one key at most.
        value: What it copies.
        ordered: The points of the copied number, one per atom.
        default: The point that means "nothing selected"; empty where that cannot be.
        wish: What the head is for.
    """
    if value.carrier.kind not in ("token", "position"):
        return None
    atom = {point: i for i, point in enumerate(ordered)}
    of_source = [atom[float(v)] for v in value.table]

    def fetch(rows: np.ndarray, name: str) -> Form:
        form = code(builder, value, rows[of_source], f"{value.carrier.name}:{name}", robust=wish.robust)
        begin = rows[atom[default[0]]] if default else np.zeros(rows.shape[1])
        own = replace(wish, name=name)
        lo, hi = rows.min(axis=0), rows.max(axis=0)
        return _head(builder, term, form, begin, anonymous(form.width), lo, hi, total=not default, wish=own)

    return fetch


def _default_point(default: Any, lowest: float) -> float:
    return float(default) if is_number(default) else lowest - 1.0


def _fits(lattice: Lattice, default: Any) -> bool:
    return lattice.lo <= float(default) <= lattice.hi and (Fraction(default) / (lattice.unit or 1)).denominator == 1


def _means(value: Value, most: int) -> tuple[list[Any], Lattice | None]:
    """Every mean of up to `most` of the values, or a lattice where they are too many."""
    if value.lattice is not None:
        if most == 1:
            return [], value.lattice
        return [], Lattice(lo=value.lattice.lo, hi=value.lattice.hi, error=value.lattice.error)
    if most == 1:
        return sorted(value.classes, key=Fraction), None
    numbers = sorted({_decimal(v) for v in value.classes})
    lo, hi = numbers[0], numbers[-1]
    unit = Fraction(
        math.gcd(*((x - lo).numerator * _common(numbers) // (x - lo).denominator for x in numbers)), _common(numbers)
    )
    if unit == 0:
        return [lo], None
    if _common(numbers) > 1 << 20:
        return [], Lattice(lo=float(lo), hi=float(hi))  # floats without a common grid: known only as reals
    steps = int((hi - lo) / unit)
    if steps * most * most * 0.31 > MOST_FRACTIONS:
        anchored = lo % unit == 0
        unit = unit if anchored else Fraction(1, _common(numbers))
        return [], Lattice(lo=float(lo), hi=float(hi), unit=unit, max_denominator=most)
    found = {Fraction(p, q) for q in range(1, most + 1) for p in range(steps * q + 1)}
    return sorted(lo + unit * f for f in found), None


def _decimal(v: Any) -> Fraction:
    """A float as the decimal fraction it is written as: 0.1 is a tenth, off by less than a unit of float64."""
    return Fraction(repr(v)) if isinstance(v, float) else Fraction(v)


def _common(numbers: list[Fraction]) -> int:
    return math.lcm(*(x.denominator for x in numbers))


def _ranked(builder: Builder, term: Term, value: Value, default: Any, tie: str, total: bool, wish: Wish) -> Value:
    """The first, the last or the lowest of the selected: a score that also falls with position or rank.

    A rank of r below R costs r/R, and a mismatch 2, so any selected key beats any other.
    """
    require_table(value, wish.name)
    scores = penalties(builder, term, robust=wish.robust)
    if tie == "lowest":
        if not (value.numeric or all(isinstance(v, str) for v in value.classes)):
            raise ProgramError(
                f"`{wish.name}` takes the lowest of values that have no order: {value.classes[:5]}",
                hint='give every value a number with a map, or use tie="first" or "last"',
            )
        ordered = sorted(value.classes)
        rank = np.array([ordered.index(c) for c in value.classes])[value.class_of].astype(float)
        steps = len(ordered)
        carrier: Value = value
    else:
        steps = builder.max_length
        rank = np.arange(steps, dtype=float)
        rank = rank if tie == "first" else steps - 1 - rank
        carrier = Value(carrier=Carrier(kind="position", size=steps, name="positions"), table=tuple(range(steps)))
    fall = code(builder, carrier, -rank[:, None] / steps, f"{wish.name}.rank", robust=wish.robust)
    ranked = Scores(
        query=stack_forms([scores.query @ (2.0 * np.eye(scores.query.width)), constant_form([1.0])]),
        key=stack_forms([scores.key, fall]),
        factors=(
            *((2.0 * q, k) for q, k in scores.factors),
            (np.ones((1, 1)), -np.unique(rank)[:, None] / steps),
        ),
    )
    classes = list(value.classes)
    if not total and default not in classes:
        classes.append(default)
    form = onehot(builder, value, f"{value.carrier.name}.onehot", robust=min(wish.robust, 1)) @ np.eye(
        len(value.classes), len(classes)
    )
    begin = np.zeros(len(classes)) if total else np.eye(len(classes))[classes.index(default)]
    out = _attend(
        builder,
        ranked,
        wish,
        space=space(wish.name, len(classes), tuple(f"={v!r}" for v in classes)),
        value=form,
        begin_score=-1.5,
        begin_value=begin,
        gap=min(0.5, 1.0 / steps),
        pattern="ranked",
        single=tie != "lowest",
        lo=np.zeros(len(classes)),
        hi=np.ones(len(classes)),
    )
    carrier_out = Carrier(kind="onehot", size=len(classes), form=out, name=wish.name)
    return Value(carrier=carrier_out, table=tuple(classes), kind=value.kind)


def _mean_of_terms(builder: Builder, terms: list[Term], value: Value, default: Any, wish: Wish) -> Value:
    """The mean over a union of disjoint terms.

    One head per term. Beside its own selected keys, which count one each, the begin token counts as many as the
    other terms select (its score is the logarithm of that number) and holds zero; so each head gives its sum
    divided by the size of the union, and the heads add up to the mean.
    """
    counts = [_count_term(builder, term, wish) for term in terms]
    total = linear(builder, [(c, Fraction(1)) for c in counts], Fraction(0), f"{wish.name}.count", robust=wish.robust)
    form = number(builder, value, robust=wish.robust)
    values, lattice = _means(value, builder.max_length)
    lo, hi = (lattice.lo, lattice.hi) if lattice is not None else (float(values[0]), float(values[-1]))
    parts: list[Form] = []
    for term, own in zip(terms, counts, strict=True):
        others = linear(
            builder, [(total, Fraction(1)), (own, Fraction(-1))], Fraction(0), f"{wish.name}.others", robust=wish.robust
        )
        logs = np.array([[math.log(n) if n > 0 else NOTHING] for n in others.table])
        if others.carrier.kind == "constant":
            weight = constant_form(logs[0])
        else:
            assert others.carrier.form is not None
            assert others.carrier.points is not None
            # Steps: the logarithm must come out to the last digits, whatever noise the count carries.
            weight = bank(builder, others.carrier.form, others.carrier.points, logs, f"{wish.name}.log", hinges=False)
        scores = penalties(builder, term, averaged=True, robust=wish.robust)
        parts.append(
            _attend(
                builder,
                scores,
                wish,
                space=space(f"{wish.name}.part", 1, ("part",)),
                value=form,
                begin_score=0.0,
                begin_value=np.zeros(1),
                weight=weight,
                weight_floor=NOTHING,
                gap=1.0,
                lo=np.array([min(lo, 0.0)]),
                hi=np.array([max(hi, 0.0)]),
            )
        )
    out = parts[0]
    for part in parts[1:]:
        out = out + part
    point = _default_point(default, lo)
    empty = np.array([[point if n == 0 else 0.0] for n in total.table])
    out = out + code(builder, total, empty, f"{wish.name}.default", robust=1)
    if lattice is not None:
        return Value(carrier=Carrier(kind="real", size=0, form=out, name=wish.name), lattice=lattice, kind="number")
    table: dict[float, Any] = {float(v): tidy(v) for v in values}
    table.setdefault(point, default)
    ordered = sorted(table)
    carrier = Carrier(kind="scalar", size=len(ordered), form=out, points=np.array(ordered), name=wish.name)
    return Value(carrier=carrier, table=tuple(table[p] for p in ordered), kind="number")
