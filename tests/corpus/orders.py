"""Lengths, counts, sorting and moving: oracles and hand-derived answers."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

from tests.corpus.case import Case

ALPHABET = "abcdefghijklmnopqrst"  # twenty letters, all different


def length(xs: list[str]) -> list[int]:
    return [len(xs) for _ in xs]


def prefix_length(xs: list[str]) -> list[int]:
    return [i + 1 for i, _ in enumerate(xs)]


def hist(xs: list[str]) -> list[int]:
    often = Counter(xs)
    return [often[x] for x in xs]


def hist_with_bos(xs: list[str]) -> list[int]:
    often = Counter(x for x in xs if x != "^")
    return [often[x] for x in xs]


def hist_so_far(xs: list[str]) -> list[int]:
    return [xs[: i + 1].count(x) for i, x in enumerate(xs)]


def double_hist(xs: list[str]) -> list[int]:
    often = Counter(xs)
    kinds = Counter(often.values())
    return [kinds[often[x]] for x in xs]


def double_hist_positions(xs: list[str]) -> list[int]:
    often = Counter(xs)
    return [sum(often[y] == often[x] for y in xs) for x in xs]


def count_less_freq(xs: list[str]) -> list[int]:
    rare = sum(many for many in Counter(xs).values() if many <= 2)
    return [rare] * len(xs)


def sort_unique(xs: list[str]) -> list[str | None]:
    placed: list[str | None] = [None] * len(xs)
    for token in set(xs):
        placed[sum(other < token for other in xs)] = token
    return placed


def sort_distinct(xs: list[str]) -> list[str | None]:
    kinds = sorted(set(xs))
    return kinds + [None] * (len(xs) - len(kinds))


def sort_by_key(xs: list[str]) -> list[str]:
    return [word for many in range(20) for word in xs if len(word) == many]


def sort_freq(xs: list[str]) -> list[str]:
    often = Counter(xs)
    return [x for many in range(len(xs), 0, -1) for x in xs if often[x] == many]


def most_freq(xs: list[str]) -> list[str]:
    seen = list(dict.fromkeys(xs))
    ordered = [x for many in range(len(xs), 0, -1) for x in seen if xs.count(x) == many]
    return ordered + ["-"] * (len(xs) - len(ordered))


def frac_prevs(xs: list[str]) -> list[Fraction]:
    return [Fraction("".join(xs[: i + 1]).count("x"), i + 1) for i in range(len(xs))]


def pair_balance(xs: list[str]) -> list[Fraction]:
    heads = ["".join(xs[: i + 1]) for i in range(len(xs))]
    return [Fraction(head.count("(") - head.count(")"), len(head)) for head in heads]


def shift_by_2(xs: list[str]) -> list[str]:
    return (["_", "_", *xs])[: len(xs)]


def shift_left_1(xs: list[str]) -> list[str | None]:
    return [*xs[1:], None] if xs else []


def rotate_3(xs: list[str]) -> list[str]:
    for _ in range(3):
        xs = xs[-1:] + xs[:-1]
    return xs


half, third = Fraction(1, 2), Fraction(1, 3)


def case(file: str, name: str, oracle: Any, *examples: tuple[Any, Any]) -> Case:
    return Case(file=file, name=name, oracle=oracle, examples=(*examples, ("", [])))


CASES = (
    case("length.py", "length", length, ("a", [1]), ("abc", [3, 3, 3]), ("z" * 20, [20] * 20)),
    case("length.py", "length_counted", length, ("a", [1]), ("abc", [3, 3, 3]), ("z" * 20, [20] * 20)),
    case("length.py", "prefix_length", prefix_length, ("a", [1]), ("bbb", [1, 2, 3]), ("z" * 20, range(1, 21))),
    case("reverse.py", "reverse", lambda xs: xs[::-1], ("a", "a"), ("abc", "cba"), ("aab", "baa"),
         (ALPHABET, "tsrqponmlkjihgfedcba"), ("z" * 20, "z" * 20)),
    case("hist.py", "hist", hist, ("a", [1]), ("aba", [2, 1, 2]), ("z" * 20, [20] * 20), (ALPHABET, [1] * 20),
         ("a" + "b" * 19, [1] + [19] * 19)),
    case("hist.py", "hist_with_bos", hist_with_bos, ("^", [0]), ("a", [1]), ("^aba", [0, 2, 1, 2]),
         ("a^a^", [2, 0, 2, 0]), ("^" * 20, [0] * 20), ("^" + "b" * 19, [0] + [19] * 19)),
    case("hist.py", "hist_so_far", hist_so_far, ("a", [1]), ("abaa", [1, 1, 2, 3]), ("z" * 20, range(1, 21)),
         (ALPHABET, [1] * 20)),
    case("hist.py", "double_hist", double_hist, ("a", [1]), ("abbc", [2, 1, 1, 2]), ("aabb", [2, 2, 2, 2]),
         ("z" * 20, [1] * 20), (ALPHABET, [20] * 20), ("a" + "b" * 19, [1] * 20), ("ab" * 10, [2] * 20)),
    case("hist.py", "double_hist_positions", double_hist_positions, ("a", [1]), ("abbc", [2, 2, 2, 2]),
         ("abbcc", [1, 4, 4, 4, 4]), ("z" * 20, [20] * 20), (ALPHABET, [20] * 20), ("a" + "b" * 19, [1] + [19] * 19)),
    case("hist.py", "count_less_freq", count_less_freq, ("a", [1]), ("aa", [2, 2]), ("aaa", [0, 0, 0]),
         ("abbccc", [3] * 6), ("z" * 20, [0] * 20), (ALPHABET, [20] * 20)),
    case("sort.py", "sort", sorted, ("a", "a"), ("cab", "abc"), ("hello", "ehllo"), ("z" * 20, "z" * 20),
         (ALPHABET[::-1], ALPHABET), ("za" * 10, "a" * 10 + "z" * 10)),
    case("sort.py", "sort_unique", sort_unique, ("a", "a"), ("cab", "abc"), (ALPHABET[::-1], ALPHABET),
         ("hello", ["e", "h", "l", None, "o"]), ("zzz", ["z", None, None]), ("baab", ["a", None, "b", None])),
    case("sort.py", "sort_distinct", sort_distinct, ("a", "a"), ("cab", "abc"), (ALPHABET[::-1], ALPHABET),
         ("hello", ["e", "h", "l", "o", None]), ("z" * 20, ["z"] + [None] * 19)),
    case("sort_by.py", "sort_by_key", sort_by_key, (["three"], ["three"]),
         (["three", "one", "eleven", "two", "seven"], ["one", "two", "three", "seven", "eleven"]),
         (["two", "one"], ["two", "one"]), (["six"] * 20, ["six"] * 20),
         (["eleven"] * 19 + ["ten"], ["ten"] + ["eleven"] * 19)),
    case("sort_by.py", "sort_freq", sort_freq, ("a", "a"), ("abbaccc", "cccabba"), ("abcb", "bbac"),
         (ALPHABET, ALPHABET), ("z" * 20, "z" * 20), ("a" + "b" * 19, "b" * 19 + "a")),
    case("sort_by.py", "most_freq", most_freq, ("a", "a"), ("abbaccc", "cab----"), ("cbbc", "cb--"),
         (ALPHABET, ALPHABET), ("z" * 20, "z" + "-" * 19), ("a" + "b" * 19, "ba" + "-" * 18)),
    case("fractions_so_far.py", "frac_prevs", frac_prevs, ("x", [1]), ("a", [0]), ("xaxb", [1, half, 2 * third, half]),
         ("x" * 20, [1] * 20), ("a" * 19 + "x", [0] * 19 + [Fraction(1, 20)])),
    case("fractions_so_far.py", "frac_prevs_causal", frac_prevs, ("x", [1]), ("a", [0]),
         ("xaxb", [1, half, 2 * third, half]), ("x" * 20, [1] * 20), ("a" * 19 + "x", [0] * 19 + [Fraction(1, 20)])),
    case("fractions_so_far.py", "pair_balance", pair_balance, ("(", [1]), (")", [-1]), ("q", [0]),
         ("(a)", [1, half, 0]), ("))(", [-1, -1, -third]), (")" * 20, [-1] * 20),
         ("a" * 19 + "(", [0] * 19 + [Fraction(1, 20)])),
    case("shift.py", "shift_by_2", shift_by_2, ("a", "_"), ("ab", "__"), ("abc", "__a"),
         (ALPHABET, "__" + ALPHABET[:18])),
    case("shift.py", "shift_left_1", shift_left_1, ("a", [None]), ("abc", ["b", "c", None]),
         (ALPHABET, [*ALPHABET[1:], None])),
    case("shift.py", "rotate_3", rotate_3, ("a", "a"), ("ab", "ba"), ("abc", "abc"), ("abcd", "bcda"),
         (ALPHABET, "rst" + ALPHABET[:17])),
)  # fmt: skip
