import math

import pytest
import torch
from torch import nn

from seme.learn._compare import centred_kernel_alignment, hidden_activations, kernel_distance, r_squared
from seme.learn.measure import log_steps
from seme.learn.verdict import Estimate, estimate, verdict, width_slope


def test_a_convolution_reads_channels_at_places():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(2, 3, 1), nn.Conv1d(3, 4, 1), nn.Flatten(), nn.Linear(20, 1))
    x = torch.randn(6, 2, 5)
    seen = hidden_activations(model, dict(model.named_parameters()), x)
    assert torch.equal(seen["1"], model[0](x).detach().transpose(1, 2).reshape(30, 3))
    assert seen["3"].shape == (6, 20)


def test_comparisons_know_equal_rotated_and_unrelated():
    torch.manual_seed(0)
    one, other = torch.randn(40, 5), torch.randn(40, 5)
    rotation = torch.linalg.qr(torch.randn(5, 5))[0]
    assert math.isclose(centred_kernel_alignment(one, one @ rotation * 3), 1.0, rel_tol=1e-5)
    assert centred_kernel_alignment(one, other) < 0.5
    wide = torch.randn(5, 40)
    assert math.isclose(centred_kernel_alignment(wide, wide), 1.0, rel_tol=1e-6)
    assert kernel_distance(one, 2 * one) < 1e-6
    assert kernel_distance(one, other) > 0.5
    assert r_squared(one, one) == 1.0
    assert r_squared(one.mean(0).expand_as(one), one) == pytest.approx(0.0, abs=1e-6)


def known(value, interval=None):
    return Estimate(value=value, interval=interval)


def test_the_verdict_needs_the_whole_interval():
    small = known(0.01)
    assert verdict(known(0.95), known(0.08), small) == "LINEAR"
    assert verdict(known(0.95), known(0.08, (0.05, 0.11)), small) == "NONLINEAR"
    assert verdict(known(0.85), known(0.01), small) == "UNLEARNED"
    assert verdict(known(float("nan")), known(0.01), small) == "UNLEARNED"
    assert verdict(known(0.95), known(float("nan")), small) == "NONLINEAR"
    assert verdict(known(0.95), known(0.01), known(0.96)) == "RANDOM FEATURES"
    assert verdict(known(0.95), known(0.5), known(0.96)) == "NONLINEAR"


def test_estimates_and_slopes_are_the_textbooks():
    found = estimate([1.0, 2.0, 3.0])
    assert found.interval == pytest.approx((2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5), rel=1e-6)
    slope = width_slope({0: {4: 1.0, 16: 0.5, 64: 0.25}, 1: {4: 2.0, 16: 0.5}})
    assert slope is not None
    assert slope.value == pytest.approx(-0.75)
    assert width_slope({0: {4: 1.0}}) is None
    assert log_steps(1) == (0, 1)
