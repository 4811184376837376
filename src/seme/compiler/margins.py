"""What a certificate says: how close every node comes to failing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """How close one node comes to failing.

    Attributes:
        node: Its name.
        what: What is bounded, in words.
        have: The bound.
        need: What it must stay below.
    """

    node: str
    what: str
    have: float
    need: float

    @property
    def used(self) -> float:
        """Fraction of what is allowed; above one nothing is proved."""
        return self.have / self.need if self.need > 0 else math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What is proved for one float type.

    Attributes:
        dtype: The float type.
        length: The number of user tokens it speaks of.
        margins: All margins, tightest first.
        errors: Output name -> largest distance of a number from its ideal value (of a label: unused).
        scales: Head -> factor on its scores.
        gains: Bank -> factor on each pre-activation.
        noise: Node -> the largest error of any of its semes.
        offsets: What each layer norm adds to a seme, in the order of the norms, where the proof is that every sum is of
            whole numbers (`exact.py`); then all numbers come out bitwise the same in any order of summing. Else empty.
    """

    dtype: str
    length: int
    margins: tuple[Margin, ...]
    errors: Mapping[str, float]
    scales: Mapping[str, float]
    gains: Mapping[str, np.ndarray]
    noise: Mapping[str, float]
    offsets: tuple[float, ...] = ()

    @property
    def any_order(self) -> bool:
        """Whether every number comes out as it is meant, bitwise, in any order of summing."""
        return self.proved and bool(self.offsets)

    @property
    def proved(self) -> bool:
        """Whether every margin holds."""
        return all(m.used < 1 for m in self.margins)
