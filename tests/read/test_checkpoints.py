"""Checkpoints of every family open, run as transformers runs them, and bad ones are named."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from seme.core.errors import FolderError, InputError, UsageError
from seme.read.checkpoints import open_checkpoint
from seme.read.transformer import run, transformer_of
from tests.read.models import LEFT_OUT, LENGTH, MODELS, VARIANTS, VOCABULARY, write_model, write_whisper

AGREEMENT = 2e-5
"""Float32 logits of order 1 after two layers, summed in another order."""


@pytest.mark.parametrize("family", sorted(MODELS))
def test_a_model_of_each_family_runs_as_transformers_runs_it(family, tmp_path):
    theirs = write_model(family, tmp_path)
    opened = open_checkpoint(str(tmp_path))
    ours = transformer_of(opened)
    assert ours is not None
    tokens = torch.randint(3, VOCABULARY, (2, LENGTH))
    with torch.no_grad():
        expected = theirs(tokens).logits
    assert (run(ours, tokens) - expected).abs().max() < AGREEMENT * expected.abs().max()


@pytest.mark.parametrize(
    ("family", "kind", "settings"), VARIANTS, ids=[f"{kind}-{'-'.join(settings)}" for _, kind, settings in VARIANTS]
)
def test_what_a_configuration_changes_is_run_as_transformers_runs_it(family, kind, settings, tmp_path):
    theirs = write_model(family, tmp_path, kind=kind, **settings)
    ours = transformer_of(open_checkpoint(str(tmp_path)))
    tokens = torch.randint(3, VOCABULARY, (2, LENGTH))
    with torch.no_grad():
        found = theirs(tokens)
    expected = found.logits if "logits" in found else found.last_hidden_state
    got = run(replace(ours, objective="outputs") if kind.endswith("2Model") else ours, tokens)
    assert (got - expected).abs().max() < AGREEMENT * expected.abs().max()
    assert ours.causal == ("GPT2" in kind or "OPT" in kind or settings.get("is_decoder", False))
    assert ours.objective == ("masked" if "Masked" in kind else "outputs" if kind == "BertModel" else "next")


@pytest.mark.parametrize("family", sorted(MODELS))
def test_what_an_old_configuration_leaves_out_is_what_the_family_has(family, tmp_path):
    theirs = write_model(family, tmp_path)
    path = tmp_path / "config.json"
    kept = {name: value for name, value in json.loads(path.read_text()).items() if name not in LEFT_OUT}
    path.write_text(json.dumps(kept))
    tokens = torch.randint(3, VOCABULARY, (2, LENGTH))
    with torch.no_grad():
        expected = theirs(tokens).logits
    found = run(transformer_of(open_checkpoint(str(tmp_path))), tokens)
    assert (found - expected).abs().max() < AGREEMENT * expected.abs().max()


@pytest.mark.parametrize("family", ["gpt2", "bert"])
def test_a_model_in_float64_runs_in_float64(family, tmp_path):
    theirs = write_model(family, tmp_path).double()
    theirs.save_pretrained(tmp_path)
    tokens = torch.randint(3, VOCABULARY, (2, LENGTH))
    with torch.no_grad():
        expected = theirs(tokens).logits
    found = run(transformer_of(open_checkpoint(str(tmp_path))), tokens)
    assert (found - expected).abs().max() < 1e-12 * expected.abs().max()


@pytest.mark.parametrize(
    ("family", "kind"),
    [("gpt2", transformers.GPT2ForTokenClassification), ("bert", transformers.BertForTokenClassification)],
)
def test_token_classifiers_give_their_labels(family, kind, tmp_path):
    config = write_model(family, tmp_path / "plain").config
    config.num_labels = 5
    theirs = kind(config).eval()
    theirs.save_pretrained(tmp_path / "labels")
    ours = transformer_of(open_checkpoint(str(tmp_path / "labels")))
    tokens = torch.randint(3, VOCABULARY, (2, LENGTH))
    with torch.no_grad():
        expected = theirs(tokens).logits
    assert ours.objective == "outputs"
    assert (run(ours, tokens) - expected).abs().max() < AGREEMENT


def test_a_head_that_does_not_read_every_position_is_left_out(tmp_path):
    """A classifier of whole texts reads a pooled vector: applied to the stream it would give what nobody trained."""
    config = write_model("bert", tmp_path / "plain").config
    config.num_labels = 5
    theirs = transformers.BertForSequenceClassification(config).eval()
    theirs.save_pretrained(tmp_path / "text")
    ours = transformer_of(open_checkpoint(str(tmp_path / "text")))
    tokens = torch.randint(3, VOCABULARY, (2, LENGTH))
    with torch.no_grad():
        expected = theirs.bert(tokens).last_hidden_state
    assert (run(ours, tokens) - expected).abs().max() < AGREEMENT * expected.abs().max()


def test_a_pretraining_model_is_read_with_its_masked_head(tmp_path):
    config = write_model("bert", tmp_path / "plain").config
    theirs = transformers.BertForPreTraining(config).eval()
    theirs.save_pretrained(tmp_path / "both")
    ours = transformer_of(open_checkpoint(str(tmp_path / "both")))
    tokens = torch.randint(3, VOCABULARY, (2, LENGTH))
    with torch.no_grad():
        expected = theirs(tokens).prediction_logits
    assert ours.objective == "masked"
    assert (run(ours, tokens) - expected).abs().max() < AGREEMENT * expected.abs().max()


def test_minilm_runs_as_transformers_runs_it(minilm):
    theirs = transformers.AutoModel.from_pretrained(minilm).eval()
    ours = transformer_of(open_checkpoint(str(minilm)))
    tokens = torch.randint(1000, 30000, (1, 64))
    with torch.no_grad():
        expected = theirs(tokens).last_hidden_state
    assert (run(ours, tokens) - expected).abs().max() < 1e-4


def test_a_whisper_decoder_shows_its_tables(tmp_path):
    write_whisper(tmp_path)
    opened = open_checkpoint(str(tmp_path))
    assert opened.family.name == "Whisper decoder"
    assert opened.positions.shape == (20, 32)
    assert opened.tokens.shape == (70, 32)


def test_a_vision_table_has_no_tokens_and_says_it_is_a_grid(tmp_path):
    config = transformers.ViTConfig(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, image_size=32,
        patch_size=8,
    )  # fmt: skip
    transformers.ViTModel(config).save_pretrained(tmp_path)
    opened = open_checkpoint(str(tmp_path))
    assert opened.tokens is None
    assert opened.positions.shape == (17, 32)
    assert "4 x 4 grid" in opened.notes[0]


def test_roberta_and_opt_leave_out_reserved_rows(tmp_path):
    for family, rows in (("roberta", 16), ("opt", 16)):
        write_model(family, tmp_path / family)
        opened = open_checkpoint(str(tmp_path / family))
        assert len(opened.positions) == rows
        assert "reserved" in opened.notes[0]


@pytest.mark.parametrize(
    ("config", "tensors", "words"),
    [
        ({"model_type": "llama"}, {"model.embed_tokens.weight": (9, 4)}, "rotary"),
        ({"model_type": "bloom"}, {"word_embeddings.weight": (9, 4)}, "ALiBi"),
        ({"model_type": "t5"}, {"shared.weight": (9, 4)}, "relative bias"),
        ({"model_type": "mamba"}, {"backbone.embeddings.weight": (9, 4)}, "no positions"),
        (
            {"model_type": "bert", "position_embedding_type": "relative_key"},
            {"embeddings.word_embeddings.weight": (9, 4), "embeddings.position_embeddings.weight": (9, 4)},
            "relative_key",
        ),
        ({}, {"shared.weight": (9, 4), "a.relative_attention_bias.weight": (9, 4)}, "relative bias"),
        (
            {"model_type": "reformer"},
            {
                "embeddings.word_embeddings.weight": (9, 4),
                "embeddings.position_embeddings.weights.0": (3, 1, 2),
            },
            "factorised",
        ),
    ],
)
def test_models_without_an_additive_table_say_so(config, tensors, words, tmp_path):
    save_file({name: torch.randn(shape) for name, shape in tensors.items()}, tmp_path / "model.safetensors")
    if config:
        (tmp_path / "config.json").write_text(json.dumps(config))
    opened = open_checkpoint(str(tmp_path))
    assert opened.positions is None
    assert words in opened.no_positions
    assert opened.tokens.shape == (9, 4)


def test_a_table_of_zeros_is_no_table(tmp_path):
    path = tmp_path / "any.safetensors"
    save_file({"p": torch.zeros(8, 4), "t": torch.ones(9, 4)}, path)
    opened = open_checkpoint(str(path), position_key="p", token_key="t")
    assert "all zeros" in opened.no_positions


@pytest.mark.parametrize("ending", ["pt", "npz"])
def test_bare_files_open_by_key(ending, tmp_path):
    path = tmp_path / f"any.{ending}"
    tables = {"p": np.eye(8, 4, dtype=np.float32), "t": np.ones((9, 4), dtype=np.float32)}
    if ending == "npz":
        np.savez(path, **tables)
    else:
        torch.save({"state_dict": {name: torch.from_numpy(value) for name, value in tables.items()}}, path)
    opened = open_checkpoint(str(path), position_key="p", token_key="t")
    assert opened.positions.shape == (8, 4)
    with pytest.raises(UsageError, match="no tensor `q`"):
        open_checkpoint(str(path), position_key="q")


class Harmful:
    """Would run code if it were unpickled."""

    def __reduce__(self):
        return (print, ("executed",))


def test_a_pickle_of_more_than_tensors_is_refused_and_not_run(tmp_path, capsys):
    path = tmp_path / "model.pt"
    torch.save({"w": Harmful()}, path)
    with pytest.raises(FolderError, match="more than plain tensors"):
        open_checkpoint(str(path))
    (tmp_path / "raw.bin").write_bytes(pickle.dumps(Harmful()))
    with pytest.raises(FolderError, match="cannot read"):
        open_checkpoint(str(tmp_path / "raw.bin"))
    assert "executed" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["model.safetensors", "model.pt", "model.npz"])
def test_damaged_files_are_named(name, tmp_path):
    (tmp_path / name).write_bytes(b"not weights at all")
    with pytest.raises(FolderError, match="cannot read"):
        open_checkpoint(str(tmp_path / name))


def test_arrays_that_are_no_weights_are_named(tmp_path):
    np.save(tmp_path / "one.npy", np.ones((4, 4)))
    with pytest.raises(FolderError, match="one array without a name"):
        open_checkpoint(str(tmp_path / "one.npy"))
    (tmp_path / "empty.npz").write_bytes(b"")
    with pytest.raises(FolderError, match="as npz: "):
        open_checkpoint(str(tmp_path / "empty.npz"))
    np.savez(tmp_path / "none.npz")
    with pytest.raises(FolderError, match="holds no arrays"):
        open_checkpoint(str(tmp_path / "none.npz"))
    np.savez(tmp_path / "complex.npz", pos=np.ones((8, 4)) * 1j, tok=np.ones((8, 4)))
    with pytest.raises(FolderError, match="complex128: expected real numbers"):
        open_checkpoint(str(tmp_path / "complex.npz"), position_key="pos", token_key="tok")


@pytest.mark.parametrize(
    ("kind", "config", "table"),
    [
        (
            transformers.GPTNeoModel,
            transformers.GPTNeoConfig(
                vocab_size=30, hidden_size=16, num_layers=1, attention_types=[[["global"], 1]], num_heads=2,
                max_position_embeddings=20,
            ),
            "wpe.weight",
        ),
        (
            transformers.ElectraModel,
            transformers.ElectraConfig(
                vocab_size=30, hidden_size=16, embedding_size=8, num_hidden_layers=1, num_attention_heads=2,
                intermediate_size=16,
            ),
            "embeddings.position_embeddings.weight",
        ),
        (
            transformers.BartModel,
            transformers.BartConfig(
                vocab_size=30, d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
                decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, max_position_embeddings=20,
            ),
            "decoder.embed_positions.weight, encoder.embed_positions.weight",
        ),
    ],
)  # fmt: skip
def test_tables_of_an_unknown_family_are_offered(kind, config, table, tmp_path):
    kind(config).save_pretrained(tmp_path)
    why = open_checkpoint(str(tmp_path)).no_positions
    assert f"unknown family ({config.model_type})" in why
    assert f"candidates: {table};" in why
    assert "--position-key" in why


@pytest.mark.parametrize("key", ["wpe", "wpe.weight", "position_table"])
def test_a_name_that_is_not_there_is_answered_with_tables_first(key, tmp_path):
    write_model("gpt2", tmp_path)
    with pytest.raises(UsageError) as caught:
        open_checkpoint(str(tmp_path), position_key=key)
    names = caught.value.hint.removeprefix("candidates: ").split(", ")
    assert sorted(names) == ["transformer.wpe.weight", "transformer.wte.weight"]
    assert names[0] == "transformer.wpe.weight" or key == "position_table"


def test_a_shard_that_lacks_its_tensors_is_named(tmp_path):
    save_file({"a": torch.ones(2, 2)}, tmp_path / "one.safetensors")
    index = {"weight_map": {"a": "one.safetensors", "b": "one.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(FolderError, match="`b`"):
        open_checkpoint(str(tmp_path))


def test_tensors_in_two_axes_of_positions_are_refused(tmp_path):
    path = tmp_path / "any.safetensors"
    save_file({"p": torch.ones(4, 4, 8), "t": torch.ones(9, 8)}, path)
    with pytest.raises(FolderError, match="two axes of positions"):
        open_checkpoint(str(path), position_key="p", token_key="t")


def test_centred_weights_are_noticed(tmp_path):
    path = tmp_path / "any.safetensors"
    tables = {name: torch.randn(rows, 16) for name, rows in (("p", 8), ("t", 20))}
    save_file({name: table - table.mean(1, keepdim=True) for name, table in tables.items()}, path)
    assert "centred" in open_checkpoint(str(path), position_key="p", token_key="t").notes[0]
    save_file(tables, path)
    assert not open_checkpoint(str(path), position_key="p", token_key="t").notes


def test_tokens_narrower_than_the_stream_are_measured_after_the_models_projection(tmp_path):
    model = write_model("opt-350m", tmp_path)
    opened = open_checkpoint(str(tmp_path))
    inner = model.model.decoder
    expected = inner.project_in(inner.embed_tokens.weight).detach().numpy()
    assert opened.tokens.read(0, VOCABULARY) == pytest.approx(expected, abs=1e-5)
    assert any("after the model's own projection to 32" in note for note in opened.notes)


def fold_norms(folder, *, keep: bool) -> None:
    """Folds gains and biases of the first norms' layers into the matrices after them, as some libraries do."""
    held = load_file(folder / "model.safetensors")
    for name in [name for name in held if ".ln_1." in name or ".ln_2." in name]:
        if name.endswith("bias"):
            continue
        gain, shift = held[name], held[name.replace("weight", "bias")]
        reader = name.replace("ln_1.weight", "attn.c_attn").replace("ln_2.weight", "mlp.c_fc")
        matrix = held[f"{reader}.weight"]
        held[f"{reader}.bias"] = held[f"{reader}.bias"] + shift @ matrix
        held[f"{reader}.weight"] = (gain[:, None] * matrix).contiguous()
        held[name], held[name.replace("weight", "bias")] = torch.ones_like(gain), torch.zeros_like(shift)
        if not keep:
            del held[name], held[name.replace("weight", "bias")]
    save_file(held, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize("keep", [True, False])
def test_norms_folded_into_matrices_are_noticed_and_the_model_still_runs(keep, tmp_path):
    theirs = write_model("gpt2", tmp_path)
    assert not open_checkpoint(str(tmp_path)).notes
    fold_norms(tmp_path, keep=keep)
    opened = open_checkpoint(str(tmp_path))
    assert any("folded" in note for note in opened.notes)
    tokens = torch.randint(3, VOCABULARY, (2, LENGTH))
    with torch.no_grad():
        expected = theirs(tokens).logits
    assert (run(transformer_of(opened), tokens) - expected).abs().max() < AGREEMENT * expected.abs().max()


def test_a_fresh_model_is_not_said_to_be_folded(tmp_path):
    config = transformers.GPT2Config(n_positions=16, n_embd=16, n_layer=1, n_head=2, vocab_size=20)
    transformers.GPT2LMHeadModel(config).save_pretrained(tmp_path)
    assert not open_checkpoint(str(tmp_path)).notes


def test_one_missing_norm_is_damage_and_not_folding(tmp_path):
    write_model("gpt2", tmp_path)
    held = load_file(tmp_path / "model.safetensors")
    del held[next(name for name in held if name.endswith("h.1.ln_1.weight"))]
    save_file(held, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(FolderError, match="layer 1 of this GPT-2 lacks norm1_w"):
        transformer_of(open_checkpoint(str(tmp_path)))
    keys = {"position_key": "transformer.wpe.weight", "token_key": "transformer.wte.weight"}
    assert transformer_of(open_checkpoint(str(tmp_path / "model.safetensors"), **keys)) is None


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"n_head": 5}, "5 heads do not divide its width of 32"),
        ({"n_head": "x"}, "says 'x' for heads"),
        ({"n_layer": 9}, "layer 2 of this GPT-2 lacks"),
        ({"layer_norm_epsilon": "x"}, "says 'x' for eps"),
        ({"activation_function": "mish"}, "activation is 'mish', known are gelu"),
        ({"add_cross_attention": True}, "add_cross_attention: its layers also read another model"),
    ],
)
def test_configurations_that_cannot_be_are_named(settings, words, tmp_path):
    write_model("gpt2", tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))
    with pytest.raises(FolderError, match=words):
        transformer_of(open_checkpoint(str(tmp_path)))
    path.write_text("[1]")
    with pytest.raises(FolderError, match="got list"):
        open_checkpoint(str(tmp_path))


def test_layers_that_are_broken_or_of_another_shape_are_named(tmp_path):
    write_model("gpt2", tmp_path)
    held = load_file(tmp_path / "model.safetensors")
    held["transformer.h.1.mlp.c_fc.weight"][0, 0] = float("inf")
    save_file(held, tmp_path / "model.safetensors")
    with pytest.raises(InputError, match=r"NaN or infinity, the first is `1\.up_w`"):
        transformer_of(open_checkpoint(str(tmp_path)))
    held["transformer.h.1.mlp.c_fc.weight"] = torch.ones(7, 128)
    save_file(held, tmp_path / "model.safetensors")
    with pytest.raises(FolderError, match="up_w of layer 1 has shape"):
        transformer_of(open_checkpoint(str(tmp_path)))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (torch.ones(8, 4), "every row of `p` is the same"),
        (torch.tensor([[2.0, 1.0]] + [[1.0, 0.0]] * 7), "every row of `p` but the first is the same"),
    ],
)
def test_a_table_that_tells_no_position_from_another_is_no_table(table, words, tmp_path):
    save_file({"p": table, "t": torch.randn(9, table.shape[1])}, tmp_path / "any.safetensors")
    opened = open_checkpoint(str(tmp_path / "any.safetensors"), position_key="p", token_key="t")
    assert opened.positions is None
    assert words in opened.no_positions
    assert opened.added is not None


def test_a_hub_name_without_a_network_is_named(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(FolderError, match="it is no local path and the hub did not give it") as caught:
        open_checkpoint("nobody/no-such-model")
    assert "HF_HUB_OFFLINE" in caught.value.hint


def test_nothing_to_open_is_named(tmp_path):
    for name in (str(tmp_path / "nowhere"), str(tmp_path)):
        with pytest.raises(FolderError, match="cannot find"):
            open_checkpoint(name)
    save_file({"w": torch.ones(2, 2)}, tmp_path / "model.safetensors")
    with pytest.raises(FolderError, match="table of positions or tokens"):
        open_checkpoint(str(tmp_path))
