"""Logits to Python values, all positions at once."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from seme.core.errors import UsageError
from seme.model.artifact import OutputBlock

MAX_TABLE_DENOMINATOR = 2048
"""Fractions in [0, 1] with denominators up to D number about 3 D^2 / pi^2: 1.3 million here, 20 MB."""


def decode(block: OutputBlock, logits: Float[Tensor, "n d_logits"], *, rounded: bool = True) -> list[Any]:
    """The values of one output.

    Args:
        block: The output.
        logits: One row per position.
        rounded: Whether numbers are rounded to their domain.

    Returns:
        Per row the label; or an int, or the float nearest to a rational that is no integer; or, for a number that is
        taken as it is, that float.

    Raises:
        UsageError: A logit is NaN or infinite: the float type is too narrow for this model.
    """
    own = logits[:, block.start : block.start + block.width]
    if not own.isfinite().all():
        raise UsageError(
            f"output `{block.name}` overflowed: got a logit that is not finite",
            hint="run with a wider float type (--dtype float32 or float64)",
        )
    if block.kind in ("category", "next"):
        return [block.labels[index] for index in own.argmax(-1).tolist()]
    raw = own[:, 0].to(torch.float64).cpu().numpy()
    if not rounded or (not block.integers and not block.max_denominator):
        return raw.tolist()
    raw = raw / float(block.unit)
    if block.integers:
        return _times(np.rint(raw), None, block.unit)
    return _times(*nearest_fractions(raw, block.max_denominator), block.unit)


def nearest_fractions(values: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Numerators and denominators of the nearest fractions with a denominator of at most `most`."""
    if most > MAX_TABLE_DENOMINATOR:
        found = [Fraction(value).limit_denominator(most) for value in values.tolist()]
        return np.array([f.numerator for f in found], float), np.array([f.denominator for f in found], float)
    numerators, denominators, points = _farey(most)
    whole = np.floor(values)
    rest = values - whole
    above = np.clip(np.searchsorted(points, rest), 1, len(points) - 1)
    index = above - (rest - points[above - 1] <= points[above] - rest)
    return whole * denominators[index] + numerators[index], denominators[index]


@lru_cache(maxsize=16)
def _farey(most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The fractions from 0 to 1 with denominators up to `most`, in order."""
    parts = [np.arange(denominator + 1) for denominator in range(1, most + 1)]
    numerators = np.concatenate(parts)
    denominators = np.concatenate([np.full(len(part), len(part) - 1) for part in parts])
    lowest = np.gcd(numerators, denominators) == 1
    numerators, denominators = numerators[lowest], denominators[lowest]
    order = np.argsort(numerators / denominators)
    numerators, denominators = numerators[order], denominators[order]
    return numerators, denominators, numerators / denominators


def _times(numerators: np.ndarray, denominators: np.ndarray | None, unit: Fraction) -> list[Any]:
    tops = [int(top) for top in numerators.tolist()]
    if denominators is None:
        return tops if unit == 1 else [_tidy(unit * top) for top in tops]
    made: dict[tuple[int, int], Any] = {}
    pairs = list(zip(tops, denominators.tolist(), strict=True))
    for top, bottom in set(pairs):
        made[top, bottom] = _tidy(unit * Fraction(top, int(bottom)))
    return [made[pair] for pair in pairs]


def _tidy(value: Fraction) -> int | float:
    return value.numerator if value.denominator == 1 else float(value)
