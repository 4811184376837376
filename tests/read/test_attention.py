"""The attention split: exact sums, planted heads, and what shuffled positions give."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from seme.core.errors import InputError
from seme.read.attention import (
    TERMS,
    look,
    mean_parts,
    name_kind,
    nine_terms,
    seen,
    share_products,
    shares_of,
    shuffled_positions,
)
from seme.read.checkpoints import open_checkpoint
from seme.read.heads import TOLERANCE, measure_heads
from seme.read.nulls import compare
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


@pytest.mark.parametrize("causal", [False, True])
def test_share_products_are_the_covariances_of_the_nine_terms_with_the_score(causal):
    rng = np.random.default_rng(0)
    query, key = rng.standard_normal((2, 3, 4, 7, 5))
    mask, terms = seen(7, causal), nine_terms(query, key)
    expected = np.zeros((4, 9))
    for context in range(4):
        for place in range(7):
            own = terms[:, context, place, mask[place]]
            centred = own - own.mean(axis=1, keepdims=True)
            expected[context] += centred @ centred.sum(axis=0)
    assert share_products(query, key, mask) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("offset", "kind"), [(-1, "previous token"), (0, "itself"), (1, "next token"), (-3, "fixed offset -3")]
)
def test_offsets_are_named_and_the_same_rows_dealt_anew_are_not(offset, kind):
    pattern = np.eye(16, k=offset)[None] * 0.9 + 0.1 / 16
    none = dict.fromkeys(TERMS, 0.0)
    assert name_kind(look(pattern, np.arange(16)[None]), none) == kind
    dealt = np.random.default_rng(0).permuted(pattern, axis=2)
    assert name_kind(look(dealt, np.arange(16)[None]), none) == "mixed"


def test_attention_on_equal_tokens_and_on_the_first_is_named():
    tokens = np.array([[1, 2, 3, 1, 2, 3]])
    equal = (tokens[:, :, None] == tokens[:, None, :]) & ~np.eye(6, dtype=bool)
    none = dict.fromkeys(TERMS, 0.0)
    assert name_kind(look(equal / equal.sum(2, keepdims=True), np.arange(6)[None]), none) != "same token"
    mixed = np.random.default_rng(0).permutation(12) % 4
    equal = (mixed[:, None] == mixed[None]) & ~np.eye(12, dtype=bool)
    pattern = equal / equal.sum(1, keepdims=True)
    assert name_kind(look(pattern[None], mixed[None]), none) == "same token"
    first = np.zeros((1, 6, 6))
    first[:, :, 0] = 1
    assert name_kind(look(first, np.arange(6)[None]), none) == "first token"
    assert seen(3, causal=True).sum() == 6


def test_even_attention_over_few_keys_is_named_after_nothing():
    even = np.tri(4) / np.tri(4).sum(axis=1, keepdims=True)
    at = look(even[None], np.array([[1, 1, 1, 1]]), causal=True)
    assert at.same_token == pytest.approx(at.same_token_chance)
    assert at.same_token > 0.4, "the share of attention alone would have named it"
    assert name_kind(at, dict.fromkeys(TERMS, 0.0)) == "mixed"


TRIALS = 200
MAX_HITS = 20
"""At a true rate of .05, more than 20 hits of 200 have a chance under .002."""


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("length", [5, 24])
def test_random_heads_are_rarely_named_after_where_they_look(causal, length):
    rng, mask, none = np.random.default_rng(length), seen(length, causal), dict.fromkeys(TERMS, 0.0)
    tested = named = 0
    for trial in range(TRIALS):
        scores = 3 * rng.standard_normal((length, length)) + rng.standard_normal((6, length, length))
        weights = np.exp(scores) * mask
        at = look(
            weights / weights.sum(axis=2, keepdims=True), rng.integers(0, 9, (6, length)), causal=causal, seed=trial
        )
        tested += at.offset_mass.p_above <= 0.05
        named += name_kind(at, none) != "mixed"
    assert tested <= MAX_HITS
    assert named <= MAX_HITS


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("first", [False, True])
def test_shares_are_rarely_called_special_where_positions_have_no_order(causal, first):
    """First layer: position rows drawn at random. Deeper: rows that know nothing of their position."""
    rng, mask, hits = np.random.default_rng(1), seen(8, causal), dict.fromkeys(TERMS, 0)
    maps = rng.standard_normal((2, 6, 4))
    for _ in range(TRIALS):
        content, rest = rng.standard_normal((10, 8, 6)), np.broadcast_to(rng.standard_normal(6), (10, 8, 6))
        position = np.broadcast_to(rng.standard_normal((8, 6)), content.shape)
        parts = np.stack([content, position, rest]) if first else mean_parts(content + rest)
        query, key = parts @ maps[0], parts @ maps[1]
        own = shares_of(share_products(query, key, mask))
        null = [shares_of(share_products(*shuffled_positions(rng, query, key, first=first), mask)) for _ in range(19)]
        for term in TERMS:
            above = 1 + sum(round(draw[term] - own[term], 9) >= 0 for draw in null)
            hits[term] += above / 20 <= 0.05
    assert max(hits.values()) <= MAX_HITS, hits


def test_shares_name_a_head_unless_they_could_be_chance():
    nowhere = look(np.full((1, 40, 40), 1 / 40), np.arange(40)[None])
    shares = dict.fromkeys(TERMS, 0.0) | {"position-position": 0.3, "rest-position": 0.4, "content-rest": 0.3}
    above, chance = ({term: compare(0.3, [draw] * 19) for term in TERMS} for draw in (0.1, 0.5))
    assert name_kind(nowhere, shares, above) == "position"
    assert name_kind(nowhere, shares, chance) == "mixed"
    assert name_kind(nowhere, dict.fromkeys(TERMS, 0.0) | {"content-content": 0.6}, chance) == "content"


def test_a_position_part_of_its_own_stands_above_shuffled_rows():
    """The control of the last test: with a planted position part the same null must be beaten."""
    rng, mask = np.random.default_rng(2), seen(8, causal=True)
    parts = mean_parts(rng.standard_normal((10, 8, 6)) + rng.standard_normal((8, 6)))
    own = shares_of(share_products(parts, parts, mask))["position-position"]
    null = [share_products(*shuffled_positions(rng, parts, parts, first=False), mask) for _ in range(19)]
    assert own > 3 * max(shares_of(draw)["position-position"] for draw in null)
