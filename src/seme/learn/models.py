"""The networks that are measured: multi-layer perceptrons and transformers, in three parametrizations.

Every weight sits in a plain `nn.Linear` or `nn.Embedding`; a parametrization is a fixed factor before and
after it, so kernels, optimisers and exporters need to know nothing about it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from seme.core.errors import UsageError

PARAMETRIZATIONS = ("standard", "ntk", "mean-field")
ACTIVATIONS = ("relu", "gelu", "erf", "exp", "kmax:K", "kmax-shifted:K", "identity", "square")
# Where the exponential turns into its tangent: beyond 4 deviations of a standard normal (1 in 30,000).
EXP_TANGENT = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """A hidden layer's activation.

    `exp` is exp(z - 1), whose mean square under a standard normal is 1, continued by its tangent above z =
    4 so that one unit cannot overflow. `kmax:K` keeps the K largest of a layer and zeroes the rest;
    `kmax-shifted:K` first subtracts the (K+1)-th largest, which makes it continuous. Both are scaled by
    sqrt(width / K).

    Attributes:
        name: One of `ACTIVATIONS`, with the number for K.
    """

    name: str

    def __post_init__(self) -> None:
        kind, _, count = self.name.partition(":")
        known = {option.partition(":")[0]: ":" in option for option in ACTIVATIONS}
        if kind not in known or known[kind] != count.isdigit() or (count and int(count) < 1):
            raise UsageError(
                f"no activation {self.name!r}",
                hint=f"use one of {', '.join(ACTIVATIONS)}, K a positive number",
            )

    @property
    def gain(self) -> float:
        """Weight standard deviation that keeps the size of activations from layer to layer."""
        return math.sqrt(2.0) if self.name in ("relu", "gelu") else 1.0

    def __call__(self, z: Tensor) -> Tensor:
        """Applies it over the last axis."""
        kind, _, count = self.name.partition(":")
        if kind.startswith("kmax"):
            return _k_max(z, int(count), shifted=kind == "kmax-shifted")
        if kind == "exp":
            low = z.clamp(max=EXP_TANGENT)
            return torch.exp(low - 1.0) * (1.0 + z - low)
        if kind == "square":
            return z * z
        if kind == "identity":
            return z
        return {"relu": functional.relu, "gelu": functional.gelu, "erf": torch.erf}[kind](z)


def _k_max(z: Tensor, count: int, *, shifted: bool) -> Tensor:
    width = z.shape[-1]
    if count >= width:
        raise UsageError(f"kmax:{count} in a layer of {width} units selects nothing", hint="use a larger width")
    top = torch.topk(z, count + 1, dim=-1).values
    threshold = top[..., count : count + 1]
    kept = z > threshold
    return torch.where(kept, z - threshold if shifted else z, 0.0) * math.sqrt(width / count)


class Scaled(nn.Module):
    """A linear layer with the factor of its parametrization: `gain / sqrt(inputs) W x + bias_gain b`.

    Args:
        inputs: Features read.
        outputs: Features written.
        gain: Standard deviation of the effective weight times sqrt(inputs).
        bias_gain: Standard deviation of the effective bias; 0 for a layer without bias.
        parametrization: "standard" puts the factor into the weights, the others leave it outside.
        generator: Source of the initial weights.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        gain: float,
        bias_gain: float,
        parametrization: str,
        generator: torch.Generator,
    ):
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=bias_gain > 0)
        factor = gain / math.sqrt(inputs)
        outside = parametrization != "standard"
        self.after = bias_gain if outside and bias_gain > 0 else 1.0
        self.before = factor / self.after if outside else 1.0
        with torch.no_grad():
            self.linear.weight.normal_(0.0, 1.0 if outside else factor, generator=generator)
            if bias_gain > 0:
                self.linear.bias.normal_(0.0, 1.0 if outside else bias_gain, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        """`... inputs` -> `... outputs`."""
        return self.linear(x * self.before) * self.after


class Mlp(nn.Module):
    """A multi-layer perceptron: `batch feature` -> `batch output`.

    Args:
        inputs: Features.
        outputs: Outputs.
        width: Units in each hidden layer.
        depth: Hidden layers.
        activation: Name, see `Activation`.
        parametrization: "standard", "ntk", or "mean-field" (the output divided by a further sqrt(width): with
            the rate growing with width this is the maximal-update limit).
        alpha: Factor on the output.
        bias_gain: Standard deviation of the biases; 0 for none. The readout has no bias.
        seed: Of the initial weights.
    """

    def __init__(
        self,
        *,
        inputs: int,
        outputs: int = 1,
        width: int,
        depth: int = 1,
        activation: str = "relu",
        parametrization: str = "ntk",
        alpha: float = 1.0,
        bias_gain: float = 1.0,
        seed: int = 0,
    ):
        super().__init__()
        check_parametrization(parametrization)
        generator = torch.Generator().manual_seed(seed)
        self.activation = Activation(name=activation)
        self.factor = alpha * output_factor(parametrization, width)
        sizes = [inputs, *[width] * depth]
        gains = [1.0] + [self.activation.gain] * (depth - 1)
        self.hidden = nn.ModuleList(
            Scaled(a, b, gain=gain, bias_gain=bias_gain, parametrization=parametrization, generator=generator)
            for a, b, gain in zip(sizes[:-1], sizes[1:], gains, strict=True)
        )
        self.readout = Scaled(
            sizes[-1], outputs, gain=1.0, bias_gain=0.0, parametrization=parametrization, generator=generator
        )

    def forward(self, x: Tensor) -> Tensor:
        """`batch feature` -> `batch output`; tokens (`batch pos one-hot`) are laid side by side."""
        for layer in self.hidden:
            x = self.activation(layer(x))
        return self.readout(x) * self.factor


def check_parametrization(name: str) -> None:
    """Refuses an unknown parametrization."""
    if name not in PARAMETRIZATIONS:
        raise UsageError(f"no parametrization {name!r}", hint=f"use one of {', '.join(PARAMETRIZATIONS)}")


def output_factor(parametrization: str, width: int) -> float:
    """What multiplies the readout: 1, or 1 / sqrt(width) in the mean-field parametrization."""
    return 1.0 / math.sqrt(width) if parametrization == "mean-field" else 1.0


class Transformer(nn.Module):
    """A causal pre-norm transformer that reads tokens and answers at the last position.

    Args:
        vocabulary: Tokens.
        outputs: Outputs.
        length: Longest input.
        width: d_model; the feed-forward layer has four times as many units.
        depth: Blocks.
        heads: Attention heads. With a fixed number the network does not become linear with width: a score
            moves by as much as the function does. The heads have to grow with the width.
        activation: Of the feed-forward layers.
        parametrization: As for `Mlp`; embeddings are standard normal in each.
        levels: The number each token stands for; the first embeddings then lie on a line in that order,
            `(level u + v) / sqrt(2)` for standardised levels and standard normal u and v. None for
            unrelated rows.
        alpha: Factor on the output.
        seed: Of the initial weights.
    """

    def __init__(
        self,
        *,
        vocabulary: int,
        outputs: int = 1,
        length: int,
        width: int,
        depth: int = 1,
        heads: int = 4,
        activation: str = "gelu",
        parametrization: str = "ntk",
        alpha: float = 1.0,
        levels: Tensor | None = None,
        seed: int = 0,
    ):
        super().__init__()
        check_parametrization(parametrization)
        if width % heads:
            raise UsageError(f"a transformer of width {width} cannot have {heads} heads of equal size")
        generator = torch.Generator().manual_seed(seed)
        self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(length, width)
        for table in (self.tokens, self.positions):
            nn.init.normal_(table.weight, generator=generator)
        if levels is not None:
            line = torch.randn(2, width, generator=generator)
            with torch.no_grad():
                self.tokens.weight.copy_((_standard(levels)[:, None] * line[0] + line[1]) / math.sqrt(2))
        make = {"bias_gain": 0.0, "parametrization": parametrization, "generator": generator}
        self.blocks = nn.ModuleList(Block(width, heads, Activation(name=activation), make) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.readout = Scaled(width, outputs, gain=1.0, **make)
        self.factor = alpha * output_factor(parametrization, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """`batch pos` integers -> `batch output`."""
        stream = self.tokens(tokens) + self.positions(torch.arange(tokens.shape[1], device=tokens.device))
        for block in self.blocks:
            stream = block(stream)
        return self.readout(self.norm(stream[:, -1])) * self.factor


def _standard(levels: Tensor) -> Tensor:
    return (levels - levels.mean()) / levels.std(correction=0)


class Block(nn.Module):
    """Attention and feed-forward, each after a layer norm and added to the residual stream."""

    def __init__(self, width: int, heads: int, activation: Activation, make: dict):
        super().__init__()
        self.heads, self.activation = heads, activation
        self.attention_norm, self.mlp_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key, self.value, self.output = (Scaled(width, width, gain=1.0, **make) for _ in range(4))
        self.mlp_in = Scaled(width, 4 * width, gain=1.0, **make)
        self.mlp_out = Scaled(4 * width, width, gain=activation.gain, **make)

    def forward(self, stream: Tensor) -> Tensor:
        """`batch pos d_model` -> the same."""
        seen = self.attention_norm(stream)
        query, key, value = (
            layer(seen).unflatten(-1, (self.heads, -1)).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        stream = stream + self.output(mixed.transpose(1, 2).flatten(2))
        return stream + self.mlp_out(self.activation(self.mlp_in(self.mlp_norm(stream))))
