"""The head's place as digits that tokens carry: each says only which digits a step changed.

A step right adds 1: the lowest digits that stand at their largest value become 0 and the next one grows by 1. Its code
is the sum of the radices of those that became 0, plus the new value of the one that grew; so a code names both. A step
left is the same on the complements. The code after the last digit's is the edge of the tape: all digits wrapped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

MOST_BITS = 24
DIGIT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What a code says of every digit.

    Attributes:
        level: The highest digit that changed; as many as there are digits at the edge.
        after: Digits from 0 to `level` after the step.
        before: And before it.
    """

    level: int
    after: tuple[int, ...]
    before: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Odometer:
    """Digits of the head's place.

    Attributes:
        widths: Bits of every digit, lowest first.
    """

    widths: tuple[int, ...] = (4, 4, 4, 4, 4, 4)

    @classmethod
    def reaching(cls, tokens: int, width: int = 4) -> Odometer:
        """One whose tape cannot be left in so many tokens, or of 2^24 cells where that is less.

        Args:
            tokens: The most a trace has.
            width: Bits of a digit; the last may have fewer. Narrow digits keep numbers small, wide ones are few.
        """
        bits = min(MOST_BITS, tokens.bit_length() + 1)
        return cls(widths=tuple(min(width, bits - at) for at in range(0, bits, width)))

    @property
    def radices(self) -> tuple[int, ...]:
        """How many values every digit has."""
        return tuple(1 << width for width in self.widths)

    @property
    def cells(self) -> int:
        """How many cells the tape has."""
        return 1 << sum(self.widths)

    @property
    def home(self) -> int:
        """The cell in the middle, where the head begins."""
        return self.cells // 2

    @property
    def starts(self) -> tuple[int, ...]:
        """The code before the first one of every digit, and the edge."""
        return tuple(accumulate(self.radices, initial=0))

    @property
    def edge(self) -> int:
        """The code of a step off the tape."""
        return self.starts[-1]

    @property
    def codes(self) -> tuple[int, ...]:
        """All codes, the edge last."""
        inside = [start + k for start, radix in zip(self.starts, self.radices, strict=False) for k in range(1, radix)]
        return (*inside, self.edge)

    def __str__(self) -> str:
        return ".".join(map(str, self.widths))

    def digits(self, place: int) -> tuple[int, ...]:
        """The digits of a place, lowest first."""
        out = []
        for width in self.widths:
            out.append(place & ((1 << width) - 1))
            place >>= width
        return tuple(out)

    def place(self, digits: Sequence[int]) -> int:
        """The place that digits stand for."""
        place = 0
        for digit, width in zip(reversed(digits), reversed(self.widths), strict=True):
            place = place << width | digit
        return place

    def code(self, place: int, right: bool) -> int:
        """The code of the step that ends at a place; a place outside the tape is the edge's."""
        if not 0 <= place < self.cells:
            return self.edge
        level, digit = next((i, d) for i, d in enumerate(self.digits(place if right else self.cells - 1 - place)) if d)
        return self.starts[level] + digit

    def move(self, code: int, right: bool) -> Move:
        """What a code says of the digits."""
        level = sum(start < code for start in self.starts) - 1 if code < self.edge else len(self.widths)
        grown = () if code == self.edge else (code - self.starts[level],)
        tops = [radix - 1 for radix in self.radices]
        after, before = [0] * level + [*grown], tops[:level] + [k - 1 for k in grown]
        if not right:
            after = [tops[i] - digit for i, digit in enumerate(after)]
            before = [tops[i] - digit for i, digit in enumerate(before)]
        return Move(level=level, after=tuple(after), before=tuple(before))
