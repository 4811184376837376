"""Whether the number of ones is odd, in four constructions. The answers are 0 (even) and 1 (odd).

`parity_count`: count the ones of the whole input, take the remainder by two.
`parity_bit`: count them, read off the lowest bit of the count.
`parity_scan`: the parity of the whole input without counting: each round joins a stretch of bits to the one before
    it by exclusive or, and the stretches double; four rounds cover 16 tokens. Then all look at the last position.
`parity_so_far`: causal; the parity of the tokens up to and including this one.
`parity_scan_so_far`: causal; the parity of the tokens up to and including this one, by doubling.
"""

import seme
from seme.lang import Sequence, aggregate, bit_and, bit_xor, count, length, positions, select, tokens


def scan(bits: Sequence, rounds: int) -> Sequence:
    """At every position the exclusive or of the bits up to it, right up to length 2**rounds."""
    for k in range(rounds):
        before = aggregate(select(positions, positions - 2**k, "=="), bits, default=0)
        bits = bit_xor(bits, before).named(f"parity of {2 ** (k + 1)}")
    return bits


ones = count(select(tokens, 1, "==")).named("ones")
parity_of_prefix = scan(tokens, rounds=4)
at_end = aggregate(select(positions, length - 1, "=="), parity_of_prefix)

parity_count = seme.program(ones % 2, vocab=range(2), max_length=20)
parity_bit = seme.program(bit_and(ones, 1), vocab=range(2), max_length=20)
parity_scan = seme.program(at_end, vocab=range(2), max_length=16)
parity_so_far = seme.program(ones % 2, vocab=range(2), max_length=20, causal=True)
parity_scan_so_far = seme.program(parity_of_prefix, vocab=range(2), max_length=16, causal=True)
