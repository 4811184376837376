"""Programs in the style RASP is written in: functions that build SOps out of SOps."""

from collections.abc import Callable, Sequence
from typing import Any

from seme import rasp
from seme.rasp import Aggregate, Comparison, Full, Map, Select, SelectorWidth, SequenceMap, SOp, indices, length, tokens

everywhere = Select(indices, indices, Comparison.TRUE)
up_to_here = Select(indices, indices, Comparison.LEQ)
before_here = Select(indices, indices, Comparison.LT)


def where_true(flags: SOp) -> rasp.Selector:
    return Select(flags, Full(True), Comparison.EQ)


def same(sop: SOp) -> rasp.Selector:
    return Select(sop, sop, Comparison.EQ)


def at(place: SOp) -> rasp.Selector:
    return Select(indices, place, Comparison.EQ)


def width_length() -> SOp:
    return SelectorWidth(everywhere).named("length")


def reverse(sop: SOp) -> SOp:
    mirrored = ((length - indices).named("from_end") - 1).named("mirrored")
    return Aggregate(at(mirrored).named("mirror"), sop).named("reverse")


def histogram(sop: SOp = tokens) -> SOp:
    return SelectorWidth(same(sop).named("same")).named("histogram")


def histogram_with_start() -> SOp:
    """By the share that the first position has in the attention: 1 / (1 + occurrences)."""
    same_or_start = Select(tokens, tokens, Comparison.EQ) | Select(indices, Full(0), Comparison.EQ)
    is_start = rasp.numerical(Map(lambda i: 1 if i == 0 else 0, indices))
    share = rasp.numerical(Aggregate(same_or_start, is_start, default=0)).named("share_of_start")
    return Map(lambda s: round(1 / s) - 1, share).named("histogram")


def is_first(sop: SOp) -> SOp:
    return (SelectorWidth(same(sop) & before_here) == 0).named("is_first")


def double_histogram() -> SOp:
    occurrences = histogram()
    return SelectorWidth(same(occurrences) & where_true(is_first(tokens))).named("double_histogram")


def sort_distinct(values: SOp, keys: SOp) -> SOp:
    rank = SelectorWidth(Select(keys, keys, Comparison.LT)).named("rank")
    return Aggregate(Select(rank, indices, Comparison.EQ), values).named("sorted")


def sort_nudged(values: SOp, keys: SOp, max_length: int) -> SOp:
    """Keys that are integers are made distinct by adding less than one, more of it further right."""
    return sort_distinct(values, SequenceMap(lambda k, i: k + i / max_length, keys, indices).named("nudged"))


def sort_with_ties(values: SOp, keys: SOp) -> SOp:
    """Keys of any ordered kind: equal ones stay in order of position."""
    earlier = Select(keys, keys, Comparison.LT) | (same(keys) & before_here)
    rank = SelectorWidth(earlier.named("earlier")).named("rank")
    return Aggregate(Select(rank, indices, Comparison.EQ), values).named("sorted")


def sort_by_frequency(max_length: int) -> SOp:
    return sort_nudged(tokens, -1 * histogram(), max_length)


def most_frequent() -> SOp:
    first, occurrences = is_first(tokens), histogram()
    ahead = Select(occurrences, occurrences, Comparison.GT) | (same(occurrences) & before_here)
    rank = SelectorWidth(ahead & where_true(first)).named("rank_among_firsts")
    place = SequenceMap(lambda f, r: r if f else -1, first, rank).named("place")
    return Aggregate(Select(place, indices, Comparison.EQ), tokens).named("most_frequent")


def share_so_far(flags: SOp) -> SOp:
    return rasp.numerical(Aggregate(up_to_here, rasp.numerical(flags), default=0)).named("share_so_far")


def balance(pair: str) -> SOp:
    opened, closed = share_so_far(tokens == pair[0]), share_so_far(tokens == pair[1])
    return rasp.numerical(rasp.LinearSequenceMap(opened, closed, 1, -1)).named(f"balance_{pair}")


def shuffle_dyck(pairs: Sequence[str]) -> SOp:
    balances = [balance(pair) for pair in pairs]
    below, level = balances[0] < 0, balances[0] == 0
    for other in balances[1:]:
        below, level = below | (other < 0), level & (other == 0)
    any_below = Aggregate(everywhere, rasp.numerical(Map(lambda b: 1 if b else 0, below)), default=0) > 0
    level_at_end = Aggregate(at(length - 1), level)
    return (level_at_end & ~any_below).named("balanced")


def dyck(pairs: Sequence[str], max_length: int) -> SOp:
    """A closing bracket's partner is the opening one at its level with its number among those of that level."""
    partner_of = {pair[1]: pair[0] for pair in pairs}
    opens = Map(lambda t: t not in partner_of, tokens).named("opens")
    opened = SelectorWidth(where_true(opens) & up_to_here).named("opened")
    depth = (2 * opened - indices - 1).named("depth")
    level = SequenceMap(lambda d, o: d if o else d + 1, depth, opens).named("level")
    opening_level = SequenceMap(lambda v, o: v if o else -2 * max_length, level, opens).named("opening_level")
    on_level = Select(opening_level, level, Comparison.EQ)
    number = SelectorWidth(on_level & up_to_here).named("number_on_level")
    partner = Aggregate(on_level & same(number) & up_to_here, tokens, default="none").named("partner")
    wrong = SequenceMap(lambda t, p: t in partner_of and p != partner_of[t], tokens, partner).named("wrong")
    failed = (SelectorWidth(where_true(wrong) & up_to_here) > 0).named("failed")
    return SequenceMap(lambda f, d: "F" if f else ("T" if d == 0 else "P"), failed, depth).named("dyck")


def shift(sop: SOp, offset: int, default: Any = None) -> SOp:
    moved = Select(indices, indices, lambda key, query: key + offset == query)
    return Aggregate(moved, sop, default=default).named(f"shift_{offset}")


def find_pattern(pattern: Sequence[Any]) -> SOp:
    found = tokens == pattern[-1]
    for back, wanted in enumerate(reversed(pattern[:-1]), start=1):
        found = shift(tokens == wanted, back) & found
    return found.named("found")


def count_of(token: Any) -> SOp:
    return SelectorWidth(Select(tokens, Full(token), Comparison.EQ)).named("count")


def count_rare(most: int) -> SOp:
    occurrences = histogram()
    return SelectorWidth(Select(occurrences, occurrences, lambda key, query: key <= most)).named("count_rare")


def map_many(function: Callable[..., Any], *sops: SOp) -> SOp:
    packed = Map(lambda x: (x,), sops[0])
    for sop in sops[1:]:
        packed = SequenceMap(lambda p, x: (*p, x), packed, sop)
    return Map(lambda p: function(*p), packed)


def caesar(alphabet: str, by: int) -> SOp:
    return Map(lambda t: alphabet[(alphabet.index(t) + by) % len(alphabet)], tokens).named("caesar")


def occurrence_number() -> SOp:
    return SelectorWidth(same(tokens) & up_to_here).named("occurrence_number")


def induction() -> SOp:
    number = occurrence_number()
    after_same = Select(shift(tokens, 1, default="none"), tokens, Comparison.EQ)
    after_last_one = Select(shift(number, 1, default=-1), number - 1, Comparison.EQ)
    return Aggregate(after_same & after_last_one, tokens).named("induction")


def first_place() -> SOp:
    return Aggregate(same(tokens) & where_true(is_first(tokens)), indices).named("first_place")


def last_place() -> SOp:
    is_last = SelectorWidth(same(tokens) & Select(indices, indices, Comparison.GT)) == 0
    return Aggregate(same(tokens) & where_true(is_last), indices).named("last_place")


def has_previous() -> SOp:
    earlier = rasp.SelectorAnd(same(tokens), before_here)
    return (Aggregate(earlier, Full(1), default=0) > 0).named("has_previous")


def weighted_sum(weights: dict[Any, int]) -> SOp:
    """Numbers are summed as their counts."""
    terms = [value * count_of(token) for token, value in weights.items()]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total.named("sum")


def sum_by_mean() -> SOp:
    mean = rasp.numerical(Aggregate(everywhere, rasp.numerical(tokens), default=0)).named("mean")
    return Map(round, (mean * length).named("sum"))


def parity_by_mean() -> SOp:
    ones = SequenceMap(lambda m, n: round(m * n), Aggregate(everywhere, tokens), length).named("ones")
    return Map(lambda c: c % 2, ones).named("parity")


def number_from_bits(max_length: int) -> SOp:
    total = None
    for place in range(max_length):
        bit = Aggregate(at(length - (place + 1)), tokens, default=0)
        total = 2**place * bit if total is None else total + 2**place * bit
    assert total is not None
    return total.named("number")


def carry(column: SOp) -> SOp:
    """The carry into a column is that out of the nearest column to the right that does not add up to nine."""
    settles = column != 9
    later = Select(indices, indices, Comparison.GT)
    left_to_settle = SelectorWidth(where_true(settles) & later).named("settling_columns_right")
    own_number = SequenceMap(lambda s, n: n + 1 if s else -1, settles, left_to_settle).named("settling_number")
    nearest = Select(own_number, left_to_settle, Comparison.EQ) & later
    return Aggregate(nearest, Map(lambda c: 1 if c > 9 else 0, column), default=0).named("carry")


def add_columns() -> SOp:
    column = Map(lambda pair: int(pair[0]) + int(pair[1]), tokens).named("column")
    return Map(lambda s: s % 10, column + carry(column)).named("digit")


def add_written_out() -> SOp:
    """`386+47`: the first number is moved right until both end together, then columns are added."""
    value = Map(lambda t: 0 if t == "+" else int(t), tokens).named("value")
    plus = Aggregate(Select(tokens, Full("+"), Comparison.EQ), indices, default=-1).named("plus")
    above = Aggregate(at(indices - length + plus), value, default=0).named("above")
    below = SequenceMap(lambda v, right: v if right else 0, value, indices - plus > 0).named("below")
    column = (above + below).named("column")
    return Map(lambda s: s % 10, column + carry(column)).named("digit")
