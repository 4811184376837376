"""Small transformers that differ only in how positions enter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from seme.core.errors import UsageError
from seme.read.positions import sinusoidal

ARMS = (
    "added", "concat-8", "concat-16", "concat-32", "rank-3-random", "rank-3-trained", "rank-3-learned",
    "rank-8-random", "rank-8-trained", "rank-8-learned", "sinusoidal", "none",
)  # fmt: skip
"""concat-p: p of the width hold positions only. rank-k-m: k trained coordinates through a map that is
random, made of a trained model's components,
or learned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Sizes of one model.

    Attributes:
        vocabulary: Token count.
        context: Positions.
        d_model: Width.
        layers: Blocks.
        heads: Heads per block.
        d_mlp: Hidden units per block.
    """

    vocabulary: int
    context: int
    d_model: int
    layers: int
    heads: int
    d_mlp: int


class Positions(nn.Module):
    """How positions enter. `table()` is what is added (or concatenated), positions x width, or None.

    Args:
        arm: One of `ARMS`.
        sizes: The model's sizes.
        scale: Standard deviation of initial entries.
        directions: For maps from a trained model: k orthonormal rows of width d_model.
    """

    def __init__(self, arm: str, sizes: Sizes, scale: float, directions: Tensor | None):
        super().__init__()
        self.arm = arm
        self.kind, _, rest = arm.partition("-")
        context, width = sizes.context, sizes.d_model
        if self.kind == "concat":
            self.rows = nn.Parameter(scale * torch.randn(context, int(rest)))
        elif self.kind == "added":
            self.rows = nn.Parameter(scale * torch.randn(context, width))
        elif self.kind == "rank":
            self._low_rank(rest, sizes, scale, directions)
        elif self.kind == "sinusoidal":
            self.register_buffer("fixed", torch.from_numpy(sinusoidal(context, width)).float())
            self.gain = nn.Parameter(torch.tensor(scale * 2**0.5))
        elif self.kind != "none":
            raise UsageError(f"there is no arm `{arm}`", hint=f"arms: {', '.join(ARMS)}")

    def _low_rank(self, rest: str, sizes: Sizes, scale: float, directions: Tensor | None) -> None:
        """Coordinates start at scale sqrt(d_model / k), so that rows are as long as in the full arm."""
        k, source = int(rest.split("-")[0]), rest.split("-")[1]
        width = sizes.d_model
        self.rows = nn.Parameter(scale * (width / k) ** 0.5 * torch.randn(sizes.context, k))
        start = torch.linalg.qr(torch.randn(width, k))[0].T.contiguous()
        if source == "trained":
            if directions is None or directions.shape != (k, width):
                raise UsageError(f"arm `{self.arm}` needs {k} directions of width {width}", hint="train `added` first")
            start = directions
        if source == "learned":
            self.map = nn.Parameter(start)
        else:
            self.register_buffer("map", start)

    def table(self) -> Tensor | None:
        """Gives what enters the stream, or None."""
        if self.kind == "none":
            return None
        if self.kind == "sinusoidal":
            return self.gain * self.fixed  # pyright: ignore
        return self.rows @ self.map if self.kind == "rank" else self.rows  # pyright: ignore


class Block(nn.Module):
    """One pre-norm block: causal attention, then a GELU layer."""

    def __init__(self, sizes: Sizes):
        super().__init__()
        width = sizes.d_model
        self.heads = sizes.heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, sizes.d_mlp), nn.Linear(sizes.d_mlp, width)

    def forward(self, x: Tensor) -> Tensor:
        """Residual stream in, residual stream out; batch x pos x d_model."""
        batch, length, width = x.shape
        parts = self.qkv(self.norm1(x)).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(parts[0], parts[1], parts[2], is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, length, width))
        return x + self.down(functional.gelu(self.up(self.norm2(x))))


class Small(nn.Module):
    """A small causal language model with one of the arms.

    Each block draws from a seed of its own, so that attention starts equal in every arm of one seed.
    """

    def __init__(self, arm: str, sizes: Sizes, scale: float, directions: Tensor | None = None, *, seed: int = 0):
        super().__init__()
        torch.manual_seed(seed)
        self.positions = Positions(arm, sizes, scale, directions)
        width = sizes.d_model - (int(arm.split("-")[1]) if arm.startswith("concat") else 0)
        self.tokens = nn.Parameter(scale * torch.randn(sizes.vocabulary, width))
        blocks = []
        for index in range(sizes.layers):
            torch.manual_seed(1_000_003 * (index + 1) + seed)
            blocks.append(Block(sizes))
        self.blocks, self.norm = nn.ModuleList(blocks), nn.LayerNorm(sizes.d_model)
        self.unembed = nn.Linear(sizes.d_model, sizes.vocabulary)

    def forward(self, tokens: Tensor) -> Tensor:
        """Gives logits; batch x pos x vocabulary."""
        x, table = self.tokens[tokens], self.positions.table()
        if table is not None and self.positions.kind == "concat":
            x = torch.cat([x, table[: tokens.shape[1]].expand(len(tokens), -1, -1)], dim=-1)
        elif table is not None:
            x = x + table[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.unembed(self.norm(x))


def count_parameters(arm: str, sizes: Sizes) -> int:
    """Counts the trained numbers of an arm."""
    directions = None
    if arm.endswith("-trained"):
        directions = torch.eye(int(arm.split("-")[1]), sizes.d_model)
    with torch.device("cpu"):
        return sum(parameter.numel() for parameter in Small(arm, sizes, 0.02, directions).parameters())


def matched(arm: str, sizes: Sizes) -> Sizes:
    """Gives the sizes whose number of parameters is nearest to `added`, by the width of hidden layers."""
    goal = count_parameters("added", sizes)
    each = sizes.layers * (2 * sizes.d_model + 1)
    change = round((goal - count_parameters(arm, sizes)) / each)
    return replace(sizes, d_mlp=max(1, sizes.d_mlp + change))


def step_flops(arm: str, sizes: Sizes, batch: int) -> float:
    """Gives floating-point operations of one training step: 6 per matrix weight and token, plus attention.

    Args:
        arm: The arm.
        sizes: Its sizes.
        batch: Sequences per step.

    Source:
        Kaplan et al., "Scaling laws for neural language models", 2020, table 1; backward counted twice
        forward.
    """
    width, tokens = sizes.d_model, batch * sizes.context
    matrices = sizes.layers * (4 * width**2 + 2 * width * sizes.d_mlp) + width * sizes.vocabulary
    attention = sizes.layers * 2 * sizes.context * width
    low = 0
    if arm.startswith("rank"):
        low = 6 * sizes.context * int(arm.split("-")[1]) * width
    return float(6 * tokens * (matrices + attention) + low)


def effective_table(model: Small) -> Any:
    """Gives the position table of a trained model as an array, or None."""
    table = model.positions.table()
    return None if table is None else table.detach().double().numpy()


def sizes_of(configuration: Mapping[str, Any]) -> Sizes:
    """Reads sizes from a configuration."""
    return Sizes(**configuration["sizes"])
