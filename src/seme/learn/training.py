"""Full-batch training of a network and, step for step the same way, of its linear model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import jvp, vjp

from seme.core.errors import DivergedError, UnsuitableModelError, UsageError
from seme.learn._functional import call, function_of
from seme.learn.ntk import ntk
from seme.learn.operator import largest_eigenvalue
from seme.learn.predict import largest_stable_rate

OPTIMISERS = ("gd", "momentum", "adam", "adamw")
MOMENTUM = 0.9
# Above this the linear model is trained in weights, not by a kernel of (values trained on)^2 numbers.
LARGEST_KERNEL = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How a network is trained, always on the whole training set at once.

    Attributes:
        optimiser: gd, momentum (0.9), adam or adamw.
        rate: Learning rate; None for half the largest stable rate of the kernel at the start (gd,
            momentum), 1e-3 (adam, adamw).
        steps: Most steps.
        stop: Training ends when the loss falls below this share of its start, so that widths are compared
            at equal loss; 0 never.
        weight_decay: Decoupled, for adamw; added to the gradient for the others.
        center: Train f - f(start), so that the function starts at zero and all of it is learned.

    Raises:
        UsageError: An unknown optimiser, or a number out of its range.
    """

    optimiser: str = "gd"
    rate: float | None = None
    steps: int = 2000
    stop: float = 0.01
    weight_decay: float = 0.0
    center: bool = True

    def __post_init__(self) -> None:
        if self.optimiser not in OPTIMISERS:
            raise UsageError(f"no optimiser {self.optimiser!r}", hint=f"use one of {', '.join(OPTIMISERS)}")
        if self.steps < 1:
            raise UsageError(f"training needs at least one step, got {self.steps}")
        for what, value, fits, expected in (
            ("rate", self.rate, self.rate is None or 0 < self.rate < math.inf, "a finite number above 0"),
            ("stop", self.stop, 0 <= self.stop < 1, "a share of the first loss, from 0 (never) to below 1"),
            ("weight decay", self.weight_decay, 0 <= self.weight_decay < math.inf, "a finite number of at least 0"),
        ):
            if not fits:
                raise UsageError(f"cannot train with {what} {value}: expected {expected}")

    def make(self, params: list[Tensor], rate: float) -> torch.optim.Optimizer:
        """The PyTorch optimiser."""
        decay = self.weight_decay
        if self.optimiser in ("gd", "momentum"):
            momentum = MOMENTUM if self.optimiser == "momentum" else 0.0
            return torch.optim.SGD(params, lr=rate, momentum=momentum, weight_decay=decay)
        kind = torch.optim.AdamW if self.optimiser == "adamw" else torch.optim.Adam
        return kind(params, lr=rate, weight_decay=decay)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Training after some steps.

    Attributes:
        step: Steps done.
        loss: On the training set, before the next step.
        params: Present parameters (live: copy what is kept).
        done: Whether training ends here.
    """

    step: int
    loss: float
    params: dict[str, Tensor]
    done: bool


def stable_rate(model: nn.Module, params: dict[str, Tensor], x: Tensor) -> float:
    """The largest rate at which gradient descent on L = sum (f - y)^2 / (2 N) is stable at the start."""
    rows = call(model, params, x).numel()
    return largest_stable_rate(largest_eigenvalue(model, params, x), rows)


def train(
    model: nn.Module, start: dict[str, Tensor], x: Tensor, y: Tensor, how: Training, rate: float
) -> Iterator[State]:
    """Trains copies of the parameters on the mean squared error; yields the start and every step.

    Args:
        model: The network; its own parameters are left alone.
        start: Parameters at the start.
        x: `batch ...`.
        y: `batch output`.
        how: Optimiser and length.
        rate: Learning rate.

    Raises:
        UnsuitableModelError: Outputs and targets differ in shape.
        DivergedError: The loss left the finite numbers.
    """
    params = {name: value.clone().requires_grad_() for name, value in start.items()}
    optimiser = how.make(list(params.values()), rate)
    with torch.no_grad():
        origin = call(model, start, x)
        if origin.shape != y.shape:
            raise UnsuitableModelError(
                f"the model gives outputs {tuple(origin.shape)}, the task has targets {tuple(y.shape)}",
                hint="give the model as many outputs as the task",
            )
    target = y + origin if how.center else y
    first = 0.0
    for step in range(how.steps + 1):
        optimiser.zero_grad()
        loss = (call(model, params, x) - target).square().mean() / 2
        value = loss.item()
        if not torch.isfinite(loss):
            stable = stable_rate(model, start, x)
            raise DivergedError(
                f"training diverged: the loss is {value} after {step} steps at rate {rate:g}, "
                f"the largest stable rate of gradient descent at the start is {stable:g}",
                hint="use a smaller rate, or leave it out to have one chosen",
            )
        first = first or value
        done = step == how.steps or value <= how.stop * first
        yield State(step=step, loss=value, params=params, done=done)
        if done:
            return
        loss.backward()
        optimiser.step()


def train_linear(
    model: nn.Module,
    start: dict[str, Tensor],
    x: Tensor,
    y: Tensor,
    probe: Tensor,
    how: Training,
    rate: float,
) -> Iterator[Tensor]:
    """Trains the linear model around the start; yields its outputs on the probe, `batch output`, by step.

    Gradient descent and momentum need no weights: outputs move by the kernel. Other optimisers, and
    weight decay, train the weights of the linear model.
    """
    with torch.no_grad():
        origin, probe_origin = call(model, start, x), call(model, start, probe)
    target = y + origin if how.center else y
    in_outputs = how.optimiser in ("gd", "momentum") and how.weight_decay == 0
    if in_outputs and y.numel() <= LARGEST_KERNEL:
        return _by_kernel(model, start, x, probe, origin, probe_origin, target, how, rate)
    return _by_weights(model, start, x, probe, origin, probe_origin, target, how, rate)


def _by_kernel(
    model: nn.Module,
    start: dict[str, Tensor],
    x: Tensor,
    probe: Tensor,
    origin: Tensor,
    probe_origin: Tensor,
    target: Tensor,
    how: Training,
    rate: float,
) -> Iterator[Tensor]:
    rows = target.numel()
    kernel = ntk(model, start, x).reshape(rows, rows)
    cross = ntk(model, start, probe, x).reshape(-1, rows)
    momentum = MOMENTUM if how.optimiser == "momentum" else 0.0
    # With theta = theta0 - J^T w, the buffer of momentum is a combination of gradients too.
    weight, speed = torch.zeros_like(target).reshape(-1), torch.zeros_like(target).reshape(-1)
    while True:
        yield probe_origin - (cross @ weight).reshape(probe_origin.shape)
        residual = origin.reshape(-1) - kernel @ weight - target.reshape(-1)
        speed = momentum * speed + residual / rows
        weight = weight + rate * speed


def _by_weights(
    model: nn.Module,
    start: dict[str, Tensor],
    x: Tensor,
    probe: Tensor,
    origin: Tensor,
    probe_origin: Tensor,
    target: Tensor,
    how: Training,
    rate: float,
) -> Iterator[Tensor]:
    params = {name: value.clone() for name, value in start.items()}
    optimiser = how.make(list(params.values()), rate)
    pull = vjp(function_of(model, x), start)[1]
    while True:
        moved = {name: params[name] - value for name, value in start.items()}
        yield probe_origin + jvp(function_of(model, probe), (start,), (moved,))[1].detach()
        outputs = origin + jvp(function_of(model, x), (start,), (moved,))[1].detach()
        gradient = pull((outputs - target) / target.numel())[0]
        for name, value in params.items():
            value.grad = gradient[name].detach()
        optimiser.step()
