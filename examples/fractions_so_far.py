"""Fractions of what came before: numbers that are not whole.

`frac_prevs`: at every position, the fraction of the tokens up to and including it that are "x".
`frac_prevs_causal`: causal; the same fraction of "x" up to and including this position.
`pair_balance`: at every position, (number of "(" minus number of ")") divided by the number of tokens, both over the
    tokens up to and including this position.
"""

from string import ascii_lowercase

import seme
from seme.lang import aggregate, map, positions, select, tokens, where

so_far = select(positions, positions, "<=").named("so far")
everything_visible = select(True, True, "==").named("everything visible")
is_x = where(tokens == "x", 1, 0).named("is x")
step = map(lambda t: {"(": 1, ")": -1}.get(t, 0), tokens).named("step")

frac_prevs = seme.program(aggregate(so_far, is_x).numerical(), vocab=ascii_lowercase, max_length=20)
frac_prevs_causal = seme.program(
    aggregate(everything_visible, is_x).numerical(), vocab=ascii_lowercase, max_length=20, causal=True
)
pair_balance = seme.program(aggregate(so_far, step).numerical(), vocab="()" + ascii_lowercase, max_length=20)
