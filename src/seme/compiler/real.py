"""exp, log, sqrt and 1/x by piecewise-linear neurons, with a proved largest error.

For a convex or concave function the chord between two knots is off by at most its distance at one point, found in
closed form; moving every chord by half of that halves the error.
"""

from __future__ import annotations

import math

import numpy as np

from seme.compiler.arithmetic import bounds
from seme.compiler.builder import Builder, anonymous, space
from seme.compiler.values import Carrier, Lattice, Value, number, relabel
from seme.core.errors import ProgramError, TooLargeError
from seme.ir import Form, Neurons
from seme.lang.expressions import RealFunction
from seme.lang.interpreter import apply_real, label
from seme.lang.operators import REAL_FUNCTIONS

DEFAULT_ERROR = 1e-2
"""Largest error where the program states none."""

MOST_NEURONS = 4096

CHORDS_SHARE = 15 / 16
"""How much of an asked error the chords may spend; the rest is left to rounding, which the certificate adds."""


def real_function(builder: Builder, value: Value, node: RealFunction, *, robust: int) -> Value:
    """A real function of a number.

    Of tokens and positions any function is a column of the embedding, exact but for rounding; neurons are spent on
    numbers that were computed.

    Raises:
        ProgramError: The argument is not a number or can leave the function's domain.
        TooLargeError: The asked error needs too many neurons.
    """
    if not value.numeric:
        raise ProgramError(f"`{label(node)}` needs numbers, got {value.classes[:5]}", hint="map the values to numbers")
    lo, hi = (float(b) for b in bounds(value))
    for x in (lo, hi):
        apply_real(node, x)
    if node.function in ("log", "reciprocal") and lo <= 0:
        raise ProgramError(
            f"`{label(node)}` is undefined: its argument lies in [{lo:g}, {hi:g}], expected positive numbers",
            hint="add a constant, or use maximum(x, 1)",
        )
    if value.carrier.kind in ("token", "position", "onehot", "constant"):
        return relabel(value, tuple(apply_real(node, v) for v in value.table), "number")
    knots, error = chords(node.function, lo, hi, error=node.error, neurons=node.neurons)
    noise = value.lattice.error if value.lattice is not None else 0.0
    steepest = max(abs(s) for s in _slopes(node.function, knots))
    form = piecewise(builder, number(builder, value, robust=robust), node.function, knots, error, label(node))
    f = REAL_FUNCTIONS[node.function]
    ends = sorted((f(lo), f(hi)))
    lattice = Lattice(lo=ends[0] - error, hi=ends[1] + error, error=error + steepest * noise)
    return Value(carrier=Carrier(kind="real", size=0, form=form, name=node.function), lattice=lattice, kind="number")


def chords(
    function: str, lo: float, hi: float, *, error: float | None = None, neurons: int | None = None
) -> tuple[np.ndarray, float]:
    """Knots for a piecewise-linear approximation, and its proved largest error.

    Args:
        function: One of exp, log, sqrt, reciprocal.
        lo: Left end.
        hi: Right end.
        error: Largest error allowed; the fewest knots that meet it are found.
        neurons: Pieces to use; the error is then what comes out.

    Returns:
        Knots, increasing, from lo to hi; the largest error of the chords moved by half their sag.
    """
    if hi <= lo:
        return np.array([lo, lo + 1.0]), 0.0
    if neurons is not None:
        knots = _knots(function, lo, hi, neurons)
        return knots, _sag(function, knots) / 2
    wanted = CHORDS_SHARE * (DEFAULT_ERROR if error is None else error)
    pieces = 1
    while _sag(function, _knots(function, lo, hi, pieces)) / 2 > wanted:
        pieces *= 2
        if pieces > MOST_NEURONS:
            raise TooLargeError(
                f"`{function}` on [{lo:g}, {hi:g}] needs more than {MOST_NEURONS} neurons for an error of {wanted:g}",
                hint="allow a larger error, or a smaller range",
            )
    low = pieces // 2
    while pieces - low > 1:
        middle = (low + pieces) // 2
        fits = _sag(function, _knots(function, lo, hi, middle)) / 2 <= wanted
        low, pieces = (low, middle) if fits else (middle, pieces)
    knots = _knots(function, lo, hi, pieces)
    return knots, _sag(function, knots) / 2


def _knots(function: str, lo: float, hi: float, pieces: int) -> np.ndarray:
    """Knots of nearly equal sag: density proportional to the square root of the second derivative."""
    t = np.linspace(0.0, 1.0, pieces + 1)
    match function:
        case "exp":  # density exp(x/2)
            a, b = math.exp(lo / 2), math.exp(hi / 2)
            knots = 2 * np.log(a + t * (b - a))
        case "log":  # density 1/x
            knots = lo * (hi / lo) ** t
        case "sqrt":  # density x^(-3/4)
            a, b = lo**0.25, hi**0.25
            knots = (a + t * (b - a)) ** 4
        case _:  # reciprocal: density x^(-3/2)
            a, b = lo**-0.5, hi**-0.5
            knots = (a + t * (b - a)) ** -2.0
    knots[0], knots[-1] = lo, hi
    return knots


def _slopes(function: str, knots: np.ndarray) -> np.ndarray:
    f = REAL_FUNCTIONS[function]
    y = np.array([f(float(x)) for x in knots])
    return np.diff(y) / np.diff(knots)


def _sag(function: str, knots: np.ndarray) -> float:
    """The largest distance of a chord from the function, where the function's slope equals the chord's."""
    f = REAL_FUNCTIONS[function]
    y = np.array([f(float(x)) for x in knots])
    slope = np.diff(y) / np.diff(knots)
    touch = {
        "exp": lambda s: np.log(s),
        "log": lambda s: 1 / s,
        "sqrt": lambda s: 1 / (4 * s * s),
        "reciprocal": lambda s: 1 / np.sqrt(-s),
    }[function](slope)
    there = np.array([f(float(x)) for x in touch])
    return float(np.abs(y[:-1] + slope * (touch - knots[:-1]) - there).max())


def piecewise(builder: Builder, form: Form, function: str, knots: np.ndarray, error: float, name: str) -> Form:
    """The chords, moved by half their sag, as one neuron per inner knot beside a linear part.

    The linear part is one of the chords; neurons right of it face right and those left of it left. It is chosen where
    the least cancels, since what cancels is what rounding is measured by.
    """
    f = REAL_FUNCTIONS[function]
    slope = _slopes(function, knots)
    pivot = _calmest(slope, knots)
    convex = function in ("exp", "reciprocal")
    base = f(float(knots[pivot])) + (-error if convex else error)
    straight = (form @ np.array([[slope[pivot]]])).shifted(base - slope[pivot] * knots[pivot])
    if len(slope) == 1:
        return straight
    change, inner = np.diff(slope), knots[1:-1]
    sign = np.where(np.arange(len(change)) >= pivot, 1.0, -1.0)
    ends = [float((np.maximum(sign * (end - inner), 0) * change).sum()) for end in (knots[0], knots[-1])]
    node = Neurons(
        space=space(name, 1, ("bend",)),
        lo=np.array([min(*ends, 0.0)]),
        hi=np.array([max(*ends, 0.0)]),
        read=form,
        slopes=sign[None],
        offsets=-sign * inner,
        write=change[:, None],
        hidden=anonymous(len(change)),
        points=knots,  # where pre-activations, slopes and noise are largest: between knots everything is affine
        approximation=error,
    )
    return builder.add(node) + straight


def _calmest(slope: np.ndarray, knots: np.ndarray) -> int:
    """The chord for which the linear part and the neurons are smallest at the far ends, where they are largest."""
    change, inner = np.abs(np.diff(slope)), knots[1:-1]

    def size(pivot: int) -> float:
        left = ((inner[:pivot] - knots[0]) * change[:pivot]).sum()
        right = ((knots[-1] - inner[pivot:]) * change[pivot:]).sum()
        return float(max(left, right) + abs(slope[pivot]) * max(knots[-1] - knots[pivot], knots[pivot] - knots[0]))

    return min(range(len(slope)), key=size)
