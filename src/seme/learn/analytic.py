"""Kernels of infinitely wide networks in closed form: relu (arc-cosine), erf, gelu, identity, at any depth.

A network of `depth` hidden layers in NTK parametrization: z1 = sw W1 x / sqrt(d) + sb b1, h = phi(z), z2 =
sw W2 h / sqrt(n) + sb b2, ... with standard normal W and b, all trained.

Sources: Cho and Saul 2009 (arc-cosine); Williams 1997 (erf); for gelu, z Phi(z), the expectations follow from
Stein's lemma applied twice, with E[phi(u) phi(v)] = 1 / (2 pi sqrt(det(I + S))).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from seme.core.errors import UsageError

Expectation = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True, slots=True, kw_only=True)
class InfiniteKernels:
    """Kernels between two batches, `batch other`.

    Attributes:
        ntk: Tangent kernel of one output.
        nngp: Covariance of the outputs at initialisation.
    """

    ntk: Tensor
    nngp: Tensor


def relu_expectation(a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """E[relu(u) relu(v)] and E[relu'(u) relu'(v)] for variances a, b and covariance c.

    At an input of zero without biases (variance 0) the first is 0, and the second that of a right angle.
    """
    norm = (a * b).sqrt()
    cosine = torch.where(norm > 0, c / norm, 0.0).clamp(-1.0, 1.0)
    angle = torch.arccos(cosine)
    value = norm / (2 * math.pi) * ((1 - cosine**2).clamp_min(0).sqrt() + (math.pi - angle) * cosine)
    return value, (math.pi - angle) / (2 * math.pi)


def erf_expectation(a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """E[erf(u) erf(v)] and E[erf'(u) erf'(v)]."""
    left = (1 + 2 * a) * (1 + 2 * b)
    value = 2 / math.pi * torch.arcsin((2 * c / left.sqrt()).clamp(-1.0, 1.0))
    return value, 4 / math.pi / (left - 4 * c**2).sqrt()


def gelu_expectation(a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """E[gelu(u) gelu(v)] and E[gelu'(u) gelu'(v)] for gelu(z) = z Phi(z)."""
    outer = (1 + a) * (1 + b)
    determinant = outer - c**2
    density = 1 / (2 * math.pi * determinant.sqrt())
    both = 0.25 + torch.arcsin((c / outer.sqrt()).clamp(-1.0, 1.0)) / (2 * math.pi)
    shrink = 1 / (1 + a) + 1 / (1 + b)
    value = a * b * density + c**2 * density * (shrink - 1) + c * both
    return value, both + c * density * shrink + density * c / determinant


def identity_expectation(a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """E[u v] and 1."""
    return c, torch.ones_like(c)


EXPECTATIONS: dict[str, Expectation] = {
    "relu": relu_expectation,
    "erf": erf_expectation,
    "gelu": gelu_expectation,
    "identity": identity_expectation,
}


def analytic(
    activation: str,
    x: Tensor,
    y: Tensor | None = None,
    *,
    depth: int = 1,
    weight_variance: float = 1.0,
    bias_variance: float = 0.0,
) -> InfiniteKernels:
    """The kernels of an infinitely wide multi-layer perceptron.

    Args:
        activation: relu, erf, gelu or identity.
        x: First inputs, `batch feature`.
        y: Second inputs, `other feature`; None for the first again.
        depth: Hidden layers; 0 is a linear model.
        weight_variance: sw^2 above.
        bias_variance: sb^2 above; 0 means no biases.

    Returns:
        NTK and NNGP kernels, `batch other`.

    Raises:
        UsageError: No closed form for the activation is known here.

    >>> x = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    >>> float(analytic("relu", x, weight_variance=2.0).nngp)
    1.0
    """
    if activation not in EXPECTATIONS:
        raise UsageError(
            f"no closed form of the kernel for activation {activation!r}",
            hint=f"use one of {', '.join(EXPECTATIONS)}, or the empirical ntk",
        )
    expectation = EXPECTATIONS[activation]
    other = x if y is None else y
    scale = weight_variance / x.shape[1]
    cross = scale * x @ other.T + bias_variance
    left, right = scale * (x * x).sum(1) + bias_variance, scale * (other * other).sum(1) + bias_variance
    tangent = cross
    for _ in range(depth):
        value, slope = expectation(left[:, None], right[None, :], cross)
        left, right = (weight_variance * expectation(v, v, v)[0] + bias_variance for v in (left, right))
        cross = weight_variance * value + bias_variance
        tangent = cross + weight_variance * slope * tangent
    return InfiniteKernels(ntk=tangent, nngp=cross)
