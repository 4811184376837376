"""Finding things: a pattern, a token, its first and last occurrence, what followed it.

`detect_pattern`: at every position, whether the pattern "abc" ends there.
`count_a`: at every position, how many tokens of the whole input are "a".
`first_occurrence`: at every position, the position of the first token equal to this one.
`last_occurrence`: at every position, the position of the last token equal to this one.
`induction`: causal; the token that followed the previous occurrence of this token, or None if this is its first.
"""

from string import ascii_lowercase

import seme
from seme.lang import Sequence, aggregate, count, positions, select, tokens


def shift_right(offset: int, sequence: Sequence, default: object) -> Sequence:
    return aggregate(select(positions, positions - offset, "=="), sequence, default=default)


def ends_here(pattern: str) -> Sequence:
    """Whether each token of the pattern stands as many places back as it should."""
    found = tokens == pattern[-1]
    for offset, symbol in enumerate(reversed(pattern[:-1]), start=1):
        found = found & shift_right(offset, tokens == symbol, default=False)
    return found.named(f"{pattern} ends here")


same = select(tokens, tokens, "==").named("same token")
previous = shift_right(1, tokens, default=None).named("previous token")
after_same = select(previous, tokens, "==").named("after the same token")

detect_pattern = seme.program(ends_here("abc"), vocab=ascii_lowercase, max_length=20)
count_a = seme.program(count(select(tokens, "a", "==")), vocab=ascii_lowercase, max_length=20)
first_occurrence = seme.program(aggregate(same, positions, tie="first"), vocab=ascii_lowercase, max_length=20)
last_occurrence = seme.program(aggregate(same, positions, tie="last"), vocab=ascii_lowercase, max_length=20)
induction = seme.program(aggregate(after_same, tokens, tie="last"), vocab=ascii_lowercase, max_length=20, causal=True)
