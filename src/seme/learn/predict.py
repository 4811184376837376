"""Training in closed form: gradient descent and gradient flow on the mean squared error under a fixed kernel.

With L = sum over the N training values of (f - y)^2 / (2 N), a step of rate r maps the residual by 1 - r K
/ N.

Source: Lee et al., "Wide neural networks of any depth evolve as linear models under gradient descent",
2019, eqs. 8-11.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from seme.core.errors import UnsuitableModelError, UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Outputs after training.

    Attributes:
        train: On the training inputs, shaped as the targets.
        probe: On the other inputs; None when no kernel to them was given.
    """

    train: Tensor
    probe: Tensor | None


def predict(
    kernel: Tensor,
    start: Tensor,
    targets: Tensor,
    *,
    rate: float,
    steps: float,
    flow: bool = False,
    probe_kernel: Tensor | None = None,
    probe_start: Tensor | None = None,
) -> Prediction:
    """What a network with this fixed kernel gives after training.

    Args:
        kernel: Between training inputs, `batch output batch output` or `row row`.
        start: Outputs before training, `batch output`.
        targets: `batch output`.
        rate: Learning rate r of a step on L.
        steps: Number of steps; for the flow, time is `rate * steps`; may be infinite.
        flow: Gradient flow instead of gradient descent.
        probe_kernel: Between other inputs and training inputs.
        probe_start: Outputs on the other inputs before training.

    Returns:
        The trained outputs.

    Raises:
        UnsuitableModelError: Shapes that do not fit together.
        UsageError: Descent at a rate above the largest stable one, or a probe given by halves.
    """
    rows = targets.numel()
    if start.shape != targets.shape or kernel.numel() != rows * rows:
        raise UnsuitableModelError(
            f"cannot predict training: outputs {tuple(start.shape)}, targets {tuple(targets.shape)} and "
            f"kernel {tuple(kernel.shape)} do not fit",
            hint="outputs and targets must have one shape, the kernel one row per value of it",
        )
    if (probe_kernel is None) != (probe_start is None):
        raise UsageError("a probe needs both its kernel and its outputs before training")
    square = kernel.reshape(rows, rows)
    eigenvalues, vectors = torch.linalg.eigh((square + square.T) / 2)
    eigenvalues = eigenvalues.clamp_min(0.0)
    speed = rate * eigenvalues / rows
    if not flow and float(speed.max()) > 2.0:
        raise UsageError(
            f"gradient descent at rate {rate:g} diverges under this kernel: the largest stable rate is "
            f"{largest_stable_rate(float(eigenvalues.max()), rows):g}"
        )
    kept = decay(speed, steps, flow)
    # (1 - kept) / eigenvalue, whose limit at eigenvalue 0 is rate * steps / N: the mode never moves.
    safe = eigenvalues > eigenvalues.max() * torch.finfo(eigenvalues.dtype).eps * rows
    gained = torch.where(safe, (1.0 - kept) / torch.where(safe, eigenvalues, 1.0), 0.0)
    residual = vectors.T @ (targets - start).reshape(-1)
    train = targets - (vectors @ (kept * residual)).reshape(targets.shape)
    if probe_kernel is None or probe_start is None:
        return Prediction(train=train, probe=None)
    moved = probe_kernel.reshape(-1, rows) @ (vectors @ (gained * residual))
    return Prediction(train=train, probe=probe_start + moved.reshape(probe_start.shape))


def decay(speed: Tensor, steps: float, flow: bool) -> Tensor:
    """What is left of each mode: (1 - speed)^steps, or exp(-speed * steps) for the flow."""
    if flow:
        return torch.where(speed == 0, 1.0, torch.exp(-speed * steps))
    left = 1.0 - speed
    if steps == float("inf"):
        return torch.where(left.abs() < 1, 0.0, 1.0)
    return left.abs() ** steps * torch.where((left < 0) & (steps % 2 == 1), -1.0, 1.0)


def largest_stable_rate(largest_eigenvalue: float, rows: int) -> float:
    """The rate beyond which gradient descent on the mean squared error diverges: 2 N / largest eigenvalue.

    >>> largest_stable_rate(4.0, 10)
    5.0
    """
    return 2.0 * rows / largest_eigenvalue if largest_eigenvalue > 0 else float("inf")
