import json
from dataclasses import replace

import pytest
import torch

from seme.core.errors import FolderError, UsageError
from seme.exchange import load, save
from seme.exchange.writer import FILES
from support.models import previous_token, random_artifact


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_the_same_model_gives_the_same_bytes(tmp_path):
    one, two = (contents(save(random_artifact(), tmp_path / name)) for name in "ab")
    assert one == two
    assert set(one) == set(FILES) - {"generation_config.json", "positions.safetensors"}  # a language model's


def test_nothing_else_is_left_beside_the_folder(tmp_path):
    for _ in range(2):
        save(random_artifact(), tmp_path / "m")
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_a_model_of_ours_is_replaced(tmp_path):
    save(previous_token(values=("x",)), tmp_path / "m")
    save(previous_token(), tmp_path / "m")
    assert load(tmp_path / "m")("ab") == [None, "a"]


def test_an_empty_folder_is_filled(tmp_path):
    assert load(save(previous_token(), tmp_path))("ab") == [None, "a"]


@pytest.mark.parametrize("name", ["thesis.tex", "config.json"])
def test_a_folder_that_holds_something_else_is_left_alone(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(FolderError, match="something else than a model of ours"):
        save(previous_token(), tmp_path)
    assert contents(tmp_path) == {name: b"mine"}


def test_a_file_of_the_users_in_a_model_folder_is_not_deleted(tmp_path):
    save(previous_token(), tmp_path / "m")
    (tmp_path / "m" / "notes.txt").write_text("mine")
    with pytest.raises(FolderError, match=r"notes\.txt"):
        save(previous_token(), tmp_path / "m")


def test_a_file_in_the_way_is_told(tmp_path):
    (tmp_path / "m").write_text("")
    with pytest.raises(FolderError, match="is not a folder"):
        save(previous_token(), tmp_path / "m")
    with pytest.raises(FolderError, match="cannot write"):
        save(previous_token(), tmp_path / "m" / "n")


def test_a_model_that_does_not_fit_itself_is_refused_and_nothing_is_written(tmp_path):
    good = previous_token()
    W_U = good.weights["unembed.W_U"]
    for bad in (
        replace(good, weights=dict(good.weights) | {"unembed.W_U": W_U[1:]}),
        replace(good, weights=dict(good.weights) | {"unembed.W_U": W_U.double()}),
        replace(good, weights=dict(good.weights) | {"unembed.W_U": W_U + float("inf")}),
        replace(good, weights=dict(good.weights) | {"other": W_U}),
        replace(good, outputs=()),
        replace(good, outputs=(replace(good.outputs[0], labels=("a",)),)),
        replace(good, tokens=replace(good.tokens, texts=("a", "a", "b"))),
        replace(good, tokens=replace(good.tokens, texts=("a", "b"))),
        replace(good, tokens=replace(good.tokens, values=([], "b", "c"))),
        replace(good, meaning={"x": torch.ones(1)}),
        replace(good, certificate={"x": float("nan")}),
        replace(good, spec=replace(good.spec, d_head=3)),
    ):
        with pytest.raises(UsageError):
            save(bad, tmp_path / "m")
    assert not list(tmp_path.iterdir())


def test_labels_keep_their_text(tmp_path):
    artifact = previous_token(values=(3, 12, True))
    config = json.loads((save(artifact, tmp_path / "m") / "config.json").read_text())
    assert config["id2label"] == {"0": "3", "1": "12", "2": "True", "3": "None"}
    several = json.loads((save(random_artifact(), tmp_path / "n") / "config.json").read_text())
    assert several["id2label"]["2"] == "label='1'"
    assert several["id2label"]["5"] == "value"
