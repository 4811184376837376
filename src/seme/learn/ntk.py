"""The neural tangent kernel of any PyTorch module, three ways that agree to rounding.

K[n, o, m, p] = sum over parameters of (d f_o(x_n) / d theta) (d f_p(y_m) / d theta).

Source: Jacot, Gabriel and Hongler, "Neural Tangent Kernel", 2018; the contraction by layer follows from the
chain rule and is also described by Novak, Sohl-Dickstein and Schoenholz, "Fast finite width neural tangent
kernel", 2022.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.func import jacrev, jvp, vjp, vmap

from seme.core.errors import InputError, TooLargeError, UsageError
from seme.learn._functional import (
    Params,
    call,
    check_inputs,
    check_suitable,
    function_of,
    kept_for_backward,
    parameters,
)
from seme.learn._grams import Writes, fold_full, fold_trace, gram
from seme.learn._structured import Plan, blocks, plan, tapped_outputs
from seme.learn._taps import Tap

Outputs = Literal["full", "trace", "sum"]
Method = Literal["auto", "structured", "jacobian", "vector-products"]
DEFAULT_MEMORY = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """A kernel and what each parameter contributes to its trace.

    Attributes:
        values: `batch output other output` for "full", `batch other` otherwise.
        shares: Trace of the kernel between the first inputs and themselves, by parameter; empty when the
            kernel was taken between two batches or by vector products.
        method: How it was computed.
    """

    values: Tensor
    shares: dict[str, float]
    method: str


def ntk(
    model: nn.Module,
    params: Params | None,
    x: Tensor,
    y: Tensor | None = None,
    *,
    outputs: Outputs = "full",
    method: Method = "auto",
    memory: int = DEFAULT_MEMORY,
) -> Tensor:
    """The empirical neural tangent kernel between two batches.

    Args:
        model: Any module that takes one tensor whose first axis is the sample; outputs are flattened per
            sample.
        params: Values by parameter name, and which parameters count; None for all trainable ones of the
            model.
        x: First inputs, `batch ...`.
        y: Second inputs, `other ...`; None for the first again.
        outputs: "full" keeps both output axes; "trace" sums over equal outputs; "sum" is the kernel of the
            sum of the outputs.
        method: "structured" (closed forms per layer, Jacobians for other parameters), "jacobian"
            (contraction of Jacobians), "vector-products" (no Jacobian is kept: least memory, slowest), or
            "auto" (the first of these that fits the memory).
        memory: Bytes that work space may take, the result apart; inputs are cut into blocks that fit.

    Returns:
        `batch output other output` for "full", else `batch other`; dtype and device are those of the model.

    Raises:
        UnsuitableModelError: Batch norm in training mode, active dropout, or outputs that mix samples.
        TooLargeError: The memory is too small for every method (or for the one asked for); says what is
            needed.
        InputError: Inputs that are no tensors, that the model cannot read, or that are not finite.

    >>> model = nn.Linear(2, 1)
    >>> x = torch.tensor([[1.0, 2.0], [0.0, 1.0]])
    >>> ntk(model, None, x)[:, 0, :, 0].tolist()
    [[6.0, 3.0], [3.0, 2.0]]
    """
    return ntk_with_shares(model, params, x, y, outputs=outputs, method=method, memory=memory).values


def ntk_with_shares(
    model: nn.Module,
    params: Params | None,
    x: Tensor,
    y: Tensor | None = None,
    *,
    outputs: Outputs = "full",
    method: Method = "auto",
    memory: int = DEFAULT_MEMORY,
) -> Kernel:
    """As `ntk`, with the share of every parameter in the kernel's trace."""
    if outputs not in ("full", "trace", "sum"):
        raise UsageError(f"outputs must be full, trace or sum, got {outputs!r}")
    values = parameters(model, params)
    check_suitable(model, values, x)
    _check_other(x, y)
    if method == "vector-products":
        return _by_vector_products(model, values, x, y, outputs, memory)
    reduce, full = outputs == "sum", outputs == "full"
    with torch.no_grad():
        width = 1 if reduce else call(model, values, x[:1]).shape[1]
    scheme, chosen = _scheme(model, values, x, method)
    size, needed = _block_size(values, scheme, width, x, y, memory)
    if size < 1:
        products = sum(_vector_product_bytes(model, values, x))
        if method == "auto" and products <= memory:
            return _by_vector_products(model, values, x, y, outputs, memory)
        raise TooLargeError(
            f"cannot compute the kernel of {width} outputs in {memory:,} bytes: one sample a side needs "
            f"{needed:,} bytes",
            hint=f'pass memory={needed}, outputs="sum", or method="vector-products" ({products:,} bytes)',
        )
    kernel, shares = _by_blocks(model, values, x, y, scheme, size, reduce, full, memory)
    return _finish(x, y, kernel, shares, outputs, chosen)


def _check_other(x: Tensor, y: Tensor | None) -> None:
    if y is None:
        return
    check_inputs(y, "y")
    if y.shape[1:] != x.shape[1:] or y.dtype != x.dtype:
        raise InputError(
            f"no kernel between inputs of shape {tuple(x.shape)} ({x.dtype}) and {tuple(y.shape)} ({y.dtype})",
            hint="both sides must be inputs of the same model",
        )


def _finish(x: Tensor, y: Tensor | None, kernel: Tensor, shares: dict[str, float], outputs: str, method: str) -> Kernel:
    if outputs == "full":
        other = len(x) if y is None else len(y)
        kernel = kernel.reshape(len(x), kernel.shape[0] // len(x), other, -1)
    return Kernel(values=kernel, shares=shares if y is None else {}, method=method)


def _scheme(model: nn.Module, values: Params, x: Tensor, method: str) -> tuple[Plan, str]:
    """Which parameters are tapped and which need a Jacobian."""
    if method == "jacobian":
        empty = Plan(names={}, batched={}, covered=(), rest=tuple(values))
        return empty, "jacobian"
    if method not in ("auto", "structured"):
        raise UsageError(f"no method {method!r} for a kernel", hint="auto, structured, jacobian or vector-products")
    scheme = plan(model, values, x)
    return scheme, "structured" if scheme.covered else "jacobian"


def _block_size(values: Params, scheme: Plan, width: int, x: Tensor, y: Tensor | None, memory: int) -> tuple[int, int]:
    """How many samples of each side fit at once, and the bytes that one a side needs.

    The second side is made while the first is held, in two fifths of the memory: the rest is to multiply in, and for
    what the allocator cannot use again. A single block, whose sides are one, leaves less of that and may take half.
    """
    taps = scheme.sample
    jacobian = width * sum(_bytes(values[name]) for name in scheme.rest)
    held = taps.read + width * taps.written + jacobian
    # Derivatives of every output are stacked, and so are reverse-mode Jacobians: there is a second copy for a while.
    made = taps.kept + 2 * (width * taps.written + jacobian)
    if y is None and 2 * made * len(x) <= memory:
        return len(x), 2 * made  # one block, whose sides are the same
    one = 5 * (held + made) // 2
    return min(memory // max(one, 1), max(len(x), 0 if y is None else len(y))), one


def _bytes(value: Tensor) -> int:
    return value.numel() * value.element_size()


def _vector_product_bytes(model: nn.Module, values: Params, x: Tensor) -> tuple[int, int]:
    """Work space of vector products: what stays, and what each sample takes that passes.

    A gradient, a tangent and their copy stay, and the sample whose columns are computed; a sample takes the
    activations that automatic differentiation keeps, and as much again for their tangents and for what is passing.
    """
    leaves = {name: value.detach().requires_grad_() for name, value in values.items()}
    with torch.enable_grad(), kept_for_backward(leaves) as kept:
        outputs = call(model, leaves, x[:1].clone())  # a view would count the whole batch
    sample = 3 * (sum(kept.values()) + _bytes(outputs))
    return 3 * sum(map(_bytes, values.values())) + sample, sample


Side = tuple[dict[str, list[Tap]], dict[str, Tensor]]


def _by_blocks(
    model: nn.Module,
    values: Params,
    x: Tensor,
    y: Tensor | None,
    scheme: Plan,
    size: int,
    reduce: bool,
    full: bool,
    memory: int,
) -> tuple[Tensor, dict[str, float]]:
    """Fills the kernel block by block; with one set of inputs, only the blocks on and above the diagonal."""
    other = x if y is None else y
    shares = dict.fromkeys(values, 0.0)
    rows: list[list[Tensor]] = []
    for i, part in enumerate(blocks(len(x), size)):
        left = _side(model, values, x[part], scheme, reduce)
        row: list[Tensor] = [rows[j][i].T for j in range(i)] if y is None else []
        for j, other_part in enumerate(blocks(len(other), size)):
            if y is None and j < i:
                continue
            same = y is None and j == i
            right = left if same else _side(model, values, other[other_part], scheme, reduce)
            row.append(_block(left, right, full, memory // 4, shares if same else None))
            del right  # before the next one is made
        del left
        rows.append(row)
    return torch.cat([torch.cat(row, 1) for row in rows]), shares


def _side(model: nn.Module, values: Params, x: Tensor, scheme: Plan, reduce: bool) -> Side:
    taps: dict[str, list[Tap]] = {}
    if scheme.covered:
        taps = tapped_outputs(model, values, x, scheme, reduce)[1]
    return taps, per_sample_jacobian(model, values, x, scheme.rest, reduce)


def _block(left: Side, right: Side, full: bool, memory: int, shares: dict[str, float] | None) -> Tensor:
    total: Tensor | None = None
    fold, writes = fold_full if full else fold_trace, Writes(full)
    pieces: list[tuple[str, Callable[[], Tensor]]] = [
        (name, lambda name=name: gram(left[0][name], right[0][name], writes, full=full, memory=memory))
        for name in left[0]
    ]
    pieces += [(name, lambda name=name: fold(left[1][name]) @ fold(right[1][name]).T) for name in left[1]]
    for name, make in pieces:
        part = make()
        if shares is not None:
            shares[name] += part.diagonal().sum().item()
        total = part.clone() if total is None else total.add_(part)
    assert total is not None, "a model with no parameters has no kernel"
    return total


def per_sample_jacobian(
    model: nn.Module, values: Params, x: Tensor, names: tuple[str, ...], reduce: bool
) -> dict[str, Tensor]:
    """Jacobians of the outputs by the named parameters, `batch output *shape` each."""
    if not names:
        return {}
    fixed = {name: value for name, value in values.items() if name not in names}

    def single(chosen: dict[str, Tensor], sample: Tensor) -> Tensor:
        output = call(model, {**fixed, **chosen}, sample[None])[0]
        return output.sum(0, keepdim=True) if reduce else output

    chosen = {name: values[name] for name in names}
    found = vmap(jacrev(single), in_dims=(None, 0))(chosen, x)
    return {name: value.detach() for name, value in found.items()}


def _by_vector_products(
    model: nn.Module, values: Params, x: Tensor, y: Tensor | None, outputs: Outputs, memory: int
) -> Kernel:
    """One column at a time: a vector times the Jacobian, and the Jacobian times that."""
    stays, sample = _vector_product_bytes(model, values, x)
    if stays + sample > memory:
        raise TooLargeError(
            f"cannot compute the kernel by vector products in {memory:,} bytes: one sample a side needs "
            f"{stays + sample:,} bytes",
            hint=f"pass memory={stays + sample}",
        )
    other = x if y is None else y
    parts = list(blocks(len(x), int((memory - stays) // sample)))
    with torch.no_grad():
        first = call(model, values, x[:1])
    width = first.shape[1]
    shape = (len(x), width, len(other), width) if outputs == "full" else (len(x), len(other))
    kernel = first.new_zeros(shape)
    for m in range(len(other)):
        value, pull = vjp(function_of(model, other[m : m + 1]), values)[:2]
        for k in range(1 if outputs == "sum" else width):
            vector = torch.ones_like(value) if outputs == "sum" else torch.zeros_like(value)
            vector[0, k] = 1.0
            tangent = pull(vector)[0]
            for part in parts:
                column = jvp(function_of(model, x[part]), (values,), (tangent,))[1].detach()
                if outputs == "full":
                    kernel[part, :, m, k] = column
                else:
                    kernel[part, m] += column.sum(1) if outputs == "sum" else column[:, k]
    return Kernel(values=kernel, shares={}, method="vector-products")
