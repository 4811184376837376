"""Weights to affine forms over features: pairs (+f, -f) become one number, norms that do nothing go away.

A layer norm does nothing but shift when its input's mean is zero and its variance is nothing beside epsilon. The mean
is zero, exactly, when everything that is ever added to the stream holds two neighbouring directions as (+f, -f): this
is read off the weights. What it divides by is bounded by `ranges`, which sees how large features get.

Where that does not hold, features are the directions themselves and every norm is computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import sparse

from seme.core.errors import UsageError
from seme.execute.stream import next_block
from seme.model.artifact import Artifact, PositionRule

Matrix = Any
"""A scipy.sparse.csr_array; scipy's types do not say which operations give one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forms:
    """Affine forms of the features, and of the index where the stream leaves it out.

    Attributes:
        matrix: [form, feature + 1]; the last column belongs to the index.
        bias: [form].
    """

    matrix: Matrix
    bias: np.ndarray

    def __len__(self) -> int:
        return len(self.bias)

    def take(self, rows: np.ndarray) -> Forms:
        """Some of the forms, by number or by a mask."""
        return Forms(matrix=self.matrix[rows], bias=self.bias[rows])

    def at(self, values: np.ndarray) -> np.ndarray:
        """What the forms are, given the features and the index."""
        return self.matrix @ values + self.bias

    def terms(self, row: int) -> Iterator[tuple[int, float]]:
        """(feature, weight) of one form."""
        at, end = self.matrix.indptr[row], self.matrix.indptr[row + 1]
        return zip(self.matrix.indices[at:end].tolist(), self.matrix.data[at:end].tolist(), strict=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeadForms:
    """One head: queries (already divided by the root of d_head), keys, values, and where the values go.

    Attributes:
        index: Its place in the block.
        query: [component].
        key: [component].
        value: [value].
        out: [value, feature].
    """

    index: int
    query: Forms
    key: Forms
    value: Forms
    out: Matrix


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockForms:
    """One block.

    Attributes:
        heads: Its heads.
        head_bias: [feature]; added with what the heads write.
        neurons: What each neuron computes before its activation.
        write: [neuron, feature].
        write_bias: [feature].
    """

    heads: tuple[HeadForms, ...]
    head_bias: np.ndarray
    neurons: Forms
    write: Matrix
    write_bias: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Places:
    """What a position adds to the features.

    Attributes:
        table: [index, feature]; what the first indices add.
        repeated: [period, feature]; beyond the table (where split: besides it), index i adds row (i - 1) % period of
            this and
        slope: [feature]; i - 1 times this.
        split: Whether the slope is left out of the stream and read as the index instead, from index 1 on. The table
            then has what is left besides the two, or only the row of index 0 where nothing is.
        most: The most tokens for which there are places, the first included, or for which anything is bounded.
        rule: Whether there are places beyond the table.
    """

    table: np.ndarray
    repeated: np.ndarray
    slope: np.ndarray
    split: bool
    most: int
    rule: bool

    @property
    def index_slope(self) -> np.ndarray:
        """What the index, where it is read as such, stands for: [feature]."""
        return self.slope if self.split else np.zeros_like(self.slope)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Folded:
    """A causal model as affine forms.

    Attributes:
        features: How many numbers the stream holds.
        paired: Whether a feature is a pair of directions, and norms are left out.
        epsilon: The norms' epsilon, where they are computed.
        gelu: Whether neurons are gelu (tanh) instead of relu.
        lead: How far a score must lead in this float type for the rest to weigh nothing.
        embed: [row, feature].
        places: What positions add.
        blocks: The blocks.
        logits: The unembedding.
        stops: The rows that end decoding.
    """

    features: int
    paired: bool
    epsilon: float
    gelu: bool
    lead: float
    embed: np.ndarray
    places: Places
    blocks: tuple[BlockForms, ...]
    logits: Forms
    stops: tuple[int, ...]


ENDLESS = 2**53
"""Indices beyond this are no numbers of their own in float64."""

PERIOD = 64
"""What repeats in a table of positions is looked for with this period, and so with all that divide it."""

ROWS = 1 << 12
"""Rows of a matrix looked at together, so that what is made of them stays small beside it."""

LEADS = {"float64": 746.0, "float32": 104.0}
"""exp(-lead) is zero in the type: below half its smallest subnormal number, 2^-1075 or 2^-150."""


def fold(artifact: Artifact, *, paired: bool | None = None) -> Folded:
    """Reads a model.

    Args:
        artifact: A causal model whose output is the next token.
        paired: False computes every norm, whatever the weights say; None lets them decide.

    Raises:
        UsageError: It is not causal, its float type is narrow, or a weight is not finite.
    """
    spec, block = artifact.spec, next_block(artifact)
    if spec.architecture != "gpt2" or spec.dtype not in LEADS:
        raise UsageError(
            f"the sparse executor runs causal models in float32 or float64, got {spec.architecture} in {spec.dtype}",
            hint="use --engine dense",
        )
    weights = {name: weight.detach().cpu() for name, weight in artifact.weights.items()}
    _check_finite(weights)
    pairs = _antisymmetric(artifact, weights) if paired is None else paired
    places = _places(artifact, weights["pos_embed.W_pos"], pairs)
    reading = _Reading(artifact=artifact, weights=weights, paired=pairs, slope=places.index_slope)
    logits = reading.forms(weights["unembed.W_U"], weights["unembed.b_U"], "ln_final")
    chosen = np.arange(block.start, block.start + block.width)
    return Folded(
        features=len(places.slope),
        paired=pairs,
        epsilon=spec.norm_eps,
        gelu=spec.activation == "gelu",
        lead=LEADS[spec.dtype],
        embed=reading.rows(weights["embed.W_E"]).toarray(order="F"),  # columns that are zero take no memory
        places=places,
        blocks=tuple(reading.block(layer) for layer in range(spec.layers)),
        logits=logits.take(chosen),
        stops=block.stops,
    )


def _check_finite(weights: dict[str, torch.Tensor]) -> None:
    for name, weight in weights.items():
        if not bool(torch.isfinite(weight.sum())) and not bool(torch.isfinite(weight).all()):
            raise UsageError(f"weight {name} holds a number that is not finite", hint="make or train the model again")


def _antisymmetric(artifact: Artifact, weights: dict[str, torch.Tensor]) -> bool:
    """Whether everything that is added to the stream, and every norm's bias, is (+f, -f) on neighbours."""
    spec = artifact.spec
    if spec.d_model % 2:
        return False
    names = ["embed.W_E", "pos_embed.W_pos"]
    for layer in range(spec.layers):
        at = f"blocks.{layer}"
        names += [f"{at}.attn.W_O", f"{at}.attn.b_O", f"{at}.mlp.W_out", f"{at}.mlp.b_out"]
        names += [f"{at}.ln1.b", f"{at}.ln2.b"]
    written = [weights[name] for name in [*names, "ln_final.b"]]
    if artifact.positions is not None:
        written += [artifact.positions.repeated, artifact.positions.slope]
    parts = (part for weight in written for part in weight.reshape(-1, spec.d_model).split(ROWS))
    return all(torch.equal(part[:, 0::2], -part[:, 1::2]) for part in parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """The weights, read in one of the two ways."""

    artifact: Artifact
    weights: dict[str, torch.Tensor]
    paired: bool
    slope: np.ndarray

    def rows(self, written: torch.Tensor) -> Matrix:
        """What is added to the stream, over features: [n, feature]."""
        return _rows(written, self.paired)

    def forms(self, matrix: torch.Tensor, bias: torch.Tensor, norm: str, scale: float = 1.0) -> Forms:
        """What [d_model, n] and [n] read behind a norm: its gain and bias go into them."""
        read = to_sparse(matrix)
        gain, shift = (self.weights[f"{norm}.{part}"].double().numpy() for part in "wb")
        offset = (bias.double().numpy() + read.T @ shift) * scale
        if self.paired:
            # behind the norm stands gain * x / sqrt(eps), the mean being zero and the variance nothing
            gain = gain / np.sqrt(self.artifact.spec.norm_eps)
        read = (sparse.diags_array(gain * scale) @ read).tocsr()
        if self.paired:
            read = read[0::2] - read[1::2]
        index = sparse.csr_array(self.slope[None] @ read)
        whole = sparse.vstack([read, index.reshape(1, -1)]).T.tocsr()
        whole.eliminate_zeros()
        whole.sort_indices()
        return Forms(matrix=whole, bias=offset)

    def block(self, layer: int) -> BlockForms:
        spec, at = self.artifact.spec, f"blocks.{layer}"
        out = self.weights[f"{at}.attn.W_O"]
        used = [h for h in range(spec.heads) if bool(out[h].any())]
        parts = {}
        for part in "QKV":
            wide = self.weights[f"{at}.attn.W_{part}"][used].permute(1, 0, 2).flatten(1)
            bias = self.weights[f"{at}.attn.b_{part}"][used].flatten()
            parts[part] = self.forms(wide, bias, f"{at}.ln1", spec.d_head**-0.5 if part == "Q" else 1.0)
        heads = []
        for at_used, head in enumerate(used):
            mine = np.arange(at_used * spec.d_head, (at_used + 1) * spec.d_head)
            query, key, value = (parts[part].take(mine) for part in "QKV")
            heads.append(HeadForms(index=head, query=query, key=key, value=value, out=self.rows(out[head])))
        return BlockForms(
            heads=tuple(heads),
            head_bias=self.rows(self.weights[f"{at}.attn.b_O"]).toarray()[0],
            neurons=self.forms(self.weights[f"{at}.mlp.W_in"], self.weights[f"{at}.mlp.b_in"], f"{at}.ln2"),
            write=self.rows(self.weights[f"{at}.mlp.W_out"]),
            write_bias=self.rows(self.weights[f"{at}.mlp.b_out"]).toarray()[0],
        )


def _rows(written: torch.Tensor, paired: bool) -> Matrix:
    return to_sparse(written[..., 0::2] if paired else written)


def _places(artifact: Artifact, table: torch.Tensor, paired: bool) -> Places:
    rule = artifact.positions
    rows = _rows(table, paired).toarray()
    repeated, slope = np.zeros((1, rows.shape[1])), np.zeros(rows.shape[1])
    if rule is not None:
        repeated, slope = _rows(rule.repeated, paired).toarray(), _rows(rule.slope, paired).toarray()[0]
    split = paired and (rule is None or _follows(table, rule))
    if split and rule is not None:
        rows = rows[:1]
    elif split:
        repeated, slope, rows = _inferred(rows, table.numpy().dtype)
    return Places(
        table=rows,
        repeated=repeated,
        slope=slope,
        split=split,
        most=len(table) if rule is None else rule.longest + 1 if paired else ENDLESS,
        rule=rule is not None,
    )


def _inferred(rows: np.ndarray, kind: np.dtype) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What of a table without a rule repeats and rises, feature by feature, and what is left of it."""
    count, rest = len(rows) - 1, rows.copy()
    repeated, slope = np.zeros((PERIOD, rows.shape[1])), np.zeros(rows.shape[1])
    index = np.arange(count)
    for feature in np.flatnonzero(rows[1:].any(axis=0)).tolist() if count > 2 * PERIOD else []:
        column = rows[1:, feature]
        rise = (column[PERIOD] - column[0]) / PERIOD
        turns = column[:PERIOD] - index[:PERIOD] * rise
        if np.array_equal((turns[index % PERIOD] + index * rise).astype(kind), column):
            repeated[:, feature], slope[feature], rest[1:, feature] = turns, rise, 0.0
    period = next(
        p for p in range(1, PERIOD + 1) if PERIOD % p == 0 and not (repeated != np.roll(repeated, p, 0)).any()
    )
    return repeated[:period], slope, rest if rest[1:].any() else rest[:1]


def _follows(table: torch.Tensor, rule: PositionRule) -> bool:
    """Whether the table's rows are what the rule says."""
    return torch.equal(table[1:], rule.rows(1, len(table) - 1).cpu())


def to_sparse(matrix: torch.Tensor) -> Matrix:
    """A matrix or a row without its zeros, in float64."""
    matrix = matrix[None] if matrix.ndim == 1 else matrix
    rows, columns = (part.numpy() for part in matrix.nonzero(as_tuple=True))
    values = matrix[rows, columns].double().numpy()
    return sparse.csr_array((values, (rows, columns)), shape=tuple(matrix.shape))
