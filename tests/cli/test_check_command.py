from __future__ import annotations

import itertools
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.cli.conftest import EXAMPLES

from seme.cli.prompts import prompts
from seme.compiler.pipeline import token_table
from seme.compiler.trace import compile_trace
from seme.exchange import save
from seme.machines.rv32.machine import Tokens
from support.models import random_artifact
from support.traces import odometer


def copied(folder: Path, to: Path) -> Path:
    shutil.copytree(folder, to)
    return to


def changed(folder: Path, name: str, change) -> None:
    """Rewrites the first weight whose name contains `name`."""
    path = folder / "model.safetensors"
    weights = load_file(path)
    key = next(key for key in sorted(weights) if name in key)
    weights[key] = change(weights[key]).contiguous()
    save_file(weights, path, metadata={"format": "pt"})


def test_a_file_is_checked_against_the_interpreter(seme):
    told = seme("check", EXAMPLES / "reverse.py", "--samples", "50", "--json")
    assert told.status == 0
    assert told.json["oracle"] == "interpreter"
    assert told.json["wrong"] == 0
    assert told.json["first_divergence"] is None
    assert told.json["checked"] > 50


def test_a_folder_is_checked_against_its_graph(seme, reverse_folder):
    told = seme("check", reverse_folder, "--samples", "50", "--json")
    assert told.status == 0
    assert (told.json["oracle"], told.json["wrong"]) == ("stored graph", 0)


@pytest.mark.parametrize(
    "name", ["pair_balance", "frac_prevs_causal", "hist", "decimal_addition", "surprise", "majority_of_five"]
)
def test_numbers_fractions_and_several_outputs_are_read_off_the_graph(seme, tmp_path, name):
    file = next(path for path in EXAMPLES.glob("*.py") if f"\n{name} = seme.program" in path.read_text())
    assert seme("compile", f"{file}:{name}", "-o", tmp_path / "m", "-q").status == 0
    told = seme("check", tmp_path / "m", "--samples", "30", "--json")
    assert (told.json["wrong"], told.json["checked"] > 30) == (0, True), told.out


def test_every_input_up_to_a_length_is_checked(seme):
    none = seme("check", EXAMPLES / "quotes.py:balanced_quotes", "--samples", "0", "--json").json["checked"]
    assert seme("check", EXAMPLES / "quotes.py:balanced_quotes", "--samples", "7", "--json").json["checked"] == none + 7
    arguments = ["--samples", "0", "--exhaustive", "2", "--vocab", 'a"', "--json"]
    few = seme("check", EXAMPLES / "quotes.py:balanced_quotes", *arguments[:2], *arguments[4:]).json["checked"]
    all_of_two = seme("check", EXAMPLES / "quotes.py:balanced_quotes", *arguments).json["checked"]
    assert all_of_two == few + 1 + 2 + 4


@pytest.mark.parametrize(
    ("weight", "change"),
    [
        ("word_embeddings", lambda w: w[torch.arange(len(w)).roll(1)]),
        ("position_embeddings", lambda w: w.flip(0)),
        ("layer.1.attention.self.query.weight", lambda w: -w),
        ("layer.1.attention.output.dense.weight", lambda w: w[:, torch.arange(w.shape[1]).flip(0)]),
        ("layer.0.intermediate.dense.bias", lambda w: w + 1),
        ("classifier.weight", lambda w: w[torch.arange(len(w)).roll(1)]),
    ],
)
def test_a_permuted_or_damaged_weight_makes_the_check_fail(seme, tmp_path, reverse_folder, weight, change):
    folder = copied(reverse_folder, tmp_path / "m")
    changed(folder, weight, change)
    told = seme("check", folder, "--samples", "20", "--json")
    assert told.status == 1
    assert told.json["wrong"] > 0
    first = told.json["first_divergence"]
    assert set(first) == {"input", "output", "position", "expected", "got"}
    text = seme("check", folder, "--samples", "20")
    assert text.status == 1
    assert "first divergence" in text.out


def test_the_same_seed_checks_the_same_inputs(seme, tmp_path, reverse_folder):
    folder = copied(reverse_folder, tmp_path / "m")
    changed(folder, "classifier.weight", lambda w: w[torch.arange(len(w)).roll(1)])
    answers = [seme("check", folder, "--samples", "9", "--seed", seed, "--json").json for seed in "334"]
    assert answers[0] == answers[1]
    assert answers[2]["seed"] == 4


def test_a_check_in_another_float_type_casts_the_weights(seme, reverse_folder):
    told = seme("check", reverse_folder, "--samples", "20", "--dtype", "float64", "--json")
    assert (told.json["dtype"], told.json["wrong"]) == ("float64", 0)


def test_a_model_without_a_graph_cannot_be_checked(seme, tmp_path, reverse_folder):
    folder = copied(reverse_folder, tmp_path / "m")
    (folder / "graph.txt").write_text("")
    told = seme("check", folder)
    assert told.status == 4
    assert "holds no graph" in told.err


def test_a_graph_that_does_not_parse_or_belongs_elsewhere_is_refused(seme, tmp_path, reverse_folder):
    folder = copied(reverse_folder, tmp_path / "m")
    (folder / "graph.txt").write_text("nonsense\n")
    assert seme("check", folder).status == 4
    assert seme("compile", EXAMPLES / "quotes.py:balanced_quotes", "-o", tmp_path / "other", "-q").status == 0
    shutil.copy(tmp_path / "other" / "graph.txt", folder / "graph.txt")
    told = seme("check", folder)
    assert told.status == 4
    assert "graph.txt" in told.err


def test_a_foreign_graph_text_in_a_random_model_is_refused(seme, tmp_path):
    save(random_artifact(), tmp_path / "m")
    assert seme("check", tmp_path / "m").status == 4


def test_too_many_inputs_and_too_great_a_length_are_refused(seme, reverse_folder):
    assert seme("check", reverse_folder, "--exhaustive", "21").status == 2
    told = seme("check", reverse_folder, "--exhaustive", "9")
    assert told.status == 2
    assert "S008" in told.err


def test_a_machine_is_checked_on_random_tapes_against_its_graph(seme, tmp_path):
    assert seme("machine", "turing", "bb2", "-o", tmp_path / "m", "--max-length", "100", "-q").status == 0
    told = seme("check", tmp_path / "m", "--samples", "4", "--json")
    assert (told.status, told.json["wrong"], told.json["prompts"]) == (0, 0, 4)
    assert told.json["checked"] > 12
    assert "next tokens of 3 prompts checked" in seme("check", tmp_path / "m", "--samples", "3").out
    told = seme("check", tmp_path / "m", "--exhaustive", "2")
    assert (told.status, "continues" in told.err) == (2, True)


def test_a_machine_that_reads_its_table_is_given_one(seme, tmp_path):
    assert seme("machine", "turing", "-o", tmp_path / "m", "--max-length", "100", "-q").status == 0
    told = seme("check", tmp_path / "m", "--samples", "1", "--json")
    assert (told.status, told.json["wrong"], told.json["undefined"]) == (0, 0, 0)


@pytest.mark.parametrize("part", ["wte", "lm_head"])
def test_a_changed_weight_of_a_model_that_continues_its_input_is_found(seme, tmp_path, part):
    folder = save(compile_trace(odometer(), max_length=100), tmp_path / "m")
    assert seme("check", folder, "--samples", "5").status == 0
    changed(folder, part, lambda weight: weight.roll(1, dims=0))
    told = seme("check", folder, "--samples", "5", "--json")
    assert (told.status, told.json["first_divergence"]["output"]) == (1, "next")
    assert told.json["wrong"] > 0


def test_a_program_of_the_rv32_machine_is_its_prompt():
    tokens = Tokens(8)
    artifact = replace(compile_trace(odometer()), tokens=token_table(tokens.vocabulary.texts))
    rows = next(prompts(artifact, 0))
    assert rows[0] == 0
    assert tokens.text(rows[-1] - 2) == "start"
    assert rows != list(itertools.islice(prompts(artifact, 0), 2))[1]
