"""Taps: what each layer read and the derivative of each output by what it wrote, from one forward pass.

A layer's weight gradient for one sample is a sum over positions of (derivative by the layer's output) times
(what it read), so those two small tensors are all the kernel needs. A hook adds a zero to each layer's
output; the derivative by that zero is the derivative by the output, without any gradient of a weight being
formed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from seme.learn._functional import Params, differentiable_attention


@dataclass(slots=True, kw_only=True)
class Tap:
    """One use of one parameter.

    Attributes:
        name: The parameter.
        kind: `matrix` (gradient = sum of outer products), `rows` (an embedding: gradient rows picked by
            token) or `vector` (bias or gain: gradient = sum over positions of `read` times derivative).
        read: `matrix`: `batch pos in`; `rows`: integer `batch pos`; `vector`: `batch pos out`, or None for
            a bias.
        probe: The zero added to the output, `batch ...`.
        derivative: Derivative of each output by `probe`, `batch output pos out`; filled by `differentiate`.
        shape: Shape of the gradient as rows and columns.
        features_first: Whether the layer writes its features on the axis after the batch (convolutions).
    """

    name: str
    kind: str
    read: Tensor | None
    probe: Tensor
    shape: tuple[int, int]
    features_first: bool = False
    derivative: Tensor | None = None

    @property
    def written(self) -> Tensor:
        """The derivative, once it is there."""
        assert self.derivative is not None
        return self.derivative


def is_hugging_face_linear(module: nn.Module) -> bool:
    """Whether a module is the transposed linear layer of GPT-2 in `transformers` (called Conv1D there)."""
    kind = type(module)
    return kind.__module__ == "transformers.pytorch_utils" and kind.__name__ == "Conv1D"


def _plain_conv(module: nn.Module) -> bool:
    if type(module) not in (nn.Conv1d, nn.Conv2d):
        return False
    assert isinstance(module, nn.Conv1d | nn.Conv2d)
    return module.groups == 1 and module.padding_mode == "zeros" and not isinstance(module.padding, str)


def can_tap(module: nn.Module) -> bool:
    """Whether the gradient of this kind of layer is known in closed form."""
    if isinstance(module, nn.Embedding):
        return type(module).forward is nn.Embedding.forward and module.max_norm is None
    plain = any(
        isinstance(module, kind) and type(module).forward is kind.forward
        for kind in (nn.Linear, nn.LayerNorm, nn.RMSNorm)
    )
    return plain or _plain_conv(module) or is_hugging_face_linear(module)


@contextlib.contextmanager
def tapped(
    model: nn.Module, names: Mapping[str, str], samples: int, batched: Mapping[str, bool]
) -> Iterator[list[Tap]]:
    """Hooks every layer that can be tapped; the list it gives fills with taps as the model runs."""
    taps: list[Tap] = []
    handles = [
        module.register_forward_hook(
            partial(_hook, taps, path, names, samples, batched.get(path, True)),
        )
        for path, module in model.named_modules()
        if can_tap(module)
    ]
    try:
        yield taps
    finally:
        for handle in handles:
            handle.remove()


def _hook(
    taps: list[Tap],
    path: str,
    names: Mapping[str, str],
    samples: int,
    batched: bool,
    module: nn.Module,
    arguments: tuple[Tensor, ...],
    output: Tensor,
) -> Tensor:
    """Records one call of a layer and gives its output plus a zero that can be differentiated by."""
    read = arguments[0].detach()
    if not batched:  # e.g. positions looked up once for the whole batch: give every sample its own copy
        read, output = _per_sample(read, module, samples), _per_sample(output, module, samples)
    if read.shape[0] != samples or output.shape[0] != samples:
        return output
    zero = output.new_zeros((), requires_grad=True).expand_as(output)
    weight, bias = names.get(f"{path}.weight"), names.get(f"{path}.bias")
    if weight is not None:
        taps.append(_weight_tap(weight, module, read, zero))
    if bias is not None and getattr(module, "bias", None) is not None:
        features_first = isinstance(module, nn.Conv1d | nn.Conv2d)
        width = zero.shape[1] if features_first else zero.shape[-1]
        taps.append(
            Tap(
                name=bias,
                kind="vector",
                read=None,
                probe=zero,
                shape=(1, width),
                features_first=features_first,
            )
        )
    return output + zero


def _per_sample(value: Tensor, module: nn.Module, samples: int) -> Tensor:
    """A value without a batch axis (or with one of length one), once per sample."""
    rank = 1 if isinstance(module, nn.Embedding) and not value.is_floating_point() else 2
    if value.ndim <= rank:
        return value.unsqueeze(0).expand(samples, *value.shape)
    return value.expand(samples, *value.shape[1:])


def _weight_tap(name: str, module: nn.Module, read: Tensor, zero: Tensor) -> Tap:
    make = partial(Tap, name=name, probe=zero)
    samples = read.shape[0]
    if isinstance(module, nn.Embedding):
        return make(kind="rows", read=read.reshape(samples, -1), shape=(module.num_embeddings, module.embedding_dim))
    if isinstance(module, nn.LayerNorm):
        seen = functional.layer_norm(read, module.normalized_shape, eps=module.eps)
        width = module.weight.numel()
        return make(kind="vector", read=seen.reshape(samples, -1, width), shape=(1, width))
    if isinstance(module, nn.RMSNorm):
        seen = functional.rms_norm(read, list(module.normalized_shape), eps=module.eps)
        width = module.weight.numel()
        return make(kind="vector", read=seen.reshape(samples, -1, width), shape=(1, width))
    if isinstance(module, nn.Conv1d | nn.Conv2d):
        patches = _patches(module, read)
        shape = (module.out_channels, patches.shape[-1])
        return make(kind="matrix", read=patches, shape=shape, features_first=True)
    flat = read.reshape(samples, -1, read.shape[-1])
    return make(kind="matrix", read=flat, shape=(zero.shape[-1], read.shape[-1]))


def _patches(module: nn.Conv1d | nn.Conv2d, read: Tensor) -> Tensor:
    """What a convolution reads at each output position: `batch position (channel * kernel)`."""
    options = [module.kernel_size, module.dilation, module.padding, module.stride]
    if isinstance(module, nn.Conv1d):
        read = read.unsqueeze(-2)
        options = [(rest, *value) for rest, value in zip((1, 1, 0, 1), options, strict=True)]
    return functional.unfold(read, *options).transpose(1, 2)  # type: ignore[arg-type]


def run_tapped(
    model: nn.Module, params: Params, x: Tensor, names: Mapping[str, str], batched: Mapping[str, bool]
) -> tuple[Tensor, list[Tap]]:
    """One forward pass with taps: outputs `batch output` and the taps, derivatives still to come."""
    with tapped(model, names, len(x), batched) as taps, differentiable_attention(), torch.enable_grad():
        output = functional_call(model, dict(params), (x,))
    return output.reshape(len(x), -1), taps


def differentiate(outputs: Tensor, taps: list[Tap]) -> None:
    """Fills the derivatives of all taps, one backward pass per output.

    Args:
        outputs: `batch output`, from `run_tapped`; samples must not depend on each other.
        taps: Its taps.
    """
    probes = list({id(tap.probe): tap.probe for tap in taps}.values())
    if not probes:
        return
    columns = []
    for index in range(outputs.shape[1]):
        found = torch.autograd.grad(
            outputs[:, index].sum(), probes, retain_graph=index + 1 < outputs.shape[1], allow_unused=True
        )
        columns.append([torch.zeros_like(p) if d is None else d for p, d in zip(probes, found, strict=True)])
    stacked = {id(p): torch.stack(by_output, 1) for p, *by_output in zip(probes, *columns, strict=True)}
    for tap in taps:
        tap.derivative = _as_positions(tap, stacked[id(tap.probe)])


def _as_positions(tap: Tap, derivative: Tensor) -> Tensor:
    """`batch output ...` as `batch output pos out`, features last."""
    samples, outputs = derivative.shape[:2]
    if tap.features_first:
        return derivative.reshape(samples, outputs, derivative.shape[2], -1).transpose(2, 3)
    width = tap.shape[0] if tap.kind == "matrix" else tap.shape[1]
    return derivative.reshape(samples, outputs, -1, width)
