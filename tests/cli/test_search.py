"""`exact_up_to`: what it reports can be asked for, and it is the same on every run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.corpus.case import CATALOGUE

from seme import lang
from seme.compiler import search
from seme.compiler.pipeline import plan
from seme.core.errors import NotProvedError

FEW = ["reverse", "hist", "dyck_1", "mod_13_sum", "count_a", "binary_to_decimal"]


def program(name):
    return next(listed.program for listed in CATALOGUE.PROGRAMS if listed.name == name)


@pytest.mark.parametrize("name", FEW)
def test_every_length_reported_is_proved(name):
    found = search.exact_up_to(program(name))
    assert list(found) == ["float16", "bfloat16", "float32", "float64"]
    for dtype, length in found.items():
        if length:
            assert plan(replace(program(name), max_length=length), dtype=dtype, activation="relu").certificate.proved
        else:
            with pytest.raises(NotProvedError):
                plan(replace(program(name), max_length=1), dtype=dtype, activation="relu")


def test_a_short_reach_is_found_to_the_token():
    found = search.exact_up_to(program("reverse"))
    for dtype, length in found.items():
        if 0 < length <= search.FINENESS:
            with pytest.raises(NotProvedError):
                plan(replace(program("reverse"), max_length=length + 1), dtype=dtype, activation="relu")


def test_two_searches_find_the_same():
    assert search.exact_up_to(program("hist"), "gelu") == search.exact_up_to(program("hist"), "gelu")


def test_the_search_ends_at_the_longest_length_tried(monkeypatch):
    monkeypatch.setattr(search, "LONGEST", 50)
    shifted = lang.program(lang.tokens, vocab="ab", max_length=20)
    assert set(search.exact_up_to(shifted).values()) == {50}


def test_a_program_asked_for_beyond_the_longest_length_is_searched_from_there(monkeypatch):
    monkeypatch.setattr(search, "LONGEST", 10)
    assert search.exact_up_to(program("count_a"))["float64"] == 10


def test_the_search_does_not_go_beyond_the_work_allowed(monkeypatch):
    monkeypatch.setattr(search, "MOST_WORK", 1)
    assert search.exact_up_to(program("reverse"))["float64"] == 20
