"""Moving tokens by a fixed number of places.

`shift_by_2`: every token moves two places to the right; the first two positions hold "_".
`shift_left_1`: every token moves one place to the left; the last position holds None.
`rotate_3`: every token moves three places to the right, and those that fall off the end come in at the front.
"""

from string import ascii_lowercase

import seme
from seme.lang import Sequence, aggregate, length, positions, select, tokens


def shift_by(offset: int, sequence: Sequence, default: str | None = None) -> Sequence:
    return aggregate(select(positions, positions - offset, "=="), sequence, default=default)


def rotate(offset: int, sequence: Sequence) -> Sequence:
    return aggregate(select(positions, (positions - offset) % length, "=="), sequence)


shift_by_2 = seme.program(shift_by(2, tokens, "_"), vocab=ascii_lowercase, max_length=20)
shift_left_1 = seme.program(shift_by(-1, tokens), vocab=ascii_lowercase, max_length=20)
rotate_3 = seme.program(rotate(3, tokens), vocab=ascii_lowercase, max_length=20)
