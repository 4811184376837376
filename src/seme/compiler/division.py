"""Products, quotients and remainders of integers without a table: one operand is gated by the digits of the other."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from seme.compiler.arithmetic import bounds, linear
from seme.compiler.builder import Builder, anonymous, space
from seme.compiler.ridge import bank
from seme.compiler.values import Carrier, Value, code, constant_value, has_free_codes, number
from seme.ir import Form, Neurons, stack_forms

MOST_STEPS = 32
"""A quotient above this is computed as two digits: 4 sqrt(q) ramps and sqrt(q) gates in three layers, where one ramp
per value would take 2 q in one."""


def product_by_bits(builder: Builder, a: Value, b: Value, name: str, *, robust: int) -> Value:
    """Product of integers: the sum over the bits of b of 2^j * a, each switched on by its bit, one neuron each.

    Args:
        builder: The graph to add to.
        a: The multiplicand.
        b: The multiplier, whose bits should be free.
        name: What to call it.
        robust: Passed on to codes.
    """
    low, high = (int(x) for x in bounds(b))
    if low == high:
        return linear(builder, [(a, Fraction(low))], Fraction(0), name, robust=robust)
    width = (high - low).bit_length()
    numbers = np.array([int(v) for v in b.table])
    rows = ((numbers[:, None] - low) >> np.arange(width)[None, :] & 1).astype(float)
    bits = code(builder, b, rows, f"{b.carrier.name or name}.bits", robust=robust)
    amount = number(builder, a, robust=robust)
    smallest, largest = (float(x) for x in bounds(a))
    places = 2.0 ** np.arange(width)
    # a * b = sum of 2^j bit_j * (a - smallest) + smallest * (b - low) + low * a, and only the first is not affine.
    amounts = amount.shifted(-smallest) @ np.ones((1, width))
    form = gates(builder, amounts, bits, np.full(width, largest - smallest), places, name)
    form = form + bits @ (smallest * places)[:, None] + amount @ np.array([[float(low)]])
    points = np.unique(np.multiply.outer([int(v) for v in a.classes], [int(v) for v in b.classes]))
    carrier = Carrier(kind="scalar", size=len(points), form=form, points=points.astype(float), name=name)
    return Value(carrier=carrier, table=tuple(int(p) for p in points), kind="number")


def gates(builder: Builder, amounts: Form, switches: Form, reach: np.ndarray, places: np.ndarray, name: str) -> Form:
    """The sum over the switches that are on of place * amount: relu(amount - reach * (1 - switch)), one neuron each.

    Args:
        builder: The graph to add to.
        amounts: A number per switch, at least zero.
        switches: 0 or 1.
        reach: [switches] the largest amount of each.
        places: [switches] what each counts.
        name: What to call it.
    """
    count = switches.width
    reach = np.maximum(reach, 1.0)
    node = Neurons(
        space=space(name, 1, ("value",)),
        lo=np.zeros(1),
        hi=np.array([float(reach @ places)]),
        read=stack_forms([amounts, switches]),
        slopes=np.concatenate([np.eye(count), np.diag(reach)]),
        offsets=-reach,
        write=places[:, None].copy(),
        hidden=anonymous(count),
        quantum=1.0,
    )
    return builder.add(node)


def divide(builder: Builder, a: Value, b: Value, name: str, *, remainder: bool, robust: int) -> Value:
    """A // b, or a % b, of integers with a >= 0 and b > 0.

    A step per k >= 1 says whether a >= k * b, and the steps add up to the quotient. A large quotient has two digits:
    the steps of the high one go by multiples of the base; what it stands for, b switched by each step, is taken off,
    and the rest gives the low one. Taking that off as well leaves the remainder.

    Args:
        builder: The graph to add to.
        a: The dividend.
        b: The divisor.
        name: What to call it.
        remainder: Whether the remainder is asked for.
        robust: Passed on to codes.
    """
    most = int(bounds(a)[1] // bounds(b)[0])
    if most == 0:
        return a if remainder else constant_value(0)
    base = 1 if most < MOST_STEPS else math.isqrt(most) + 1
    largest = float(bounds(a)[1])
    rest, under = number(builder, a, robust=robust), number(builder, b, robust=robust)
    whole: Form | None = None
    for place, digits in ((base, most // base), (1, base - 1)):
        if not digits:
            continue
        multiples = [place * k for k in range(1, digits + 1)]
        steps = _steps(builder, rest, under, multiples, (largest, b), name, sharp=place > 1)
        digit = stack_forms(steps)
        part = digit @ np.full((digits, 1), float(place))
        whole = part if whole is None else whole + part
        if remainder or place > 1:
            used = _used(builder, b, digit, place, largest, f"{name}.used", robust=robust)
            rest = rest + used @ np.array([[-1.0]])
    assert whole is not None
    points = np.arange(min(int(bounds(b)[1]) - 1, int(largest)) + 1 if remainder else most + 1)
    form = rest if remainder else whole
    carrier = Carrier(kind="scalar", size=len(points), form=form, points=points.astype(float), name=name)
    return Value(carrier=carrier, table=tuple(int(p) for p in points), kind="number")


def _used(builder: Builder, divisor: Value, digit: Form, place: int, largest: float, name: str, *, robust: int) -> Form:
    """What a digit stands for: place * divisor for every step that is on.

    A step at k * place is on only where the divisor is at most largest / (k * place), so what it switches is the
    divisor cut off there: the smaller that is, the less a step's own noise counts.
    """
    numbers = np.array([float(v) for v in divisor.table])
    caps = np.minimum(largest // (place * np.arange(1, digit.width + 1)), numbers.max())
    if has_free_codes(divisor):
        clipped = np.minimum(numbers[:, None], caps[None, :])
        amounts = code(builder, divisor, clipped, f"{divisor.carrier.name or name}.capped", robust=robust)
    else:
        caps = np.full(digit.width, numbers.max())
        amounts = number(builder, divisor, robust=robust) @ np.ones((1, digit.width))
    return gates(builder, amounts, digit, caps, np.full(digit.width, float(place)), name)


def _steps(
    builder: Builder,
    over: Form,
    under: Form,
    multiples: list[int],
    within: tuple[float, Value],
    name: str,
    *,
    sharp: bool,
) -> list[Form]:
    """For every k one direction that is one where over >= k * under, else zero: a ramp from -1 to 0.

    A ramp is the difference of two neurons, and off by the rounding of both. Where the step switches large numbers a
    second ramp, over the step itself, wipes that out.
    """
    largest, divisor = within
    out = []
    for k in multiples:
        lo, hi = -k * float(bounds(divisor)[1]), largest - k * float(bounds(divisor)[0])
        # The step is flat outside the ramp, so the far points stand for all others.
        points = np.unique([min(lo, -1.0), -1.0, 0.0, max(hi, 0.0)])
        z = over + under @ np.array([[-float(k)]])
        step = bank(builder, z, points, (points >= 0)[:, None] * 1.0, f"{name}>={k}", hinges=False)
        if sharp:
            step = bank(builder, step, np.arange(2.0), np.arange(2.0)[:, None], f"{name}>={k}", hinges=False)
        out.append(step)
    return out


__all__ = ["divide", "gates", "product_by_bits"]
