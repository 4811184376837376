import math

import numpy as np
import pytest
import torch
from torch import nn

from seme.core.errors import DivergedError, UnsuitableModelError, UsageError
from seme.learn._compare import accuracy, centred_kernel_alignment, hidden_activations, kernel_distance, r_squared
from seme.learn._functional import parameters
from seme.learn.change import measure_change
from seme.learn.measure import _Ruler, log_steps, measure, measure_run
from seme.learn.models import Activation, Mlp, Transformer
from seme.learn.tasks import TASKS, Task, make_task, product, product_bits, product_tokens
from seme.learn.training import OPTIMISERS, Training, stable_rate, train, train_linear
from seme.learn.verdict import Estimate, estimate, verdict, width_slope

SHORT = Training(steps=300)


def mlp(width=256, activation="gelu", **more):
    return lambda seed: Mlp(inputs=2, width=width, activation=activation, seed=seed, **more)


def data(seed):
    return product(seed=seed)


def as_double(task):
    numbers = {n: getattr(task, n).double() for n in ("train_x", "train_y", "probe_x", "probe_y")}
    return Task(name=task.name, **numbers)


def test_a_network_linear_in_its_weights_has_no_gap_and_a_deeper_one_has():
    task = as_double(product(count=64, probe=32))

    class Features(nn.Module):
        def __init__(self):
            super().__init__()
            self.readout = nn.Linear(9, 1)

        def forward(self, x):
            powers = torch.stack([torch.ones_like(x), x, x * x], -1)
            return self.readout((powers[:, 0, :, None] * powers[:, 1, None, :]).flatten(1))

    report = measure_run(Features().double(), task, Training(steps=200))
    assert report.r2 > 0.95
    assert report.end.taylor_gap < 1e-14
    assert report.end.trajectory_gap < 1e-12
    assert report.end.kernel_drift == 0.0
    control = measure_run(mlp(64)(0).double(), task, Training(steps=200))
    assert control.end.taylor_gap > 1e-2


def test_a_quadratic_network_has_its_closed_form_gap():
    """f = a w x has Taylor error (da)(dw) x exactly."""

    class Chain(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)

        def forward(self, x):
            return self.second(self.first(x))

    torch.manual_seed(0)
    model, x = Chain().double(), torch.linspace(-1, 1, 9).double()[:, None]
    task = Task(name="line", train_x=x, train_y=2 * x, probe_x=x, probe_y=2 * x)
    w, a = model.first.weight.item(), model.second.weight.item()
    how = Training(steps=50, rate=0.3)
    final = {name: p.detach().item() for name, p in list(train_to_end(model, task, how)).pop().items()}
    dw, da = final["first.weight"] - w, final["second.weight"] - a
    expected = abs(da * dw) / abs(da * w + dw * a + da * dw)
    report = measure_run(model, task, how)
    assert math.isclose(report.end.taylor_gap, expected, rel_tol=1e-10)
    assert expected > 0.05


def train_to_end(model, task, how):
    start = {name: p.detach() for name, p in model.named_parameters()}
    for state in train(model, start, task.train_x, task.train_y, how, how.rate):
        if state.done:
            yield state.params


@pytest.mark.parametrize("how", [Training(steps=40, optimiser=o, stop=0.0) for o in OPTIMISERS])
def test_the_linear_model_is_trained_as_the_network_is(how):
    """On a network that is linear in its weights both trainings are one."""
    task = as_double(product(count=32, probe=8))
    model = nn.Linear(2, 1).double()
    start = {name: p.detach() for name, p in model.named_parameters()}
    rate = stable_rate(model, start, task.train_x) / 4
    linear = train_linear(model, start, task.train_x, task.train_y, task.probe_x, how, rate)
    for state, outputs in zip(train(model, start, task.train_x, task.train_y, how, rate), linear, strict=False):
        truth = torch.func.functional_call(model, state.params, (task.probe_x,))
        assert torch.allclose(outputs, truth.detach(), atol=1e-10)


def test_kernel_and_weight_training_of_a_linear_model_agree():
    task, model = as_double(product(count=32, probe=8)), mlp(16)(0).double()
    start = {name: p.detach() for name, p in model.named_parameters()}
    rate = stable_rate(model, start, task.train_x) / 2
    tiny = 1e-300  # weight decay that changes nothing but takes the other way
    ways = [
        train_linear(
            model,
            start,
            task.train_x,
            task.train_y,
            task.probe_x,
            Training(optimiser="momentum", weight_decay=decay),
            rate,
        )
        for decay in (0.0, tiny)
    ]
    for _ in range(30):
        one, other = (next(way) for way in ways)
    assert torch.allclose(one, other, atol=1e-10)


def test_a_wide_network_is_linear_and_a_mean_field_one_is_not():
    wide = measure(mlp(1024), data, SHORT, seeds=(0, 1, 2))
    assert wide.verdict == "LINEAR"
    assert wide.estimates["cka"].value > 0.99
    moving = measure(mlp(1024, "relu", parametrization="mean-field"), data, SHORT, seeds=(0,))
    assert moving.verdict == "NONLINEAR"
    assert moving.estimates["kernel_drift"].value > 1.0
    # the trap: against a linear model trained the same way it looks fine
    assert moving.estimates["trajectory_gap"].value < 0.2 < moving.estimates["taylor_gap"].value


def test_an_identity_activation_on_a_product_is_judged_unlearned():
    report = measure(mlp(256, "identity"), data, SHORT, seeds=(0, 1))
    assert report.verdict == "UNLEARNED"
    assert report.estimates["taylor_gap"].value < 0.01


def test_standard_parametrization_with_one_rate_is_judged_random_features():
    report = measure(mlp(1024, "relu", parametrization="standard"), data, Training(steps=800), seeds=(0,))
    assert report.verdict == "RANDOM FEATURES"
    assert report.estimates["readout_share"].value > 0.95
    control = measure(mlp(1024, "relu"), data, SHORT, seeds=(0,))
    assert control.verdict == "LINEAR"
    assert control.estimates["readout_share"].value < 0.7


def test_the_output_scale_has_slope_minus_one():
    gaps = {
        0: {alpha: measure_run(mlp(64, alpha=float(alpha))(0), data(0), SHORT).end.taylor_gap for alpha in (4, 16, 64)}
    }
    slope = width_slope(gaps)
    assert slope is not None
    assert abs(slope.value + 1) < 0.1


@pytest.mark.slow
def test_gap_slopes_with_width_are_minus_one_for_gelu_and_about_minus_half_for_relu():
    slopes = {}
    for activation in ("gelu", "relu"):
        gaps = {
            seed: {
                width: measure_run(mlp(width, activation)(seed), data(seed), Training()).end.taylor_gap
                for width in (64, 256, 1024)
            }
            for seed in range(5)
        }
        slopes[activation] = width_slope(gaps)
    assert -1.25 < slopes["gelu"].value < -0.75
    low, high = slopes["relu"].interval
    assert low <= -0.5
    assert high >= -0.75


def test_hard_k_max_does_not_become_linear_with_width():
    how = Training(steps=200)
    gaps = {width: measure_run(mlp(width, "kmax:8")(0), data(0), how).end.taylor_gap for width in (64, 1024)}
    assert gaps[1024] > 0.3
    smooth = {width: measure_run(mlp(width, "gelu")(0), data(0), how).end.taylor_gap for width in (64, 1024)}
    assert smooth[1024] < 0.05


def test_a_small_output_scale_lets_hard_k_max_learn_and_it_is_still_not_linear():
    learned = {w: measure_run(mlp(w, "kmax:8", alpha=0.1)(0), data(0), Training(steps=1000)) for w in (256, 1024)}
    assert min(run.r2 for run in learned.values()) > 0.9
    assert min(run.end.taylor_gap for run in learned.values()) > 0.2
    # the control: at scale 1 the jumps keep it from learning, so its gap would say little
    assert measure_run(mlp(256, "kmax:8")(0), data(0), Training(steps=1000)).r2 < 0.5


def test_accuracy_counts_classes_and_is_absent_without_them():
    outputs, targets = torch.tensor([[1.0, 0.0], [0.2, 0.3], [5.0, 4.0]]), torch.eye(2)[[0, 1, 1]]
    assert accuracy(outputs, targets) == pytest.approx(2 / 3)
    model = Mlp(inputs=10, outputs=5, width=64, activation="square")
    report = measure_run(model, make_task("modular", seed=0, modulus=5).as_numbers(), Training(steps=200))
    assert report.end.train_accuracy == 1.0
    assert report.checkpoints[0].train_accuracy == pytest.approx(0.2, abs=0.25)
    assert "accuracy" in report.numbers()
    plain = measure_run(mlp(8)(0), data(0), Training(steps=1))
    assert plain.end.accuracy is None
    assert "accuracy" not in plain.numbers()


@pytest.mark.slow
def test_modular_addition_leaves_the_linear_regime_memorises_then_generalises_with_weight_decay_only():
    ends = {}
    for decay in (0.1, 0.0):
        task = make_task("modular", seed=0, modulus=23, share=0.7).as_numbers()
        model = Mlp(inputs=46, outputs=23, width=256, activation="square", parametrization="mean-field")
        how = Training(steps=1024, optimiser="adamw", rate=0.01, weight_decay=decay, stop=0.0, center=False)
        ends[decay] = measure_run(model, task, how).checkpoints

    def first(decay, holds):
        return next(c.step for c in ends[decay] if holds(c))

    left, memorised = (
        first(0.1, lambda c: c.taylor_gap > 0.1),
        first(0.1, lambda c: c.train_accuracy > 0.95),
    )
    generalised = first(0.1, lambda c: c.accuracy > 0.95)
    assert left < memorised < generalised / 4
    assert ends[0.0][-1].train_accuracy == 1.0
    assert ends[0.0][-1].accuracy < 0.5


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


@pytest.mark.parametrize(
    ("parametrization", "part", "size", "word"),
    [
        ("standard", "readout", 0.01, "RANDOM FEATURES"),
        ("ntk", "readout", 0.1, "LINEAR"),
        ("standard", "", 0.1, "NONLINEAR"),
        ("standard", "readout", 1e-6, "UNLEARNED"),
    ],
)
def test_two_sets_of_weights_are_judged_by_what_moved(parametrization, part, size, word):
    """The readout is linear in its weights; moved alone it has no gap, whatever share of the kernel it holds."""
    model = mlp(512, "relu", parametrization=parametrization)(0)
    before, generator = parameters(model), torch.Generator().manual_seed(0)
    after = {
        name: value + size * torch.randn(value.shape, generator=generator) * (part in name)
        for name, value in before.items()
    }
    found = measure_change(model, before, after, data(0).probe_x)
    assert found.verdict == word
    assert (found.readout_share > 0.95) == (parametrization == "standard")
    assert (found.taylor_gap < 1e-4) == (part == "readout" and size > 1e-5)


def test_a_report_is_the_same_on_every_run():
    one, other = (measure_run(mlp(32)(3), data(3), Training(steps=20)) for _ in range(2))
    assert one == other


def test_a_transformer_is_measured_with_all_shares_and_layers():
    model = Transformer(vocabulary=8, length=2, width=16, seed=0)
    report = measure_run(model, product_tokens(values=8), Training(steps=60))
    for point in report.checkpoints:
        assert math.isclose(sum(point.trace_shares.values()), 1.0, rel_tol=1e-6)
        assert {name for name, _ in model.named_parameters()} == set(point.trace_shares)
        assert "readout.linear" in point.hidden
    assert [c.step for c in report.checkpoints] == [0, 1, 2, 4, 8, 16, 32, 60]


def test_hidden_activations_and_the_barrier_are_told_at_every_checkpoint():
    """They start at nothing and move with training, less in a lazy network; a convex loss has no barrier."""
    moving = measure_run(mlp(1024, "relu", parametrization="mean-field")(0), data(0), SHORT)
    lazy = measure_run(mlp(1024, "relu")(0), data(0), SHORT)
    first, *later = (point.hidden["readout.linear"] for point in moving.checkpoints)
    assert moving.checkpoints[0].barrier == first["relative_change"] == 0
    assert first["cka"] == pytest.approx(1)
    assert later[-1]["cka"] < 0.95
    assert later[-1]["relative_change"] > 3 * later[0]["relative_change"]
    assert later[-1]["relative_change"] == moving.numbers()["hidden_change"] > 5 * lazy.numbers()["hidden_change"]
    convex = measure_run(nn.Linear(2, 1), data(0), Training(steps=20))
    assert max(point.barrier for point in convex.checkpoints) < 1e-6


def test_the_barrier_is_the_rise_of_the_loss_above_the_line_to_the_start():
    """One weight, squared: from -1 to +1 the output passes through 0 on the way."""

    class Square(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.tensor([-1.0], dtype=torch.float64))

        def forward(self, x):
            return x * self.weight**2

    x = torch.linspace(-1, 1, 9, dtype=torch.float64)[:, None]
    task = Task(name="line", train_x=x, train_y=x, probe_x=x, probe_y=x)
    model = Square()
    ruler = _Ruler(model, parameters(model), task, Training(center=False), None, 1 << 20)
    assert ruler._barrier({"weight": torch.ones(1, dtype=torch.float64)}) == 0.0, "there is no loss to compare with"
    task = Task(name="line", train_x=x, train_y=2 * x, probe_x=x, probe_y=2 * x)
    ruler = _Ruler(model, parameters(model), task, Training(center=False), None, 1 << 20)
    assert ruler._barrier({"weight": torch.ones(1, dtype=torch.float64)}) == pytest.approx((2 / 1) ** 2 - 1)


def test_a_convolution_reads_channels_at_places():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(2, 3, 1), nn.Conv1d(3, 4, 1), nn.Flatten(), nn.Linear(20, 1))
    x = torch.randn(6, 2, 5)
    seen = hidden_activations(model, dict(model.named_parameters()), x)
    assert torch.equal(seen["1"], model[0](x).detach().transpose(1, 2).reshape(30, 3))
    assert seen["3"].shape == (6, 20)


def test_divergence_says_step_and_rates():
    with pytest.raises(DivergedError, match=r"after \d+ steps at rate 1e\+06, .* stable rate .* is [\d.]+"):
        measure_run(mlp(32)(0), data(0), Training(rate=1e6))


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(UnsuitableModelError, match="dropout"):
        measure_run(nn.Sequential(nn.Dropout(0.1), nn.Linear(2, 1)), data(0), SHORT)
    with pytest.raises(UnsuitableModelError, match=r"2 outputs, .* \(256, 1\)"):
        measure_run(nn.Linear(2, 2), data(0), SHORT)
    with pytest.raises(UsageError, match="optimiser"):
        Training(optimiser="none")
    with pytest.raises(UsageError, match="step"):
        Training(steps=0)


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
