"""Functions of one direction: a bank of neurons that all look at the same scalar.

Two ways to draw a table over points z_0 < z_1 < ...:

- *hinges*: one neuron where the slope changes. Cheap; passes noise on, times the slope.
- *steps*: two neurons where the value changes, a ramp over the middle half of the interval. Noise below a quarter of
  the interval is wiped out.

Neurons face away from a pivot (active above it or below it), so that far ends do not cancel against each other.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from seme.compiler.builder import Builder, anonymous, space
from seme.ir import Form, Neurons, constant_form, stack_forms

SHORT = 9
"""From this many points on a robust bank is split into two digits, where that is possible."""

LONG = 32
"""From this many points on it is split even where the digits do not simply add up: then by a gate per entry."""

VERY_LONG = 256
"""From this many points on the high digit's noise, which the low digit inherits many times over, is wiped out."""

STEEPEST_HINGE = 2.0
"""Hinges pass noise on times their slope. Up to a slope of two (a +-1 bit of an integer) that is harmless; beyond it
steps are spent."""


def bank(
    builder: Builder,
    form: Form,
    points: np.ndarray,
    rows: np.ndarray,
    name: str,
    *,
    robust: int = 0,
    hinges: bool | None = None,
) -> Form:
    """The function that takes points[i] to rows[i], as an affine form over one bank of neurons.

    Args:
        builder: The graph to add to.
        form: The scalar, width 1.
        points: [P] its ideal values, increasing.
        rows: [P, width] the wanted values.
        name: What to call the bank.
        robust: Use steps even where hinges are cheaper.
        hinges: Overrides the choice between hinges and steps.
    """
    if (rows == rows[:1]).all():
        return constant_form(rows[0])
    gaps = np.diff(points)
    slopes = np.diff(rows, axis=0) / gaps[:, None]
    if robust and len(points) >= SHORT and np.allclose(gaps, gaps[0], rtol=1e-12):
        split = _digits(builder, form, points, rows, name, clean=robust >= 2 or len(points) > VERY_LONG)
        if split is not None:
            return split
    if hinges is not False and is_affine(points, rows):
        return (form @ slopes[:1]).shifted(rows[0] - points[0] * slopes[0])
    kinks = int((_differ(slopes[1:], slopes[:-1])).any(axis=1).sum())
    jumps = int((rows[1:] != rows[:-1]).any(axis=1).sum())
    if hinges is None:
        hinges = not robust and kinks < 2 * jumps and float(np.abs(slopes).max()) <= STEEPEST_HINGE
    in_slopes, offsets, write, base, linear = _hinges(points, rows, slopes) if hinges else _steps(points, rows, gaps)
    hidden = len(offsets)
    node = Neurons(
        space=space(name, rows.shape[1]),
        lo=rows.min(axis=0) - np.abs(base),
        hi=rows.max(axis=0) + np.abs(base),
        read=form,
        slopes=in_slopes[None],
        offsets=offsets,
        write=write,
        hidden=anonymous(hidden),
        points=points,
        quantum=_quantum(points, in_slopes, offsets),
    )
    node = _tight(node, points)
    out = builder.add(node).shifted(base)
    return out + form @ linear if linear.any() else out


def _digits(
    builder: Builder, form: Form, points: np.ndarray, rows: np.ndarray, name: str, *, clean: bool
) -> Form | None:
    """The table as a function of a high digit plus one of a low digit, where it is such a sum (bits are).

    Ramps reach only a square root as far, and so does what cancels between them: the error falls with it.
    """
    base = 1 << int(np.ceil(np.log2(len(points)) / 2))
    high = np.arange(len(points)) // base
    low = np.arange(len(points)) % base
    starts = rows[high * base]
    offsets = rows - starts
    first = offsets[:base]
    blocks = np.arange(high[-1] + 1)
    separable = np.allclose(offsets, first[low], rtol=0, atol=1e-12)
    if not separable and len(points) < LONG:
        return None
    digit = bank(builder, form, points, high[:, None].astype(float), f"{name}.high", hinges=False)
    if clean:  # the low digit inherits the high one's noise `base` times over
        digit = bank(builder, digit, blocks.astype(float), blocks[:, None].astype(float), f"{name}.high", hinges=False)
    step = float(points[1] - points[0])
    rest = form + digit @ np.array([[-base * step]])
    if not separable:
        return _by_gates(builder, digit, rest, points[:base], rows, name)
    upper = bank(builder, digit, blocks.astype(float), rows[blocks * base], f"{name}.high", robust=1, hinges=False)
    lower = bank(builder, rest, points[:base], first, f"{name}.low", robust=1, hinges=False)
    return upper + lower


def _by_gates(builder: Builder, digit: Form, rest: Form, low: np.ndarray, rows: np.ndarray, name: str) -> Form:
    """Any table over two digits: a gate for every run of equal rows within a block, of which one is on at a time."""
    base = len(low)
    kinds, kind = np.unique(rows, axis=0, return_inverse=True)
    kind = kind.ravel()
    common = int(np.argmax(np.bincount(kind)))
    gates: list[tuple[int, tuple[int, ...], int]] = []
    for block in range(-(-len(rows) // base)):
        here = kind[block * base : (block + 1) * base]
        gates += [(block, tuple(np.flatnonzero(here == v).tolist()), int(v)) for v in np.unique(here) if v != common]
    sets = sorted({members for _, members, _ in gates})
    blocks = np.arange(-(-len(rows) // base))
    is_block = bank(builder, digit, blocks.astype(float), np.eye(len(blocks)), f"{name}.is", hinges=False)
    within = np.array([[float(i in members) for members in sets] for i in range(base)])
    is_in = bank(builder, rest, low, within, f"{name}.in", hinges=False)
    slopes = np.zeros((len(blocks) + len(sets), len(gates)))
    for g, (block, members, _) in enumerate(gates):
        slopes[block, g] = slopes[len(blocks) + sets.index(members), g] = 2.0
    write = np.array([kinds[v] - kinds[common] for _, _, v in gates])
    node = Neurons(
        space=space(name, rows.shape[1]),
        lo=np.minimum(write.min(axis=0), 0.0),
        hi=np.maximum(write.max(axis=0), 0.0),
        read=stack_forms([is_block, is_in]),
        slopes=slopes,
        offsets=np.full(len(gates), -3.0),
        write=write,
        hidden=anonymous(len(gates)),
        quantum=1.0,
        exclusive=True,
    )
    return builder.add(node).shifted(kinds[common])


def is_affine(points: np.ndarray, rows: np.ndarray) -> bool:
    """Whether the rows are an affine function of the points, and so cost nothing."""
    slope = (rows[1] - rows[0]) / (points[1] - points[0])
    straight = rows[0] + (points - points[0])[:, None] * slope
    return bool(np.allclose(straight, rows, rtol=0, atol=1e-12 * max(1.0, np.abs(rows).max())))


def _differ(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Whether slopes differ by more than their own rounding."""
    return np.abs(a - b) > 1e-12 * max(np.abs(a).max(initial=0.0), np.abs(b).max(initial=0.0))


def _steps(points: np.ndarray, rows: np.ndarray, gaps: np.ndarray) -> tuple[np.ndarray, ...]:
    """Ramps of width gap/2 around the middle of every interval where the value changes."""
    at = np.flatnonzero((rows[1:] != rows[:-1]).any(axis=1))
    middle = (points[at] + points[at + 1]) / 2
    steep = 2.0 / gaps[at]
    jump = rows[at + 1] - rows[at]
    pivot = _calmest(points, middle, steep[:, None] * np.abs(jump))
    up = np.where(np.arange(len(at)) >= pivot, 1.0, -1.0)
    slope = np.repeat(up * steep, 2)
    offset = np.repeat(-up * steep * middle, 2) + np.tile([0.5, -0.5], len(at))
    write = np.repeat(up[:, None] * jump, 2, axis=0) * np.tile([1.0, -1.0], len(at))[:, None]
    base = rows[at[pivot]] if pivot < len(at) else rows[-1]
    return slope, offset, write, base, np.zeros((1, rows.shape[1]))


def _calmest(points: np.ndarray, middle: np.ndarray, pull: np.ndarray) -> int:
    """The first ramp that faces up, such that the largest sum of cancelling activations is smallest.

    Args:
        points: [P] where the function is needed.
        middle: [J] the middle of every ramp.
        pull: [J, width] slope times jump of every ramp.
    """
    strength = pull.max(axis=1)
    ends = points[[0, len(points) // 4, len(points) // 2, 3 * len(points) // 4, -1]]
    candidates = sorted({0, len(middle) // 4, len(middle) // 2, 3 * len(middle) // 4, len(middle) - 1, len(middle)})
    costs = []
    for first in candidates:
        up = np.arange(len(middle)) >= first
        distance = ends[:, None] - middle
        active = np.where(up, np.maximum(distance, 0), np.maximum(-distance, 0))
        costs.append(float((active @ strength).max()))
    return candidates[int(np.argmin(costs))]


def _hinges(points: np.ndarray, rows: np.ndarray, slopes: np.ndarray) -> tuple[np.ndarray, ...]:
    """A linear part through the pivot's interval, and one neuron wherever the slope changes away from it."""
    flat = np.flatnonzero(~slopes.any(axis=1))
    middle = len(slopes) // 2
    gentle = np.abs(slopes).sum(axis=1)
    pivot = int(flat[np.argmin(np.abs(flat - middle))]) if len(flat) else int(np.argmin(gentle))
    change = slopes[1:] - slopes[:-1]
    at = np.flatnonzero(_differ(slopes[1:], slopes[:-1]).any(axis=1))
    right = at >= pivot
    sign = np.where(right, 1.0, -1.0)
    write = change[at]
    offset = -sign * points[at + 1]
    base = rows[pivot] - points[pivot] * slopes[pivot]
    return sign, offset, write, base, slopes[pivot][None]


def _quantum(points: np.ndarray, slopes: np.ndarray, offsets: np.ndarray) -> float:
    """The smallest non-zero pre-activation over the points."""
    smallest = np.inf
    for start in range(0, len(points), 1024):
        pre = np.abs(points[start : start + 1024, None] * slopes + offsets)
        pre = pre[pre > 1e-9 * np.maximum(1.0, np.abs(offsets).max())]
        smallest = min(smallest, float(pre.min(initial=np.inf)))
    return 0.0 if smallest == np.inf else smallest


def _tight(node: Neurons, points: np.ndarray) -> Neurons:
    """The node with bounds that are exact over the points."""
    lo, hi = None, None
    for start in range(0, len(points), 1024):
        value = np.maximum(points[start : start + 1024, None] * node.slopes + node.offsets, 0.0) @ node.write
        lo = value.min(axis=0) if lo is None else np.minimum(lo, value.min(axis=0))
        hi = value.max(axis=0) if hi is None else np.maximum(hi, value.max(axis=0))
    assert lo is not None
    assert hi is not None
    return replace(node, lo=np.minimum(lo, 0.0), hi=np.maximum(hi, 0.0))
