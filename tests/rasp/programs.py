"""The corpus in RASP: every program with its statement in words, and answers derived by hand from the statement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from string import ascii_lowercase
from typing import Any

from seme import rasp
from seme.rasp import Aggregate, Comparison, Full, Map, Select, SelectorWidth, SOp, indices, tokens
from tests.rasp import library

T_, F_ = True, False


@dataclass(frozen=True, slots=True, kw_only=True)
class RaspProgram:
    """One program.

    Attributes:
        name: What to call it.
        statement: What it computes, in words; answers to inputs that `accepts` refuses are left open.
        build: Makes the program for inputs of up to so many tokens.
        vocab: The tokens.
        cases: Inputs and answers.
        causal: Whether the statement is about a causal model.
        accepts: The inputs the statement is about.
        max_length: A length that keeps tests quick.
    """

    name: str
    statement: str
    build: Callable[[int], SOp]
    vocab: tuple[Any, ...]
    cases: tuple[tuple[Any, Any], ...]
    causal: bool = False
    accepts: Callable[[list[Any]], bool] = lambda xs: True
    max_length: int = 10


def _program(name: str, statement: str, build: Callable[[int], SOp], vocab: Any, *cases: Any, **more: Any):
    return RaspProgram(name=name, statement=statement, build=build, vocab=tuple(vocab), cases=cases, **more)


def _distinct(xs: list[Any]) -> bool:
    return len(set(xs)) == len(xs)


COUNTING = (
    _program(
        "length",
        "At every position, how many tokens there are.",
        lambda n: library.width_length(),
        "abcd",
        ("abca", [4, 4, 4, 4]),
        ("d", [1]),
    ),
    _program(
        "length_numerical",
        "The same as one number.",
        lambda n: rasp.numerical(library.width_length()),
        "abcd",
        ("abc", [3, 3, 3]),
    ),
    _program(
        "prefix_length",
        "Causal: how many tokens there are up to and including this one.",
        lambda n: library.width_length(),
        "abcd",
        ("dbca", [1, 2, 3, 4]),
        causal=True,
    ),
    _program(
        "histogram",
        "How often this token occurs.",
        lambda n: library.histogram(),
        "abcd",
        ("abacab", [3, 2, 3, 1, 3, 2]),
        ("dddd", [4, 4, 4, 4]),
    ),
    _program(
        "histogram_with_start",
        "The first token is ^, and there is no other ^. How often this token occurs; 0 for ^.",
        lambda n: library.histogram_with_start(),
        "^abc",
        ("^abab", [0, 2, 2, 2, 2]),
        ("^", [0]),
        ("^cccb", [0, 3, 3, 3, 1]),
        accepts=lambda xs: xs.count("^") == 1 and xs[0] == "^",
    ),
    _program(
        "double_histogram",
        "How many different tokens occur as often as this one.",
        lambda n: library.double_histogram(),
        "abcd",
        ("aabbcd", [2, 2, 2, 2, 2, 2]),
        ("aaabbc", [1, 1, 1, 1, 1, 1]),
        ("abcdd", [3, 3, 3, 1, 1]),
    ),
    _program(
        "count",
        "At every position, how many tokens are a.",
        lambda n: library.count_of("a"),
        "abc",
        ("abcaa", [3] * 5),
        ("bcb", [0] * 3),
    ),
    _program(
        "count_rare",
        "At every position, how many positions hold a token that occurs at most twice.",
        lambda n: library.count_rare(2),
        "abcd",
        ("aaabbc", [3] * 6),
        ("aabbcd", [6] * 6),
        ("aaa", [0] * 3),
    ),
    _program(
        "has_previous",
        "Whether this token occurred before.",
        lambda n: library.has_previous(),
        "abcd",
        ("abcab", [F_, F_, F_, T_, T_]),
        ("aaa", [F_, T_, T_]),
    ),
    _program(
        "parity",
        "At every position, whether the number of ones is odd: 1, else 0.",
        lambda n: Map(lambda c: c % 2, library.count_of(1)),
        (0, 1),
        ([1, 0, 1, 1], [1] * 4),
        ([0, 1, 1], [0] * 3),
    ),
    _program(
        "parity_by_mean",
        "The same, from the mean of the tokens.",
        lambda n: library.parity_by_mean(),
        (0, 1),
        ([1, 0, 1, 1], [1] * 4),
        ([0, 0], [0] * 2),
    ),
    _program(
        "parity_so_far",
        "Causal: whether the number of ones up to here is odd: 1, else 0.",
        lambda n: Map(lambda c: c % 2, library.count_of(1)),
        (0, 1),
        ([1, 0, 1, 1], [1, 1, 0, 1]),
        causal=True,
    ),
    _program(
        "mod_13_sum",
        "At every position, the remainder of the sum of all tokens by 13.",
        lambda n: Map(lambda s: s % 13, library.weighted_sum({v: v for v in range(13)})),
        range(13),
        ([12, 11, 10], [7] * 3),
        ([0, 0], [0, 0]),
        ([6, 7], [0, 0]),
    ),
    _program(
        "sum",
        "At every position, the sum of all tokens.",
        lambda n: library.sum_by_mean(),
        range(5),
        ([4, 4, 4], [12] * 3),
        ([1, 0, 2, 3], [6] * 4),
    ),
    _program(
        "number_from_bits",
        "At every position, the number that the whole input of bits is, the most significant bit first.",
        library.number_from_bits,
        (0, 1),
        ([1, 0, 1, 1], [11] * 4),
        ([0, 0, 1], [1] * 3),
        max_length=8,
    ),
    _program(
        "balanced_quotes",
        "At every position, whether the number of double quotes is even.",
        lambda n: Map(lambda c: c % 2 == 0, library.count_of('"')),
        '"ab',
        ('"a"b', [T_] * 4),
        ('a"', [F_] * 2),
    ),
)

ORDERING = (
    _program(
        "reverse",
        "The tokens from last to first.",
        lambda n: library.reverse(tokens),
        ascii_lowercase[:6],
        ("abcd", list("dcba")),
        ("aab", list("baa")),
        ("f", ["f"]),
    ),
    _program(
        "sort",
        "The tokens from small to large.",
        lambda n: library.sort_nudged(tokens, tokens, n),
        range(1, 7),
        ([3, 1, 2], [1, 2, 3]),
        ([4, 2, 4, 1, 2], [1, 2, 2, 4, 4]),
        ([6, 6], [6, 6]),
    ),
    _program(
        "sort_letters",
        "The tokens in the order of the alphabet.",
        lambda n: library.sort_with_ties(tokens, tokens),
        ascii_lowercase[:6],
        ("fade", list("adef")),
        ("deface", list("acdeef")),
        ("bbb", list("bbb")),
        max_length=8,
    ),
    _program(
        "sort_unique",
        "The tokens, all different, from small to large.",
        lambda n: library.sort_distinct(tokens, tokens),
        range(1, 9),
        ([3, 1, 2], [1, 2, 3]),
        ([8, 2, 6, 4], [2, 4, 6, 8]),
        accepts=_distinct,
        max_length=8,
    ),
    _program(
        "sort_unique_letters",
        "The tokens, all different, in the order of the alphabet.",
        lambda n: library.sort_distinct(tokens, tokens),
        ascii_lowercase[:8],
        ("cab", list("abc")),
        accepts=_distinct,
        max_length=8,
    ),
    _program(
        "sort_by_key",
        "Vowels first, then consonants; within each, in the order of the input.",
        lambda n: library.sort_nudged(tokens, Map(lambda t: 0 if t in "aeiou" else 1, tokens), n),
        "abcde",
        ("bead", list("eabd")),
        ("ccab", list("accb")),
    ),
    _program(
        "sort_by_place",
        "The tokens from last to first, by sorting on minus the position.",
        lambda n: library.sort_distinct(tokens, 1 - indices),
        "abcd",
        ("abdc", list("cdba")),
    ),
    _program(
        "sort_by_frequency",
        "The tokens from frequent to rare; equally frequent ones in the order of the input.",
        library.sort_by_frequency,
        range(1, 5),
        ([2, 4, 2, 1], [2, 2, 4, 1]),
        ([1, 2, 2, 1], [1, 2, 2, 1]),
        ([3, 1, 1, 1, 3], [1, 1, 1, 3, 3]),
    ),
    _program(
        "most_frequent",
        "The different tokens from frequent to rare, equally frequent ones by first occurrence; then None.",
        lambda n: library.most_frequent(),
        "abcd",
        ("abbc", ["b", "a", "c", None]),
        ("aaa", ["a", None, None]),
        ("dcdc", ["d", "c", None, None]),
    ),
)

BRACKETS = (
    _program(
        "share_so_far",
        "The fraction of tokens up to here that are l.",
        lambda n: library.share_so_far(tokens == "l"),
        "helo",
        ("hello", [0, 0, Fraction(1, 3), Fraction(1, 2), Fraction(2, 5)]),
        ("ll", [1, 1]),
    ),
    _program(
        "pair_balance",
        "The fraction of tokens up to here that are ( minus the fraction that are ).",
        lambda n: library.balance("()"),
        "()a",
        ("(a)(", [1, Fraction(1, 2), 0, Fraction(1, 4)]),
        (")a(", [-1, Fraction(-1, 2), 0]),
    ),
    _program(
        "shuffle_dyck_2",
        "At every position, whether round and curly brackets are each balanced, however they interleave.",
        lambda n: library.shuffle_dyck(["()", "{}"]),
        "(){}",
        ("({)}", [T_] * 4),
        ("(}{)", [F_] * 4),
        ("((", [F_] * 2),
    ),
    _program(
        "shuffle_dyck_3",
        "At every position, whether round, curly and square brackets are each balanced, however they interleave.",
        lambda n: library.shuffle_dyck(["()", "{}", "[]"]),
        "(){}[]",
        ("([{)]}", [T_] * 6),
        ("[(])]", [F_] * 5),
    ),
    _program(
        "dyck_1",
        "T where the input up to here is balanced, P where it can still become so, F where it cannot.",
        lambda n: library.dyck(["()"], n),
        "()",
        ("(())", list("PPPT")),
        ("())(", list("PTFF")),
        (")", ["F"]),
    ),
    _program(
        "dyck_2",
        "The same for round and curly brackets, which must nest.",
        lambda n: library.dyck(["()", "{}"], n),
        "(){}",
        ("({})", list("PPPT")),
        ("({)}", list("PPFF")),
        ("(){}", list("PTPT")),
        ("{(){}}", list("PPPPPT")),
        causal=True,
        max_length=8,
    ),
    _program(
        "dyck_3",
        "The same for round, curly and square brackets.",
        lambda n: library.dyck(["()", "{}", "[]"], n),
        "(){}[]",
        ("[({})]", list("PPPPPT")),
        ("[(]", list("PPF")),
        max_length=8,
    ),
)

MOVING = (
    _program(
        "shift_1",
        "The token before this one; None at the first position.",
        lambda n: library.shift(tokens, 1),
        "abcd",
        ("abcd", [None, "a", "b", "c"]),
        ("b", [None]),
    ),
    _program(
        "shift_2_causal",
        "Causal: the token two places before; None where there is none.",
        lambda n: library.shift(tokens, 2),
        "abcd",
        ("abcd", [None, None, "a", "b"]),
        causal=True,
    ),
    _program(
        "find_a",
        "Whether this token is a.",
        lambda n: library.find_pattern("a"),
        "abc",
        ("bab", [F_, T_, F_]),
    ),
    _program(
        "find_ab",
        "Whether ab ends here; None at the first position.",
        lambda n: library.find_pattern("ab"),
        "ab",
        ("aabb", [None, F_, T_, F_]),
    ),
    _program(
        "find_abc",
        "Whether abc ends here; None at the first two positions.",
        lambda n: library.find_pattern("abc"),
        "abc",
        ("abcabc", [None, None, T_, F_, F_, T_]),
        ("bbc", [None, None, F_]),
        causal=True,
    ),
    _program(
        "map_many",
        "This token plus the token plus the position, times two.",
        lambda n: library.map_many(lambda x, y, z: (x + y + z) * 2, tokens, tokens, indices),
        (1, 2, 3),
        ([1, 2, 3], [4, 10, 16]),
    ),
    _program(
        "map_many_fractions",
        "The position squared, divided by the token.",
        lambda n: library.map_many(lambda x, y, z: x * y / z, indices, indices, tokens),
        (1, 2, 3),
        ([1, 2, 3], [0, Fraction(1, 2), Fraction(4, 3)]),
        max_length=5,
    ),
    _program(
        "caesar",
        "The letter three places further in the alphabet, beginning again after z.",
        lambda n: library.caesar(ascii_lowercase, 3),
        ascii_lowercase,
        ("axyz", list("dabc")),
    ),
    _program(
        "induction",
        "What followed the latest earlier occurrence of this token; None if it is new.",
        lambda n: library.induction(),
        "abcd",
        ("abcab", [None, None, None, "b", "c"]),
        ("aab", [None, "a", None]),
        ("abacada", [None, None, "b", None, "c", None, "d"]),
        causal=True,
    ),
    _program(
        "first_place",
        "The position at which this token first occurs.",
        lambda n: library.first_place(),
        "abc",
        ("abcab", [0, 1, 2, 0, 1]),
    ),
    _program(
        "last_place",
        "The position at which this token last occurs.",
        lambda n: library.last_place(),
        "abc",
        ("abcab", [3, 4, 2, 3, 4]),
    ),
    _program(
        "add_columns",
        'A token "38" is a column of a decimal addition, 3 above 8; the first column is the highest. The digit of the '
        "sum in each column, without a last carry.",
        lambda n: library.add_columns(),
        [f"{a}{b}" for a in range(10) for b in range(10)],
        (["17", "99", "46"], [9, 9, 0]),
        (["95", "55"], [5, 0]),
        (["38"], [1]),
        max_length=6,
    ),
    _program(
        "add_written_out",
        "The input is 386+47, or one number. The sum in the last columns, with zeros before it.",
        lambda n: library.add_written_out(),
        "0123456789+",
        ("386+47", [0, 0, 0, 4, 3, 3]),
        ("9+9", [0, 1, 8]),
        ("999+1", [0, 1, 0, 0, 0]),
        ("72", [7, 2]),
        accepts=lambda xs: xs.count("+") <= 1,
        max_length=9,
    ),
)

_all = Select(tokens, tokens, Comparison.TRUE)
_numbers = rasp.numerical(Map(lambda x: x, tokens))

# Kinds of programs that Tracr's compiler refuses.
FREER = (
    _program(
        "numerical_tokens", "The token, as a number.", lambda n: rasp.numerical(tokens), (1, 2, 3), ([3, 1], [3, 1])
    ),
    _program(
        "numerical_indices", "The position, as a number.", lambda n: rasp.numerical(indices), (1, 2), ([2, 1], [0, 1])
    ),
    _program(
        "numerical_selector",
        "How many tokens are smaller than this one.",
        lambda n: SelectorWidth(Select(_numbers, _numbers, Comparison.LT)),
        (1, 2, 3),
        ([2, 3, 1, 2], [1, 3, 0, 1]),
    ),
    _program(
        "categorical_linear_map",
        "The position plus the token, as a label.",
        lambda n: rasp.categorical(rasp.LinearSequenceMap(rasp.categorical(indices), tokens, 1, 1)),
        (1, 2, 3),
        ([1, 3], [1, 4]),
    ),
    _program(
        "linear_map_of_floats",
        "Half the position minus twice the token.",
        lambda n: rasp.numerical(rasp.LinearSequenceMap(indices, tokens, 0.5, -2.0)),
        (1, 2, 3),
        ([1, 3], [-2, -5.5]),
    ),
    _program(
        "numerical_sequence_map",
        "The position plus the token, as a number.",
        lambda n: rasp.numerical(rasp.SequenceMap(lambda x, y: x + y, rasp.numerical(indices), _numbers)),
        (1, 2, 3),
        ([1, 3], [1, 4]),
    ),
    _program(
        "product",
        "The token times the position.",
        lambda n: rasp.numerical(tokens * indices),
        (1, 2, 3),
        ([3, 3, 2], [0, 3, 4]),
    ),
    _program(
        "default_not_zero",
        "The token after this one; 1 at the last position.",
        lambda n: rasp.numerical(Aggregate(library.at(indices + 1), tokens, default=1)),
        (1, 2, 3),
        ([2, 3, 2], [3, 2, 1]),
    ),
    _program(
        "default_label",
        "The token after this one; ? at the last position.",
        lambda n: Aggregate(library.at(indices + 1), tokens, default="?"),
        "ab",
        ("aab", ["a", "b", "?"]),
    ),
    _program(
        "mean_of_numbers_as_label",
        "At every position, the mean of the tokens, as a label.",
        lambda n: Aggregate(_all, _numbers),
        (1, 2, 3),
        ([1, 2, 2], [Fraction(5, 3)] * 3),
        max_length=6,
    ),
    _program(
        "mean_of_labels_as_number",
        "At every position, the mean of the tokens, as a number.",
        lambda n: rasp.numerical(Aggregate(_all, tokens)),
        (1, 2, 3),
        ([1, 2, 3, 3], [Fraction(9, 4)] * 4),
    ),
    _program(
        "mean_of_numbers",
        "The same with a default for nothing.",
        lambda n: rasp.numerical(Aggregate(_all, _numbers, default=0)),
        (1, 2, 3),
        ([3, 1], [2, 2]),
    ),
    _program(
        "either_key",
        "How many positions are the first one or hold this token.",
        lambda n: SelectorWidth(library.same(tokens) | Select(indices, Full(0), Comparison.EQ)),
        "abc",
        ("abb", [1, 3, 3]),
    ),
    _program(
        "neither_key",
        "How many later positions hold another token.",
        lambda n: SelectorWidth(~(library.same(tokens) | library.up_to_here)),
        "abc",
        ("abab", [2, 1, 1, 0]),
    ),
    _program(
        "whole_length",
        "Minus the number of tokens, at every position.",
        lambda n: rasp.numerical(0 - rasp.length),
        "ab",
        ("aba", [-3] * 3),
    ),
)

PROGRAMS: tuple[RaspProgram, ...] = COUNTING + ORDERING + BRACKETS + MOVING + FREER
