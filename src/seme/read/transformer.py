"""A forward pass that shows everything: GPT-2, OPT, BERT, RoBERTa and DistilBERT shapes from weights alone.

Points of the pass carry the field's names (`hook_resid_post`, `hook_q` ...). The embedding is kept in its
three parts - token, position, rest - so that attention scores can be split exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from seme.core.errors import FolderError, InputError
from seme.read.checkpoints import Checkpoint, norms_folded

Watch = Callable[[str, Tensor], Tensor | None]
"""Called with a point's name and tensor; may give another tensor to go on with."""

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": functional.gelu,
    "gelu_new": lambda x: functional.gelu(x, approximate="tanh"),
    "gelu_pytorch_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "gelu_fast": lambda x: functional.gelu(x, approximate="tanh"),
    "quick_gelu": lambda x: x * torch.sigmoid(1.702 * x),
    "relu": functional.relu,
    "silu": functional.silu,
    "tanh": torch.tanh,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Transformer:
    """A transformer ready to run.

    Attributes:
        weights: Our names -> tensors; layer tensors are `{layer}.{name}`; every matrix is output x input. Where a
            configuration scales scores otherwise than by 1 / sqrt(d_head), its queries carry the difference.
        layers: Number of layers that can be run.
        heads: Heads per layer.
        eps: Of the layer norms.
        activation: Name of the activation.
        head_activation: The same of the masked head.
        causal: Whether a query sees earlier positions only.
        pre_norm: Whether norms stand before the sublayers.
        objective: "next" (next token), "masked" (masked token) or "outputs" (no language-model head).
        partial: Why only the first layer's attention can be run, or "".
    """

    weights: Mapping[str, Tensor]
    layers: int
    heads: int
    eps: float
    activation: str
    head_activation: str
    causal: bool
    pre_norm: bool
    objective: str
    partial: str

    def with_positions(self, table: np.ndarray) -> Transformer:
        """Gives the same model with another position table."""
        changed = torch.as_tensor(np.asarray(table), dtype=self.weights["tok"].dtype)
        return replace(self, weights={**self.weights, "pos": changed})


def transformer_of(opened: Checkpoint) -> Transformer | None:
    """Builds the runnable model of a checkpoint, or gives None if its family is not known or not of text.

    Raises:
        FolderError: If a tensor the family needs is missing or of another shape, or the configuration says what
            cannot be.
        InputError: If a tensor holds NaN or infinity.
    """
    family = opened.family
    if family is None or not family.layer or opened.added is None or opened.tokens is None:
        return None
    heads, width = _number(opened, "heads", int), opened.tokens.shape[1]
    if not heads or width != opened.added.shape[1]:
        return None
    if width % heads:
        raise FolderError(
            f"cannot run `{opened.path}`: {heads} heads do not divide its width of {width}",
            hint="config.json belongs to another model; fetch it again",
        )
    activation = str(_setting(opened, "activation") or family.default_activation)
    if activation not in ACTIVATIONS:
        raise FolderError(
            f"cannot run `{opened.path}`: its activation is {activation!r}, known are {', '.join(sorted(ACTIVATIONS))}",
            hint="name the file, --position-key and --token-key to read its tables alone",
        )
    if opened.config.get("add_cross_attention"):
        raise FolderError(
            f"cannot run `{opened.path}`: config.json says add_cross_attention: its layers also read another model",
            hint="name the file, --position-key and --token-key to read its tables alone",
        )
    weights = _top(opened)
    layers = _number(opened, "layers", int) or _count_layers(opened)
    for index in range(layers):
        scale = _score_scale(opened.config, index, width // heads)
        for name, tensor in _layer(opened, index).items():
            weights[f"{index}.{name}"] = scale * tensor if name in ("q_w", "q_b") else tensor
    _check_finite(opened, weights)
    double = any(tensor.dtype == torch.float64 for tensor in weights.values())
    dtype = torch.float64 if double else torch.float32
    weights["pos"] = torch.as_tensor(opened.added)
    objective = _objective(opened, weights)
    if objective == "outputs" and "TokenClassification" not in _architectures(opened):
        weights = {name: tensor for name, tensor in weights.items() if not name.startswith("head_")}
    return Transformer(
        weights={name: tensor.to(dtype) for name, tensor in weights.items()},
        layers=layers,
        heads=heads,
        eps=_number(opened, "eps", float) or family.default_eps,
        activation=activation,
        head_activation=family.head_activation or activation,
        causal=family.causal or bool(opened.config.get("is_decoder")),
        pre_norm=family.pre_norm and opened.config.get("do_layer_norm_before", True),
        objective=objective,
        partial=family.partial,
    )


def _score_scale(config: Mapping[str, Any], layer: int, d_head: int) -> float:
    """What a configuration scales a layer's scores by, over the usual 1 / sqrt(d_head)."""
    scale = 1.0 if config.get("scale_attn_weights", True) else d_head**0.5
    return scale / (layer + 1) if config.get("scale_attn_by_inverse_layer_idx") else scale


def _number(opened: Checkpoint, name: str, kind: type) -> Any:
    """A setting as a number, or None where the configuration has none; 0 heads or layers count as none."""
    value = _setting(opened, name)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool) and value >= 0):
        return None if value is None else kind(value)
    raise FolderError(
        f"cannot run `{opened.path}`: config.json says {value!r} for {name}, expected a number",
        hint="the file is damaged; fetch it again",
    )


def _check_finite(opened: Checkpoint, weights: Mapping[str, Tensor]) -> None:
    broken = sorted(name for name, tensor in weights.items() if not bool(torch.isfinite(tensor).all()))
    if broken:
        raise InputError(
            f"cannot run `{opened.path}`: {len(broken)} of its tensors hold NaN or infinity, the first is "
            f"`{broken[0]}`",
            hint="the checkpoint is damaged or its training diverged",
        )


def _setting(opened: Checkpoint, name: str) -> Any:
    assert opened.family is not None
    keys = opened.family.settings.get(name, ())
    return next((opened.config[key] for key in keys if opened.config.get(key) is not None), None)


def _count_layers(opened: Checkpoint) -> int:
    assert opened.family is not None
    index = 0
    while opened.prefix + opened.family.layer["o_w"].format(i=index) in opened.weights:
        index += 1
    return index


def _top(opened: Checkpoint) -> dict[str, Tensor]:
    """Token table and everything outside the layers."""
    assert opened.family is not None
    assert opened.tokens is not None
    family = opened.family
    rows = opened.tokens
    found = {"tok": torch.from_numpy(np.ascontiguousarray(rows.read(0, rows.shape[0])))}
    for ours, theirs in family.top.items():
        if opened.prefix + theirs in opened.weights:
            found[ours] = opened.weights[opened.prefix + theirs].tensor()
    for ours, theirs in family.heads_of_language:
        if theirs in opened.weights:
            found[ours] = opened.weights[theirs].tensor()
    if "project_out" in found and "head_w" not in found:  # tied: outputs meet the tokens in their own width
        found["head_w"] = opened.weights[opened.prefix + family.token].tensor()
    if norms_folded(opened) and "final_norm_w" in family.top and "final_norm_w" not in found:
        width = found["tok"].shape[1]
        found |= {"final_norm_w": torch.ones(width), "final_norm_b": torch.zeros(width)}
    return found


def _layer(opened: Checkpoint, index: int) -> dict[str, Tensor]:
    """One layer's tensors under our names, matrices output x input."""
    assert opened.family is not None
    family, found = opened.family, {}
    for ours, theirs in family.layer.items():
        name = opened.prefix + theirs.format(i=index)
        if name in opened.weights:
            tensor = opened.weights[name].tensor()
            flip = family.transposed and tensor.dim() == 2
            found[ours] = tensor.T.contiguous() if flip else tensor
    name = opened.prefix + family.fused.format(i=index)
    if family.fused and f"{name}.weight" in opened.weights and f"{name}.bias" in opened.weights:
        matrix = opened.weights[f"{name}.weight"].tensor()
        matrix = matrix.T if family.transposed else matrix
        bias = opened.weights[f"{name}.bias"].tensor()
        for ours, part, shift in zip("qkv", matrix.chunk(3), bias.chunk(3), strict=True):
            found[f"{ours}_w"], found[f"{ours}_b"] = part.contiguous(), shift
    if norms_folded(opened):
        width = found["o_w"].shape[0]
        for ours in ("norm1", "norm2"):
            found |= {f"{ours}_w": torch.ones(width), f"{ours}_b": torch.zeros(width)}
    needed = ("q_w", "k_w", "v_w", "o_w", "up_w", "down_w", "norm1_w", "norm2_w")
    missing = [ours for ours in needed if ours not in found]
    if missing:
        raise FolderError(
            f"cannot run `{opened.path}`: layer {index} of this {family.name} lacks {', '.join(missing)}",
            hint="fetch it again, or name the file, --position-key and --token-key to read its tables alone",
        )
    _check_shapes(opened, index, found)
    return found


def _check_shapes(opened: Checkpoint, index: int, found: Mapping[str, Tensor]) -> None:
    """Whether a layer's tensors fit each other and the stream."""
    assert opened.added is not None
    width, hidden = opened.added.shape[1], found["up_w"].shape[0]
    expected: dict[str, tuple[int, ...]] = {f"{name}_w": (width, width) for name in "qkvo"}
    expected |= {f"{name}_b": (width,) for name in (*"qkvo", "down", "norm1", "norm2")}
    expected |= {"up_w": (hidden, width), "up_b": (hidden,), "down_w": (width, hidden)}
    expected |= {"norm1_w": (width,), "norm2_w": (width,)}
    for name, shape in expected.items():
        if name in found and tuple(found[name].shape) != shape:
            raise FolderError(
                f"cannot run `{opened.path}`: {name} of layer {index} has shape {tuple(found[name].shape)}, "
                f"expected {shape}",
                hint="the checkpoint is of another model than its configuration; fetch it again",
            )


def _architectures(opened: Checkpoint) -> str:
    return " ".join(opened.config.get("architectures") or ())


def _objective(opened: Checkpoint, weights: Mapping[str, Tensor]) -> str:
    """What the outputs are for, by the head that is there and by the named architecture."""
    architectures = _architectures(opened)
    if "Classification" in architectures:
        return "outputs"
    if opened.family is not None and opened.family.causal:
        return "next"
    if "transform_w" not in weights:
        return "outputs"
    if "MaskedLM" in architectures or "PreTraining" in architectures:
        return "masked"
    decodes = opened.config.get("is_decoder") and ("LMHead" in architectures or "CausalLM" in architectures)
    return "next" if decodes else "outputs"


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor | None, eps: float) -> Tensor:
    """Layer norm over the last axis."""
    return functional.layer_norm(x, x.shape[-1:], weight, bias, eps)


def norm_parts(parts: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """Carries parts through a layer norm with each token's own norm scale held at its value.

    Args:
        parts: Content, position and rest along the first axis; they sum to the norm's input.
        weight: The norm's gain.
        bias: The norm's bias; it joins the rest.
        eps: Of the norm.

    Returns:
        Parts that sum to the norm's output exactly (up to rounding).
    """
    total = parts.sum(dim=0)
    scale = torch.rsqrt(total.var(dim=-1, unbiased=False, keepdim=True) + eps)
    carried = (parts - parts.mean(dim=-1, keepdim=True)) * scale * weight
    return torch.cat([carried[:2], carried[2:] + bias])


def embedding_parts(model: Transformer, tokens: Tensor) -> Tensor:
    """Gives what enters the first layer as three parts that sum to it: content, position, rest.

    Args:
        model: The model.
        tokens: Token ids, batch x pos.

    Returns:
        Shape 3 x batch x pos x d_model, before the first layer's own norm where norms stand first.
    """
    weights = model.weights
    content = weights["tok"][tokens]
    position = weights["pos"][: tokens.shape[1]].expand_as(content)
    rest = torch.zeros_like(content) + weights["type"][0] if "type" in weights else torch.zeros_like(content)
    parts = torch.stack([content, position, rest])
    if "embed_norm_w" in weights:
        parts = norm_parts(parts, weights["embed_norm_w"], weights["embed_norm_b"], model.eps)
    return parts


def first_attention_parts(model: Transformer, tokens: Tensor) -> Tensor:
    """Gives the three parts of what the first layer's queries and keys are made from."""
    parts = embedding_parts(model, tokens)
    if model.pre_norm:
        parts = norm_parts(parts, model.weights["0.norm1_w"], model.weights["0.norm1_b"], model.eps)
    return parts


@torch.no_grad()
def run(model: Transformer, tokens: Tensor, watch: Watch = lambda name, tensor: None) -> Tensor:
    """Runs the model.

    Args:
        model: The model.
        tokens: Token ids, batch x pos; no padding.
        watch: Sees every point of the pass and may replace it.

    Returns:
        Logits where there is an output head, else the last residual stream; batch x pos x features.
    """

    def point(name: str, tensor: Tensor) -> Tensor:
        changed = watch(name, tensor)
        return tensor if changed is None else changed

    x = point("hook_embed", embedding_parts(model, tokens).sum(dim=0))
    for index in range(1 if model.partial else model.layers):
        x = _block(model, index, x, point)
        if model.partial:
            return x
    if "final_norm_w" in model.weights:
        x = layer_norm(x, model.weights["final_norm_w"], model.weights["final_norm_b"], model.eps)
    return _unembed(model, point("hook_final", x))


def _block(model: Transformer, index: int, x: Tensor, point: Callable[[str, Tensor], Tensor]) -> Tensor:
    weights, at = model.weights, f"blocks.{index}"
    norms = [(weights[f"{index}.norm{which}_w"], weights[f"{index}.norm{which}_b"], model.eps) for which in (1, 2)]
    x = point(f"{at}.hook_resid_pre", x)
    inside = point(f"{at}.attn.hook_in", layer_norm(x, *norms[0]) if model.pre_norm else x)
    x = x + _attention(model, index, inside, point)
    if not model.pre_norm:
        x = layer_norm(x, *norms[0])
    x = point(f"{at}.hook_resid_mid", x)
    if model.partial:
        return x
    inside = layer_norm(x, *norms[1]) if model.pre_norm else x
    hidden = functional.linear(inside, weights[f"{index}.up_w"], weights.get(f"{index}.up_b"))
    hidden = point(f"{at}.mlp.hook_post", ACTIVATIONS[model.activation](hidden))
    x = x + functional.linear(hidden, weights[f"{index}.down_w"], weights.get(f"{index}.down_b"))
    if not model.pre_norm:
        x = layer_norm(x, *norms[1])
    return point(f"{at}.hook_resid_post", x)


def _attention(model: Transformer, index: int, inside: Tensor, point: Callable[[str, Tensor], Tensor]) -> Tensor:
    """Softmax attention; queries, keys, values: batch x pos x head x d_head; scores: batch x head x q x k."""
    weights, (batch, length, _) = model.weights, inside.shape
    parts = []
    for name in "qkv":
        full = functional.linear(inside, weights[f"{index}.{name}_w"], weights.get(f"{index}.{name}_b"))
        parts.append(point(f"blocks.{index}.attn.hook_{name}", full.view(batch, length, model.heads, -1)))
    query, key, value = parts
    scores = torch.einsum("bqhd,bkhd->bhqk", query, key) / query.shape[-1] ** 0.5
    scores = point(f"blocks.{index}.attn.hook_attn_scores", scores)
    if model.causal:
        ahead = torch.triu(torch.ones(length, length, dtype=torch.bool), diagonal=1)
        scores = scores.masked_fill(ahead, float("-inf"))
    pattern = point(f"blocks.{index}.attn.hook_pattern", scores.softmax(dim=-1))
    mixed = torch.einsum("bhqk,bkhd->bqhd", pattern, value).reshape(batch, length, -1)
    return functional.linear(mixed, weights[f"{index}.o_w"], weights.get(f"{index}.o_b"))


def _unembed(model: Transformer, x: Tensor) -> Tensor:
    """The output head that reads every position; without one, the stream itself."""
    weights = model.weights
    if model.objective == "outputs":
        return functional.linear(x, weights["head_w"], weights.get("head_b")) if "head_w" in weights else x
    if "transform_w" in weights:
        x = functional.linear(x, weights["transform_w"], weights["transform_b"])
        x = ACTIVATIONS[model.head_activation](x)
        x = layer_norm(x, weights["transform_norm_w"], weights["transform_norm_b"], model.eps)
    if "project_out" in weights:
        x = functional.linear(x, weights["project_out"])
    return functional.linear(x, weights.get("head_w", weights["tok"]), weights.get("head_b"))
