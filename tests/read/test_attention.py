"""The attention split: exact sums, planted heads, and what shuffled positions give."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from seme.core.errors import InputError
from seme.read.attention import TERMS, look, mean_parts, name_kind, seen, shares_of
from seme.read.checkpoints import open_checkpoint
from seme.read.heads import TOLERANCE, measure_heads
from seme.read.text import sample
from seme.read.transformer import run, transformer_of
from tests.read.models import LENGTH, MODELS, VOCABULARY, write_model


def planted(tmp_path, kind: str):
    """A random GPT-2 whose head 0.0 reads only positions, or only content; nothing else is changed."""
    write_model("gpt2", tmp_path)
    model = transformer_of(open_checkpoint(str(tmp_path)))
    weights = dict(model.weights)
    width = weights["tok"].shape[1]
    half = width // 2
    weights["tok"] = weights["tok"].clone()
    weights["pos"] = weights["pos"].clone()
    weights["tok"][:, half:], weights["pos"][:, :half] = 0, 0
    weights["0.norm1_w"], weights["0.norm1_b"] = torch.ones(width), torch.zeros(width)
    weights["tok"] = weights["tok"] - weights["tok"].sum(1, keepdim=True) / half * (torch.arange(width) < half)
    weights["pos"] = weights["pos"] - weights["pos"].sum(1, keepdim=True) / half * (torch.arange(width) >= half)
    d_head = width // model.heads
    for name in "qk":
        matrix = weights[f"0.{name}_w"].clone()
        dead = slice(0, half) if kind == "position" else slice(half, width)
        matrix[:d_head, dead] = 0
        bias = weights[f"0.{name}_b"].clone()
        bias[:d_head] = 0
        weights[f"0.{name}_w"], weights[f"0.{name}_b"] = matrix, bias
    return replace(model, weights=weights)


@pytest.mark.parametrize(("kind", "term"), [("position", "position-position"), ("content", "content-content")])
def test_a_planted_pure_head_is_recognised(kind, term, tmp_path):
    model = planted(tmp_path, kind)
    tokens = torch.randint(0, VOCABULARY, (8, LENGTH), generator=torch.Generator().manual_seed(0))
    heads = measure_heads(model, tokens).heads
    assert heads[0].shares[term] == pytest.approx(1.0, abs=1e-6)
    assert heads[1].shares[term] < 0.9, "an untouched head is the control"


@pytest.mark.parametrize("family", sorted(MODELS))
def test_nine_terms_sum_to_the_models_own_scores(family, tmp_path):
    write_model(family, tmp_path)
    model = transformer_of(open_checkpoint(str(tmp_path)))
    tokens = torch.randint(3, VOCABULARY, (4, LENGTH))
    found = measure_heads(model, tokens)
    assert len(found.heads) == model.layers * model.heads
    for head in found.heads:
        assert head.residual < TOLERANCE
        assert sum(head.shares.values()) == pytest.approx(1.0)
    own = {}
    run(model, tokens, lambda name, tensor: own.__setitem__(name, tensor.clone()) or None)
    scores = own["blocks.1.attn.hook_attn_scores"][0, 2].numpy()
    assert np.array(found.maps["1.2"]["sum"]) == pytest.approx(scores, abs=2e-3)


def test_a_wrong_permutation_of_weights_does_not_sum(tmp_path, monkeypatch):
    write_model("bert", tmp_path)
    model = transformer_of(open_checkpoint(str(tmp_path)))
    tokens = torch.randint(3, VOCABULARY, (2, LENGTH))
    from seme.read import heads

    right = heads.first_attention_parts(model, tokens)
    monkeypatch.setattr(heads, "first_attention_parts", lambda model, tokens: right.flip(-1))
    with pytest.raises(InputError, match="nine terms"):
        measure_heads(model, tokens)


def test_minilms_previous_token_head_rules_the_pooled_split(minilm):
    opened = open_checkpoint(str(minilm))
    model = replace(transformer_of(opened), layers=1)
    drawn = sample(opened.path, vocabulary=30522, length=64, contexts=12, encloses=True)
    heads = measure_heads(model, torch.from_numpy(drawn.tokens)).heads
    previous = [head for head in heads if head.kind == "previous token"]
    assert len(previous) == 1
    assert previous[0].shares["position-position"] == pytest.approx(0.97, abs=0.01)
    assert previous[0].deviation == pytest.approx(12.3, rel=0.1)
    assert max(head.deviation for head in heads if head is not previous[0]) < 2.5
    weights = np.array([head.deviation**2 for head in heads])
    pooled = weights @ [head.shares["position-position"] for head in heads] / weights.sum()
    assert pooled == pytest.approx(0.92, abs=0.02)
    assert np.mean([head.shares["content-content"] for head in heads]) == pytest.approx(0.43, abs=0.06)
    interval = previous[0].intervals["position-position"]
    assert interval[0] <= previous[0].shares["position-position"] <= interval[1]


def test_activations_without_positions_have_no_position_part():
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((200, 6, 4))
    parts = mean_parts(noise)
    assert parts.sum(axis=0) == pytest.approx(noise)
    assert (parts[1] ** 2).sum() < 0.01 * (parts[0] ** 2).sum()


def test_constant_scores_have_no_shares():
    assert set(shares_of(np.zeros((3, 9))).values()) == {0.0}
    assert len(TERMS) == 9


@pytest.mark.parametrize(
    ("offset", "kind"), [(-1, "previous token"), (0, "itself"), (1, "next token"), (-3, "fixed offset -3")]
)
def test_offsets_are_named(offset, kind):
    pattern = np.eye(16, k=offset)[None] * 0.9 + 0.1 / 16
    at = look(pattern, np.arange(16)[None])
    none = dict.fromkeys(TERMS, 0.0)
    assert name_kind(at, 0.1, none) == kind
    assert name_kind(at, 0.99, none) == "mixed", "a null that reaches the mass must win"


def test_attention_on_equal_tokens_and_on_the_first_is_named():
    tokens = np.array([[1, 2, 1, 2, 1, 2]])
    equal = (tokens[:, :, None] == tokens[:, None, :]) & ~np.eye(6, dtype=bool)
    none = dict.fromkeys(TERMS, 0.0)
    assert name_kind(look(equal / equal.sum(2, keepdims=True), tokens), 1.0, none) == "same token"
    first = np.zeros((1, 6, 6))
    first[:, :, 0] = 1
    assert name_kind(look(first, np.arange(6)[None]), 1.0, none) == "first token"
    assert seen(3, causal=True).sum() == 6
