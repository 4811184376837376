import math

import pytest
import torch

from seme.model import forward, run_with_cache
from support.models import random_artifact

EXACT_ENOUGH = 1e-12
"""Two orders of summation in float64 over vectors of 40 numbers of size one."""

IDS = torch.tensor([[0, 2, 3, 4, 5], [0, 3, 2, 1, 1]])
MASK = torch.tensor([[True] * 5, [True, True, True, False, False]])


def by_hand(artifact, ids):
    """One sequence without padding, one position, head and neuron at a time, from the definition."""
    spec, w = artifact.spec, artifact.weights

    def norm(x, at):
        centred = x - x.mean()
        return centred / (centred.pow(2).mean() + spec.norm_eps).sqrt() * w[f"{at}.w"] + w[f"{at}.b"]

    def act(x):
        if spec.activation == "relu":
            return x.clamp(min=0)
        if spec.architecture == "bert":
            return x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))
        return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))

    def attend(xs, at):
        out = [w[f"{at}.b_O"].clone() for _ in xs]
        for h in range(spec.heads):
            q, k, v = ([x @ w[f"{at}.W_{p}"][h] + w[f"{at}.b_{p}"][h] for x in xs] for p in "QKV")
            for i in range(len(xs)):
                seen = range(len(xs) if spec.architecture == "bert" else i + 1)
                weights = torch.stack([q[i] @ k[j] / math.sqrt(spec.d_head) for j in seen]).exp()
                mixed = sum(weights[j] / weights.sum() * v[j] for j in seen)
                out[i] = out[i] + mixed @ w[f"{at}.W_O"][h]
        return out

    def mlp(x, at):
        return act(x @ w[f"{at}.W_in"] + w[f"{at}.b_in"]) @ w[f"{at}.W_out"] + w[f"{at}.b_out"]

    xs = [w["embed.W_E"][t] + w["pos_embed.W_pos"][i] for i, t in enumerate(ids)]
    if spec.architecture == "bert":
        xs = [norm(x, "embed.ln") for x in xs]
    for layer in range(spec.layers):
        at = f"blocks.{layer}"
        if spec.architecture == "bert":
            xs = [norm(x + y, f"{at}.ln1") for x, y in zip(xs, attend(xs, f"{at}.attn"), strict=True)]
            xs = [norm(x + mlp(x, f"{at}.mlp"), f"{at}.ln2") for x in xs]
        else:
            ys = attend([norm(x, f"{at}.ln1") for x in xs], f"{at}.attn")
            xs = [x + y for x, y in zip(xs, ys, strict=True)]
            xs = [x + mlp(norm(x, f"{at}.ln2"), f"{at}.mlp") for x in xs]
    if spec.architecture == "gpt2":
        xs = [norm(x, "ln_final") for x in xs]
    return torch.stack([x @ w["unembed.W_U"] + w["unembed.b_U"] for x in xs])


@pytest.mark.parametrize("architecture", ["bert", "gpt2"])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_the_forward_pass_is_its_definition(architecture, activation):
    artifact = random_artifact(architecture, activation=activation, dtype="float64")
    got = forward(artifact.spec, artifact.weights, IDS[:1])[0]
    assert (got - by_hand(artifact, IDS[0].tolist())).abs().max() < EXACT_ENOUGH


@pytest.mark.parametrize("architecture", ["bert", "gpt2"])
def test_what_stands_in_the_padding_changes_nothing(architecture):
    artifact = random_artifact(architecture, dtype="float64")
    other = IDS.clone()
    other[~MASK] = 4
    got, changed = (forward(artifact.spec, artifact.weights, ids, MASK)[MASK] for ids in (IDS, other))
    alone = forward(artifact.spec, artifact.weights, IDS[1:, :3])[0]
    assert torch.equal(got, changed)
    assert (got[5:] - alone).abs().max() < EXACT_ENOUGH


def test_a_causal_model_does_not_see_what_comes_later_and_a_bidirectional_one_does():
    later = IDS.clone()
    later[0, 4] = 2
    for architecture, same in (("gpt2", True), ("bert", False)):
        artifact = random_artifact(architecture, dtype="float64")
        one, two = (forward(artifact.spec, artifact.weights, ids)[0, :4] for ids in (IDS, later))
        assert torch.equal(one, two) == same


@pytest.mark.parametrize("architecture", ["bert", "gpt2"])
def test_the_cache_holds_the_stream_and_the_pattern(architecture):
    artifact = random_artifact(architecture)
    logits, cache = run_with_cache(artifact.spec, artifact.weights, IDS, MASK)
    assert torch.equal(logits, forward(artifact.spec, artifact.weights, IDS, MASK))
    assert torch.equal(cache["blocks.0.hook_resid_post"], cache["blocks.1.hook_resid_pre"])
    pattern = cache["blocks.1.attn.hook_pattern"]
    assert pattern.shape == (2, 3, 5, 5)
    assert not pattern[1, :, :, 3:].any()
    assert torch.allclose(pattern.sum(-1), torch.ones(()))
    assert cache["blocks.0.attn.hook_q"].shape == (2, 5, 3, 8)


@pytest.mark.parametrize("architecture", ["bert", "gpt2"])
def test_a_hook_can_replace_what_it_sees(architecture):
    artifact = random_artifact(architecture)

    def no_heads(name, value):
        return torch.zeros_like(value) if name == "blocks.0.attn.hook_z" else None

    silent = dict(artifact.weights)
    silent["blocks.0.attn.W_O"] = torch.zeros_like(silent["blocks.0.attn.W_O"])
    hooked = forward(artifact.spec, artifact.weights, IDS, MASK, no_heads)
    assert torch.allclose(hooked, forward(artifact.spec, silent, IDS, MASK), atol=1e-6)


def test_gradients_reach_every_weight():
    for architecture in ("bert", "gpt2"):
        artifact = random_artifact(architecture)
        weights = {name: w.clone().requires_grad_() for name, w in artifact.weights.items()}
        forward(artifact.spec, weights, IDS, MASK).pow(2).sum().backward()
        assert all(w.grad is not None for w in weights.values())
