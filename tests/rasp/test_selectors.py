"""Selectors: predicates, fusion, and what is read through them."""

import itertools

import pytest

from seme import rasp
from seme.rasp import Comparison, Full, Select, SelectorAnd, SelectorNot, SelectorOr, indices, tokens


@pytest.mark.parametrize(
    ("comparison", "expected"),
    [
        (Comparison.EQ, [[1, 0], [0, 1]]),
        (Comparison.NEQ, [[0, 1], [1, 0]]),
        (Comparison.LT, [[0, 0], [1, 0]]),
        (Comparison.LEQ, [[1, 0], [1, 1]]),
        (Comparison.GT, [[0, 1], [0, 0]]),
        (Comparison.GEQ, [[1, 1], [0, 1]]),
        (Comparison.TRUE, [[1, 1], [1, 1]]),
        (Comparison.FALSE, [[0, 0], [0, 0]]),
    ],
)
def test_rows_are_queries_and_columns_are_keys(comparison, expected):
    assert Select(tokens, tokens, comparison)([3, 8]) == expected


@pytest.mark.parametrize("comparison", list(Comparison))
def test_comparisons_with_none_are_errors(comparison):
    with pytest.raises(ValueError, match="key is None"):
        comparison(None, 1)
    with pytest.raises(ValueError, match="query is None"):
        comparison(1, None)


def test_functions_see_none():
    hole = rasp.Map(lambda x: None if x else 0, tokens)
    assert Select(hole, indices, lambda key, query: key is None)([0, 1]) == [[False, True], [False, True]]


@pytest.mark.parametrize("how", [rasp.selector_and, rasp.selector_or])
def test_selectors_of_the_same_keys_and_queries_fuse(how):
    fused = how(Select(tokens, indices, Comparison.GEQ), Select(tokens, indices, Comparison.LEQ))
    assert isinstance(fused, Select)
    assert fused.keys is tokens
    assert fused.queries is indices
    assert fused.predicate is (Comparison.EQ if how is rasp.selector_and else Comparison.TRUE)


def test_a_constant_fuses_with_any_partner():
    keys = Select(Full(1), indices, Comparison.GEQ) & Select(tokens, indices, Comparison.LEQ)
    queries = Select(tokens, indices, Comparison.GEQ) | Select(tokens, Full(1), Comparison.LEQ)
    for fused in (keys, queries):
        assert isinstance(fused, Select)
        assert fused.keys is tokens
        assert fused.queries is indices


def test_other_selectors_stay_apart():
    a, b = Select(tokens, indices, Comparison.EQ), Select(indices, tokens, Comparison.EQ)
    assert isinstance(a & b, SelectorAnd)
    assert isinstance(a | b, SelectorOr)
    assert isinstance(~(a & b), SelectorNot)
    assert isinstance(~a, Select)
    assert isinstance(rasp.selector_not(a, simplify=False), SelectorNot)
    assert isinstance(rasp.selector_and(a, a, simplify=False), SelectorAnd)
    assert isinstance(rasp.selector_or(a, a, simplify=False), SelectorOr)


SIDES = (tokens, indices, Full(1))


@pytest.mark.parametrize("how", [rasp.selector_and, rasp.selector_or])
def test_fusing_changes_no_value(how):
    selects = [Select(k, q, p) for k, q, p in itertools.product(SIDES, SIDES, Comparison)]
    for a, b in itertools.product(selects, selects):
        assert how(a, b)([2, 0, 1]) == how(a, b, simplify=False)([2, 0, 1])
    for a in selects:
        assert (~a)([2, 0, 1]) == SelectorNot(a)([2, 0, 1])


def test_fusing_keeps_functions_apart_from_comparisons():
    odd = Select(tokens, indices, lambda key, query: (key + query) % 2)
    both = odd & ~Select(tokens, indices, Comparison.EQ)
    assert isinstance(both, Select)
    assert both([1, 1]) == [[True, True], [False, False]]
    assert (~odd)([1, 1]) == [[False, False], [True, True]]


def test_width_counts_the_selected_keys():
    assert rasp.SelectorWidth(Select(tokens, tokens, Comparison.LEQ))([3, 1, 3]) == [3, 1, 3]


@pytest.mark.parametrize(
    ("rows", "values", "default", "expected"),
    [
        ([[1, 0], [0, 1]], ["h", "e"], None, ["h", "e"]),
        ([[0, 1], [0, 0]], ["h", "e"], None, ["e", None]),
        ([[0, 1], [0, 0]], ["h", "e"], "-", ["e", "-"]),
        ([[1, 1], [0, 1]], [0, 1], 0, [0.5, 1]),
        ([[1, 1], [0, 1]], [True, False], 0, [0.5, False]),
        ([[1, 1], [0, 0]], [0.5, 1], None, [0.75, None]),
    ],
)
def test_aggregates_average_numbers_and_carry_values(rows, values, default, expected):
    sop = rasp.Aggregate(rasp.ConstantSelector(rows), rasp.ConstantSOp(values), default)
    assert sop([0, 0]) == expected


@pytest.mark.parametrize("values", [["h", "e"], ["h", "h"], [None, 1]])
def test_values_that_are_not_numbers_have_no_mean(values):
    sop = rasp.Aggregate(rasp.ConstantSelector([[1, 1], [1, 1]]), rasp.ConstantSOp(values))
    with pytest.raises(ValueError, match="selects 2 values, expected one, or numbers only"):
        sop([0, 0])
