"""Integers by their bits, and one of several numbers picked by a switch: one neuron each."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from seme.compiler.arithmetic import bounds
from seme.compiler.builder import Builder, anonymous, space
from seme.compiler.ridge import bank
from seme.compiler.values import Carrier, Value, code, onehot
from seme.core.errors import TooLargeError
from seme.ir import Form, Neurons, stack_forms


def gated(
    builder: Builder,
    pair: list[tuple[Value, np.ndarray]],
    table: np.ndarray,
    results: tuple[Any, ...],
    name: str,
    kind: Literal["number", "category"],
    *,
    distinct: bool,
    robust: int,
) -> Value:
    """A table of two arguments by gates: relu(2 * (a is i) + 2 * (b is one of S) - 3), one active at a time.

    Args:
        builder: The graph to add to.
        pair: Each argument with the row, or column, of the table that each of its classes has.
        table: [rows, columns] indices into `results`.
        results: The values.
        name: What to call it.
        kind: What an output of it is.
        distinct: Whether different positions always get different results.
        robust: Passed on to codes.
    """
    used, index = np.unique(table, return_inverse=True)
    index = index.reshape(table.shape)
    common = int(np.argmax(np.bincount(index.ravel())))  # needs no gate: what is left when all others are off
    gates, turned = _entries(index), _entries(index.T)
    by_row = sum(g[2] != common for g in gates) <= sum(g[2] != common for g in turned)
    gates = [g for g in (gates if by_row else turned) if g[2] != common]
    (a, a_group), (b, b_group) = pair if by_row else pair[::-1]
    # A column per set of classes: of a computed value each is a difference of two ramps, less noisy than a sum of
    # one-hot directions.
    rows = sorted({g[0] for g in gates})
    sets = sorted({g[1] for g in gates})
    own = np.array([[float(c == i) for i in rows] for c in a_group[a.class_of]])
    other = np.array([[float(c in members) for members in sets] for c in b_group[b.class_of]])
    sides = [
        code(builder, a, own, f"{a.carrier.name or name}.is", robust=min(robust, 1)),
        code(builder, b, other, f"{b.carrier.name or name}.in", robust=min(robust, 1)),
    ]
    slopes = np.zeros((len(rows) + len(sets), len(gates)))
    write = np.zeros((len(gates), len(used)))
    for g, (i, members, v) in enumerate(gates):
        slopes[rows.index(i), g] = 2.0
        slopes[len(rows) + sets.index(members), g] = 2.0
        write[g, v] = 1.0
    kept = np.array([v for v in range(len(used)) if v != common])
    node = Neurons(
        space=space(name, len(kept), tuple(f"={results[used[v]]!r}" for v in kept)),
        lo=np.zeros(len(kept)),
        hi=np.ones(len(kept)),
        read=stack_forms(sides),
        slopes=slopes,
        offsets=np.full(len(gates), -3.0),
        write=write[:, kept],
        hidden=tuple(f"x{g + 1}" for g in range(len(gates))),
        quantum=1.0,
        exclusive=True,
    )
    spread = np.eye(len(used))[kept]
    spread[:, common] = -1.0
    form = (builder.add(node) @ spread).shifted(np.eye(len(used))[common])
    carrier = Carrier(
        kind="onehot", size=len(used), form=form, distinct=distinct, uniform=a.uniform and b.uniform, name=name
    )
    return Value(carrier=carrier, table=tuple(results[v] for v in used), kind=kind)


def _entries(index: np.ndarray) -> list[tuple[int, tuple[int, ...], int]]:
    """(row, columns, result) of every run of equal results within a row."""
    return [
        (i, tuple(int(j) for j in np.flatnonzero(row == v)), int(v))
        for i, row in enumerate(index)
        for v in np.unique(row)
    ]


def bitwise(builder: Builder, operator: str, a: Value, b: Value, name: str, *, robust: int) -> Value:
    """Bitwise and, or, xor of natural numbers: `and` of two bits is relu(x + y - 1), the others follow from sums."""
    width = max(int(bounds(a)[1]), int(bounds(b)[1])).bit_length()
    places = 1 << np.arange(width)
    sides = [code(builder, v, _bits(v, width), f"{v.carrier.name or name}.bits", robust=robust) for v in (a, b)]
    total = sides[0] + sides[1]
    out: Form | None = None
    rows = {"bit_and": [0.0, 0.0, 1.0], "bit_or": [0.0, 1.0, 1.0], "bit_xor": [0.0, 1.0, 0.0]}[operator]
    for j in range(width):
        one = bank(
            builder, total @ np.eye(width)[:, j : j + 1], np.arange(3.0), np.array(rows)[:, None] * places[j],
            f"{name}.{j}", hinges=not robust,
        )  # fmt: skip
        out = one if out is None else out + one
    assert out is not None
    return _integers(out, 0, (1 << width) - 1, name)


def _bits(value: Value, width: int) -> np.ndarray:
    numbers = np.array([int(v) for v in value.table])
    return ((numbers[:, None] >> np.arange(width)[None, :]) & 1).astype(float)


def shifted(builder: Builder, operator: str, a: Value, b: Value, name: str, *, robust: int) -> Value:
    """A shifted by b: every possible shift of `a` is a code of it, and `b` picks one."""
    amounts = [int(v) for v in b.classes]
    numbers = [int(v) for v in a.table]
    left = operator == "shift_left"
    if left and max(numbers, default=0).bit_length() + max(amounts, default=0) > 53:
        raise TooLargeError(
            f"`{name}` shifts up to {max(amounts)} places, which makes numbers beyond 2^53",
            hint="shift by less: no float type holds such integers exactly",
        )
    rows = np.array([[float(n << s if left else n >> s) for s in amounts] for n in numbers])
    choices = code(builder, a, rows, f"{a.carrier.name or name}.shifted", robust=robust)
    switch = onehot(builder, b, f"{b.carrier.name or name}.amount", robust=robust)
    most = float(rows.max())
    return _integers(picked(builder, choices, switch, rows.max(axis=0), name), 0, int(most), name)


def picked(builder: Builder, choices: Form, switch: Form, most: np.ndarray, name: str) -> Form:
    """The choice whose switch is on: sum over s of relu(choice_s - most_s * (1 - switch_s)), for choices >= 0."""
    width = choices.width
    most = np.maximum(most, 1.0)
    node = Neurons(
        space=space(name, 1, ("value",)),
        lo=np.zeros(1),
        hi=np.array([float(most.max())]),
        read=stack_forms([choices, switch]),
        slopes=np.concatenate([np.eye(width), np.diag(most)]),
        offsets=-most,
        write=np.ones((width, 1)),
        hidden=anonymous(width),
        quantum=1.0,
    )
    return builder.add(node)


def switched(builder: Builder, switch: Form, number: Form, lo: float, hi: float, name: str) -> Form:
    """`number` where the switch is 1, zero where it is 0.

    That is relu(number - lo - (hi - lo) * (1 - switch)) + lo * switch.
    """
    reach = max(hi - lo, 1.0)
    node = Neurons(
        space=space(name, 1, ("value",)),
        lo=np.zeros(1),
        hi=np.array([reach]),
        read=stack_forms([number, switch]),
        slopes=np.array([[1.0], [reach]]),
        offsets=np.array([-lo - reach]),
        write=np.ones((1, 1)),
        hidden=anonymous(1),
        quantum=1.0,
    )
    return builder.add(node) + switch @ np.array([[lo]])


def _integers(form: Form, lo: int, hi: int, name: str) -> Value:
    points = np.arange(lo, hi + 1)
    carrier = Carrier(kind="scalar", size=len(points), form=form, points=points.astype(float), name=name)
    return Value(carrier=carrier, table=tuple(int(p) for p in points), kind="number")
