"""A module as a function of its parameters, and the checks that it is one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel

from seme.core.errors import InputError, SemeError, UnsuitableModelError

Params = Mapping[str, Tensor]


def parameters(model: nn.Module, params: Params | None = None) -> dict[str, Tensor]:
    """The parameters a measurement is taken at, detached; those of the model when none are given.

    Raises:
        UnsuitableModelError: A name is not a parameter of the model, or its shape differs.
    """
    own = dict(model.named_parameters())
    if params is None:
        return {name: value.detach() for name, value in own.items() if value.requires_grad}
    every = dict(model.named_parameters(remove_duplicate=False))
    for name, value in params.items():
        if name not in every or every[name].shape != value.shape:
            expected = tuple(every[name].shape) if name in every else "no such parameter"
            raise UnsuitableModelError(
                f"cannot use parameter `{name}` of shape {tuple(value.shape)}: the model has {expected}",
                hint="pass the parameters of the same architecture, e.g. dict(model.named_parameters())",
            )
    return {name: value.detach() for name, value in params.items()}


@contextlib.contextmanager
def differentiable_attention() -> Iterator[None]:
    """Attention in its plain form: the fused kernels have neither forward derivatives nor batching rules."""
    with sdpa_kernel(SDPBackend.MATH):
        yield


@contextlib.contextmanager
def kept_for_backward(params: Params) -> Iterator[dict[int, int]]:
    """Bytes of what automatic differentiation keeps of what runs inside, by address, the parameters left out."""
    own = {value.untyped_storage().data_ptr() for value in params.values()}
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        yield kept


def call(model: nn.Module, params: Params, x: Tensor) -> Tensor:
    """Runs a module with other parameters and flattens what it gives to one row per sample.

    Args:
        model: Any module that takes one tensor whose first axis is the sample.
        params: Values by parameter name; what is missing stays the model's own.
        x: Input, `batch ...`.

    Returns:
        `batch output`.

    Raises:
        UnsuitableModelError: The output is no tensor with one row per sample.
    """
    with differentiable_attention():
        output = functional_call(model, dict(params), (x,))
    if not isinstance(output, Tensor) or output.ndim == 0 or output.shape[0] != x.shape[0]:
        shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise UnsuitableModelError(
            f"the model gave {shape} for {x.shape[0]} samples, expected a tensor with one row per sample",
            hint="wrap the model in a module whose forward returns that tensor",
        )
    return output.reshape(output.shape[0], -1)


def check_finite(values: Params, what: str) -> None:
    """Refuses NaN and infinity, which would go through every measure without a word.

    Raises:
        InputError: A value is not finite; names the tensor.
    """
    for name, value in values.items():
        broken = value.numel() - int(torch.isfinite(value).sum())
        if broken:
            raise InputError(
                f"cannot measure {what}: {broken} of {value.numel()} values of `{name}` are NaN or infinite",
                hint="use finite values: a checkpoint from before training diverged, inputs without gaps",
            )


def check_inputs(x: Tensor, name: str = "x") -> None:
    """Refuses inputs that are no tensor, are none at all, or are not finite."""
    if not isinstance(x, Tensor):
        raise InputError(
            f"cannot measure on `{name}`: expected a tensor, got {type(x).__module__}.{type(x).__name__}",
            hint="pass torch.as_tensor(...) of the model's float type",
        )
    if x.ndim == 0 or len(x) == 0:
        raise UnsuitableModelError("cannot measure on no samples", hint="pass at least one input row")
    check_finite({name: x}, "on these inputs")


def function_of(model: nn.Module, x: Tensor) -> Callable[[Params], Tensor]:
    """The map from parameters to outputs (`batch output`) on fixed inputs."""
    return lambda params: call(model, params, x)


def check_suitable(model: nn.Module, params: Params, x: Tensor) -> None:
    """Refuses models whose output for a sample is not a function of weights and sample alone.

    Args:
        model: The model, in the mode it will be used in.
        params: Its parameters.
        x: Inputs, `batch ...`; at most two samples are run.

    Raises:
        UnsuitableModelError: Batch norm in training mode, active dropout, or an output that changes with the
            rest of the batch or from call to call.
        InputError: The inputs are no tensor or not what the model reads, or a number of them or of the weights is
            not finite.
    """
    check_inputs(x)
    check_finite(params, "at these weights")
    for name, module in model.named_modules():
        where = f"`{name}` ({type(module).__name__})"
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and (module.training or module.running_mean is None):
            raise UnsuitableModelError(
                f"cannot measure a model with batch norm in training mode: {where} makes each output depend "
                "on the whole batch, so there is no kernel between two samples",
                hint="call model.eval() first, or use layer norm",
            )
        if isinstance(module, nn.modules.dropout._DropoutNd) and module.training and module.p > 0:
            raise UnsuitableModelError(
                f"cannot measure a model with active dropout: {where} with p = {module.p} makes the output random",
                hint="call model.eval() first, or set p = 0",
            )
    pair = torch.cat([x[:1], x[1:2] if len(x) > 1 else x[:1]])
    try:
        with torch.no_grad():
            alone, together = call(model, params, x[:1])[0], call(model, params, pair)
    except SemeError:
        raise
    except Exception as error:  # whatever somebody's forward pass raises on inputs that it is not made for
        raise InputError(
            f"the model cannot read inputs of shape {tuple(x.shape)} and type {x.dtype}: {error}",
            hint="pass what its forward takes: one sample a row, of its width and float type",
        ) from error
    if alone.shape != together[0].shape or not _close(alone, together):
        raise UnsuitableModelError(
            "the output for a sample changes with the rest of its batch, or from one call to the next",
            hint="call model.eval(), and remove what mixes samples or draws random numbers",
        )


def _close(alone: Tensor, together: Tensor) -> bool:
    """Whether a sample's outputs are those of the batch's first row, up to rounding.

    The slack is the square root of the float type's epsilon, relative to the largest output of the batch: the first
    row alone may be near zero by chance.
    """
    slack = torch.finfo(alone.dtype).eps ** 0.5
    finite = together[torch.isfinite(together)].abs()
    size = finite.max().item() if len(finite) else 1.0
    return torch.allclose(alone, together[0], rtol=slack, atol=slack * max(size, 1e-30), equal_nan=True)
