import math

import numpy as np
import pytest
import torch
from torch import nn

from seme.core.errors import UsageError
from seme.learn.models import Activation, Mlp, Transformer
from seme.learn.tasks import TASKS, make_task, product_bits, product_tokens


def test_ordered_tokens_lie_on_a_line_in_the_order_of_their_numbers():
    task = product_tokens(values=8)
    model = Transformer(vocabulary=8, length=2, width=16, levels=task.levels)
    table = model.tokens.weight.detach()
    steps = table.diff(dim=0)
    assert torch.allclose(steps, steps[:1].expand_as(steps), atol=1e-5)
    assert 0.5 < float(table.square().mean()) < 2.0
    other = Transformer(vocabulary=8, length=2, width=16).tokens.weight.detach().diff(dim=0)
    assert not torch.allclose(other, other[:1].expand_as(other), atol=0.5)


def gradient_by_score(monkeypatch, width, heads):
    """Root mean square of the derivative of the output by an attention score, over seeds and inputs."""
    seen = []

    def attend(query, key, value, is_causal):
        assert is_causal
        scores = query @ key.mT / query.shape[-1] ** 0.5
        scores.retain_grad()
        seen.append(scores)
        return scores.masked_fill(torch.ones(scores.shape[-2:]).triu(1) > 0, float("-inf")).softmax(-1) @ value

    monkeypatch.setattr(nn.functional, "scaled_dot_product_attention", attend)
    tokens = product_tokens(values=8).train_x
    for seed in range(8):
        Transformer(vocabulary=8, length=2, width=width, heads=heads, seed=seed)(tokens).sum().backward()
    return float(torch.stack([scores.grad[:, :, 1, 0].square().mean() for scores in seen]).mean().sqrt())


def test_a_score_matters_less_with_more_heads_but_not_with_wider_ones(monkeypatch):
    """Why a transformer with a fixed number of heads does not become linear as it becomes wider."""
    wider = gradient_by_score(monkeypatch, 256, 4) / gradient_by_score(monkeypatch, 16, 4)
    more = gradient_by_score(monkeypatch, 256, 64) / gradient_by_score(monkeypatch, 16, 4)
    assert 0.6 < wider < 1.6
    assert 0.15 < more < 0.4  # 1 / sqrt(16)


@pytest.mark.parametrize("name", list(TASKS))
def test_tasks_are_reproducible_differ_by_seed_and_keep_the_probe_apart(name):
    one, same, other = (make_task(name, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(one.train_x, same.train_x)
    assert not torch.equal(one.train_x, other.train_x)
    assert len(one.train_x) == len(one.train_y)
    assert len(one.probe_x) == len(one.probe_y)
    if name != "text":
        trained = {tuple(row) for row in one.train_x.tolist()}
        assert not any(tuple(row) in trained for row in one.probe_x.tolist())
    numbers = one.as_numbers()
    assert numbers.train_x.is_floating_point()
    assert abs(float(numbers.train_x.square().mean()) - 1) < 0.2


def test_product_bits_are_products_of_the_numbers_the_bits_spell():
    task = product_bits(bits=3, share=1.0)
    bits = (task.train_x > 0).double()
    weights = torch.tensor([1.0, 2.0, 4.0]).double()
    numbers = (bits[:, :3] @ weights) * (bits[:, 3:] @ weights)
    expected = (numbers - numbers.mean()) / numbers.std(correction=0)
    assert torch.allclose(task.train_y[:, 0].double(), expected, atol=1e-5)


def test_an_unknown_task_is_refused():
    with pytest.raises(UsageError, match="task"):
        make_task("none", seed=0)


@pytest.mark.parametrize("name", ["relu", "gelu", "erf", "exp", "kmax:3", "kmax-shifted:3", "identity"])
def test_activations_have_their_formula(name):
    z = torch.linspace(-3, 6, 20, dtype=torch.float64)[None]
    found = Activation(name=name)(z)[0].numpy()
    values, top = z[0].numpy(), np.sort(z[0].numpy())[::-1]
    scale = math.sqrt(20 / 3)
    expected = {
        "relu": np.maximum(values, 0),
        "gelu": values * 0.5 * (1 + np.vectorize(math.erf)(values / math.sqrt(2))),
        "erf": np.vectorize(math.erf)(values),
        "exp": np.where(values < 4, np.exp(np.minimum(values, 4) - 1), math.e**3 * (values - 3)),
        "kmax:3": np.where(values > top[3], values, 0) * scale,
        "kmax-shifted:3": np.where(values > top[3], values - top[3], 0) * scale,
        "identity": values,
    }[name]
    assert np.allclose(found, expected)


@pytest.mark.parametrize("name", ["none", "kmax", "kmax:0", "relu:2", "kmax:x"])
def test_unknown_activations_are_refused(name):
    with pytest.raises(UsageError, match="activation"):
        Activation(name=name)


def test_k_max_wider_than_its_layer_and_bad_models_are_refused():
    with pytest.raises(UsageError, match="selects nothing"):
        Activation(name="kmax:8")(torch.zeros(2, 8))
    with pytest.raises(UsageError, match="parametrization"):
        Mlp(inputs=2, width=4, parametrization="none")
    with pytest.raises(UsageError, match="heads"):
        Transformer(vocabulary=3, length=2, width=10)
