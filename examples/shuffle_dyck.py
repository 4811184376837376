"""Several kinds of brackets, each balanced on its own, however they are shuffled together.

The answer stands at every position: True if the whole input is balanced in every kind, else False. A kind is
balanced if its brackets open as often as they close, and at no point more have closed than opened.

`shuffle_dyck_1`: the brackets ().
`shuffle_dyck_2`: the brackets () and [], shuffled: "([)]" is balanced here.
`shuffle_dyck_3`: the brackets (), [] and {}, shuffled.
"""

import seme
from seme.lang import Sequence, aggregate, count, map, positions, select, tokens

so_far = select(positions, positions, "<=").named("so far")
everywhere = select(True, True, "==").named("everywhere")


def balanced(pair: str) -> Sequence:
    """Whether the whole input is balanced in one kind; the sign of a mean is the sign of the sum."""
    step = map(lambda t: {pair[0]: 1, pair[1]: -1}.get(t, 0), tokens).named(f"step {pair}")
    depth = aggregate(so_far, step).named(f"mean depth {pair}")
    never_below = count(select(depth, 0, "<")) == 0
    level_at_end = aggregate(everywhere, step) == 0
    return (never_below & level_at_end).named(f"balanced {pair}")


shuffle_dyck_1 = seme.program(balanced("()"), vocab="()", max_length=20)
shuffle_dyck_2 = seme.program(balanced("()") & balanced("[]"), vocab="()[]", max_length=20)
shuffle_dyck_3 = seme.program(balanced("()") & balanced("[]") & balanced("{}"), vocab="()[]{}", max_length=20)
