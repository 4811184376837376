"""Sorting by a key: tokens with equal keys keep the order in which they came.

`sort_by_key`: number words in the order of how many letters they have, the shortest first.
`sort_freq`: the tokens ordered by how often they occur, the most frequent first; tokens that occur equally often
    keep the order of the input, so different tokens of one frequency stay interleaved.
`most_freq`: the different tokens, each once, the most frequent first; of equally frequent tokens the one that was
    seen first comes first; what is left over at the end holds "-".
"""

from string import ascii_lowercase

import seme
from seme.lang import Sequence, aggregate, count, map, positions, select, tokens, where


def rank_by(key: Sequence) -> Sequence:
    """How many positions come before this one in the order by key, ties by position: all different."""
    earlier_tie = select(key, key, "==") & select(positions, positions, "<")
    return count(select(key, key, "<") | earlier_tie)


def sort_by(key: Sequence, values: Sequence) -> Sequence:
    return aggregate(select(rank_by(key), positions, "=="), values)


same = select(tokens, tokens, "==").named("same token")
often = count(same).named("often")
first = (aggregate(same, positions, tie="first") == positions).named("first of its kind")

NUMBER_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven")

sort_by_key = seme.program(sort_by(map(len, tokens), tokens), vocab=NUMBER_WORDS, max_length=20)
sort_freq = seme.program(sort_by(-often, tokens), vocab=ascii_lowercase, max_length=20)
most_freq = seme.program(
    sort_by(where(first, -often, 0), where(first, tokens, "-")), vocab=ascii_lowercase, max_length=20
)
