"""Numbers that compare two kernels, two sets of hidden activations, or a function with its target."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from seme.learn._functional import Params, call
from seme.learn._taps import is_hugging_face_linear


def relative(change: Tensor, reference: Tensor) -> float:
    """|change| / |reference|; 0 when both vanish."""
    top, bottom = change.norm().item(), reference.norm().item()
    return 0.0 if top == 0 else top / bottom if bottom > 0 else float("inf")


def r_squared(outputs: Tensor, targets: Tensor) -> float:
    """1 - squared error / variance of the targets (per output, summed); 1 when both vanish."""
    rest = (targets - targets.mean(0)).square().sum().item()
    error = (outputs - targets).square().sum().item()
    return 1.0 - error / rest if rest > 0 else float(error == 0)


def accuracy(outputs: Tensor, targets: Tensor) -> float:
    """Share of rows whose largest output is where the target's is."""
    return (outputs.argmax(1) == targets.argmax(1)).double().mean().item()


def kernel_distance(one: Tensor, other: Tensor) -> float:
    """1 - cosine between two kernels: blind to scale (Fort et al. 2020)."""
    one, other = one.double(), other.double()  # distances near 0 would drown in float32
    cosine = (one * other).sum() / (one.norm() * other.norm())
    return max(0.0, 1.0 - cosine.item())


def centred_kernel_alignment(one: Tensor, other: Tensor) -> float:
    """Linear CKA of activations `batch feature` (Kornblith et al. 2019); 1 for equal or rotated ones."""
    one, other = one.double() - one.double().mean(0), other.double() - other.double().mean(0)
    if one.shape[1] > one.shape[0]:
        left, right = one @ one.T, other @ other.T
        top = (left * right).sum()
        bottom = left.norm() * right.norm()
    else:
        top = (one.T @ other).square().sum()
        bottom = (one.T @ one).norm() * (other.T @ other).norm()
    return (top / bottom).item() if bottom > 0 else 1.0


def hidden_activations(model: nn.Module, params: Params, x: Tensor) -> dict[str, Tensor]:
    """What each linear or convolution layer but the first reads: `(batch pos) feature`, by name.

    A convolution's features are its channels, its positions the places of the image or sequence.
    """
    seen: dict[str, Tensor] = {}
    convolutions = (nn.Conv1d, nn.Conv2d)

    def listen(name: str):
        def hook(module: nn.Module, arguments: tuple[Tensor, ...]) -> None:
            read = arguments[0].detach()
            seen.setdefault(name, (read.movedim(1, -1) if isinstance(module, convolutions) else read).flatten(0, -2))

        return hook

    handles = [
        module.register_forward_pre_hook(listen(name))
        for name, module in model.named_modules()
        if isinstance(module, (nn.Linear, *convolutions)) or is_hugging_face_linear(module)
    ]
    try:
        with torch.no_grad():
            call(model, params, x)
    finally:
        for handle in handles:
            handle.remove()
    return dict(list(seen.items())[1:])


def compare_hidden(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> dict[str, dict[str, float]]:
    """Relative change, mean cosine and CKA of each layer's activations."""
    return {
        name: {
            "relative_change": relative(after[name] - value, value),
            "cosine": torch.cosine_similarity(value, after[name], dim=-1).mean().item(),
            "cka": centred_kernel_alignment(value, after[name]),
        }
        for name, value in before.items()
    }


def relative_movement(before: Params, after: Params) -> float:
    """|theta_T - theta_0| / |theta_0| over all parameters."""
    moved = sum((after[n] - v).square().sum().item() for n, v in before.items())
    size = sum(v.square().sum().item() for v in before.values())
    return (moved / size) ** 0.5 if size else float("inf")
