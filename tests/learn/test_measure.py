import math

import pytest
import torch
from torch import nn

from seme.core.errors import DivergedError, UnsuitableModelError, UsageError
from seme.learn._compare import accuracy
from seme.learn._functional import parameters
from seme.learn.change import measure_change
from seme.learn.measure import _Ruler, measure, measure_run
from seme.learn.models import Mlp, Transformer
from seme.learn.tasks import Task, make_task, product, product_tokens
from seme.learn.training import OPTIMISERS, Training, stable_rate, train, train_linear
from seme.learn.verdict import width_slope

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


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"rate": -1.0}, "rate -1.0: expected a finite number above 0"),
        ({"rate": 0.0}, "above 0"),
        ({"rate": float("nan")}, "rate nan"),
        ({"rate": float("inf")}, "rate inf"),
        ({"stop": 1.0}, "stop 1.0: expected a share"),
        ({"stop": -1.0}, "to below 1"),
        ({"weight_decay": -1.0}, "weight decay -1.0: expected a finite number of at least 0"),
        ({"weight_decay": float("nan")}, "weight decay nan"),
        ({"steps": 0}, "at least one step"),
    ],
)
def test_training_out_of_range_is_refused_with_the_range(wrong, words):
    with pytest.raises(UsageError, match=words):
        Training(**wrong)


def test_no_seeds_and_a_network_that_no_weight_moves_are_refused():
    with pytest.raises(UsageError, match="at least one seed"):
        measure(mlp(8), data, SHORT, seeds=())
    with pytest.raises(UnsuitableModelError, match="kernel at the start is zero"):
        measure(mlp(8, alpha=0.0), data, SHORT, seeds=(0,))


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
