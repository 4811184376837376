"""Maps of several arguments: a table over pairs becomes a table over one number that tells the pairs apart.

`x <= y` looks at x - y; `(x + y) % 13` at x + y; an arbitrary table at n*x + y. Whichever number makes the
table change least often along it wins, since neurons are spent where it changes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from seme.compiler.builder import Builder
from seme.compiler.gates import gated
from seme.compiler.logic import boolean
from seme.compiler.values import Carrier, Value, code, constant_value, is_number, relabel, require_table
from seme.core.errors import TooLargeError
from seme.ir import Form

MOST_COMBINATIONS = 1 << 20
"""Calls of a user's function that are still a matter of a second."""

MOST_CHANGES = 40
"""A table that changes more often than this along its best number costs too much precision: ramps far away cancel
against each other. It becomes a gate per entry instead, of which one is active at a time."""

MOST_SIGNED = 4
"""Arguments for which every choice of signs is tried; of more only their sum is."""


def joint(
    builder: Builder,
    arguments: list[Value],
    function: Callable[..., Any],
    name: str,
    kind: Literal["number", "category"],
    *,
    robust: int,
) -> Value:
    """The value of `function` at every position.

    Args:
        builder: The graph to add to.
        arguments: One value per argument of the function.
        function: Called once per combination of different argument values.
        name: What to call new directions.
        kind: What an output of it is.
        robust: Passed on to codes.

    Raises:
        TooLargeError: An argument is not a finite list, or there are too many combinations.
        ProgramError: Raised by `function` itself where it is undefined.
    """
    for argument in arguments:
        require_table(argument, name)
    if all(a.carrier.kind == "constant" for a in arguments):
        return constant_value(function(*(a.table[0] for a in arguments)))
    carriers = {id(a.carrier): a.carrier for a in arguments if a.carrier.kind != "constant"}
    if len(carriers) == 1:
        (carrier,) = carriers.values()
        columns = [a.table * carrier.size if a.carrier.kind == "constant" else a.table for a in arguments]
        first = next(a for a in arguments if a.carrier is carrier)
        return relabel(first, _cached_rows(function, columns), kind)
    combinations = int(np.prod([float(len(a.classes)) for a in arguments]))
    if combinations > MOST_COMBINATIONS:
        raise TooLargeError(
            f"`{name}` would be a table of {combinations:,} combinations, expected at most {MOST_COMBINATIONS:,}",
            hint="write it with operators (+ - * // % < ==, minimum, where), which need no table",
        )
    values = [function(*combo) for combo in itertools.product(*(a.classes for a in arguments))]
    index: dict[Any, int] = {}
    table = np.array([index.setdefault(v, len(index)) for v in values], dtype=int)
    table = table.reshape([len(a.classes) for a in arguments])
    return _spread(builder, arguments, table, tuple(index), name, kind, robust=robust)


def _cached_rows(function: Callable[..., Any], columns: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    return tuple(function(*row) for row in zip(*columns, strict=True))


def _spread(
    builder: Builder,
    arguments: list[Value],
    table: np.ndarray,
    results: tuple[Any, ...],
    name: str,
    kind: Literal["number", "category"],
    *,
    robust: int,
) -> Value:
    """A table of classes over several arguments, carried by one scalar."""
    distinct = _tells_positions_apart(arguments, table)
    groups: list[np.ndarray] = []  # per axis: the reduced class of every original class
    reduced = table
    for axis in range(table.ndim):
        slices = np.moveaxis(reduced, axis, 0).reshape(reduced.shape[axis], -1)
        _, first, group = np.unique(slices, axis=0, return_index=True, return_inverse=True)
        order = np.argsort(np.argsort(first))  # number groups by first appearance: deterministic and readable
        group = order[group.ravel()]
        groups.append(group)
        reduced = np.take(reduced, np.sort(first), axis=axis)
    live = [axis for axis in range(table.ndim) if reduced.shape[axis] > 1]
    if not live:
        return constant_value(results[int(reduced.ravel()[0])])
    if len(live) == 1:
        axis = live[0]
        column = reduced.ravel()
        argument = arguments[axis]
        return relabel(argument, tuple(results[column[groups[axis][c]]] for c in argument.class_of), kind)
    if all(arguments[axis].carrier is arguments[live[0]].carrier for axis in live):
        first_argument = arguments[live[0]]
        rows = zip(*(groups[axis][arguments[axis].class_of] for axis in live), strict=True)
        picked = reduced.reshape([reduced.shape[axis] for axis in live])
        return relabel(first_argument, tuple(results[picked[row]] for row in rows), kind)
    axes, coefficients, per_class, changes = _best_number(arguments, table, reduced, groups, live)
    total: np.ndarray = np.zeros([1] * len(axes))
    for place, (coefficient, numbers) in enumerate(zip(coefficients, per_class, strict=True)):
        total = total + coefficient * numbers.reshape([-1 if p == place else 1 for p in range(len(axes))])
    dead = tuple(0 if axis not in axes else slice(None) for axis in range(table.ndim))
    flat, outcome = total.ravel(), np.transpose(table[dead], _order_of(axes)).ravel()
    points, where = np.unique(flat, return_index=True)
    small = reduced.reshape([reduced.shape[axis] for axis in live])
    sides = [(arguments[axis], groups[axis]) for axis in live]
    if len(results) == 2 and not distinct:
        direction = boolean(builder, sides, small == 1, points, outcome[where] == 1, name, robust=robust)
        if direction is not None:
            alike = all(arguments[axis].uniform for axis in live)
            ends = np.array([0.0, 1.0])
            carrier = Carrier(kind="scalar", size=2, form=direction, points=ends, uniform=alike, name=name)
            return Value(carrier=carrier, table=results, kind=kind)
    if changes > MOST_CHANGES and len(live) == 2:
        return gated(builder, sides, small, results, name, kind, distinct=distinct, robust=robust)
    if changes > MOST_CHANGES:
        return _two_at_a_time(builder, arguments, table, results, live, name, kind, robust=robust)
    form: Form | None = None
    for axis, coefficient, numbers in zip(axes, coefficients, per_class, strict=True):
        argument = arguments[axis]
        column = (coefficient * numbers[argument.class_of])[:, None]
        term = code(builder, argument, column, f"{name}.{argument.carrier.name or axis}", robust=robust)
        form = term if form is None else form + term
    carrier = Carrier(
        kind="scalar",
        size=len(points),
        form=form,
        points=points,
        distinct=distinct,
        uniform=all(arguments[axis].uniform for axis in axes),
        name=name,
    )
    return Value(carrier=carrier, table=tuple(results[outcome[i]] for i in where), kind=kind)


def _order_of(axes: list[int]) -> tuple[int, ...]:
    kept = sorted(axes)
    return tuple(kept.index(axis) for axis in axes)


def _best_number(
    arguments: list[Value], table: np.ndarray, reduced: np.ndarray, groups: list[np.ndarray], live: list[int]
) -> tuple[list[int], list[float], list[np.ndarray], int]:
    """Axes, their coefficients and a number per class of each, such that their sum decides the table cheaply."""
    best: tuple[int, list[int], list[float], list[np.ndarray]] | None = None
    dead = tuple(0 if axis not in live else slice(None) for axis in range(table.ndim))
    outcome = table[dead]
    candidates: list[tuple[list[float], list[np.ndarray]]] = []
    numeric = [_numbers(arguments[axis], [arguments[other] for other in live if other != axis]) for axis in live]
    if all(n is not None for n in numeric):
        plain = [n for n in numeric if n is not None]
        choices = (1.0, -1.0) if len(live) <= MOST_SIGNED else (1.0,)
        for signs in itertools.product(choices, repeat=len(live) - 1):
            candidates.append(([1.0, *signs], plain))
    small = [groups[axis].astype(float) for axis in live]
    for order in itertools.permutations(range(len(live))) if len(live) <= 3 else [tuple(range(len(live)))]:
        coefficients, step = [0.0] * len(live), 1.0
        for place in reversed(order):
            coefficients[place] = step
            step *= reduced.shape[live[place]]
        candidates.append((coefficients, small))
    for coefficients, numbers in candidates:
        changes = _changes(outcome, coefficients, numbers)
        if changes is not None and (best is None or changes < best[0]):
            best = (changes, live, coefficients, numbers)
    assert best is not None  # the mixed radix number always tells all classes apart
    return best[1], best[2], best[3], best[0]


def _numbers(argument: Value, others: list[Value]) -> np.ndarray | None:
    """The class values as floats when they are integers (or None, which goes far below them all), else None."""
    values = _integers(argument)
    if values is None or not values:
        return None
    reach = 1
    for other in others:
        theirs = _integers(other) or [0]
        reach += max(theirs) - min(theirs)
    nothing = min(values) - reach
    return np.array([float(nothing if v is None else v) for v in argument.classes])


def _integers(argument: Value) -> list[int] | None:
    """The integers among the classes when there is nothing beside them but None."""
    numbers = [v for v in argument.classes if v is not None]
    if not all(is_number(v) and Fraction(v).denominator == 1 and abs(v) <= 1 << 20 for v in numbers):
        return None
    return [int(v) for v in numbers]


def _two_at_a_time(
    builder: Builder,
    arguments: list[Value],
    table: np.ndarray,
    results: tuple[Any, ...],
    live: list[int],
    name: str,
    kind: Literal["number", "category"],
    *,
    robust: int,
) -> Value:
    """The first two arguments become one value that holds just what the table needs of them; then the rest."""
    dead = tuple(0 if axis not in live else slice(None) for axis in range(table.ndim))
    small = table[dead]
    first, second, *rest = (arguments[axis] for axis in live)
    slices = small.reshape(small.shape[0] * small.shape[1], -1)
    shapes, merged = np.unique(slices, axis=0, return_inverse=True)
    pair = merged.reshape(small.shape[0], small.shape[1])
    both = _spread(builder, [first, second], pair, tuple(range(len(shapes))), f"{name}.pair", "category", robust=robust)
    order = [int(c) for c in both.classes]
    remaining = shapes[order].reshape(len(order), *small.shape[2:])
    return _spread(builder, [both, *rest], remaining, results, name, kind, robust=robust)


def _changes(outcome: np.ndarray, coefficients: list[float], numbers: list[np.ndarray]) -> int | None:
    """How often the outcome changes along the sum, or None where the sum does not decide it."""
    total = np.zeros(())
    for axis, (coefficient, column) in enumerate(zip(coefficients, numbers, strict=True)):
        total = np.expand_dims(total, -1) + coefficient * column
        assert total.ndim == axis + 1
    flat, results = total.ravel(), outcome.ravel()
    order = np.argsort(flat, kind="stable")
    flat, results = flat[order], results[order]
    same = flat[1:] == flat[:-1]
    differs = results[1:] != results[:-1]
    if (same & differs).any():
        return None
    return int(differs.sum())


def _tells_positions_apart(arguments: list[Value], table: np.ndarray) -> bool:
    """Whether different positions always get different results.

    They do when each result belongs to one value of an argument that is itself different at every position.
    """
    for axis, argument in enumerate(arguments):
        if not argument.distinct:
            continue
        flat = np.moveaxis(table, axis, 0).reshape(table.shape[axis], -1)
        owners = np.repeat(np.arange(flat.shape[0]), flat.shape[1])
        pairs = np.unique(np.stack([flat.ravel(), owners]), axis=1)
        if len(np.unique(pairs[0])) == pairs.shape[1]:
            return True
    return False
