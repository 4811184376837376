"""Float types as the certificate sees them, and every constant with its derivation.

The arithmetic model: each operation rounds to nearest; sums may be taken in any order; 16-bit types multiply and
add in float32 and round the result once; exp is within EXP_ULPS units in the last place; there is no TF32.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

EXP_ULPS = 2.0
"""Vectorised exponentials of the common math libraries stay within one to two units in the last place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatType:
    """A float type.

    Attributes:
        name: As torch calls it.
        unit: Half the distance from 1 to the next number: the relative error of one rounding.
        sum_unit: The same for the type sums are taken in.
        largest: Largest finite number.
        norm_gain: The gain g of a layer norm with epsilon g^2, which leaves x - mean(x). A power of two, large
            enough that the variance vanishes beside g^2 when summed in `sum_unit`, and finite in the type.
        silence: exp(-silence) is exactly zero in the type softmaxes are taken in: half the smallest subnormal is
            e^-103.97 in float32 and e^-745.13 in float64; some more for scores that round.
    """

    name: str
    unit: float
    sum_unit: float
    largest: float
    norm_gain: float
    silence: float = 110.0


FLOAT_TYPES: Mapping[str, FloatType] = MappingProxyType(
    {
        # float16 ends at 65504: 2^15 is the largest power of two that fits.
        "float16": FloatType(name="float16", unit=2.0**-11, sum_unit=2.0**-24, largest=65504.0, norm_gain=2.0**15),
        "bfloat16": FloatType(name="bfloat16", unit=2.0**-8, sum_unit=2.0**-24, largest=3.38e38, norm_gain=2.0**60),
        # 2^60 squared is 2^120, finite in float32 (2^128 is not); a variance below 2^95 rounds away beside it.
        "float32": FloatType(name="float32", unit=2.0**-24, sum_unit=2.0**-24, largest=3.40e38, norm_gain=2.0**60),
        # float64 keeps 53 bits: a variance below 2^66 rounds away.
        "float64": FloatType(
            name="float64", unit=2.0**-53, sum_unit=2.0**-53, largest=1.79e308, norm_gain=2.0**60, silence=760.0
        ),
    }
)

GELU_SAFE = 8.0
"""|x| from which gelu(x) = relu(x): 8 * Phi(-8) = 5e-15 is below half an ulp of 8 in float32, and tanh gelu agrees."""

GELU_TAIL = 5e-15
"""Largest |gelu(x) - relu(x)| for |x| >= 8."""

GELU_WORST = 0.17
"""Largest |gelu(x) - relu(x)| anywhere, at |x| = 0.75."""

ERASER_GAIN = 2 * GELU_SAFE
"""What whole numbers are multiplied by before a gelu erases them, so that it is a relu; twice, for noise."""

BEGIN_OFF = 16.0
"""How far below zero every neuron is pushed at the begin token: gelu(-16) is zero in every float type."""

BEGIN_SELF = 128.0
"""Score with which the begin token looks at itself: others weigh e^-128 there."""


def sum_error(terms: int, unit: float) -> float:
    """Relative error of a sum of that many products, in any order: n*u/(1 - n*u)."""
    n = terms * unit
    return n / (1 - n) if n < 0.5 else math.inf
