"""Sequence operations on their own: values, operators, fusion, and what is refused."""

import logging

import pytest

from seme import rasp
from seme.core.errors import ProgramError


@pytest.mark.parametrize("xs", ["hey", ["h", "e", "y"], [1, 2], [0.5]])
def test_primitives_read_tokens_positions_and_length(xs):
    assert rasp.tokens(xs) == list(xs)
    assert rasp.indices(xs) == list(range(len(xs)))
    assert rasp.length(xs) == [len(xs)] * len(xs)


@pytest.mark.parametrize(
    ("sop", "expected"),
    [
        (rasp.tokens + 1, [1, 2, 3]),
        (1 + rasp.tokens, [1, 2, 3]),
        (rasp.tokens - 1, [-1, 0, 1]),
        (1 - rasp.tokens, [1, 0, -1]),
        (2 * rasp.tokens, [0, 2, 4]),
        (rasp.tokens * 2, [0, 2, 4]),
        (rasp.tokens / 2, [0, 0.5, 1]),
        (2 / (rasp.tokens + 1), [2, 1, 2 / 3]),
        (rasp.tokens < 1, [True, False, False]),
        (rasp.tokens > 1, [False, False, True]),
        (rasp.tokens <= 1, [True, True, False]),
        (rasp.tokens >= 1, [False, True, True]),
        (rasp.tokens == 1, [False, True, False]),
        (rasp.tokens != 1, [True, False, True]),
        (rasp.tokens + rasp.indices, [0, 2, 4]),
        (rasp.length - rasp.tokens, [3, 2, 1]),
        (rasp.tokens * rasp.length, [0, 3, 6]),
        (rasp.tokens / rasp.length, [0, 1 / 3, 2 / 3]),
        (rasp.tokens == rasp.length - 1, [False, False, True]),
        (rasp.tokens < rasp.Full(1), [True, False, False]),
        (~rasp.tokens, [True, False, False]),
        (rasp.sop_not(rasp.tokens), [True, False, False]),
    ],
)
def test_operators_mean_what_python_means(sop, expected):
    assert sop([0, 1, 2]) == expected


def test_and_and_or_give_one_of_their_operands():
    assert (rasp.tokens & 7)([0, 1, 2]) == [0, 7, 7]
    assert (7 & rasp.tokens)([0, 1, 2]) == [0, 1, 2]
    assert (rasp.tokens | 7)([0, 1, 2]) == [7, 1, 2]
    assert (7 | rasp.tokens)([0, 1, 2]) == [7, 7, 7]
    assert (rasp.tokens & rasp.length)([0, 1, 2]) == [0, 3, 3]
    assert (rasp.tokens | rasp.length)([0, 1, 2]) == [3, 1, 2]


def test_maps_of_maps_become_one_map():
    fused = ((rasp.tokens * 2) + 2) / 2
    assert fused.inner is rasp.tokens
    assert fused([1, 5]) == [2, 6]


def test_maps_stay_apart_when_asked():
    inner = rasp.tokens * 2
    apart = rasp.Map(lambda x: x + 2, inner, simplify=False)
    assert apart.inner is inner
    assert apart([1]) == [4]


def test_none_passes_through_maps_but_not_inside_a_fused_one():
    hole = rasp.Map(lambda x: None if x == 1 else x, rasp.tokens)
    assert (hole + 1)([0, 2]) == [1, 3]
    assert rasp.Map(lambda x: x is None, hole)([0, 1]) == [False, True]
    assert rasp.Map(lambda x: x is None, hole, simplify=False)([0, 1]) == [False, None]
    assert rasp.SequenceMap(lambda x, y: y, hole, rasp.indices)([0, 1]) == [0, None]
    assert rasp.SequenceMap(lambda x, y: x, rasp.indices, hole)([0, 1]) == [0, None]


def test_a_sequence_map_of_one_sequence_twice_warns(caplog):
    with caplog.at_level(logging.WARNING):
        doubled = rasp.SequenceMap(lambda x, y: x + y, rasp.tokens, rasp.tokens)
    assert "a Map says the same" in caplog.text
    assert doubled("ab") == ["aa", "bb"]


@pytest.mark.parametrize(("a", "b", "expected"), [(1, 1, [3, 5]), (2, -1, [3, 4]), (0.5, 0, [1, 1.5])])
def test_linear_sequence_maps_weigh_and_add(a, b, expected):
    sop = rasp.LinearSequenceMap(rasp.tokens, rasp.indices + 1, a, b)
    assert (sop.fst_fac, sop.snd_fac) == (a, b)
    assert sop([2, 3]) == expected


def test_full_repeats_its_value():
    assert rasp.Full("x")([1, 2, 3]) == ["x"] * 3
    assert rasp.Full("x")([]) == []


def test_constants_insist_on_their_length():
    assert rasp.ConstantSOp([5, 6])("ab") == [5, 6]
    with pytest.raises(ValueError, match=r"Constant len 2 doesn't match input len 3"):
        rasp.ConstantSOp([5, 6])("abc")
    assert rasp.ConstantSOp([5, 6], check_length=False)("abc") == [5, 6]
    with pytest.raises(ValueError, match=r"doesn't match"):
        rasp.ConstantSelector([[True]])("abc")


def test_sequences_are_keys_by_identity():
    renamed = rasp.tokens.named("input")
    found = {rasp.tokens: 1, renamed: 2}
    assert found[rasp.tokens] == 1
    assert found[renamed] == 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: rasp.Map(rasp.tokens, rasp.tokens), "the function of a Map is a TokensType"),
        (lambda: rasp.Map(len, "ab"), "the input of a Map is a str"),
        (lambda: rasp.SequenceMap(max, rasp.tokens, 1), "the second input of a SequenceMap is a int"),
        (lambda: rasp.Select(rasp.tokens, 1, rasp.Comparison.EQ), "the queries of a Select is a int"),
        (lambda: rasp.SelectorWidth(rasp.tokens), "the selector of a SelectorWidth is a TokensType"),
        (lambda: rasp.Aggregate(rasp.tokens, rasp.tokens), "the selector of an Aggregate is a TokensType"),
        (lambda: rasp.SelectorNot(rasp.tokens), "the part of a SelectorNot is a TokensType"),
        (
            lambda: rasp.tokens + rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ),
            "operator add was given a Select",
        ),
        (
            lambda: rasp.Aggregate(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ), rasp.tokens, default=[1]),
            "the default of an Aggregate is a list",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_a_hint(make, message):
    with pytest.raises(ProgramError) as error:
        make()
    assert message in str(error.value)
    assert "hint:" in str(error.value)
