"""A bound on how far computed directions are from their ideal values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bound:
    """|computed - ideal| <= absolute + relative * |ideal|, per direction.

    Attributes:
        absolute: [width].
        relative: [width].
        exact_zero: [width] whether what is ideally zero is computed as exactly zero.
    """

    absolute: np.ndarray
    relative: np.ndarray
    exact_zero: np.ndarray

    def at(self, value: np.ndarray) -> np.ndarray:
        """The bound where the ideal value is `value`, [..., width]."""
        return np.where(self.exact_zero & (value == 0), 0.0, self.absolute + self.relative * np.abs(value))

    def part(self, components: slice) -> Bound:
        """The bound of some of the directions."""
        return Bound(
            absolute=self.absolute[components],
            relative=self.relative[components],
            exact_zero=self.exact_zero[components],
        )


def proportional(relative: np.ndarray) -> Bound:
    """Errors in proportion to the value."""
    return Bound(absolute=np.zeros(len(relative)), relative=relative, exact_zero=np.ones(len(relative), dtype=bool))


def constant(absolute: np.ndarray) -> Bound:
    """Errors of one size whatever the value."""
    return Bound(absolute=absolute, relative=np.zeros(len(absolute)), exact_zero=absolute == 0)
