"""Inner products of per-sample gradients, one parameter at a time, from taps or from Jacobians."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from seme.learn._taps import Tap

# Rows of a kernel: with FULL one per sample and output, with TRACE one per sample, outputs summed over.
Fold = Callable[[Tensor], Tensor]


def fold_full(gradient: Tensor) -> Tensor:
    """`batch output ...` -> `(batch output) feature`: every output a row of its own."""
    return gradient.reshape(gradient.shape[0] * gradient.shape[1], -1)


def fold_trace(gradient: Tensor) -> Tensor:
    """`batch output ...` -> `batch (output feature)`: products sum over outputs."""
    return gradient.reshape(gradient.shape[0], -1)


class Writes:
    """Products of derivatives at a layer's only position: its weight and its bias need the same ones."""

    def __init__(self, full: bool):
        self.fold = fold_full if full else fold_trace
        self.probe: Tensor | None = None
        self.products = torch.empty(0)

    def of(self, tap: Tap, one: Tensor, other: Tensor) -> Tensor:
        """`rows columns`; computed once for taps on one output."""
        if self.probe is not tap.probe:
            self.probe, self.products = tap.probe, self.fold(one) @ self.fold(other).T
        return self.products


def gram(taps: list[Tap], others: list[Tap], writes: Writes, *, full: bool, memory: int) -> Tensor:
    """Inner products of one parameter's gradients between two batches.

    Args:
        taps: All uses of the parameter on the first batch, derivatives filled.
        others: The same on the second batch (or the very same list).
        writes: Products shared by the parameters of one layer.
        full: One row per sample and output; otherwise one per sample, summed over outputs.
        memory: Bytes that work space may take.

    Returns:
        `rows columns`; not to be written to.
    """
    only = taps[0].written.shape[2] == others[0].written.shape[2] == 1
    if len(taps) == 1 and only and taps[0].kind == "vector" and taps[0].read is None:
        return writes.of(taps[0], taps[0].written, others[0].written)
    if len(taps) == 1 and taps[0].kind == "rows":
        return _gram_of_rows(taps[0], others[0], full=full, memory=memory)
    if len(taps) == 1 and taps[0].kind == "matrix":
        live, other_live = _only_live_positions(taps[0]), _only_live_positions(others[0])
        if _pairs_are_cheaper(live, other_live, full=full, memory=memory):
            return _gram_of_pairs(live, other_live, taps[0] if only else None, writes, full=full)
    return _gram_of_gradients(taps, others, full=full, memory=memory)


def _only_live_positions(tap: Tap) -> tuple[Tensor, Tensor]:
    """What was read and the derivatives, where any derivative is not zero, packed to the left."""
    read, written = tap.read, tap.written
    assert read is not None
    if written.shape[2] == 1:
        return read, written
    live = (written != 0).any(-1).any(1)
    most = max(int(live.sum(1).max()), 1)
    if most == written.shape[2]:
        return read, written
    order = torch.argsort(live.to(torch.int8), dim=1, descending=True, stable=True)[:, :most]
    picked = torch.take_along_dim(read, order[:, :, None], 1)
    return picked, torch.take_along_dim(written, order[:, None, :, None], 2)


Live = tuple[Tensor, Tensor]


def _pairs_are_cheaper(one: Live, other: Live, *, full: bool, memory: int) -> bool:
    """Whether (a.a')(g.g') over pairs of positions costs less than forming and multiplying gradients."""
    (read, written), (other_read, other_written) = one, other
    columns, rows = read.shape[-1], written.shape[-1]
    positions = read.shape[0] * read.shape[1]
    others = other_read.shape[0] * other_read.shape[1]
    outputs, other_outputs = written.shape[1], other_written.shape[1]
    pairs = positions * others * (columns + outputs * (other_outputs if full else 1) * rows)
    samples = read.shape[0] * other_read.shape[0] * outputs * (other_outputs if full else 1)
    forming = (positions * outputs + others * other_outputs) * rows * columns
    space = read.element_size() * positions * others * (1 + outputs * (other_outputs if full else 1))
    one_position = read.shape[1] == other_read.shape[1] == 1
    return one_position or (pairs < samples * rows * columns + forming and space <= memory)


def _gram_of_pairs(one: Live, other: Live, shared: Tap | None, writes: Writes, *, full: bool) -> Tensor:
    (read, written), (other_read, other_written) = one, other
    if read.shape[1] == other_read.shape[1] == 1:
        reads = read[:, 0] @ other_read[:, 0].T
        if shared is None:
            products = writes.fold(written) @ writes.fold(other_written).T
        else:
            products = writes.of(shared, written, other_written)
        if not full:
            return reads * products
        shape = (written.shape[0], written.shape[1], other_written.shape[0], other_written.shape[1])
        return (products.reshape(shape) * reads[:, None, :, None]).reshape(products.shape)
    reads = torch.einsum("nti,msi->ntms", read, other_read)
    if full:
        products = torch.einsum("notj,mpsj->notmps", written, other_written)
        return torch.einsum("notmps,ntms->nomp", products, reads).reshape(written.shape[0] * written.shape[1], -1)
    products = torch.einsum("notj,mosj->ntms", written, other_written)
    return torch.einsum("ntms,ntms->nm", products, reads)


def _gram_of_rows(tap: Tap, other: Tap, *, full: bool, memory: int) -> Tensor:
    """An embedding's: only tokens that occur matter; columns come in slices that fit the memory."""
    assert tap.read is not None
    assert other.read is not None
    tokens, place = torch.unique(torch.cat([tap.read.flatten(), other.read.flatten()]), return_inverse=True)
    places = place[: tap.read.numel()].reshape(tap.read.shape)
    other_places = place[tap.read.numel() :].reshape(other.read.shape)
    fold = fold_full if full else fold_trace
    rows = tap.written.shape[0] * tap.written.shape[1] + other.written.shape[0] * other.written.shape[1]
    width = tap.shape[1]
    step = max(1, min(width, memory // max(1, rows * len(tokens) * tap.written.element_size())))
    total: Tensor | None = None
    for start in range(0, width, step):
        piece = fold(_scatter(places, tap.written[..., start : start + step], len(tokens)))
        same = tap is other
        other_piece = (
            piece if same else fold(_scatter(other_places, other.written[..., start : start + step], len(tokens)))
        )
        part = piece @ other_piece.T
        total = part if total is None else total + part
    assert total is not None
    return total


def _scatter(places: Tensor, written: Tensor, count: int) -> Tensor:
    """Adds each position's derivative to its token's row: `batch output token column`."""
    samples, outputs, positions, width = written.shape
    gradient = written.new_zeros(samples, outputs, count, width)
    index = places[:, None, :, None].expand(samples, outputs, positions, width)
    return gradient.scatter_add_(2, index, written)


def _gram_of_gradients(taps: list[Tap], others: list[Tap], *, full: bool, memory: int) -> Tensor:
    """Per-sample gradients a few rows at a time: formed, multiplied, freed."""
    fold = fold_full if full else fold_trace
    rows, columns = taps[0].shape
    first, second = taps[0].written, others[0].written
    one_row = (first.shape[0] * first.shape[1] + second.shape[0] * second.shape[1]) * columns
    step = max(1, min(rows, memory // max(1, one_row * first.element_size())))
    total: Tensor | None = None
    for start in range(0, rows, step):
        stop = min(rows, start + step)
        piece = fold(gradient_rows(taps, start, stop))
        other_piece = piece if taps is others else fold(gradient_rows(others, start, stop))
        part = piece @ other_piece.T
        total = part if total is None else total.add_(part)
    assert total is not None
    return total


def gradient_rows(taps: list[Tap], start: int, stop: int) -> Tensor:
    """Some rows of a parameter's per-sample gradient, summed over its uses: `batch output row col`."""
    pieces = [_gradient_rows(tap, start, stop) for tap in taps]
    return torch.stack(pieces).sum(0) if len(pieces) > 1 else pieces[0]


def _gradient_rows(tap: Tap, start: int, stop: int) -> Tensor:
    if tap.kind == "vector":
        weighted = tap.written if tap.read is None else tap.written * tap.read[:, None]
        return weighted.sum(2, keepdim=True)
    assert tap.read is not None
    if tap.kind == "matrix":
        return torch.einsum("notr,ntc->norc", tap.written[..., start:stop], tap.read)
    inside = (tap.read >= start) & (tap.read < stop)
    places = torch.where(inside, tap.read - start, 0)
    return _scatter(places, tap.written * inside[:, None, :, None], stop - start)
