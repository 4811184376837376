"""Programs that move tokens, add numbers, and do what Tracr's compiler refuses."""

from fractions import Fraction
from string import ascii_lowercase

from seme import rasp
from seme.rasp import Aggregate, Comparison, Full, Map, Select, SelectorWidth, indices, tokens
from tests.rasp import library
from tests.rasp.entry import entry

T_, F_ = True, False


MOVING = (
    entry(
        "shift_1",
        "The token before this one; None at the first position.",
        lambda n: library.shift(tokens, 1),
        "abcd",
        ("abcd", [None, "a", "b", "c"]),
        ("b", [None]),
    ),
    entry(
        "shift_2_causal",
        "Causal: the token two places before; None where there is none.",
        lambda n: library.shift(tokens, 2),
        "abcd",
        ("abcd", [None, None, "a", "b"]),
        causal=True,
    ),
    entry(
        "find_a",
        "Whether this token is a.",
        lambda n: library.find_pattern("a"),
        "abc",
        ("bab", [F_, T_, F_]),
    ),
    entry(
        "find_ab",
        "Whether ab ends here; None at the first position.",
        lambda n: library.find_pattern("ab"),
        "ab",
        ("aabb", [None, F_, T_, F_]),
    ),
    entry(
        "find_abc",
        "Whether abc ends here; None at the first two positions.",
        lambda n: library.find_pattern("abc"),
        "abc",
        ("abcabc", [None, None, T_, F_, F_, T_]),
        ("bbc", [None, None, F_]),
        causal=True,
    ),
    entry(
        "map_many",
        "This token plus the token plus the position, times two.",
        lambda n: library.map_many(lambda x, y, z: (x + y + z) * 2, tokens, tokens, indices),
        (1, 2, 3),
        ([1, 2, 3], [4, 10, 16]),
    ),
    entry(
        "map_many_fractions",
        "The position squared, divided by the token.",
        lambda n: library.map_many(lambda x, y, z: x * y / z, indices, indices, tokens),
        (1, 2, 3),
        ([1, 2, 3], [0, Fraction(1, 2), Fraction(4, 3)]),
        max_length=5,
    ),
    entry(
        "caesar",
        "The letter three places further in the alphabet, beginning again after z.",
        lambda n: library.caesar(ascii_lowercase, 3),
        ascii_lowercase,
        ("axyz", list("dabc")),
    ),
    entry(
        "induction",
        "What followed the latest earlier occurrence of this token; None if it is new.",
        lambda n: library.induction(),
        "abcd",
        ("abcab", [None, None, None, "b", "c"]),
        ("aab", [None, "a", None]),
        ("abacada", [None, None, "b", None, "c", None, "d"]),
        causal=True,
    ),
    entry(
        "first_place",
        "The position at which this token first occurs.",
        lambda n: library.first_place(),
        "abc",
        ("abcab", [0, 1, 2, 0, 1]),
    ),
    entry(
        "last_place",
        "The position at which this token last occurs.",
        lambda n: library.last_place(),
        "abc",
        ("abcab", [3, 4, 2, 3, 4]),
    ),
    entry(
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
    entry(
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
    entry("numerical_tokens", "The token, as a number.", lambda n: rasp.numerical(tokens), (1, 2, 3), ([3, 1], [3, 1])),
    entry(
        "numerical_indices", "The position, as a number.", lambda n: rasp.numerical(indices), (1, 2), ([2, 1], [0, 1])
    ),
    entry(
        "numerical_selector",
        "How many tokens are smaller than this one.",
        lambda n: SelectorWidth(Select(_numbers, _numbers, Comparison.LT)),
        (1, 2, 3),
        ([2, 3, 1, 2], [1, 3, 0, 1]),
    ),
    entry(
        "categorical_linear_map",
        "The position plus the token, as a label.",
        lambda n: rasp.categorical(rasp.LinearSequenceMap(rasp.categorical(indices), tokens, 1, 1)),
        (1, 2, 3),
        ([1, 3], [1, 4]),
    ),
    entry(
        "linear_map_of_floats",
        "Half the position minus twice the token.",
        lambda n: rasp.numerical(rasp.LinearSequenceMap(indices, tokens, 0.5, -2.0)),
        (1, 2, 3),
        ([1, 3], [-2, -5.5]),
    ),
    entry(
        "numerical_sequence_map",
        "The position plus the token, as a number.",
        lambda n: rasp.numerical(rasp.SequenceMap(lambda x, y: x + y, rasp.numerical(indices), _numbers)),
        (1, 2, 3),
        ([1, 3], [1, 4]),
    ),
    entry(
        "product",
        "The token times the position.",
        lambda n: rasp.numerical(tokens * indices),
        (1, 2, 3),
        ([3, 3, 2], [0, 3, 4]),
    ),
    entry(
        "default_not_zero",
        "The token after this one; 1 at the last position.",
        lambda n: rasp.numerical(Aggregate(library.at(indices + 1), tokens, default=1)),
        (1, 2, 3),
        ([2, 3, 2], [3, 2, 1]),
    ),
    entry(
        "default_label",
        "The token after this one; ? at the last position.",
        lambda n: Aggregate(library.at(indices + 1), tokens, default="?"),
        "ab",
        ("aab", ["a", "b", "?"]),
    ),
    entry(
        "mean_of_numbers_as_label",
        "At every position, the mean of the tokens, as a label.",
        lambda n: Aggregate(_all, _numbers),
        (1, 2, 3),
        ([1, 2, 2], [Fraction(5, 3)] * 3),
        max_length=6,
    ),
    entry(
        "mean_of_labels_as_number",
        "At every position, the mean of the tokens, as a number.",
        lambda n: rasp.numerical(Aggregate(_all, tokens)),
        (1, 2, 3),
        ([1, 2, 3, 3], [Fraction(9, 4)] * 4),
    ),
    entry(
        "mean_of_numbers",
        "The same with a default for nothing.",
        lambda n: rasp.numerical(Aggregate(_all, _numbers, default=0)),
        (1, 2, 3),
        ([3, 1], [2, 2]),
    ),
    entry(
        "either_key",
        "How many positions are the first one or hold this token.",
        lambda n: SelectorWidth(library.same(tokens) | Select(indices, Full(0), Comparison.EQ)),
        "abc",
        ("abb", [1, 3, 3]),
    ),
    entry(
        "neither_key",
        "How many later positions hold another token.",
        lambda n: SelectorWidth(~(library.same(tokens) | library.up_to_here)),
        "abc",
        ("abab", [2, 1, 1, 0]),
    ),
    entry(
        "whole_length",
        "Minus the number of tokens, at every position.",
        lambda n: rasp.numerical(0 - rasp.length),
        "ab",
        ("aba", [-3] * 3),
    ),
)
