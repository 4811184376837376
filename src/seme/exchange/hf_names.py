"""Our weights under the names and in the layout of `transformers`, and back."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from seme.model.artifact import Spec
from seme.model.names import shapes

LARGE = 1 << 16
"""Weights with fewer numbers are copied whole."""

TOKEN_TYPES = "bert.embeddings.token_type_embeddings.weight"
"""BERT adds the embedding of a segment; there is one segment, and its row is zero."""


def to_hf(spec: Spec, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Every parameter of the model class in `hf_config`, contiguous, on the CPU."""
    laid = _lay_out(spec, weights)
    return {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in laid.items()}


def hf_shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """Name and shape of every parameter in the file."""
    ours, d, width = shapes(spec), spec.d_model, spec.heads * spec.d_head
    out = {theirs: ours[name] for name, theirs in _plain(spec)}
    out |= {theirs: ours[name][::-1] for name, theirs in _matrices(spec)}
    for layer in range(spec.layers):
        if spec.architecture == "gpt2":
            there = f"transformer.h.{layer}.attn"
            out |= {f"{there}.c_attn.weight": (d, 3 * width), f"{there}.c_attn.bias": (3 * width,)}
            out[f"{there}.c_proj.weight"] = (width, d)
            continue
        there = f"bert.encoder.layer.{layer}.attention"
        for name in ("query", "key", "value"):
            out |= {f"{there}.self.{name}.weight": (width, d), f"{there}.self.{name}.bias": (width,)}
        out[f"{there}.output.dense.weight"] = (d, width)
    if spec.architecture == "bert":
        out[TOKEN_TYPES] = (1, d)
    return out


def _lay_out(spec: Spec, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    out = {theirs: weights[ours] for ours, theirs in _plain(spec)}
    out |= {theirs: weights[ours].T for ours, theirs in _matrices(spec)}
    for layer in range(spec.layers):
        at = f"blocks.{layer}.attn"
        flat = {part: weights[f"{at}.W_{part}"].permute(1, 0, 2).flatten(1) for part in "QKV"}
        bias = {part: weights[f"{at}.b_{part}"].flatten() for part in "QKV"}
        if spec.architecture == "gpt2":
            out[f"transformer.h.{layer}.attn.c_attn.weight"] = torch.cat(list(flat.values()), dim=1)
            out[f"transformer.h.{layer}.attn.c_attn.bias"] = torch.cat(list(bias.values()))
            out[f"transformer.h.{layer}.attn.c_proj.weight"] = weights[f"{at}.W_O"].flatten(0, 1)
            continue
        there = f"bert.encoder.layer.{layer}.attention"
        for part, name in zip("QKV", ("query", "key", "value"), strict=True):
            out[f"{there}.self.{name}.weight"] = flat[part].T
            out[f"{there}.self.{name}.bias"] = bias[part]
        out[f"{there}.output.dense.weight"] = weights[f"{at}.W_O"].flatten(0, 1).T
    if spec.architecture == "bert":
        out[TOKEN_TYPES] = torch.zeros_like(weights["embed.W_E"][:1])
    return out


def from_hf(spec: Spec, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights back under our names, in the model's float type: one pass lays a weight out and widens it."""
    d, h, k = spec.d_model, spec.heads, spec.d_head
    out = {ours: tensors[theirs] for ours, theirs in _plain(spec)}
    out |= {ours: tensors[theirs].T for ours, theirs in _matrices(spec)}
    for layer in range(spec.layers):
        at = f"blocks.{layer}.attn"
        if spec.architecture == "gpt2":
            there = f"transformer.h.{layer}.attn"
            flat = tensors[f"{there}.c_attn.weight"].split(d, dim=1)
            bias = tensors[f"{there}.c_attn.bias"].split(d)
            out[f"{at}.W_O"] = tensors[f"{there}.c_proj.weight"].reshape(h, k, d)
        else:
            there = f"bert.encoder.layer.{layer}.attention"
            flat = [tensors[f"{there}.self.{name}.weight"].T for name in ("query", "key", "value")]
            bias = [tensors[f"{there}.self.{name}.bias"] for name in ("query", "key", "value")]
            out[f"{at}.W_O"] = tensors[f"{there}.output.dense.weight"].T.reshape(h, k, d)
        for part, matrix, vector in zip("QKV", flat, bias, strict=True):
            out[f"{at}.W_{part}"] = matrix.reshape(d, h, k).permute(1, 0, 2)
            out[f"{at}.b_{part}"] = vector.reshape(h, k)
    if spec.continues:
        out["unembed.b_U"] = tensors["lm_head.weight"].new_zeros(spec.d_logits)
    return {name: _laid(out[name], getattr(torch, spec.dtype)) for name in shapes(spec)}


def _laid(view: Tensor, dtype: torch.dtype) -> Tensor:
    """A weight in a float type that holds it, contiguous.

    Mostly zeros, as constructed weights are, it becomes untouched zero pages and what is not zero: a fourth of the time
    of copying, and memory for what is there.
    """
    wide = getattr(torch, f"int{8 * view.element_size()}")  # bits, so that -0 is kept
    order = sorted(range(view.ndim), key=view.stride, reverse=True)
    stored = view.permute(order)  # in the order of the file
    there = (stored.view(wide) != 0).numpy().reshape(-1)
    where = np.flatnonzero(there)
    if 8 * len(where) > len(there) or len(there) < LARGE:
        return view.to(dtype, memory_format=torch.contiguous_format).contiguous()
    # from malloc, zeros are written where freed memory is used again
    own = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}
    pages = mmap.mmap(-1, view.numel() * dtype.itemsize, **own)
    out = torch.frombuffer(pages, dtype=dtype).reshape(view.shape)
    at = tuple(torch.from_numpy(index) for index in np.unravel_index(where, tuple(stored.shape)))
    out.permute(order)[at] = stored[at].to(dtype)
    return out


def _plain(spec: Spec) -> Iterator[tuple[str, str]]:
    """Pairs of names of tensors that have the same layout in both."""
    bert = spec.architecture == "bert"
    stem = "bert.embeddings" if bert else "transformer"
    yield "embed.W_E", f"{stem}.word_embeddings.weight" if bert else f"{stem}.wte.weight"
    yield "pos_embed.W_pos", f"{stem}.position_embeddings.weight" if bert else f"{stem}.wpe.weight"
    norms = [("embed.ln", f"{stem}.LayerNorm")] if bert else [("ln_final", f"{stem}.ln_f")]
    for layer in range(spec.layers):
        at = f"blocks.{layer}"
        if bert:
            there = f"bert.encoder.layer.{layer}"
            norms += [(f"{at}.ln1", f"{there}.attention.output.LayerNorm"), (f"{at}.ln2", f"{there}.output.LayerNorm")]
            yield f"{at}.attn.b_O", f"{there}.attention.output.dense.bias"
            yield f"{at}.mlp.b_in", f"{there}.intermediate.dense.bias"
            yield f"{at}.mlp.b_out", f"{there}.output.dense.bias"
        else:
            there = f"transformer.h.{layer}"
            norms += [(f"{at}.ln1", f"{there}.ln_1"), (f"{at}.ln2", f"{there}.ln_2")]
            yield f"{at}.attn.b_O", f"{there}.attn.c_proj.bias"
            yield f"{at}.mlp.W_in", f"{there}.mlp.c_fc.weight"
            yield f"{at}.mlp.b_in", f"{there}.mlp.c_fc.bias"
            yield f"{at}.mlp.W_out", f"{there}.mlp.c_proj.weight"
            yield f"{at}.mlp.b_out", f"{there}.mlp.c_proj.bias"
    for ours, theirs in norms:
        yield f"{ours}.w", f"{theirs}.weight"
        yield f"{ours}.b", f"{theirs}.bias"
    if not spec.continues:  # a language model's head has no bias
        yield "unembed.b_U", "classifier.bias"


def _matrices(spec: Spec) -> Iterator[tuple[str, str]]:
    """Pairs of names of matrices that are stored transposed: torch's Linear is [out, in]."""
    yield "unembed.W_U", "lm_head.weight" if spec.continues else "classifier.weight"
    if spec.architecture == "bert":
        for layer in range(spec.layers):
            yield f"blocks.{layer}.mlp.W_in", f"bert.encoder.layer.{layer}.intermediate.dense.weight"
            yield f"blocks.{layer}.mlp.W_out", f"bert.encoder.layer.{layer}.output.dense.weight"
