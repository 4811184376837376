"""Boolean functions of several arguments as few neurons: a minimised cover by conjunctions.

A conjunction of 0/1 directions, some negated, is one neuron. Where the conjunctions of a cover exclude each other the
function is their sum; where they overlap one more neuron bounds the sum by one. The minimising is sympy's
(Quine-McCluskey with essential prime implicants).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from seme.compiler.builder import Builder, anonymous, space
from seme.compiler.values import Value, code
from seme.ir import Form, Neurons, constant_form, stack_forms

FEWEST_ARGUMENTS, MOST_ARGUMENTS = 3, 8
"""With two arguments a table over one number takes a few neurons already. Minimising a random function takes .02 s for
six arguments, .1 s for seven, 1 s for eight, and some eight times more with each that is added."""

WORTH_A_LIBRARY = 4
"""A table of fewer neurons stays a table: loading sympy takes half a second."""

Cube = tuple[int, ...]
"""Per argument 1 (must hold), 0 (must not hold) or -1 (does not matter)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """A boolean function as a disjunction of conjunctions, or as what such a disjunction is not.

    Attributes:
        cubes: The conjunctions.
        complement: Whether the function is the negation of their disjunction.
        disjoint: Whether no two of them hold at once.
    """

    cubes: tuple[Cube, ...]
    complement: bool
    disjoint: bool

    @property
    def neurons(self) -> int:
        """How many neurons it takes."""
        return len(self.cubes) + (0 if self.disjoint else 1)


def cover(truth: np.ndarray) -> Cover:
    """The cheaper of the covers of a function and of its negation.

    Args:
        truth: [2] * k of booleans, an axis per argument.
    """
    table = np.asarray(truth, dtype=bool)
    ways = [_cover(table.ndim, (table ^ complement).tobytes(), complement) for complement in (False, True)]
    return min(ways, key=lambda way: way.neurons)


@lru_cache(maxsize=256)
def _cover(arguments: int, packed: bytes, complement: bool) -> Cover:
    from sympy import And, Not, Or, symbols
    from sympy.logic import SOPform

    truth = np.frombuffer(packed, dtype=bool)
    names = symbols(f"a0:{arguments}")
    found = SOPform(names, [int(i) for i in np.flatnonzero(truth)])
    cubes: list[Cube] = []
    for term in found.args if isinstance(found, Or) else (found,):
        cube = [-1] * arguments
        for literal in term.args if isinstance(term, And) else (term,):
            held = not isinstance(literal, Not)
            cube[names.index(literal if held else literal.args[0])] = int(held)
        cubes.append(tuple(cube))
    # sympy's order hangs on hashes of symbols; ours does not, so that the same program gives the same bytes.
    ordered = tuple(sorted(cubes))
    pairs = itertools.combinations(ordered, 2)
    disjoint = all(any({x, y} == {0, 1} for x, y in zip(a, b, strict=True)) for a, b in pairs)
    return Cover(cubes=ordered, complement=complement, disjoint=disjoint)


def boolean(
    builder: Builder,
    arguments: list[tuple[Value, np.ndarray]],
    truth: np.ndarray,
    points: np.ndarray,
    along: np.ndarray,
    name: str,
    *,
    robust: int,
) -> Form | None:
    """A function of two-valued arguments by a cover, or None where a table over one number is as cheap.

    Args:
        builder: The growing graph.
        arguments: Values, and for each of their classes which of the argument's two sides it is on.
        truth: [2] * k of booleans.
        points: The values of the number that the table would be over.
        along: The truth at these points.
        name: What to call new directions.
        robust: Passed on to codes.
    """
    if not FEWEST_ARGUMENTS <= truth.ndim <= MOST_ARGUMENTS or truth.shape != (2,) * truth.ndim:
        return None
    table = table_neurons(points, along, robust=robust)
    if table < WORTH_A_LIBRARY:
        return None
    found = cover(truth)
    # Overlapping conjunctions take one layer more, which must be worth it.
    if found.neurons >= (table if found.disjoint else table / 2):
        return None
    forms = [
        code(builder, value, side[value.class_of][:, None].astype(float), f"{name}.{value.carrier.name}", robust=robust)
        for value, side in arguments
    ]
    return covered(builder, forms, found, name)


def table_neurons(points: np.ndarray, along: np.ndarray, *, robust: int) -> int:
    """How many neurons a bank takes for a truth value along a number: a hinge per bend, or a ramp per change."""
    slopes = np.diff(along.astype(float)) / np.diff(points)
    ramps = 2 * int((slopes != 0).sum())
    bends = int((np.abs(np.diff(slopes)) > 1e-12).sum())
    return ramps if robust else min(bends, ramps)


def covered(builder: Builder, arguments: list[Form], found: Cover, name: str) -> Form:
    """The function's direction, 0 or 1.

    Args:
        builder: The growing graph.
        arguments: A form of width 1 for each argument, 0 or 1.
        found: The cover.
        name: What to call the new directions.
    """
    size = len(found.cubes)
    signs = np.array([[{1: 1.0, 0: -1.0, -1: 0.0}[c] for c in cube] for cube in found.cubes]).T
    node = Neurons(
        space=space(name, size, tuple("".join("01-"[c] for c in cube) for cube in found.cubes)),
        lo=np.zeros(size),
        hi=np.ones(size),
        read=stack_forms(arguments),
        # The sum of signs reaches the number of positive arguments exactly where the conjunction holds; doubled, so
        # that what is off rests at -1 or below and noise does not wake it.
        slopes=2.0 * signs,
        offsets=1.0 - 2.0 * (signs > 0).sum(axis=0),
        write=np.eye(size),
        hidden=anonymous(size),
        quantum=1.0,
        exclusive=found.disjoint,
    )
    total = builder.add(node) @ np.ones((size, 1))
    if found.disjoint:
        return _not(total) if found.complement else total
    none = Neurons(
        space=space(f"{name}:none", 1, ("none",)),
        lo=np.zeros(1),
        hi=np.ones(1),
        read=total,
        slopes=np.array([[-1.0]]),
        offsets=np.ones(1),
        write=np.ones((1, 1)),
        hidden=anonymous(1),
        points=np.arange(size + 1.0),
        quantum=1.0,
    )
    out = builder.add(none)
    return out if found.complement else _not(out)


def _not(form: Form) -> Form:
    return constant_form([1.0]) + form @ np.array([[-1.0]])


__all__ = ["Cover", "boolean", "cover", "covered", "table_neurons"]
