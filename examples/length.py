"""The length of the input, in three ways.

`length`: at every position, how many tokens the input has.
`length_counted`: at every position, how many tokens the input has, counted by a head that looks everywhere.
`prefix_length`: causal; at every position, how many tokens there are up to and including it.
"""

from string import ascii_lowercase

import seme
from seme import lang

everywhere = lang.select(True, True, "==")

length = seme.program(lang.length, vocab=ascii_lowercase, max_length=20)
length_counted = seme.program(lang.count(everywhere), vocab=ascii_lowercase, max_length=20)
prefix_length = seme.program(lang.length, vocab=ascii_lowercase, max_length=20, causal=True)
