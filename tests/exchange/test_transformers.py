"""The saved folder in `transformers`: Auto classes, no custom code, the same answers."""

from dataclasses import replace

import pytest
import torch
from transformers import AutoModelForTokenClassification, AutoTokenizer

from seme.exchange import Model, save
from seme.exchange.hf import to_tokenizer, to_transformers
from support.models import fraction_of_a, previous_token, random_artifact, true_fractions

AGREEMENT = {"float32": 1e-4, "float64": 1e-12}
"""Logits of up to 60, in two orders of summation: a few units of the last place after five norms and ten products."""

INPUTS = ["abcdef", "fa", "b", "fedcbafedcb"]


def opened(artifact, path, **how):
    save(artifact, path)
    model, report = AutoModelForTokenClassification.from_pretrained(path, output_loading_info=True, **how)
    assert not any(report.values()), report
    return model, AutoTokenizer.from_pretrained(path)


def logits(model, encoded):
    with torch.inference_mode():
        return model(**encoded).logits


@pytest.mark.parametrize("architecture", ["bert", "gpt2"])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("identity_norms", [False, True])
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_a_padded_batch_has_the_same_logits(tmp_path, architecture, activation, dtype, identity_norms, attention):
    artifact = random_artifact(architecture, activation=activation, dtype=dtype, identity_norms=identity_norms)
    ours = Model(artifact)
    model, tokenizer = opened(artifact, tmp_path / "m", attn_implementation=attention)
    assert model.dtype is getattr(torch, dtype)
    assert not model.training
    for inputs in (INPUTS, INPUTS[::-1]):
        got = logits(model, tokenizer(inputs, padding=True, return_tensors="pt"))
        for row, xs in zip(got, inputs, strict=True):
            assert (row[1 : len(xs) + 1] - ours.logits(xs)).abs().max() < AGREEMENT[dtype]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_narrow_float_types_are_loaded_as_they_are(tmp_path, dtype):
    model, _ = opened(random_artifact(dtype=dtype), tmp_path / "m")
    assert {p.dtype for p in model.parameters()} == {getattr(torch, dtype)}


@pytest.mark.parametrize("architecture", ["bert", "gpt2"])
def test_a_model_made_by_hand_answers_exactly(tmp_path, architecture):
    model, tokenizer = opened(previous_token(architecture, most=12), tmp_path / "m")
    inputs = ["abcabcabcabc", "c", "ba"]
    best = logits(model, tokenizer(inputs, padding=True, return_tensors="pt")).argmax(-1)
    for row, xs in zip(best, inputs, strict=True):
        labels = [model.config.id2label[i] for i in row[1 : len(xs) + 1].tolist()]
        assert labels == ["None", *xs[:-1]]


@pytest.mark.parametrize("architecture", ["bert", "gpt2"])
def test_a_number_is_one_logit(tmp_path, architecture):
    model, tokenizer = opened(fraction_of_a(architecture), tmp_path / "m")
    assert model.config.num_labels == 1
    got = logits(model, tokenizer(["abca"], return_tensors="pt"))[0, 1:, 0]
    expected = [float(x) for x in true_fractions("abca", causal=architecture == "gpt2")]
    assert got.tolist() == pytest.approx(expected, abs=1e-6)


def test_permuted_weights_change_the_answer(tmp_path):
    artifact = previous_token()
    rolled = artifact.weights["blocks.0.attn.W_O"].roll(1, dims=1)
    model, tokenizer = opened(
        replace(artifact, weights=dict(artifact.weights) | {"blocks.0.attn.W_O": rolled}), tmp_path / "m"
    )
    best = logits(model, tokenizer(["abca"], return_tensors="pt")).argmax(-1)[0, 1:]
    assert [model.config.id2label[i] for i in best.tolist()] != ["None", "a", "b", "c"]


def test_words_given_one_by_one_know_their_places(tmp_path):
    artifact = previous_token(values=(1, 22, "x"))
    save(artifact, tmp_path / "m")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "m")
    assert tokenizer.is_fast
    encoded = tokenizer([["22", "1"], ["x"]], is_split_into_words=True, padding=True)
    assert encoded["input_ids"] == [[0, 3, 2], [0, 4, 1]]
    assert encoded["attention_mask"] == [[1, 1, 1], [1, 1, 0]]
    assert encoded.word_ids(0) == [None, 0, 1]
    assert encoded.word_ids(1) == [None, 0, None]
    assert set(encoded) == {"input_ids", "attention_mask"}
    assert tokenizer("22 1 x")["input_ids"] == [0, 3, 2, 4]


def test_tokens_of_one_character_are_cut_apart(tmp_path):
    save(previous_token(values=("a", "\n", "é", " ")), tmp_path / "m")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "m")
    assert tokenizer("é\n a")["input_ids"] == [0, 4, 3, 5, 2]


def test_a_token_that_holds_a_space_comes_through_whole():
    tokenizer = to_tokenizer(previous_token(values=("new york", "rome")))
    encoded = tokenizer([["rome", "new york"]], is_split_into_words=True)
    assert encoded["input_ids"] == [[0, 3, 2]]


@pytest.mark.parametrize("values", [("a", "b"), ("on", "off")])
def test_an_unknown_word_is_an_error_and_never_another_token(tmp_path, values):
    save(previous_token(values=values), tmp_path / "m")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "m")
    for bad in ("z", "a on", "[UNKNOWN]", "A"):
        with pytest.raises(Exception, match=r"Missing \[UNK\] token"):
            tokenizer(bad)


def test_the_model_in_memory_is_the_one_in_the_folder(tmp_path):
    artifact = random_artifact()
    model, tokenizer = opened(artifact, tmp_path / "m")
    before = torch.random.get_rng_state()
    made = to_transformers(artifact)
    assert torch.equal(torch.random.get_rng_state(), before)
    encoded = tokenizer(INPUTS, padding=True, return_tensors="pt")
    assert torch.allclose(logits(made, encoded), logits(model, encoded), atol=1e-5)
    assert to_tokenizer(artifact)(INPUTS)["input_ids"] == tokenizer(INPUTS)["input_ids"]


def test_a_folder_that_transformers_wrote_again_is_still_ours(tmp_path):
    artifact = previous_token("bert")
    model, tokenizer = opened(artifact, tmp_path / "m")
    model.save_pretrained(tmp_path / "m")
    tokenizer.save_pretrained(tmp_path / "m")
    from seme.exchange import load

    assert load(tmp_path / "m")("abc") == [None, "a", "b"]
