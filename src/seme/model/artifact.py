"""The one type of model: shapes, weights, what they mean, what is proved of them, where they came from.

Compiled and trained models are the same type; whatever runs, reads, exports or trains sees only this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

import torch

Architecture = Literal["bert", "gpt2"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """Shapes and architecture.

    Attributes:
        architecture: "bert" (bidirectional, norms after each sum) or "gpt2" (causal, norms before each part).
        layers: Number of blocks.
        d_model: Width of the residual stream; equals heads * d_head.
        heads: Heads per block.
        d_head: Width of a head.
        d_mlp: Hidden neurons per block.
        d_vocab: Rows of the token embedding, special tokens included.
        n_positions: Rows of the position table, one for the begin token included.
        d_logits: Width of the unembedding: all outputs' blocks side by side.
        activation: "relu" or "gelu" (erf in BERT, tanh in GPT-2, as those families have it).
        norm_eps: The layer norms' epsilon.
        continues: Whether it is a language model: its logits are the next token's, its unembedding has no bias.
        dtype: "float16", "bfloat16", "float32" or "float64".
    """

    architecture: Architecture
    layers: int
    d_model: int
    heads: int
    d_head: int
    d_mlp: int
    d_vocab: int
    n_positions: int
    d_logits: int
    activation: Literal["relu", "gelu"]
    norm_eps: float
    dtype: str
    continues: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenTable:
    """Which row of the embedding a token has.

    Attributes:
        values: The user's tokens, in the order of their rows; row i + 2 belongs to values[i].
        texts: The text of each, all different: what a tokenizer file calls it.
        begin: Text of the token put before every input; its row is 0.
        pad: Text of the padding token; its row is 1.
    """

    values: tuple[Any, ...]
    texts: tuple[str, ...]
    begin: str
    pad: str

    BEGIN_ID = 0
    PAD_ID = 1
    FIRST_ID = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputBlock:
    """One named output: where it stands among the logits and how it is read.

    Attributes:
        name: The output's name.
        kind: "category": the largest logit of the block names the label. "number": the single logit is the value.
            "next": a logit for every row of the embedding; the largest names the token that comes next.
        start: First logit.
        labels: For a category, the value of each logit; for "next", the text of each row.
        integers: For a number, whether it is rounded to the nearest integer.
        max_denominator: For a number, the nearest fraction with at most this denominator is meant; 0 when the
            logit is taken as it is.
        unit: For a number, the answer is `unit` times the rounded quotient logit / unit.
        error: For a number, the proved largest distance from the true value in the asked float type.
        stops: For "next", the rows after which decoding ends.
    """

    name: str
    kind: Literal["category", "number", "next"]
    start: int
    labels: tuple[Any, ...] = ()
    integers: bool = False
    max_denominator: int = 0
    unit: Fraction = Fraction(1)
    error: float = 0.0
    stops: tuple[int, ...] = ()

    @property
    def width(self) -> int:
        """How many logits the block takes."""
        return 1 if self.kind == "number" else len(self.labels)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PositionRule:
    """Rows of the position table beyond its end: affine in the index, with a part that repeats.

    The begin token has index 0 and a row of its own, the table's first. Index i >= 1 has the row
    `repeated[(i - 1) % period] + (i - 1) * slope`.

    Attributes:
        repeated: [period, d_model].
        slope: [d_model].
        longest: The most tokens after the begin token for which anything is proved.
    """

    repeated: torch.Tensor
    slope: torch.Tensor
    longest: int

    def rows(self, first: int, count: int) -> torch.Tensor:
        """Rows [count, d_model] of the indices from `first` on; `first` is at least 1."""
        steps = torch.arange(first - 1, first - 1 + count, device=self.slope.device)
        # the product is taken in float64 and rounded once, so that every executor has the same rows
        rising = steps[:, None].to(torch.float64) * self.slope.to(torch.float64)
        return (self.repeated.to(torch.float64)[steps % len(self.repeated)] + rising).to(self.slope.dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A model.

    Attributes:
        spec: Shapes.
        weights: Name to tensor, by the names of `seme.model.names`.
        tokens: The token table.
        outputs: The named outputs, in the order of their logits.
        meaning: Names of residual directions, heads and neurons; may be empty. Plain JSON.
        certificate: What is proved, per float type; may be empty. Plain JSON.
        provenance: Where the weights came from. Plain JSON.
        graph: Text of the intermediate graph a compiled model came from, or "".
        positions: How the position table goes on beyond its end; None where it ends there.
    """

    spec: Spec
    weights: Mapping[str, torch.Tensor]
    tokens: TokenTable
    outputs: tuple[OutputBlock, ...]
    meaning: Mapping[str, Any] = field(default_factory=dict)
    certificate: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    graph: str = ""
    positions: PositionRule | None = None

    @property
    def sizes(self) -> dict[str, int]:
        """How large the model is: its shape, and how many parameters it has."""
        weights = self.weights.values()
        return {
            "layers": self.spec.layers,
            "d_model": self.spec.d_model,
            "heads": self.spec.heads,
            "d_head": self.spec.d_head,
            "d_mlp": self.spec.d_mlp,
            "parameters": sum(weight.numel() for weight in weights),
            "nonzero": sum(int(weight.count_nonzero()) for weight in weights),
        }
