import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from seme.core.errors import InputError, TooLargeError, UnsuitableModelError, UsageError
from seme.learn.analytic import EXPECTATIONS, analytic
from seme.learn.linearize import linearize
from seme.learn.models import Activation, Mlp, Transformer
from seme.learn.ntk import ntk, ntk_with_shares
from seme.learn.operator import largest_eigenvalue, ntk_operator
from seme.learn.predict import predict

SAME = 1e-12  # relative, float64: three ways to one sum of at most 1e5 products
torch.set_num_threads(1)


class Tied(nn.Module):
    """Attention, tied embedding, positions without a batch axis, a raw parameter."""

    def __init__(self):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(7, 8), nn.Embedding(5, 8)
        self.qkv, self.norm, self.rms = nn.Linear(8, 24), nn.LayerNorm(8), nn.RMSNorm(8)
        self.out = nn.Linear(8, 7, bias=False)
        self.out.weight = self.tokens.weight
        self.raw = nn.Parameter(torch.randn(8))

    def forward(self, tokens):
        stream = self.tokens(tokens) + self.positions(torch.arange(tokens.shape[1]))
        q, k, v = self.qkv(self.norm(stream)).chunk(3, -1)
        mixed = nn.functional.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None])[:, 0]
        return self.out(self.rms(stream + mixed)[:, -1] * self.raw)


class Convolutions(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(2, 3, 3, padding=1, stride=2), nn.Conv1d(3, 4, 2)
        self.grouped, self.out = nn.Conv1d(4, 4, 1, groups=2), nn.Linear(4, 2)

    def forward(self, x):
        x = torch.relu(self.one(x)).flatten(2)
        return self.out(self.grouped(torch.tanh(self.two(x))).mean(-1))


class WeightUsedTwice(nn.Module):
    """Uses a tapped weight as a plain matrix too: a tap alone would be wrong."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x):
        return torch.tanh(self.layer(x)) @ self.layer.weight


def perceptron():
    return nn.Sequential(nn.Linear(4, 16), nn.GELU(), nn.Linear(16, 16), nn.ReLU(inplace=True), nn.Linear(16, 3))


CASES = {
    "perceptron": (perceptron, lambda n: torch.randn(n, 4)),
    "tied": (Tied, lambda n: torch.randint(0, 7, (n, 5))),
    "convolutions": (Convolutions, lambda n: torch.randn(n, 2, 6, 6)),
    "weight used twice": (WeightUsedTwice, lambda n: torch.randn(n, 3)),
    "kmax": (lambda: Mlp(inputs=4, width=9, activation="kmax:3"), lambda n: torch.randn(n, 4)),
    "transformer": (
        lambda: Transformer(vocabulary=7, length=5, width=8, heads=2, outputs=2),
        lambda n: torch.randint(0, 7, (n, 5)),
    ),
}


def draw(name, *counts):
    torch.manual_seed(0)
    make, inputs = CASES[name]
    batches = [inputs(count) for count in counts]
    return make().double(), [b.double() if b.is_floating_point() else b for b in batches]


def distance(one, other):
    return float(((one - other).norm() / other.norm()).detach())


@pytest.mark.parametrize("outputs", ["full", "trace", "sum"])
@pytest.mark.parametrize("name", list(CASES))
def test_all_methods_give_the_same_kernel(name, outputs):
    model, (x, y) = draw(name, 6, 4)
    for other in (None, y):
        truth = ntk(model, None, x, other, outputs=outputs, method="jacobian")
        for method in ("structured", "vector-products", "auto"):
            found = ntk(model, None, x, other, outputs=outputs, method=method)
            assert found.shape == truth.shape
            assert distance(found, truth) < SAME


@pytest.mark.parametrize("name", ["perceptron", "tied", "transformer"])
def test_blocks_of_a_small_memory_give_the_same_kernel(name):
    model, (x, y) = draw(name, 9, 5)
    for other in (None, y):
        truth = ntk(model, None, x, other)
        assert distance(ntk(model, None, x, other, memory=250_000), truth) < SAME


PEAK = """
import sys, torch
from seme.learn.models import Transformer
from seme.learn.ntk import ntk

def peak():
    status = open("/proc/self/status").read().split()
    return int(status[status.index("VmHWM:") + 1]) * 1024

torch.set_num_threads(1)
model, x = Transformer(vocabulary=64, length=32, width=128, depth=2, heads=4), torch.randint(0, 64, (256, 32))
ntk(model, None, x[:2])
above = peak()
ntk(model, None, x, memory=int(sys.argv[1]))
print(peak() - above)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_the_peak_stays_within_the_memory_where_without_a_bound_it_would_not():
    def peak(memory):
        command = [sys.executable, "-c", PEAK, str(memory)]  # a process of its own has a peak of its own
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    memory = 1 << 28
    assert memory / 2 < peak(memory) <= memory
    assert peak(1 << 40) > memory


def test_a_permuted_weight_gives_another_kernel():
    model, (x,) = draw("perceptron", 6)
    truth = ntk(model, None, x)
    with torch.no_grad():
        model[2].weight.copy_(model[2].weight.flip(1))
    assert distance(ntk(model, None, x), truth) > 1e-3


def test_a_sum_over_outputs_is_what_the_full_kernel_sums_to():
    model, (x,) = draw("tied", 5)
    full = ntk(model, None, x)
    assert distance(ntk(model, None, x, outputs="sum"), full.sum((1, 3))) < SAME
    assert distance(ntk(model, None, x, outputs="trace"), torch.einsum("nomo->nm", full)) < SAME


def test_shares_sum_to_the_trace_and_are_those_of_the_jacobian():
    model, (x,) = draw("tied", 5)
    kernel = ntk_with_shares(model, None, x, memory=200_000)
    other = ntk_with_shares(model, None, x, method="jacobian")
    trace = torch.einsum("nono->", kernel.values)
    assert math.isclose(sum(kernel.shares.values()), float(trace), rel_tol=SAME)
    assert kernel.shares.keys() == other.shares.keys()
    for name, share in kernel.shares.items():
        assert math.isclose(share, other.shares[name], rel_tol=SAME)


def test_only_the_parameters_given_count():
    model, (x,) = draw("perceptron", 5)
    last = {name: value for name, value in model.named_parameters() if name.startswith("4.")}
    hidden = model[:4](x)
    truth = torch.einsum("nm,op->nomp", hidden @ hidden.T + 1, torch.eye(3).double())
    assert distance(ntk(model, last, x), truth.detach()) < SAME


def test_the_operator_has_the_eigenvalues_of_the_matrix():
    model, (x,) = draw("perceptron", 6)
    matrix = ntk(model, None, x).reshape(18, 18)
    operator = ntk_operator(model, None, x)
    assert np.allclose(operator @ np.eye(18), matrix.numpy(), rtol=0, atol=1e-11)
    assert math.isclose(largest_eigenvalue(model, None, x), float(torch.linalg.eigvalsh(matrix)[-1]), rel_tol=1e-4)


@pytest.mark.parametrize("method", ["auto", "structured", "jacobian", "vector-products"])
def test_a_memory_too_small_says_what_is_needed(method):
    model, (x,) = draw("perceptron", 5)
    with pytest.raises(TooLargeError, match=r"needs [\d,]+ bytes"):
        ntk(model, None, x, memory=100, method=method)


def test_vector_products_take_as_many_samples_at_once_as_fit_the_memory():
    model, (x, y) = draw("transformer", 7, 3)
    with pytest.raises(TooLargeError) as refused:
        ntk(model, None, x, memory=1, method="vector-products")
    needed = int(re.search(r"needs ([\d,]+) bytes", refused.value.message)[1].replace(",", ""))
    with pytest.raises(TooLargeError):
        ntk(model, None, x, memory=needed - 1, method="vector-products")
    seen = []
    model.register_forward_pre_hook(lambda module, arguments: seen.append(len(arguments[0])))
    few = ntk(model, None, x, y, memory=needed, method="vector-products")
    assert max(seen) == 2  # the pair that `check_suitable` runs
    assert seen.count(1) > len(x) * len(y)
    many = ntk(model, None, x, y, method="vector-products")
    assert max(seen) == 7
    assert distance(few, many) < SAME


def test_inputs_that_cannot_be_measured_on_are_refused():
    model, (x, y) = draw("perceptron", 5, 3)
    with pytest.raises(InputError, match=r"`x`: expected a tensor, got numpy\.ndarray"):
        ntk(model, None, x.numpy())
    with pytest.raises(InputError, match="cannot read inputs of shape"):
        ntk(model, None, x[:, :-1])
    with pytest.raises(InputError, match="no kernel between"):
        ntk(model, None, x, y[:, :-1])
    for value in (float("nan"), float("inf")):
        broken = x.clone()
        broken[3, 1] = value
        for sides in ((broken, None), (x, broken)):
            with pytest.raises(InputError, match=r"1 of \d+ values of `[xy]` are NaN or infinite"):
                ntk(model, None, *sides)
        with pytest.raises(InputError, match="NaN or infinite"):
            largest_eigenvalue(model, None, broken)
    weights = {name: value.detach().clone() for name, value in model.named_parameters()}
    weights["2.weight"][0, 0] = float("nan")
    with pytest.raises(InputError, match=r"values of `2\.weight`"):
        ntk(model, weights, x)


def test_a_memory_for_vector_products_only_uses_them():
    model, (x,) = draw("tied", 5)
    with pytest.raises(TooLargeError) as refused:
        ntk(model, None, x, memory=100, method="structured")
    needed = int(re.search(r"needs ([\d,]+) bytes", refused.value.message)[1].replace(",", ""))
    assert ntk_with_shares(model, None, x, memory=needed).method == "structured"
    assert ntk_with_shares(model, None, x, memory=needed - 1).method == "vector-products"


@pytest.mark.parametrize(("layer", "reason"), [(nn.BatchNorm1d(4), "batch norm"), (nn.Dropout(0.5), "dropout")])
def test_layers_that_leave_no_kernel_are_refused_until_eval(layer, reason):
    model = nn.Sequential(layer, nn.Linear(4, 1))
    with pytest.raises(UnsuitableModelError, match=reason):
        ntk(model, None, torch.randn(4, 4))
    assert ntk(model.eval(), None, torch.randn(4, 4)).shape == (4, 1, 4, 1)


def test_a_model_that_mixes_samples_is_refused():
    class Mixing(nn.Linear):
        def forward(self, x):
            return super().forward(x - x.mean(0))

    with pytest.raises(UnsuitableModelError, match="rest of its batch"):
        ntk(Mixing(3, 1), None, torch.randn(4, 3))


def test_an_output_near_zero_by_chance_is_not_taken_for_a_mixed_batch():
    torch.manual_seed(0)
    x, model = torch.randn(4, 512), nn.Linear(512, 1)
    with torch.no_grad():
        model.bias -= model(x[:1])[0]
    assert abs(model(x[:1]).item()) < 1e-6 < abs(model(x[1:2]).item())
    assert ntk(model, None, x).shape == (4, 1, 4, 1)


def test_wrong_names_and_shapes_are_refused():
    model = nn.Linear(3, 1)
    with pytest.raises(UnsuitableModelError, match="no such parameter"):
        ntk(model, {"other": torch.zeros(1)}, torch.randn(4, 3))
    with pytest.raises(UnsuitableModelError, match="shape"):
        ntk(model, {"weight": torch.zeros(2, 3)}, torch.randn(4, 3))
    with pytest.raises(UsageError, match="outputs"):
        ntk(model, None, torch.randn(4, 3), outputs="none")
    with pytest.raises(UsageError, match="method"):
        ntk(model, None, torch.randn(4, 3), method="none")
    with pytest.raises(UnsuitableModelError, match="one row per sample"):
        ntk(nn.Flatten(0), None, torch.randn(4, 3))


FUNCTIONS = {
    "relu": (torch.relu, lambda z: (z > 0).double()),
    "erf": (torch.erf, lambda z: 2 / math.sqrt(math.pi) * torch.exp(-z * z)),
    "gelu": (
        nn.functional.gelu,
        lambda z: torch.special.ndtr(z) + z * torch.exp(-z * z / 2) / math.sqrt(2 * math.pi),
    ),
    "identity": (lambda z: z, torch.ones_like),
}


@pytest.mark.parametrize("activation", list(FUNCTIONS))
def test_expectations_agree_with_monte_carlo(activation):
    torch.manual_seed(1)
    factor = torch.tensor([[1.3, 0.0], [-0.4, 0.8]]).double()
    covariance = factor @ factor.T
    u, v = factor @ torch.randn(2, 1_000_000, dtype=torch.float64)
    a, b, c = covariance[0, 0], covariance[1, 1], covariance[0, 1]
    for exact, function in zip(EXPECTATIONS[activation](a, b, c), FUNCTIONS[activation], strict=True):
        products = function(u) * function(v)
        assert abs(float(products.mean() - exact)) < 5 * float(products.std()) / 1000 + 1e-12
        swapped = EXPECTATIONS[activation](b, a, c)
        assert math.isclose(float(swapped[0]), float(EXPECTATIONS[activation](a, b, c)[0]), rel_tol=1e-12)


def test_arc_cosine_kernels_have_their_closed_forms():
    angles = torch.linspace(0, math.pi, 7, dtype=torch.float64)
    x = torch.stack([angles.cos(), angles.sin()], 1) * math.sqrt(2)  # |x|^2 = features: cosine = kernel
    kernel = analytic("relu", x[:1], x, weight_variance=2.0)
    first = angles.sin() + (math.pi - angles) * angles.cos()
    # the one hidden layer network: nngp 2 k1, tangent 2 k1 + 2 cos (pi - angle) / pi at |x| = sqrt(2 d)
    assert torch.allclose(kernel.nngp[0], 2 * first / math.pi, atol=1e-7)
    assert torch.allclose(kernel.ntk[0], 2 * (first + (math.pi - angles) * angles.cos()) / math.pi, atol=1e-7)


@pytest.mark.parametrize("activation", ["relu", "gelu", "erf"])
def test_the_empirical_kernel_nears_the_analytic_one_as_width_to_the_minus_half(activation):
    torch.manual_seed(0)
    x = torch.randn(8, 3, dtype=torch.float64)
    gain = Activation(name=activation).gain
    widths, gaps = (64, 256, 1024), []
    hidden = analytic(activation, x, weight_variance=1.0, bias_variance=0.25)
    assert gain >= 1
    for width in widths:
        found = []
        for seed in range(6):
            model = Mlp(inputs=3, width=width, activation=activation, bias_gain=0.5, seed=seed).double()
            kernel = ntk(model, None, x, outputs="sum")
            # the readout has no bias, the closed form has one: take its constant out
            found.append(distance(kernel, hidden.ntk - 0.25))
        gaps.append(np.mean(found))
    slope = np.polyfit(np.log(widths), np.log(gaps), 1)[0]
    assert -0.65 < slope < -0.35
    assert gaps[-1] < 0.1
    wrong = analytic(activation, x, weight_variance=1.5, bias_variance=0.25).ntk
    assert distance(kernel, wrong) > 0.2


def test_two_hidden_layers_near_the_analytic_kernel_of_depth_two_not_three():
    torch.manual_seed(0)
    x = torch.randn(6, 3, dtype=torch.float64)
    model = Mlp(inputs=3, width=1024, depth=2, activation="erf", bias_gain=0.5, seed=0).double()
    kernel = ntk(model, None, x, outputs="sum")
    right, wrong = (analytic("erf", x, depth=d, bias_variance=0.25).ntk - 0.25 for d in (2, 3))
    assert distance(kernel, right) < 0.08 < distance(kernel, wrong)


def test_an_input_of_zero_without_biases_has_a_kernel_of_zero():
    x = torch.tensor([[0.0, 0.0], [1.0, -2.0]], dtype=torch.float64)
    for activation in EXPECTATIONS:
        kernel = analytic(activation, x, depth=2)
        assert kernel.ntk[0].tolist() == [0.0, 0.0]
        assert kernel.ntk[1, 1] > 0


def test_an_activation_without_a_closed_form_is_refused():
    with pytest.raises(UsageError, match="closed form"):
        analytic("kmax:3", torch.ones(1, 2))


def test_taylor_models_have_errors_of_second_and_third_order():
    model, (x,) = draw("perceptron", 5)
    model[3] = nn.Tanh()
    torch.manual_seed(3)
    direction = {name: torch.randn_like(value) for name, value in model.named_parameters()}
    origin = dict(model.named_parameters())
    for order, power in ((1, 2), (2, 3)):
        taylor, errors = linearize(model, order=order), []
        for step in (1e-2, 5e-3):
            moved = {name: value.detach() + step * direction[name] for name, value in origin.items()}
            truth = torch.func.functional_call(model, moved, (x,))
            errors.append(float((taylor(moved, x) - truth).norm()))
        assert abs(math.log2(errors[0] / errors[1]) - power) < 0.1
    with pytest.raises(UsageError, match="order"):
        linearize(model, order=3)
    with pytest.raises(UnsuitableModelError, match="parameter"):
        taylor({"other": torch.zeros(1)}, x)


def test_a_quadratic_networks_second_order_model_is_the_network():
    torch.manual_seed(0)
    x = torch.randn(5, 3, dtype=torch.float64)
    model = Mlp(inputs=3, width=6, activation="square").double()
    first = {name: value for name, value in model.named_parameters() if name.startswith("hidden")}
    moved = {name: torch.randn_like(value) for name, value in first.items()}
    truth = torch.func.functional_call(model, moved, (x,))
    assert distance(linearize(model, first, order=2)(moved, x), truth) < SAME
    assert distance(linearize(model, first, order=1)(moved, x), truth) > 0.1


@pytest.mark.parametrize("steps", [1, 7, 400])
def test_closed_form_training_is_stepped_training(steps):
    torch.manual_seed(0)
    x, probe = torch.randn(7, 3).double(), torch.randn(4, 3).double()
    model, y = nn.Linear(3, 2).double(), torch.randn(7, 2).double()
    kernel, cross = ntk(model, None, x), ntk(model, None, probe, x)
    start, probe_start = model(x).detach(), model(probe).detach()
    rate = 1.5 * y.numel() / float(torch.linalg.eigvalsh(kernel.reshape(14, 14))[-1])
    optimiser = torch.optim.SGD(model.parameters(), lr=rate)
    for _ in range(steps):
        optimiser.zero_grad()
        ((model(x) - y) ** 2).mean().div(2).backward()
        optimiser.step()
    found = predict(kernel, start, y, rate=rate, steps=steps, probe_kernel=cross, probe_start=probe_start)
    assert distance(found.train, model(x).detach()) < 1e-10
    assert distance(found.probe, model(probe).detach()) < 1e-10
    wrong = predict(kernel, start, y, rate=rate * 0.7, steps=steps)
    if steps < 400:
        assert distance(wrong.train, model(x).detach()) > 1e-3


def test_gradient_flow_is_the_limit_of_small_steps_and_forever_fits_what_can_be_fitted():
    torch.manual_seed(0)
    half = torch.randn(5, 5).double()
    kernel, y = half @ half.T, torch.randn(5, 1).double()
    start = torch.zeros_like(y)
    flow = predict(kernel, start, y, rate=1.0, steps=2.0, flow=True).train
    fine = predict(kernel, start, y, rate=1e-4, steps=20_000).train
    assert distance(fine, flow) < 1e-3
    for forever in (True, False):
        assert distance(predict(kernel, start, y, rate=0.1, steps=math.inf, flow=forever).train, y) < 1e-12


def test_closed_form_training_refuses_divergence_and_shapes():
    kernel, y = torch.eye(3) * 4, torch.ones(3, 1)
    with pytest.raises(UsageError, match=r"largest stable rate is 1\.5"):
        predict(kernel, torch.zeros(3, 1), y, rate=2.0, steps=5)
    with pytest.raises(UnsuitableModelError, match="fit"):
        predict(kernel, torch.zeros(4, 1), y, rate=0.1, steps=5)
    with pytest.raises(UsageError, match="probe"):
        predict(kernel, torch.zeros(3, 1), y, rate=0.1, steps=5, probe_kernel=kernel)
