"""The input backwards.

`reverse`: the first position holds the last token, the second the last but one, and so on.
"""

from string import ascii_lowercase

import seme
from seme.lang import aggregate, length, positions, select, tokens

opposite = (length - 1 - positions).named("opposite")
mirror = select(positions, opposite, "==").named("mirror")

reverse = seme.program(aggregate(mirror, tokens), vocab=ascii_lowercase, max_length=20)
