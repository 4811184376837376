"""Properly nested brackets, judged at every position by what has been read so far.

The answer at a position is about the tokens up to and including it: "T" if they are balanced, "P" if they are not
but could be completed by closing what is open, "F" if nothing that follows can repair them. With several kinds a
bracket closes only the latest one still open, which must be of its kind: "([)]" is P, P, F, F.

`dyck_1`, `dyck_2`, `dyck_3`: the brackets (), then also [], then also {}. Right for every input up to `max_length`
    and for every depth that fits into it, with the same three steps at any length: while nothing has gone wrong yet,
    the partner of a closing bracket is the latest earlier opening bracket at its depth.
`dyck_1_causal`, `dyck_2_causal`: the brackets (), then also [], as causal programs.
"""

import seme
from seme.lang import Sequence, aggregate, count, map, maximum, positions, select, tokens, where

so_far = select(positions, positions, "<=").named("so far")
earlier = select(positions, positions, "<").named("earlier")


def verdict(pairs: tuple[str, ...]) -> Sequence:
    kind = map({bracket: k for k, pair in enumerate(pairs) for bracket in pair}.__getitem__, tokens).named("kind")
    closes = map(lambda t: int(any(t == pair[1] for pair in pairs)), tokens).named("closes")

    depth = (positions + 1 - 2 * count(so_far & select(closes, 1, "=="))).named("depth")
    # A bracket's level is the depth inside it; below zero all is lost whatever the levels say.
    level = maximum(depth + closes, 0).named("level")
    partner = earlier & select(closes, 0, "==") & select(level, level, "==")
    partner_kind = aggregate(partner, kind, tie="last", default=-1).named("kind of partner")

    wrong = ((depth < 0) | ((closes == 1) & (partner_kind != kind))).named("wrong")
    lost = (count(so_far & select(wrong, True, "==")) > 0).named("lost")
    return where(lost, "F", where(depth == 0, "T", "P"))


def verdict_1() -> Sequence:
    """One kind needs no partners: the sign of the mean step is the sign of the depth."""
    step = map({"(": 1, ")": -1}.__getitem__, tokens).named("step")
    depth = aggregate(so_far, step).named("mean depth")
    lost = count(so_far & select(depth, 0, "<")) > 0
    return where(lost, "F", where(depth == 0, "T", "P"))


dyck_1 = seme.program(verdict_1(), vocab="()", max_length=20)
dyck_2 = seme.program(verdict(("()", "[]")), vocab="()[]", max_length=20)
dyck_3 = seme.program(verdict(("()", "[]", "{}")), vocab="()[]{}", max_length=20)
dyck_1_causal = seme.program(verdict_1(), vocab="()", max_length=20, causal=True)
dyck_2_causal = seme.program(verdict(("()", "[]")), vocab="()[]", max_length=20, causal=True)
