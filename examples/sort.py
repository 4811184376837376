"""Sorting: a token goes to the position whose number is its rank.

`sort`: the tokens in rising order, repeats kept.
`sort_unique`: the tokens of an input without repeats in rising order. Each token goes to the position whose number
    is how many positions hold a smaller token; where there are repeats, no token goes to the positions after the
    first of a run of equals, and these hold None.
`sort_distinct`: the different tokens in rising order, each once; what is left over at the end holds None.
"""

from string import ascii_lowercase

import seme
from seme.lang import aggregate, count, positions, select, tokens, where

smaller = select(tokens, tokens, "<").named("smaller")
same = select(tokens, tokens, "==").named("same token")
earlier = select(positions, positions, "<").named("earlier")

rank = count(smaller | (same & earlier)).named("rank")
loose_rank = count(smaller).named("number of smaller")

first = (aggregate(same, positions, tie="first") == positions).named("first of its kind")
kind = where(first, tokens, None).named("token, once per kind")
kind_rank = count(select(kind, tokens, "<")).named("number of smaller kinds")

sort = seme.program(aggregate(select(rank, positions, "=="), tokens), vocab=ascii_lowercase, max_length=20)
sort_unique = seme.program(
    aggregate(select(loose_rank, positions, "=="), tokens, tie="first"), vocab=ascii_lowercase, max_length=20
)
sort_distinct = seme.program(
    aggregate(select(kind_rank, positions, "=="), tokens, tie="first"), vocab=ascii_lowercase, max_length=20
)
