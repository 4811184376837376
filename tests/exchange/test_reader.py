import json
import shutil
from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from safetensors.torch import load_file, save_file

from seme.core.errors import FolderError
from seme.exchange import load, save
from seme.model import OutputBlock
from support.models import previous_token, random_artifact, with_outputs


@pytest.fixture
def folder(tmp_path):
    return save(previous_token("bert"), tmp_path / "m")


def same(one, two):
    fields = ("spec", "tokens", "outputs", "meaning", "certificate", "provenance", "graph")
    assert all(repr(getattr(one, name)) == repr(getattr(two, name)) for name in fields)
    assert list(one.weights) == list(two.weights)
    assert all(torch.equal(one.weights[name], weight) for name, weight in two.weights.items())


@pytest.mark.parametrize("architecture", ["bert", "gpt2"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_what_is_saved_is_what_is_loaded(tmp_path, architecture, dtype):
    artifact = random_artifact(architecture, activation="gelu", dtype=dtype)
    same(load(save(artifact, tmp_path / "m")).artifact, artifact)


def test_tokens_and_labels_come_back_with_their_types(tmp_path):
    values = (1, "1", False, "x", 2.5, Fraction(1, 3), (1, "a"), "two words")
    artifact = previous_token(values=values)
    artifact = replace(artifact, tokens=replace(artifact.tokens, texts=tuple(f"t{i}" for i in range(8))))
    model = load(save(artifact, tmp_path / "m"))
    same(model.artifact, artifact)
    assert model([1, "1", False, (1, "a")]) == [None, 1, "1", False]
    assert [type(x) for x in model([1, "1", False])] == [type(None), int, str]


def test_how_numbers_are_read_comes_back(tmp_path):
    artifact = random_artifact(labels=())
    block = OutputBlock(name="n", kind="number", start=0, max_denominator=7, unit=Fraction(1, 2), error=1e-4)
    artifact = with_outputs(artifact, block)
    same(load(save(artifact, tmp_path / "m")).artifact, artifact)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "meaning.json"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(FolderError, match=name.replace(".", r"\.")):
        load(folder)


@pytest.mark.parametrize("name", ["config.json", "meaning.json", "certificate.json"])
@pytest.mark.parametrize("text", ["", "{", "[]", "\udcff"])
def test_json_that_is_damaged_is_told(folder, name, text):
    (folder / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(FolderError, match=name.replace(".", r"\.")):
        load(folder)


@pytest.mark.parametrize("cut", [0, 5, 100, -1])
def test_weights_that_are_cut_short_are_told(folder, cut):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(FolderError, match="damaged"):
        load(folder)


def test_weights_of_another_shape_type_or_name_are_told(folder):
    file = folder / "model.safetensors"
    good = load_file(file)
    name = "classifier.bias"
    for change, told in (
        ({name: good[name][:2]}, r"classifier\.bias.*\[2\], expected torch\.float32 \[4\]"),
        ({name: good[name].double()}, "float64"),
        ({name: good[name] + float("nan")}, "NaN"),
        ({"extra": good[name].clone()}, "has extra"),
        ({"bert.embeddings.token_type_embeddings.weight": torch.ones(1, 36)}, "segment"),
    ):
        save_file(good | change, file)
        with pytest.raises(FolderError, match=told):
            load(folder)
    save_file({k: v for k, v in good.items() if k != name}, file)
    with pytest.raises(FolderError, match=r"lacks classifier\.bias"):
        load(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("num_attention_heads", 5),
        ("num_attention_heads", 0),
        ("hidden_size", "36"),
        ("hidden_act", "tanh"),
        ("dtype", "int8"),
        ("model_type", "llama"),
        ("vocab_size", 9),
        ("id2label", {"0": "a"}),
    ],
)
def test_a_configuration_that_does_not_fit_is_told(folder, key, value):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {key: value}))
    with pytest.raises(FolderError):
        load(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [("tokens", {}), ("outputs", []), ("outputs", [{"name": "x"}]), ("tokens", None), ("format", "x"), ("version", 99)],
)
def test_a_meaning_that_does_not_fit_is_told(folder, key, value):
    stored = json.loads((folder / "meaning.json").read_text())
    (folder / "meaning.json").write_text(json.dumps(stored | {key: value}))
    with pytest.raises(FolderError):
        load(folder)


def test_somebody_elses_model_is_called_foreign(tmp_path):
    (tmp_path / "config.json").write_text('{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}')
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(FolderError, match=r"foreign model \(LlamaForCausalLM\).*expected a folder written by seme"):
        load(tmp_path)


def test_what_is_no_model_folder_is_told(tmp_path):
    with pytest.raises(FolderError, match="is not a model folder"):
        load(tmp_path)
    with pytest.raises(FolderError, match="does not exist"):
        load(tmp_path / "none")
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderError, match="is a file"):
        load(tmp_path / "file")


def test_only_three_files_are_needed(folder):
    for name in ("certificate.json", "provenance.json", "graph.txt", "tokenizer.json"):
        (folder / name).unlink()
    assert load(folder)("ab") == [None, "a"]
    shutil.rmtree(folder)
