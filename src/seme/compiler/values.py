"""How a program's value is carried: a table over the atoms of a carrier, turned into directions on demand.

A map of one value only relabels the table, so it costs nothing. Neurons are spent when somebody asks for a *code*:
a vector for each atom. Token and position codes are columns of the embeddings; codes of a one-hot are affine and
free; codes of a scalar are free when affine and otherwise a bank of neurons on that one direction.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from seme.compiler.builder import Builder, identity, space
from seme.compiler.ridge import bank, is_affine
from seme.core.errors import TooLargeError
from seme.ir import Embed, Form, constant_form, stack_forms

MOST_FETCHED = 64
"""Directions of a code that a head fetches beside the number itself; wider ones are left to neurons."""


LONGEST_RAMPS = 64
"""Points of a convex table from which on hinges are the more exact way."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Carrier:
    """Where the atoms of a value live.

    Attributes:
        kind: "constant" (one atom), "token", "position", "scalar" (a direction with finitely many known points),
            "onehot" (one direction per atom), or "real" (a direction with an interval of values).
        size: Number of atoms; 0 for "real".
        form: The direction or directions; None for token, position and constant.
        points: For a scalar, the ideal value at each atom, increasing.
        distinct: Whether different positions always hold different atoms.
        uniform: Whether all positions always hold the same atom.
        role: "positions" or "length" when the atoms are those of that primitive: the compiler knows how they relate.
        name: What to call directions made from it.
        fetch: For a number that a head copied from a token or position: the same head brings any other code of it
            along, rows [atoms, width]; so its bits cost directions, not neurons. None otherwise.
    """

    kind: Literal["constant", "token", "position", "scalar", "onehot", "real"]
    size: int
    form: Form | None = None
    points: np.ndarray | None = None
    distinct: bool = False
    uniform: bool = False
    role: str = ""
    name: str = ""
    fetch: Callable[[np.ndarray, str], Form] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lattice:
    """Numbers too many to list, or a real interval.

    Attributes:
        lo: Smallest.
        hi: Largest.
        unit: Every value is unit * p / q with q at most `max_denominator`; 0 for a real interval.
        max_denominator: See `unit`.
        error: Largest distance of the carried from the meant value before any rounding.
    """

    lo: float
    hi: float
    unit: Fraction = Fraction(0)
    max_denominator: int = 0
    error: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Value:
    """A sequence during compilation.

    Attributes:
        carrier: Where its atoms live.
        table: The Python value of every atom; empty for a lattice.
        lattice: For numbers carried as they are without a list; None otherwise.
        linear: The value as a sum of coefficient * base value, plus a constant; empty when it is its own base.
        kind: Whether an output of it is one number or a label.
    """

    carrier: Carrier
    table: tuple[Any, ...] = ()
    lattice: Lattice | None = None
    linear: tuple[tuple[Value, Fraction], ...] = ()
    offset: Fraction = Fraction(0)
    kind: Literal["number", "category"] = "category"
    classes: tuple[Any, ...] = field(init=False)
    class_of: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        index: dict[Any, int] = {}
        class_of = [index.setdefault(v, len(index)) for v in self.table]
        object.__setattr__(self, "classes", tuple(index))
        object.__setattr__(self, "class_of", np.asarray(class_of, dtype=int))

    @property
    def distinct(self) -> bool:
        """Whether different positions always hold different values."""
        return self.carrier.distinct and len(self.classes) == len(self.table) > 0

    @property
    def uniform(self) -> bool:
        """Whether all positions always hold the same value."""
        return self.carrier.uniform or len(self.classes) == 1

    @property
    def numeric(self) -> bool:
        """Whether every value is a number."""
        return self.lattice is not None or all(is_number(v) for v in self.classes)


def role(value: Value) -> str:
    """The carrier's role when the value is that primitive itself, else an empty string."""
    size = value.carrier.size
    identity_table = range(size) if value.carrier.role == "positions" else range(size, 0, -1)
    return value.carrier.role if value.table == tuple(identity_table) else ""


def is_number(value: Any) -> bool:
    """Whether a value is a real number; booleans count as 0 and 1."""
    return isinstance(value, (bool, int, float, Fraction))


def relabel(value: Value, table: tuple[Any, ...], kind: Literal["number", "category"]) -> Value:
    """The same atoms with other values: free."""
    return Value(carrier=value.carrier, table=table, kind=kind)


def constant_value(x: Any) -> Value:
    """The same value everywhere."""
    carrier = Carrier(kind="constant", size=1, uniform=True, name=str(x))
    return Value(carrier=carrier, table=(x,), kind="number" if is_number(x) and not isinstance(x, bool) else "category")


def code(builder: Builder, value: Value, rows: np.ndarray, name: str, *, robust: int = 0) -> Form:
    """A vector for every atom.

    Args:
        builder: The graph to add to.
        value: Whose atoms.
        rows: [atoms, width].
        name: What to call a new space.
        robust: 0: as cheap as can be. 1: ramps and digits, which wipe out noise, instead of hinges. 2: and two-valued
            directions are wiped clean of what the ramps left.
    """
    carrier = value.carrier
    varying = np.flatnonzero((rows != rows[:1]).any(axis=0))
    if len(varying) < rows.shape[1]:
        inner = code(builder, value, rows[:, varying], name, robust=robust) if len(varying) else None
        place = np.zeros((len(varying), rows.shape[1]))
        place[np.arange(len(varying)), varying] = 1.0
        still = np.where((rows != rows[:1]).any(axis=0), 0.0, rows[0])
        return (inner @ place).shifted(still) if inner is not None else constant_form(still)
    if carrier.kind in ("token", "position"):
        node = Embed(
            space=space(name, rows.shape[1]),
            lo=rows.min(axis=0),
            hi=rows.max(axis=0),
            source="token" if carrier.kind == "token" else "position",
            table=np.ascontiguousarray(rows, dtype=np.float64),
        )
        return builder.add(node)
    assert carrier.form is not None
    if carrier.kind == "onehot":
        return carrier.form @ rows
    assert carrier.points is not None
    if carrier.fetch is not None and rows.shape[1] <= MOST_FETCHED and not is_affine(carrier.points, rows):
        return carrier.fetch(rows, name)
    if robust and carrier.size > 8 and _uneven(carrier.points) and _injective_integers(value) and rows.shape[1] > 1:
        # By way of the number, whose points are evenly spaced and so split into digits.
        order = np.argsort([int(v) for v in value.table])
        numbers = np.array([float(value.table[i]) for i in order])
        out = bank(builder, number(builder, value), numbers, rows[order], name, robust=robust)
        return _snapped(builder, out, rows, name) if robust >= 2 else out
    convex = rows.shape[1] == 1 and _convex(carrier.points, rows[:, 0])
    # Ramps of a long range cancel to n^2 units in the last place; hinges that all pull one way only pass noise on.
    hinges = True if convex and (not robust or carrier.size > LONGEST_RAMPS) else None
    out = bank(builder, carrier.form, carrier.points, rows, name, robust=robust, hinges=hinges)
    return _snapped(builder, out, rows, name) if robust >= 2 else out


def has_free_codes(value: Value) -> bool:
    """Whether any code of the value costs directions only: no neuron, no layer and no noise."""
    return value.carrier.kind in ("token", "position", "onehot", "constant") or value.carrier.fetch is not None


def _snapped(builder: Builder, form: Form, rows: np.ndarray, name: str) -> Form:
    """Directions that take only two values pass one more pair of ramps each, which wipes their noise out.

    A ramp bank over a long range sums large activations; over two values it does not, so that one value comes out
    exactly and the other to the last digits.
    """
    columns = []
    for i in range(form.width):
        values = np.unique(rows[:, i])
        one = form @ np.eye(form.width)[:, i : i + 1]
        if len(values) == 2:
            one = bank(builder, one, values, values[:, None], f"{name}.snap", hinges=False)
        columns.append(one)
    return stack_forms(columns)


def _uneven(points: np.ndarray) -> bool:
    gaps = np.diff(points)
    return not np.allclose(gaps, gaps[0], rtol=1e-12)


def _injective_integers(value: Value) -> bool:
    if not all(is_number(v) and Fraction(v).denominator == 1 for v in value.table):
        return False
    numbers = sorted(int(v) for v in value.table)
    return all(b - a == 1 for a, b in itertools.pairwise(numbers))


def _convex(points: np.ndarray, column: np.ndarray) -> bool:
    """Whether all hinges pull in one direction, so that nothing cancels however steep they are."""
    slopes = np.diff(column) / np.diff(points)
    return bool((np.diff(slopes) >= 0).all() or (np.diff(slopes) <= 0).all())


def number(builder: Builder, value: Value, *, robust: int = 0) -> Form:
    """The value itself as one direction.

    Raises:
        TooLargeError: The value is not made of numbers.
    """
    if value.lattice is not None:
        assert value.carrier.form is not None
        return value.carrier.form
    if value.linear:
        terms = [number(builder, base, robust=robust) @ np.array([[float(c)]]) for base, c in value.linear]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total.shifted(float(value.offset))
    if value.carrier.kind == "constant":
        return constant_form([float(value.table[0])])
    column = np.array([[float(v)] for v in value.table])
    return code(builder, value, column, value.carrier.name or "number", robust=robust)


def onehot(builder: Builder, value: Value, name: str, *, robust: int = 0) -> Form:
    """One direction per class of values."""
    rows = np.eye(len(value.classes))[value.class_of]
    if value.carrier.kind == "constant":
        return constant_form(rows[0])
    return code(builder, value, rows, name, robust=robust)


def require_table(value: Value, what: str) -> None:
    """Refuses values that are not a finite list.

    Raises:
        TooLargeError: The value is a real number, or has too many values to list.
    """
    if value.lattice is not None:
        kind = "a real number" if value.lattice.unit == 0 else "a number with too many values to list"
        raise TooLargeError(
            f"`{what}` needs a finite list of values, but its argument is {kind} "
            f"in [{value.lattice.lo:g}, {value.lattice.hi:g}]",
            hint="shorten --max-length, or compare and count before mapping",
        )


__all__ = ["Carrier", "Lattice", "Value", "code", "constant_value", "identity", "number", "onehot", "stack_forms"]
