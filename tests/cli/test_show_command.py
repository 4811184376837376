from __future__ import annotations

from tests.cli.conftest import EXAMPLES

from seme.exchange import load_artifact, save
from support.models import random_artifact


def test_every_space_head_and_bank_is_shown_within_80_columns(seme, reverse_folder, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    told = seme("show", reverse_folder)
    assert told.status == 0
    assert max(map(len, told.out.splitlines())) <= 80
    meaning = load_artifact(reverse_folder).meaning
    joined = told.out.replace("\n", "").replace(" ", "")
    for space in meaning["spaces"]:
        assert space["name"].replace(" ", "")[:10] in joined
    assert all(f"\n{layer}.0" in told.out for layer in {head["layer"] for head in meaning["heads"]})
    assert "(reverse.py:" in told.out
    assert "What is proved" in told.out


def test_one_layer_can_be_shown_alone(seme, reverse_folder):
    told = seme("show", reverse_folder, "--layer", "1")
    assert "Layer 1" in told.out
    assert "Layer 0" not in told.out
    assert "What is proved" not in told.out
    assert seme("show", reverse_folder, "--layer", "2").status == 2


def test_json_holds_what_the_folder_says(seme, reverse_folder):
    told = seme("show", reverse_folder, "--json").json
    artifact = load_artifact(reverse_folder)
    assert told["schema"] == 1
    assert told["spec"]["d_model"] == artifact.spec.d_model
    assert told["meaning"] == artifact.meaning
    assert told["certificate"] == artifact.certificate
    heads = seme("show", reverse_folder, "--layer", "1", "--json").json["meaning"]["heads"]
    assert {head["layer"] for head in heads} == {1}


def test_a_model_without_meaning_says_so(seme, tmp_path):
    save(random_artifact(), tmp_path / "m")
    told = seme("show", tmp_path / "m")
    assert told.status == 0
    assert "This model has no meaning" in told.out
    assert "float32" in told.out


def test_names_with_brackets_are_not_taken_for_markup(seme, tmp_path):
    told = seme("compile", EXAMPLES / "shuffle_dyck.py:shuffle_dyck_2", "-o", tmp_path / "m", "-q")
    assert told.status == 0, told.err
    assert "( ) [ ]" in seme("show", tmp_path / "m").out


def test_no_colour_is_written_to_what_is_no_terminal(seme, reverse_folder):
    assert "\x1b" not in seme("show", reverse_folder).out
