"""Quotation marks, which unlike brackets look the same at both ends.

`balanced_quotes`: at every position, whether every double quote of the whole input is closed.
`inside_quotes`: causal; whether this position lies inside double quotes: after an opening one and before
    its closing one or the end; the marks themselves are outside.
`two_quotes`: causal; with two kinds of quotes, the other kind is an ordinary sign inside a quotation. The answer is
    what is open after this position: the mark that opened it, or "" if nothing is open.
"""

import seme
from seme.lang import aggregate, count, map, positions, select, tokens, where

TEXT = "abcde .,"
STATES = ("", '"', "'")  # what is open

marks = count(select(tokens, '"', "==")).named("double quotes")

# What a token does is a function of states, written as the three states it leads to. A mark opens or closes its own
# quotation and does nothing inside the other: it swaps two states, so all products are the six permutations of three.
NOTHING = "012"
EFFECT = {'"': "102", "'": "210"}


def then(first: str, second: str) -> str:
    """The effect of one stretch of text and then another."""
    return "".join(second[int(state)] for state in first)


effect = map(lambda t: EFFECT.get(t, NOTHING), tokens).named("effect of 1")
for k in range(4):
    before = aggregate(select(positions, positions - 2**k, "=="), effect, default=NOTHING)
    effect = map(then, before, effect).named(f"effect of {2 ** (k + 1)}")

balanced_quotes = seme.program(marks % 2 == 0, vocab='"' + TEXT, max_length=20)
inside_quotes = seme.program(where(tokens == '"', False, marks % 2 == 1), vocab='"' + TEXT, max_length=20, causal=True)
two_quotes = seme.program(map(lambda e: STATES[int(e[0])], effect), vocab="\"'" + TEXT, max_length=16, causal=True)
