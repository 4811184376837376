"""TransformerLens: the same logits, the same activations by name, hooks that act, the classifier as unembedding."""

import pytest
import torch

from seme.exchange import save
from seme.exchange.lens import load_lens, to_lens
from seme.execute import Dense
from seme.model import run_with_cache
from support.models import previous_token, random_artifact

AGREEMENT = {"float32": 1e-4, "float64": 1e-12}
"""Logits of up to 60, in two orders of summation."""

IDS = torch.tensor([[0, 2, 3, 4, 5], [0, 3, 2, 1, 1]])
MASK = torch.tensor([[1] * 5, [1, 1, 1, 0, 0]])
NAMED_OTHERWISE = {"hook_embed", "hook_attn_out", "hook_resid_mid", "hook_attn_scores"}
"""In a BERT TransformerLens calls the embedding after its norm, the attention after its norm, and the sum before the
second norm by these names; masked scores are -inf here and the lowest number there."""


@pytest.mark.parametrize("architecture", ["bert", "gpt2"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("identity_norms", [False, True])
def test_logits_and_activations_agree(architecture, dtype, identity_norms):
    artifact = random_artifact(architecture, dtype=dtype, identity_norms=identity_norms)
    bridge = to_lens(artifact)
    with torch.inference_mode():
        logits, cache = bridge.run_with_cache(IDS, attention_mask=MASK)
    ours, kept = run_with_cache(artifact.spec, artifact.weights, IDS, MASK.bool())
    real = MASK.bool()
    assert (logits - ours)[real].abs().max() < AGREEMENT[dtype]
    compared = 0
    for name, value in kept.items():
        last = name.split(".")[-1]
        if last == "hook_attn_scores" or (architecture == "bert" and last in NAMED_OTHERWISE):
            continue
        # Patterns are [batch, head, query, key]; all else begins [batch, pos].
        ours_real, theirs = (
            x.transpose(1, 2)[real] if last == "hook_pattern" else x.expand_as(value)[real]
            for x in (value, cache[name])
        )
        assert (ours_real - theirs).abs().max() < AGREEMENT[dtype], name
        compared += 1
    assert compared >= 20


@pytest.mark.parametrize("architecture", ["bert", "gpt2"])
def test_weights_are_found_under_their_names(architecture):
    artifact = random_artifact(architecture)
    bridge = to_lens(artifact)
    w = artifact.weights
    assert torch.equal(bridge.W_U, w["unembed.W_U"])
    assert torch.equal(bridge.b_U, w["unembed.b_U"])
    assert torch.equal(bridge.W_E, w["embed.W_E"])
    for part in ("W_Q", "W_K", "W_V", "W_O"):
        assert torch.equal(getattr(bridge, part)[1], w[f"blocks.1.attn.{part}"]), part
    assert bridge.cfg.d_vocab_out == artifact.spec.d_logits


@pytest.mark.parametrize("architecture", ["bert", "gpt2"])
def test_hooks_act(architecture):
    artifact = random_artifact(architecture)
    bridge = to_lens(artifact)
    silent = dict(artifact.weights)
    silent["blocks.0.attn.W_O"] = torch.zeros_like(silent["blocks.0.attn.W_O"])
    from dataclasses import replace

    expected = Dense(replace(artifact, weights=silent)).run_ids(IDS, MASK.bool())
    with torch.inference_mode():
        hooks = [("blocks.0.attn.hook_z", lambda z, hook: torch.zeros_like(z))]
        got = bridge.run_with_hooks(IDS, attention_mask=MASK, fwd_hooks=hooks)
    assert (got - expected)[MASK.bool()].abs().max() < AGREEMENT["float32"]
    assert (got - Dense(artifact).run_ids(IDS, MASK.bool()))[MASK.bool()].abs().max() > 0.1


def test_a_saved_folder_is_opened_with_its_tokenizer(tmp_path):
    bridge = load_lens(save(previous_token("gpt2"), tmp_path / "m"))
    encoded = bridge.tokenizer(["abca"], return_tensors="pt")
    with torch.inference_mode():
        best = bridge(encoded["input_ids"], return_type="logits").argmax(-1)[0, 1:]
    assert [bridge.original_model.config.id2label[i] for i in best.tolist()] == ["None", "a", "b", "c"]
