"""Patterns, occurrences and maps: oracles and hand-derived answers."""

from __future__ import annotations

import statistics
from typing import Any

from tests.corpus.case import Case

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def detect_pattern(xs: list[str]) -> list[bool]:
    return ["".join(xs[: i + 1]).endswith("abc") for i in range(len(xs))]


def count_a(xs: list[str]) -> list[int]:
    return ["".join(xs).count("a") for _ in xs]


def first_occurrence(xs: list[str]) -> list[int]:
    return [xs.index(x) for x in xs]


def last_occurrence(xs: list[str]) -> list[int]:
    return [max(i for i, y in enumerate(xs) if y == x) for x in xs]


def induction(xs: list[str]) -> list[str | None]:
    followed: dict[str, str] = {}
    answers = []
    for before, x in zip([None, *xs], xs, strict=False):
        if before is not None:
            followed[before] = x
        answers.append(followed.get(x))
    return answers


def caesar(xs: list[str]) -> list[str]:
    return list("".join(xs).translate(str.maketrans(LETTERS, LETTERS[3:] + "abc")))


def caesar_keyed(xs: list[str]) -> list[str]:
    return [chr((ord(x) + ord(xs[0]) - 2 * ord("a")) % 26 + ord("a")) for x in xs]


def median_of_three(xs: list[int]) -> list[int]:
    padded = [*xs[:1], *xs, *xs[-1:]]
    return [statistics.median(padded[i : i + 3]) for i in range(len(xs))]


def majority_of_five(xs: list[int]) -> list[bool]:
    return [sum(xs[max(0, i - 2) : i + 3]) >= 3 for i in range(len(xs))]


yes, no = True, False


def case(file: str, name: str, oracle: Any, *examples: tuple[Any, Any]) -> Case:
    return Case(file=file, name=name, oracle=oracle, examples=(*examples, ("", [])))


CASES = (
    case("patterns.py", "detect_pattern", detect_pattern, ("c", [no]), ("abc", [no, no, yes]), ("bc", [no, no]),
         ("ababc", [no] * 4 + [yes]), ("acb", [no] * 3), ("a" * 20, [no] * 20),
         ("abc" * 6 + "ab", [no, no, yes] * 6 + [no, no])),
    case("patterns.py", "count_a", count_a, ("a", [1]), ("b", [0]), ("banana", [3] * 6), ("a" * 20, [20] * 20),
         ("b" * 19 + "a", [1] * 20)),
    case("patterns.py", "first_occurrence", first_occurrence, ("a", [0]), ("banana", [0, 1, 2, 1, 2, 1]),
         ("z" * 20, [0] * 20), ("abcdefghijklmnopqrst", range(20)), ("a" + "b" * 19, [0] + [1] * 19)),
    case("patterns.py", "last_occurrence", last_occurrence, ("a", [0]), ("banana", [0, 5, 4, 5, 4, 5]),
         ("z" * 20, [19] * 20), ("abcdefghijklmnopqrst", range(20)), ("b" * 19 + "a", [18] * 19 + [19])),
    case("patterns.py", "induction", induction, ("a", [None]), ("aa", [None, "a"]), ("aba", [None, None, "b"]),
         ("abaca", [None, None, "b", None, "c"]), ("z" * 20, [None] + ["z"] * 19),
         ("abcdefghijklmnopqrst", [None] * 20), ("ab" * 10, [None, None] + ["b", "a"] * 9)),
    case("maps.py", "caesar", caesar, ("a", "d"), ("xyz", "abc"), ("z" * 20, "c" * 20),
         (LETTERS[:20], "defghijklmnopqrstuvw")),
    case("maps.py", "caesar_keyed", caesar_keyed, ("a", "a"), ("b", "c"), ("bxyz", "cyza"), ("n", "a"),
         ("z" * 20, "y" * 20), ("zabc", "yzab")),
    case("maps.py", "median_of_three", median_of_three, ([4], [4]), ([5, 0], [5, 0]), ([1, 5, 2, 2], [1, 2, 2, 2]),
         ([0, 5] * 10, [0] + [0, 5] * 9 + [5]), ([3] * 20, [3] * 20)),
    case("maps.py", "majority_of_five", majority_of_five, ([1], [no]), ([1, 1], [no, no]), ([1, 1, 1], [yes] * 3),
         ([1, 0, 0, 1, 1], [no, no, yes, no, no]), ([1] * 20, [yes] * 20), ([0, 1] * 10, [no, no] + [no, yes] * 8 +
                                                                                       [no, no])),
)  # fmt: skip
