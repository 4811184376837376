"""The demo: a table of programs, and a red line and status 1 where one is wrong."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace

import pytest
from tests.cli.conftest import EXAMPLES

from seme.exchange import Model, load


@pytest.fixture
def demo(monkeypatch, tmp_path):
    """The demo as a module, with its models in a folder of the test."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    for name in ("demo", "catalogue"):
        sys.modules.pop(name, None)
    module = importlib.import_module("demo")
    monkeypatch.setattr(module, "FOLDER", tmp_path / "models")
    monkeypatch.setenv("COLUMNS", "120")
    yield module
    for name in ("demo", "catalogue"):
        sys.modules.pop(name, None)


def test_the_table_tells_sample_answer_and_figures_and_folders_are_left(demo, tmp_path, capsys):
    assert demo.main(["reverse", "count_a"]) == 0
    out = capsys.readouterr().out
    assert "transformer -> remrofsnart" in out
    assert "banana -> 333333" in out
    assert "2 of 2 programs compiled and right" in out
    assert load(tmp_path / "models" / "reverse")("ab") == ["b", "a"]


def test_a_wrong_model_is_a_red_line_and_status_1(demo, monkeypatch, capsys):
    compiled = demo.compile_proved

    def damaged(*arguments, **options):
        model, seconds = compiled(*arguments, **options)
        weights = dict(model.artifact.weights)
        weights["embed.W_E"] = weights["embed.W_E"].roll(1, dims=0)
        return Model(replace(model.artifact, weights=weights)), seconds

    monkeypatch.setattr(demo, "compile_proved", damaged)
    assert demo.main(["reverse"]) == 1
    out = capsys.readouterr().out
    assert "0 of 1 programs" in out
    assert "wrong, first" in out


def test_a_program_that_is_refused_is_a_red_line_too(demo, monkeypatch, capsys):
    def refused(*arguments, **options):
        raise demo.SemeError("it cannot be proved")

    monkeypatch.setattr(demo, "compile_proved", refused)
    assert demo.main(["reverse"]) == 1
    assert "reverse: it cannot be proved" in capsys.readouterr().out
