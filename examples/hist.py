"""How often each token occurs.

`hist`: at every position, how many positions hold the same token as this one.
`hist_with_bos`: at every position, how many positions hold the same token as this one, where "^" is a begin symbol: it
    counts for nothing, so wherever it stands the answer is 0.
`hist_so_far`: causal; how many positions up to and including this one hold this token.
`double_hist`: how many different tokens occur as often as the token here, itself included: in "abbc" the answer
    at "a" is 2 (a and c occur once) and at each "b" it is 1.
`double_hist_positions`: how many positions hold a token that occurs as often as the token here.
`count_less_freq`: how many positions hold a token that occurs at most twice in the input.
"""

from string import ascii_lowercase

import seme
from seme.lang import aggregate, count, positions, select, tokens, where

same = select(tokens, tokens, "==").named("same token")
often = count(same).named("often")

first = (aggregate(same, positions, tie="first") == positions).named("first of its kind")
often_once = where(first, often, 0).named("often, once per kind")

hist = seme.program(often, vocab=ascii_lowercase, max_length=20)
hist_with_bos = seme.program(where(tokens == "^", 0, often), vocab="^" + ascii_lowercase, max_length=20)
hist_so_far = seme.program(often, vocab=ascii_lowercase, max_length=20, causal=True)
double_hist = seme.program(count(select(often_once, often, "==")), vocab=ascii_lowercase, max_length=20)
double_hist_positions = seme.program(count(select(often, often, "==")), vocab=ascii_lowercase, max_length=20)
count_less_freq = seme.program(count(select(often, 2, "<=")), vocab=ascii_lowercase, max_length=20)
