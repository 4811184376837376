"""Two sets of weights of one network: how far apart, and was the network linear on the way between?

This is what can be asked of a training run that somebody else did: the weights before and after.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import jvp

from seme.core.errors import UnsuitableModelError
from seme.learn._compare import (
    compare_hidden,
    hidden_activations,
    kernel_distance,
    relative,
    relative_movement,
)
from seme.learn._functional import Params, call, check_finite, check_suitable, function_of, parameters
from seme.learn.measure import readout_share
from seme.learn.ntk import DEFAULT_MEMORY, ntk_with_shares
from seme.learn.verdict import LINEAR_GAP, READOUT_SHARE

# A function that changed by less than this share of its size was not trained to any purpose.
SMALLEST_CHANGE = 1e-3
# Kernels of models with many outputs are taken of this many fixed random combinations of them.
PROJECTED_OUTPUTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """From one set of weights to another, on given inputs.

    Attributes:
        function_change: |f_T - f_0| / |f_0|.
        taylor_gap: |f_T - f_0 - J_0 dtheta| / |f_T - f_0|.
        kernel_drift: |K_T - K_0| / |K_0|.
        kernel_distance: 1 - cosine of the two kernels.
        weight_movement: |theta_T - theta_0| / |theta_0|.
        trace_shares: Share of each parameter in the trace of the kernel before.
        readout_share: Of the last linear layer.
        hidden: Relative change, cosine and CKA of what each layer reads.
        verdict: UNLEARNED (the function hardly changed), RANDOM FEATURES, LINEAR or NONLINEAR.
    """

    function_change: float
    taylor_gap: float
    kernel_drift: float
    kernel_distance: float
    weight_movement: float
    trace_shares: dict[str, float]
    readout_share: float
    hidden: dict[str, dict[str, float]]
    verdict: str


class _Projected(nn.Module):
    """A network's outputs, centred and combined at random into a few."""

    def __init__(self, inner: nn.Module, outputs: int, like: Tensor):
        super().__init__()
        self.inner = inner
        generator = torch.Generator().manual_seed(0)
        matrix = torch.randn(outputs, PROJECTED_OUTPUTS, generator=generator) / PROJECTED_OUTPUTS**0.5
        self.register_buffer("matrix", matrix.to(like))

    def forward(self, x: Tensor) -> Tensor:
        """`batch ...` -> `batch PROJECTED_OUTPUTS`."""
        outputs = self.inner(x).flatten(1)
        return (outputs - outputs.mean(1, keepdim=True)) @ self.matrix


def measure_change(
    model: nn.Module, before: Params, after: Params, x: Tensor, *, memory: int = DEFAULT_MEMORY
) -> Change:
    """Compares two sets of weights of one architecture on given inputs.

    Args:
        model: The network, in the mode it is used in.
        before: Weights before training, by name.
        after: Weights after training.
        x: Inputs, `batch ...`.
        memory: Bytes of work space for a kernel.

    Returns:
        The change, with a verdict.

    Raises:
        UnsuitableModelError: The two do not have the same parameters, or the model cannot be measured.
        InputError: A weight or an output is NaN or infinite.
    """
    check_same_architecture(before, after)
    start, end = parameters(model, before), parameters(model, after)
    check_finite(start, "the change from the weights before")
    check_finite(end, "the change to the weights after")
    check_suitable(model, start, x)
    step = {name: end[name] - value for name, value in start.items()}
    with torch.no_grad():
        origin = call(model, start, x)
        change = call(model, end, x) - origin
    check_finite({"outputs before": origin, "outputs after": change + origin}, "the change")
    slope = jvp(function_of(model, x), (start,), (step,))[1].detach()
    few: nn.Module = model
    prefix = ""
    if origin.shape[1] > PROJECTED_OUTPUTS:
        few, prefix = _Projected(model, origin.shape[1], origin), "inner."
    kernels = [ntk_with_shares(few, {prefix + n: v for n, v in at.items()}, x, memory=memory) for at in (start, end)]
    total = sum(kernels[0].shares.values())
    shares = {n.removeprefix(prefix): s / total if total else 0.0 for n, s in kernels[0].shares.items()}
    first, last = kernels[0].values, kernels[1].values
    gap, size = relative(change - slope, change), relative(change, origin)
    readout = readout_share(model, shares)
    return Change(
        function_change=size,
        taylor_gap=gap,
        kernel_drift=relative(last - first, first),
        kernel_distance=kernel_distance(first, last),
        weight_movement=relative_movement(start, end),
        trace_shares=shares,
        readout_share=readout,
        hidden=compare_hidden(hidden_activations(model, start, x), hidden_activations(model, end, x)),
        verdict=_word(size, gap, readout),
    )


def _word(size: float, gap: float, readout: float) -> str:
    if not size >= SMALLEST_CHANGE:
        return "UNLEARNED"
    if not gap <= LINEAR_GAP:
        return "NONLINEAR"
    return "RANDOM FEATURES" if readout >= READOUT_SHARE else "LINEAR"


def check_same_architecture(before: Params, after: Params) -> None:
    """Refuses two sets of weights that are not of one architecture, and names the first difference."""
    for name in sorted(before.keys() | after.keys()):
        shapes = [tuple(side[name].shape) if name in side else "missing" for side in (before, after)]
        if shapes[0] != shapes[1]:
            raise UnsuitableModelError(
                f"the two checkpoints have different architectures: `{name}` is {shapes[0]} before and "
                f"{shapes[1]} after",
                hint="compare two checkpoints of one training run",
            )
