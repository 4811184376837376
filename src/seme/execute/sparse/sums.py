"""Sums that several rows have in common, each taken once.

Again and again the pair of terms that stand in one proportion in most rows becomes a sum of its own (Paar's algorithm),
which later pairs may hold. In the end those that do not pay are taken back to where they are read.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from itertools import combinations
from math import comb

MOST_PAIRS = 1 << 18
"""Pairs looked at, of the shortest rows: they take some hundred bytes each, and their number grows by the square."""

Row = dict[int, float]
"""Weights of what is read, by number."""

Pair = tuple[int, int, float]
"""Two numbers, and the weight of the second over that of the first, which is no larger: multiples stay whole."""


def with_sums(rows: Sequence[Row], first: int) -> tuple[list[Row], list[Row]]:
    """Finds sums that rows have in common.

    Args:
        rows: What is summed.
        first: The number of the first sum; all that rows read have lesser ones.

    Returns:
        The sums, which read what rows do and sums before them, and the rows, which read sums too.

    >>> with_sums([{0: 1.0, 1: 2.0, 2: 3.0}, {0: 2.0, 1: 4.0, 2: 6.0, 3: 1.0}, {0: 1.0, 1: 2.0, 2: 3.0, 3: 1.0}], 4)
    ([{0: 1.0, 1: 2.0, 2: 3.0}], [{4: 1.0}, {3: 1.0, 4: 2.0}, {3: 1.0, 4: 1.0}])
    """
    pairing = _Pairing(rows, first)
    while pairing.step():
        pass
    return _worthwhile(pairing.sums, pairing.rows, first)


class _Pairing:
    """Rows so far, the sums they read, and where each pair of terms stands.

    Pairs that stand in two rows or more wait by how many these were when they were put there: now they are no more.
    """

    def __init__(self, rows: Sequence[Row], first: int):
        self.rows = [dict(row) for row in rows]
        self.sums: list[Row] = []
        self._first = first
        self._where: dict[Pair, set[int]] = {}
        self._waiting: list[tuple[int, Pair]] = []
        room = MOST_PAIRS
        for at in sorted(range(len(rows)), key=lambda at: len(rows[at])):
            room -= comb(len(rows[at]), 2)
            if room < 0:
                break
            for one, other in combinations(rows[at], 2):
                self._where.setdefault(_pair(rows[at], one, other), set()).add(at)
        self._wait(self._where)

    def step(self) -> bool:
        """Makes the pair that stands in most rows a sum; False where none stands in two."""
        while self._waiting:
            count, pair = heapq.heappop(self._waiting)
            if len(self._where[pair]) == -count:
                self._replace(pair)
                return True
            self._wait([pair])
        return False

    def _wait(self, pairs: Iterable[Pair]) -> None:
        for pair in pairs:
            if len(self._where[pair]) > 1:
                heapq.heappush(self._waiting, (-len(self._where[pair]), pair))

    def _replace(self, pair: Pair) -> None:
        one, other, ratio = pair
        made = self._first + len(self.sums)
        self.sums.append({one: 1.0, other: ratio})
        new: set[Pair] = set()
        for at in tuple(self._where[pair]):
            row = self.rows[at]
            for number in (one, other):
                for beside in row:
                    if beside != number:
                        self._where[_pair(row, number, beside)].discard(at)
            row[made] = row.pop(one)
            del row[other]
            for beside in row:
                if beside != made:
                    found = _pair(row, made, beside)
                    self._where.setdefault(found, set()).add(at)
                    new.add(found)
        self._wait(new)


def _pair(row: Row, one: int, other: int) -> Pair:
    if (abs(row[other]), other) < (abs(row[one]), one):
        one, other = other, one
    return one, other, row[other] / row[one]


def _worthwhile(sums: list[Row], rows: list[Row], first: int) -> tuple[list[Row], list[Row]]:
    """Takes back sums that do not pay, and numbers the others anew.

    One of n terms that stands in u places takes n + u terms; without it they are n u.
    """
    whole = [*sums, *rows]
    readers: list[set[int]] = [set() for _ in sums]
    for at, row in enumerate(whole):
        for number in row:
            if number >= first:
                readers[number - first].add(at)
    for at, (inner, where) in enumerate(zip(sums, readers, strict=True)):
        if len(inner) * len(where) > len(inner) + len(where):
            continue
        for reader in where:
            weight = whole[reader].pop(first + at)
            whole[reader].update({part: weight * share for part, share in inner.items()})
        for part in inner:
            if part >= first:
                readers[part - first] ^= {at, *where}
        inner.clear()
    kept = [first + at for at, row in enumerate(sums) if row]
    names = {number: first + at for at, number in enumerate(kept)}
    named = [{names.get(number, number): row[number] for number in sorted(row)} for row in whole]
    return [row for row in named[: len(sums)] if row], named[len(sums) :]
