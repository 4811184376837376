"""Arithmetic on numbers without tables: free sums, compared differences, quarter squares."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from seme.compiler.builder import Builder
from seme.compiler.ridge import bank
from seme.compiler.values import Carrier, Lattice, Value, constant_value, is_number, number, relabel, role
from seme.core.errors import TooLargeError
from seme.lang.operators import COMPARISONS, tidy

MOST_POINTS = 1 << 17
"""Points of a scalar that are still listed; beyond this a number is carried without a list."""


def linear(builder: Builder, terms: list[tuple[Value, Fraction]], offset: Fraction, name: str, *, robust: int) -> Value:
    """The sum of coefficient * value, plus a constant. Free.

    Raises:
        TooLargeError: A value is not a number.
    """
    total: dict[tuple[object, ...], tuple[Value, Fraction]] = {}
    for value, coefficient in terms:
        if value.carrier.kind == "constant":
            offset += coefficient * Fraction(value.table[0])
            continue
        parts = value.linear or ((value, Fraction(1)),)
        offset += coefficient * value.offset
        for base, inner in parts:
            key = (id(base.carrier), base.table)  # the same table over the same atoms is the same number
            old = total.get(key, (base, Fraction(0)))[1]
            total[key] = (base, old + coefficient * inner)
    bases = tuple((base, c) for base, c in total.values() if c)
    if not bases:
        return constant_value(tidy(offset))
    if len(bases) == 1 and bases[0][0].lattice is None:
        base, coefficient = bases[0]
        table = tuple(tidy(coefficient * Fraction(v) + offset) for v in base.table)
        value = relabel(base, table, "number")
        return replace(value, linear=bases, offset=offset) if coefficient != 1 or offset else value
    return _sum(builder, bases, offset, name, robust=robust)


def _sum(
    builder: Builder, bases: tuple[tuple[Value, Fraction], ...], offset: Fraction, name: str, *, robust: int
) -> Value:
    shell = Value(carrier=bases[0][0].carrier, linear=bases, offset=offset, kind="number")
    form = number(builder, shell, robust=robust)
    distinct = _moves_with_position(bases)
    uniform = all(base.uniform for base, _ in bases)
    if any(base.lattice is not None for base, _ in bases):
        lattice = _lattice_sum(bases, offset)
        carrier = Carrier(kind="real", size=0, form=form, name=name)
        return Value(carrier=carrier, lattice=lattice, kind="number")
    points = _values_of_sum(bases, offset)
    carrier = Carrier(
        kind="scalar",
        size=len(points),
        form=form,
        points=np.array([float(p) for p in points]),
        distinct=distinct,
        uniform=uniform,
        name=name,
    )
    return Value(carrier=carrier, table=tuple(tidy(p) for p in points), linear=bases, offset=offset, kind="number")


def _moves_with_position(bases: tuple[tuple[Value, Fraction], ...]) -> bool:
    """Whether exactly one summand tells positions apart while the others are the same everywhere."""
    moving = [base for base, _ in bases if not base.uniform]
    return len(moving) == 1 and moving[0].distinct


def _values_of_sum(bases: tuple[tuple[Value, Fraction], ...], offset: Fraction) -> list[Any]:
    """Every value the sum can have, in order. Knows that a position is below the length."""
    roles = {role(base): (base, c) for base, c in bases}
    rest = list(bases)
    reached: set[Any] = {offset}
    if "positions" in roles and "length" in roles:
        (at, c), (many, d) = roles["positions"], roles["length"]
        rest = [(b, k) for b, k in bases if b is not at and b is not many]
        reached = {offset + c * i + d * n for n in many.table for i in range(n)}
    for base, coefficient in rest:
        if len(reached) * len(base.classes) > MOST_POINTS * 64:
            raise TooLargeError(
                f"a sum would have up to {len(reached) * len(base.classes):,} values",
                hint="shorten --max-length, or compare before adding",
            )
        steps = [coefficient * Fraction(v) for v in base.classes]
        reached = _sums(reached, steps)
    return sorted(reached)


def _sums(left: set[Any], right: list[Any]) -> set[Any]:
    """All pairwise sums; in numpy when everything is an integer."""
    if len(left) * len(right) > 512 and all(x.denominator == 1 for x in (*left, *right)):
        out = np.unique(np.add.outer([int(x) for x in left], [int(x) for x in right]))
        return {int(x) for x in out}
    return {a + b for a in left for b in right}


def bounds(value: Value) -> tuple[Fraction, Fraction]:
    """Smallest and largest value."""
    if value.lattice is not None:
        return Fraction(value.lattice.lo), Fraction(value.lattice.hi)
    numbers = [Fraction(v) for v in value.classes]
    return min(numbers), max(numbers)


def _lattice_sum(bases: tuple[tuple[Value, Fraction], ...], offset: Fraction) -> Lattice:
    """Where a sum with an unlisted number lies. Its spacing survives only a single scaled summand."""
    lo, hi, error = offset, offset, 0.0
    for base, c in bases:
        a, b = bounds(base)
        lo, hi = lo + min(c * a, c * b), hi + max(c * a, c * b)
        error += abs(float(c)) * (base.lattice.error if base.lattice is not None else 0.0)
    only = bases[0][0].lattice if len(bases) == 1 else None
    if only is not None and only.unit and not (offset / (only.unit * bases[0][1])).denominator > 1:
        return Lattice(
            lo=float(lo), hi=float(hi), unit=only.unit * abs(bases[0][1]), max_denominator=only.max_denominator
        )
    return Lattice(lo=float(lo), hi=float(hi), error=error)


def compare(builder: Builder, operator: str, a: Value, b: Value, name: str, *, robust: int) -> Value:
    """A comparison of two numbers: a table over their difference."""
    difference = linear(builder, [(a, Fraction(1)), (b, Fraction(-1))], Fraction(0), name, robust=robust)
    if difference.lattice is not None:
        raise TooLargeError(
            f"`{name}` compares numbers that have too many values to list, in [{difference.lattice.lo:g}, "
            f"{difference.lattice.hi:g}]",
            hint="shorten --max-length, or count instead of averaging",
        )
    test = COMPARISONS[operator]
    value = relabel(difference, tuple(bool(test(v, 0)) for v in difference.table), "category")
    return Value(carrier=value.carrier, table=value.table, kind="category")


def extremum(builder: Builder, largest: bool, a: Value, b: Value, name: str, *, robust: int) -> Value:
    """max(a, b) = b + relu(a - b), and min likewise: one neuron."""
    sign = Fraction(1 if largest else -1)
    difference = linear(builder, [(a, sign), (b, -sign)], Fraction(0), f"{name}.difference", robust=robust)
    gain = relabel(difference, tuple(max(v, 0) for v in difference.table), "number")
    lo = max(bounds(a)[0], bounds(b)[0]) if largest else min(bounds(a)[0], bounds(b)[0])
    hi = max(bounds(a)[1], bounds(b)[1]) if largest else min(bounds(a)[1], bounds(b)[1])
    result = linear(builder, [(b, Fraction(1)), (gain, sign)], Fraction(0), name, robust=robust)
    possible = {Fraction(v) for v in (*a.classes, *b.classes) if lo <= Fraction(v) <= hi}
    return restricted(result, possible)


def restricted(value: Value, possible: set[Fraction]) -> Value:
    """The same sum, known to take only the possible values."""
    assert value.carrier.points is not None or value.carrier.kind != "scalar"
    if value.carrier.kind != "scalar" or not value.linear:
        return value
    keep = [i for i, v in enumerate(value.table) if Fraction(v) in possible]
    carrier = replace(value.carrier, size=len(keep), points=value.carrier.points[keep])  # type: ignore[index]
    return Value(
        carrier=carrier,
        table=tuple(value.table[i] for i in keep),
        linear=value.linear,
        offset=value.offset,
        kind=value.kind,
    )


def is_integer(value: Value) -> bool:
    """Whether every value is an integer (booleans count)."""
    return value.lattice is None and all(is_number(v) and Fraction(v).denominator == 1 for v in value.classes)


def product(builder: Builder, a: Value, b: Value, name: str, *, robust: int) -> Value:
    """Product of integers: floor((a+b)^2/4) - floor((a-b)^2/4), exact since a+b and a-b are both even or both odd."""
    one = Fraction(1)
    parts = []
    for sign, tag in ((one, "plus"), (-one, "minus")):
        z = linear(builder, [(a, one), (b, sign)], Fraction(0), f"{name}.{tag}", robust=robust)
        parts.append((relabel(z, tuple(int(v) ** 2 // 4 for v in z.table), "number"), sign))
    result = linear(builder, parts, Fraction(0), name, robust=robust)
    possible = {Fraction(x) * Fraction(y) for x in a.classes for y in b.classes}
    return restricted(result, possible)


__all__ = ["bank", "bounds", "compare", "extremum", "is_integer", "linear", "product", "restricted"]
