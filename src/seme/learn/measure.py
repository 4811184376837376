"""Measures how linear a network stays in its weights while it trains."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice

import torch
from torch import Tensor, nn
from torch.func import jvp

from seme.core.errors import UnsuitableModelError, UsageError
from seme.learn._compare import (
    accuracy,
    compare_hidden,
    hidden_activations,
    kernel_distance,
    r_squared,
    relative,
    relative_movement,
)
from seme.learn._functional import call, check_suitable, function_of, parameters
from seme.learn.ntk import DEFAULT_MEMORY, ntk_with_shares
from seme.learn.tasks import Task
from seme.learn.training import State, Training, stable_rate, train, train_linear
from seme.learn.verdict import Estimate, estimate, verdict

# Kernels are compared on at most this many rows (samples times outputs): their work grows with the square.
KERNEL_ROWS = 256
# Points between start and end where the loss is taken for the error barrier.
BARRIER_POINTS = 11
ADAM_RATE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Training after `step` steps; functions are compared on the probe inputs.

    Attributes:
        step: Steps done.
        loss: Half the mean squared error on the training set.
        r2: Of the network on the probe.
        train_r2: Of the network on the training set.
        accuracy: Share of the probe whose largest output is the right class; None with one output.
        train_accuracy: The same on the training set.
        taylor_gap: |f_t - f_0 - J_0 dtheta| / |f_t - f_0|.
        taylor_r2: R^2 of f_0 + J_0 dtheta on the set that decides whether the task is learned.
        trajectory_gap: |f_t - g_t| / |f_t - f_0| against the linear model trained the same way.
        kernel_drift: |K_t - K_0| / |K_0|.
        kernel_distance: 1 - cosine of K_t and K_0.
        kernel_velocity: 1 - cosine of K_t and the kernel at the checkpoint before, per step.
        weight_movement: |theta_t - theta_0| / |theta_0|.
        barrier: How far the training loss between start and here rises above the line between the two, as a share
            of the loss at the start.
        trace_shares: Share of each parameter in the trace of K_t.
        hidden: For each layer but the first, how what it reads changed: relative change, cosine, CKA.
    """

    step: int
    loss: float
    r2: float
    train_r2: float
    accuracy: float | None
    train_accuracy: float | None
    taylor_gap: float
    taylor_r2: float
    trajectory_gap: float
    kernel_drift: float
    kernel_distance: float
    kernel_velocity: float
    weight_movement: float
    barrier: float
    trace_shares: dict[str, float]
    hidden: dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """One network, one seed.

    Attributes:
        checkpoints: At log-spaced steps, the start first, the end last.
        rate: Learning rate used.
        stable_rate: Largest stable rate of gradient descent under the kernel at the start.
        r2: Of the trained network, on the set that decides whether the task is learned.
        readout_share: Of the last linear layer's weight and bias in the trace of the kernel at the start.
        parameters: Number of weights.
    """

    checkpoints: tuple[Checkpoint, ...]
    rate: float
    stable_rate: float
    r2: float
    readout_share: float
    parameters: int

    @property
    def end(self) -> Checkpoint:
        """The last checkpoint."""
        return self.checkpoints[-1]

    def numbers(self) -> dict[str, float]:
        """The measures at the end by name, as they are averaged over seeds."""
        last, hidden = asdict(self.end), list(self.end.hidden.values())
        names = ("taylor_gap", "taylor_r2", "trajectory_gap", "kernel_drift", "kernel_distance")
        classes = {name: last[name] for name in ("accuracy", "train_accuracy") if last[name] is not None}
        return (
            {name: last[name] for name in (*names, "kernel_velocity", "weight_movement", "barrier", "loss")}
            | classes
            | {
                "r2": self.r2,
                "probe_r2": last["r2"],
                "readout_share": self.readout_share,
                "hidden_change": max((h["relative_change"] for h in hidden), default=0.0),
                "cosine": min((h["cosine"] for h in hidden), default=1.0),
                "cka": min((h["cka"] for h in hidden), default=1.0),
                "steps": float(last["step"]),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Several seeds of one setting.

    Attributes:
        runs: One per seed.
        estimates: Means and intervals of `RunReport.numbers`.
        verdict: UNLEARNED, RANDOM FEATURES, LINEAR or NONLINEAR.
    """

    runs: tuple[RunReport, ...]
    estimates: dict[str, Estimate]
    verdict: str


def log_steps(steps: int, per_doubling: int = 1) -> tuple[int, ...]:
    """0, 1, 2, 4, 8 ... and no further than `steps`; with more points between where they are asked for.

    >>> log_steps(10)
    (0, 1, 2, 4, 8)
    >>> log_steps(10, per_doubling=2)
    (0, 1, 2, 3, 4, 6, 8)
    """
    points = (round(2 ** (k / per_doubling)) for k in range(per_doubling * steps.bit_length()))
    return (0, *sorted({point for point in points if point <= steps}))


def measure(
    model: Callable[[int], nn.Module],
    task: Callable[[int], Task],
    how: Training | None = None,
    *,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    probe: Tensor | None = None,
    per_doubling: int = 1,
    memory: int = DEFAULT_MEMORY,
) -> Report:
    """Trains a network for every seed and reports how linear it stayed.

    Args:
        model: Makes the network of a seed.
        task: Makes the data of a seed.
        how: Optimiser, rate, steps, centring.
        seeds: Seeds.
        probe: Inputs to compare functions on; None for the task's own probe.
        per_doubling: Checkpoints each time the number of steps doubles.
        memory: Bytes for each kernel's work space.

    Returns:
        Runs, means with 95% intervals, verdict.

    Raises:
        UnsuitableModelError: The model cannot be measured, or its outputs do not fit the targets.
        DivergedError: Training left the finite numbers.
        InputError: Inputs that the model cannot read, or that are not finite.
        UsageError: There are no seeds.
    """
    if not seeds:
        raise UsageError("a report needs at least one seed, got none", hint="pass seeds=(0, 1, 2, 3, 4)")
    runs = tuple(
        measure_run(model(s), task(s), how, probe=probe, per_doubling=per_doubling, memory=memory) for s in seeds
    )
    return summarise(runs)


def summarise(runs: Sequence[RunReport]) -> Report:
    """Means, intervals and verdict over the seeds of one setting."""
    numbers = [run.numbers() for run in runs]
    estimates = {name: estimate([n[name] for n in numbers]) for name in numbers[0]}
    word = verdict(estimates["r2"], estimates["taylor_gap"], estimates["readout_share"])
    return Report(runs=tuple(runs), estimates=estimates, verdict=word)


def measure_run(
    model: nn.Module,
    task: Task,
    how: Training | None = None,
    *,
    probe: Tensor | None = None,
    per_doubling: int = 1,
    memory: int = DEFAULT_MEMORY,
) -> RunReport:
    """Trains one network and measures it at log-spaced steps; arguments and errors as for `measure`."""
    how = Training() if how is None else how
    start = parameters(model)
    check_suitable(model, start, task.train_x)
    with torch.no_grad():
        width = call(model, start, task.train_x[:1]).shape[1]
    if task.train_y.ndim != 2 or width != task.train_y.shape[1]:
        raise UnsuitableModelError(
            f"the model gives {width} outputs, the task `{task.name}` has targets of shape {tuple(task.train_y.shape)}",
            hint="give the model as many outputs as the task",
        )
    stable = stable_rate(model, start, task.train_x)
    if stable == math.inf:
        raise UnsuitableModelError(
            "the kernel at the start is zero: no weight moves any output, so nothing can be learned",
            hint="use an output scale and initial weights that are not zero",
        )
    rate = how.rate
    if rate is None:
        rate = stable / 2 if how.optimiser in ("gd", "momentum") else ADAM_RATE
    ruler = _Ruler(model, start, task, how, probe, memory)
    linear = train_linear(model, start, task.train_x, task.train_y, ruler.probe, how, rate)
    wanted, found, seen = set(log_steps(how.steps, per_doubling)), [], 0
    for state in train(model, start, task.train_x, task.train_y, how, rate):
        if state.step in wanted or state.done:
            moved = next(islice(linear, state.step - seen, None))
            seen = state.step + 1
            found.append(ruler.checkpoint(state, moved))
    return ruler.report(tuple(found), rate, stable)


class _Ruler:
    """What is compared with the start of training, computed once."""

    def __init__(
        self,
        model: nn.Module,
        start: dict[str, Tensor],
        task: Task,
        how: Training,
        probe: Tensor | None,
        memory: int,
    ):
        self.model, self.start, self.task, self.how, self.memory = model, start, task, how, memory
        self.own_probe = probe is None
        self.probe = task.probe_x if probe is None else probe
        with torch.no_grad():
            self.origin = call(model, start, self.probe)
            self.train_origin = call(model, start, task.train_x)
        width = self.origin.shape[1]
        self.classes = width > 1
        # Full kernels while they are small; else the sum over outputs of each output's kernel.
        self.outputs = "full" if 16 * width <= KERNEL_ROWS else "trace"
        rows = max(16, KERNEL_ROWS // width)
        self.sample = self.probe[:rows]
        self.first = self._kernel(start)
        self.previous, self.previous_step = self.first.values, 0
        self.hidden = hidden_activations(model, start, self.probe)

    def _kernel(self, params: dict[str, Tensor]):
        return ntk_with_shares(self.model, params, self.sample, outputs=self.outputs, memory=self.memory)  # type: ignore[arg-type]

    def checkpoint(self, state: State, linear: Tensor) -> Checkpoint:
        """All measures at one step."""
        params = {name: value.detach() for name, value in state.params.items()}
        step = {name: params[name] - value for name, value in self.start.items()}
        with torch.no_grad():
            change = call(self.model, params, self.probe) - self.origin
            train_change = call(self.model, params, self.task.train_x) - self.train_origin
        slope = jvp(function_of(self.model, self.probe), (self.start,), (step,))[1].detach()
        found = self.first if state.step == 0 else self._kernel(params)
        kernel, origin = found.values, self.first.values
        passed = state.step - self.previous_step
        velocity = kernel_distance(kernel, self.previous) / passed if passed else 0.0
        self.previous, self.previous_step = kernel, state.step
        on_train = self.task.learned_on == "train" or not self.own_probe
        taylor = self._quality(r_squared, *((self._train_slope(step), True) if on_train else (slope, False)))
        return Checkpoint(
            step=state.step,
            loss=state.loss,
            r2=self._quality(r_squared, change, train=False),
            train_r2=self._quality(r_squared, train_change, train=True),
            accuracy=self._quality(accuracy, change, train=False) if self.classes else None,
            train_accuracy=self._quality(accuracy, train_change, train=True) if self.classes else None,
            taylor_gap=relative(change - slope, change),
            taylor_r2=taylor,
            trajectory_gap=relative(change + self.origin - linear, change),
            kernel_drift=relative(kernel - origin, origin),
            kernel_distance=kernel_distance(kernel, origin),
            kernel_velocity=velocity,
            weight_movement=relative_movement(self.start, params),
            barrier=self._barrier(params),
            trace_shares=_normalised(found.shares),
            hidden=compare_hidden(self.hidden, hidden_activations(self.model, params, self.probe)),
        )

    def _train_slope(self, step: dict[str, Tensor]) -> Tensor:
        return jvp(function_of(self.model, self.task.train_x), (self.start,), (step,))[1].detach()

    def _quality(self, score: Callable[[Tensor, Tensor], float], change: Tensor, train: bool) -> float:
        """Scores a learned change, the outputs at the start added where training was not centred."""
        if not train and not self.own_probe:
            return float("nan")
        origin = self.train_origin if train else self.origin
        targets = self.task.train_y if train else self.task.probe_y
        return score(change if self.how.center else change + origin, targets)

    def report(self, found: tuple[Checkpoint, ...], rate: float, stable: float) -> RunReport:
        """All checkpoints, and what is said once."""
        last = found[-1]
        on_train = self.task.learned_on == "train" or not self.own_probe
        return RunReport(
            checkpoints=found,
            rate=rate,
            stable_rate=stable,
            r2=last.train_r2 if on_train else last.r2,
            readout_share=readout_share(self.model, found[0].trace_shares),
            parameters=sum(value.numel() for value in self.start.values()),
        )

    def _barrier(self, params: dict[str, Tensor]) -> float:
        target = self.task.train_y + (self.train_origin if self.how.center else 0.0)
        losses = []
        with torch.no_grad():
            for along in torch.linspace(0, 1, BARRIER_POINTS).tolist():
                point = {n: torch.lerp(v, params[n], along) for n, v in self.start.items()}
                losses.append((call(self.model, point, self.task.train_x) - target).square().mean().item() / 2)
        line = torch.linspace(losses[0], losses[-1], BARRIER_POINTS).tolist()
        return max(a - b for a, b in zip(losses, line, strict=True)) / losses[0] if losses[0] else 0.0


def _normalised(shares: dict[str, float]) -> dict[str, float]:
    total = sum(shares.values())
    return {name: share / total if total else 0.0 for name, share in shares.items()}


def readout_share(model: nn.Module, shares: dict[str, float]) -> float:
    """Share of the last linear layer (in order of registration) in the kernel's trace.

    0 where its weight is tied to another layer's: what the two uses contribute cannot be told apart.
    """
    layers = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    if not layers:
        return 0.0
    return sum(share for name, share in shares.items() if name.rpartition(".")[0] == layers[-1])
