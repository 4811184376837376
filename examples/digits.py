"""Numbers out of digits.

`binary_to_decimal`: at every position, the number that the whole input of bits is, the most significant bit first.
`binary_so_far`: causal; at every position, the number that the bits up to and including it are.
`mod_13_sum`: the tokens are the numbers 0 to 12; at every position, the remainder of the sum of all by 13.
`surprise`: at every position, minus the natural logarithm of the fraction of tokens that equal this one, to within
    0.01: 0 if all tokens are the same.
"""

from string import ascii_lowercase

import seme
from seme.lang import Sequence, aggregate, bit_and, count, length, log, maximum, positions, select, tokens


def bit_at(place: Sequence) -> Sequence:
    """The bit at that position of the input; 0 where there is none."""
    return aggregate(select(positions, place, "=="), tokens, default=0)


decimal = sum(bit_at(length - 1 - k) * 2**k for k in range(8)).named("decimal")
decimal_so_far = sum(bit_at(positions - k) * 2**k for k in range(8)).named("decimal so far")

# A sum of numbers as counts of their bits: four counts instead of thirteen.
total = sum(count(select(bit_and(tokens, 2**k), 0, "!=")) * 2**k for k in range(4)).named("sum")

same = select(tokens, tokens, "==").named("same token")
often = maximum(count(same), 1).named("often")  # never 0, and said so
rarity = log(length, error=0.005) - log(often, error=0.005)

binary_to_decimal = seme.program(decimal, vocab=range(2), max_length=8)
binary_so_far = seme.program(decimal_so_far.numerical(), vocab=range(2), max_length=8, causal=True)
mod_13_sum = seme.program(total % 13, vocab=range(13), max_length=20)
surprise = seme.program(rarity.numerical(), vocab=ascii_lowercase, max_length=20)
