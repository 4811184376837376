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

from seme.core.errors import TooLargeError, UsageError
from seme.learn._functional import Params, call, check_suitable, function_of, parameters
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
    reduce = outputs == "sum"
    full = outputs == "full"
    if method == "vector-products":
        return _finish(x, y, _by_vector_products(model, values, x, y, outputs), {}, outputs, method)
    with torch.no_grad():
        width = 1 if reduce else call(model, values, x[:1]).shape[1]
    scheme, chosen = _scheme(model, values, x, method)
    try:
        size = _block_size(values, scheme, width, x, y, memory)
    except TooLargeError:
        if method != "auto":
            raise
        needed = _vector_product_bytes(values, scheme)
        if needed > memory:
            raise
        return _finish(x, y, _by_vector_products(model, values, x, y, outputs), {}, outputs, "vector-products")
    kernel, shares = _by_blocks(model, values, x, y, scheme, size, reduce, full, memory)
    return _finish(x, y, kernel, shares, outputs, chosen)


def _finish(x: Tensor, y: Tensor | None, kernel: Tensor, shares: dict[str, float], outputs: str, method: str) -> Kernel:
    if outputs == "full":
        other = len(x) if y is None else len(y)
        kernel = kernel.reshape(len(x), kernel.shape[0] // len(x), other, -1)
    return Kernel(values=kernel, shares=shares if y is None else {}, method=method)


def _scheme(model: nn.Module, values: Params, x: Tensor, method: str) -> tuple[Plan, str]:
    """Which parameters are tapped and which need a Jacobian."""
    if method == "jacobian":
        empty = Plan(names={}, batched={}, covered=(), rest=tuple(values), sample_bytes=(0, 0))
        return empty, "jacobian"
    if method not in ("auto", "structured"):
        raise UsageError(f"no method {method!r} for a kernel", hint="auto, structured, jacobian or vector-products")
    scheme = plan(model, values, x)
    return scheme, "structured" if scheme.covered else "jacobian"


def _block_size(values: Params, scheme: Plan, width: int, x: Tensor, y: Tensor | None, memory: int) -> int:
    """How many samples of each side fit at once."""
    item = next(iter(values.values())).element_size() if values else 4
    by_output, without = scheme.sample_bytes
    # Reverse-mode Jacobians hold the result and the batched backward's own copy.
    jacobian = 2 * item * sum(values[name].numel() for name in scheme.rest)
    one = without + (by_output + jacobian) * width
    size = int(0.5 * memory // max(2 * one, 1))  # both sides; half the memory stays for work space
    if size < 1:
        needed = 4 * one
        raise TooLargeError(
            f"cannot compute the kernel of {width} outputs in {memory:,} bytes: one sample a side needs "
            f"{needed:,} bytes",
            hint=f'pass memory={needed}, outputs="sum", or method="vector-products" '
            f"({_vector_product_bytes(values, scheme):,} bytes)",
        )
    return min(size, max(len(x), 0 if y is None else len(y)))


def _vector_product_bytes(values: Params, scheme: Plan) -> int:
    """A gradient, a tangent and their copy, and the activations of one sample with their tangents."""
    item = next(iter(values.values())).element_size() if values else 4
    return 3 * item * sum(value.numel() for value in values.values()) + 3 * scheme.sample_bytes[1]


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


def _by_vector_products(model: nn.Module, values: Params, x: Tensor, y: Tensor | None, outputs: str) -> Tensor:
    """One column at a time: a vector times the Jacobian, and the Jacobian times that."""
    other = x if y is None else y
    function = function_of(model, x)
    columns = []
    for m in range(len(other)):
        value, pull = vjp(function_of(model, other[m : m + 1]), values)[:2]
        width = value.shape[1]
        vectors = torch.eye(width).to(value) if outputs != "sum" else torch.ones(1, width).to(value)
        pushed = [jvp(function, (values,), (pull(v[None])[0],))[1] for v in vectors]
        if outputs == "full":
            columns.append(torch.stack(pushed, -1).reshape(-1, width))
        elif outputs == "sum":
            columns.append(pushed[0].sum(1, keepdim=True))
        else:
            columns.append(sum(p[:, o] for o, p in enumerate(pushed))[:, None])  # type: ignore[index]
    return torch.cat(columns, 1).detach()
