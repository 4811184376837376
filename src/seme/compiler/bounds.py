"""A bound on how far computed directions are from their ideal values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bound:
    """|computed - ideal| <= absolute + relative * |ideal|, per direction.

    Where `absolute` is zero, what is ideally zero is computed as exactly zero.

    Attributes:
        absolute: See above.
        relative: See above.
        smallest: Of a node's directions, the smallest ideal value that is not zero.
    """

    absolute: np.ndarray
    relative: np.ndarray
    smallest: np.ndarray | float = 1.0

    def at(self, value: np.ndarray) -> np.ndarray:
        """The bound where the ideal value is `value`."""
        return self.absolute + self.relative * np.abs(value)
