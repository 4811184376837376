"""Maps: Python functions applied at every position, to one value or to several.

`caesar`: every letter becomes the one three further on in the alphabet, after z comes a.
`caesar_keyed`: every letter moves as far as the first letter of the input says: a by 0, b by 1 ... z by 25.
`median_of_three`: at every position the middle one in size of the digit and its two neighbours; where a neighbour
    is missing, the digit itself stands in for it.
`majority_of_five`: at every position, whether more than half of the five bits around it (two on either side and
    itself) are 1; bits beyond the ends are 0.
"""

from string import ascii_lowercase

import seme
from seme.lang import Sequence, aggregate, map, positions, select, tokens, where


def neighbour(offset: int, default: object) -> Sequence:
    """What stands `offset` places to the right."""
    return aggregate(select(positions, positions + offset, "=="), tokens, default=default)


def rotated(letter: str, by: int) -> str:
    return ascii_lowercase[(ascii_lowercase.index(letter) + by) % 26]


number = map(ascii_lowercase.index, tokens).named("number of the letter")
key = aggregate(select(positions, 0, "=="), number).named("key")

left, right = neighbour(-1, -1), neighbour(1, -1)
around = (where(left < 0, tokens, left), tokens, where(right < 0, tokens, right))
window = tuple(neighbour(offset, 0) if offset else tokens for offset in range(-2, 3))

caesar = seme.program(map(lambda letter: rotated(letter, 3), tokens), vocab=ascii_lowercase, max_length=20)
caesar_keyed = seme.program(map(ascii_lowercase.__getitem__, (number + key) % 26), vocab=ascii_lowercase, max_length=20)
median_of_three = seme.program(map(lambda a, b, c: sorted((a, b, c))[1], *around), vocab=range(6), max_length=20)
majority_of_five = seme.program(map(lambda *bits: sum(bits) > 2, *window), vocab=range(2), max_length=20)
