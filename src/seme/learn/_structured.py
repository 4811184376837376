"""The structured way to a kernel: taps for the layers whose gradients are known, Jacobians for the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seme.learn._functional import Params, call, kept_for_backward
from seme.learn._grams import gradient_rows
from seme.learn._taps import Tap, differentiate, run_tapped


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleBytes:
    """What the taps of one sample take; a tensor that several of them share counts once.

    Attributes:
        written: Derivatives by what the layers write, for each output.
        read: What the layers read.
        kept: The same and what automatic differentiation keeps beside it until the derivatives are there.
    """

    written: int = 0
    read: int = 0
    kept: int = 0

    @staticmethod
    def of(taps: list[Tap], kept: dict[int, int], samples: int) -> SampleBytes:
        """From the taps of a few samples and one output, and what was kept, by address."""
        written = {id(tap.probe): tap.written.nbytes for tap in taps}
        read = {tap.read.untyped_storage().data_ptr(): tap.read.nbytes for tap in taps if tap.read is not None}
        sizes = (sum(every.values()) // samples for every in (written, read, kept | read))
        return SampleBytes(**dict(zip(("written", "read", "kept"), sizes, strict=True)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the structured way will do for a model.

    Attributes:
        names: The parameter that each module attribute is (`block.linear.weight` -> its name; ties share
            one).
        batched: For each tapped module, whether its output has a batch axis.
        covered: Parameters whose gradient the taps give.
        rest: Parameters that need a Jacobian.
        sample: What the taps of one sample take.
    """

    names: Mapping[str, str]
    batched: Mapping[str, bool]
    covered: tuple[str, ...]
    rest: tuple[str, ...]
    sample: SampleBytes = SampleBytes()


def plan(model: nn.Module, params: Params, x: Tensor) -> Plan:
    """Finds which parameters the taps account for, by comparing with automatic differentiation on one sample.

    A tap can miss a use of its parameter (a tied weight used as a plain matrix) or be wrong about it (an
    input changed in place afterwards); both show as a gradient that differs, and that parameter joins the
    rest.
    """
    by_identity = {id(value): name for name, value in model.named_parameters()}
    aliases = {path: by_identity[id(value)] for path, value in model.named_parameters(remove_duplicate=False)}
    wanted = {aliases[name] for name in params}
    names = {path: name for path, name in aliases.items() if name in wanted}
    values = {aliases[name]: value for name, value in params.items()}
    pair = torch.cat([x[:1], x[1:2] if len(x) > 1 else x[:1]])
    batched = _batched(model, values, pair)
    with kept_for_backward(values) as kept:
        outputs, taps = run_tapped(model, values, pair, names, batched)
    weights = torch.linspace(1.0, 2.0, outputs.shape[1], dtype=outputs.dtype, device=outputs.device)
    single = (outputs @ weights * torch.tensor([1.0, 0.0]).to(outputs))[:, None]
    if not taps or not outputs.requires_grad:
        return Plan(names=names, batched=batched, covered=(), rest=tuple(values))
    differentiate(single, taps)
    truth = _gradients(model, values, pair, weights)
    covered = tuple(name for name, used in by_name(taps).items() if name in truth and _agrees(used, truth[name]))
    return Plan(
        names=names,
        batched=batched,
        covered=covered,
        rest=tuple(name for name in values if name not in covered),
        sample=SampleBytes.of(taps, kept, len(pair)),
    )


def _batched(model: nn.Module, values: Params, pair: Tensor) -> dict[str, bool]:
    """Whether each module's output grows with the batch, from one run with one sample and one with two."""
    shapes: list[dict[str, int]] = []
    paths = {module: path for path, module in model.named_modules()}
    for x in (pair[:1], pair):
        seen: dict[str, int] = {}

        def note(module: nn.Module, arguments: tuple, output: object, seen: dict[str, int] = seen) -> None:
            if isinstance(output, Tensor) and output.ndim:
                seen[paths[module]] = output.shape[0]

        handles = [module.register_forward_hook(note) for module in paths]
        try:
            with torch.no_grad():
                call(model, values, x)
        finally:
            for handle in handles:
                handle.remove()
        shapes.append(seen)
    return {path: shapes[1].get(path) != size for path, size in shapes[0].items()}


def by_name(taps: list[Tap]) -> dict[str, list[Tap]]:
    """Taps grouped by the parameter they are a use of."""
    groups: dict[str, list[Tap]] = {}
    for tap in taps:
        groups.setdefault(tap.name, []).append(tap)
    return groups


def _gradients(model: nn.Module, values: Params, pair: Tensor, weights: Tensor) -> dict[str, Tensor]:
    leaves = {name: value.clone().requires_grad_() for name, value in values.items()}
    with torch.enable_grad():
        target = call(model, leaves, pair)[0] @ weights
    found = torch.autograd.grad(target, list(leaves.values()), allow_unused=True)
    return {name: g for name, g in zip(leaves, found, strict=True) if g is not None}


def _agrees(taps: list[Tap], truth: Tensor) -> bool:
    rows, columns = taps[0].shape
    if any(tap.shape != (rows, columns) for tap in taps) or rows * columns != truth.numel():
        return False
    gradient = gradient_rows(taps, 0, rows)[0, 0]
    slack = torch.finfo(truth.dtype).eps ** 0.5 * max(truth.norm().item(), 1e-30)
    layouts = [truth.reshape(rows, columns)]
    if truth.ndim == 2 and tuple(truth.shape) == (columns, rows):
        layouts.append(truth.T)  # Hugging Face's transposed linear layer stores `in out`
    return any(bool((gradient - layout).norm() <= slack) for layout in layouts)


def tapped_outputs(
    model: nn.Module, params: Params, x: Tensor, plan: Plan, reduce: bool
) -> tuple[Tensor, dict[str, list[Tap]]]:
    """Runs a batch with taps, derivatives filled, and groups them by covered parameter.

    Args:
        model: The model.
        params: Its parameters.
        x: `batch ...`.
        plan: From `plan`.
        reduce: Sum the outputs first.

    Returns:
        Outputs `batch output`, and taps by parameter.
    """
    outputs, taps = run_tapped(model, params, x, plan.names, plan.batched)
    if reduce:
        outputs = outputs.sum(1, keepdim=True)
    kept = [tap for tap in taps if tap.name in plan.covered]
    if kept:
        differentiate(outputs, kept)
    return outputs.detach(), by_name(kept)


def blocks(count: int, size: int) -> Iterator[slice]:
    """Slices of at most `size` that cover `count`."""
    for start in range(0, count, size):
        yield slice(start, min(count, start + size))
