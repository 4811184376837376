"""Integers by their bits, and one of several numbers picked by a switch: one neuron each."""

from __future__ import annotations

import numpy as np

from seme.compiler.arithmetic import bounds
from seme.compiler.builder import Builder, anonymous, space
from seme.compiler.ridge import bank
from seme.compiler.values import Carrier, Value, code, onehot
from seme.ir import Form, Neurons, stack_forms


def bitwise(builder: Builder, operator: str, a: Value, b: Value, name: str, *, robust: bool) -> Value:
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


def shifted(builder: Builder, operator: str, a: Value, b: Value, name: str, *, robust: bool) -> Value:
    """A shifted by b: every possible shift of `a` is a code of it, and `b` picks one."""
    amounts = [int(v) for v in b.classes]
    numbers = [int(v) for v in a.table]
    left = operator == "shift_left"
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


def _integers(form: Form, lo: int, hi: int, name: str) -> Value:
    points = np.arange(lo, hi + 1)
    carrier = Carrier(kind="scalar", size=len(points), form=form, points=points.astype(float), name=name)
    return Value(carrier=carrier, table=tuple(int(p) for p in points), kind="number")
