"""The executor that defines what a model answers: the forward pass over padded batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from seme.execute.decode import decode
from seme.execute.encode import Encoder
from seme.model.artifact import Artifact, TokenTable
from seme.model.transformer import forward

BATCH_NUMBERS = 1 << 19
"""Numbers in the widest activation of one batch: 2 MB in float32, so that what a layer writes is still in the cache
when the next one reads it."""


class Dense:
    """Runs an artifact on user tokens.

    Args:
        artifact: The model.
        device: Where to run it.
    """

    def __init__(self, artifact: Artifact, device: str | torch.device = "cpu"):
        self.artifact = artifact
        self.device = torch.device(device)
        self.weights = {name: weight.to(self.device) for name, weight in artifact.weights.items()}
        self.encoder = Encoder(artifact.tokens, artifact.spec.n_positions - 1)

    def logits(self, xs: Iterable[Any]) -> Float[Tensor, "pos d_logits"]:
        """The logits of one input, without the begin token's row.

        Raises:
            InputError: A token is unknown, or there are too many.
        """
        return self._run([self.encoder.sequence(xs)])

    def batch(self, inputs: Iterable[Iterable[Any]], *, rounded: bool = True) -> dict[str, list[list[Any]]]:
        """Every output, by name, for every input.

        Args:
            inputs: Sequences of tokens.
            rounded: Whether numbers are rounded to their domain, or given as the logit itself.

        Raises:
            InputError: A token is unknown, or a sequence is too long.
        """
        sequences = [self.encoder.sequence(xs) for xs in inputs]
        logits = self._run(sequences)
        ends = [0, *accumulate(len(sequence) for sequence in sequences)]
        out = {}
        for block in self.artifact.outputs:
            values = decode(block, logits, rounded=rounded)
            out[block.name] = [values[start:end] for start, end in pairwise(ends)]
        return out

    def _run(self, sequences: Sequence[Sequence[Any]]) -> Tensor:
        """Logits of all tokens, end to end in the order given."""
        rows = self.encoder.rows_of(sequences)
        lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
        starts = np.concatenate([[0], np.cumsum(lengths)])
        dtype = self.weights["unembed.W_U"].dtype
        out = torch.empty(len(rows), self.artifact.spec.d_logits, dtype=dtype, device=self.device)
        with torch.inference_mode():
            for chosen in self._batches(lengths):
                ids, inside, places = _pad(rows, starts[chosen], lengths[chosen])
                mask = None if inside.all() else torch.from_numpy(inside)
                logits = self.run_ids(torch.from_numpy(ids), mask)[:, 1:]
                kept = logits.flatten(0, 1) if mask is None else logits[mask[:, 1:].to(self.device)]
                out[torch.from_numpy(places).to(self.device)] = kept
        return out

    def run_ids(
        self, tokens: Int[Tensor, "batch pos"], mask: Bool[Tensor, "batch pos"] | None = None
    ) -> Float[Tensor, "batch pos d_logits"]:
        """Logits for rows of the embedding, the begin token among them."""
        tokens = tokens.to(self.device)
        return forward(self.artifact.spec, self.weights, tokens, None if mask is None else mask.to(self.device))

    def _batches(self, lengths: np.ndarray) -> Iterator[np.ndarray]:
        """Indices of sequences to run together: of like length, and few enough to stay in the cache."""
        spec = self.artifact.spec
        order = np.argsort(-lengths, kind="stable")
        order = order[lengths[order] > 0]
        at = 0
        while at < len(order):
            length = int(lengths[order[at]]) + 1
            width = max(3 * spec.d_model, spec.d_mlp, spec.d_logits, spec.heads * length)
            size = max(1, BATCH_NUMBERS // (width * length))
            yield order[at : at + size]
            at += size


def pad(sequences: Sequence[Sequence[int]]) -> np.ndarray:
    """Rows of tokens [batch, 1 + longest]: the begin token, the sequence, padding."""
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    rows = np.array([row for sequence in sequences for row in sequence], dtype=np.int64)
    return _pad(rows, np.cumsum(lengths) - lengths, lengths)[0]


def _pad(rows: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The begin token, the sequence, padding: ids and mask [batch, 1 + longest], and the place of each token."""
    offsets = np.arange(int(lengths.max(initial=0)))
    inside = offsets < lengths[:, None]
    places = (starts[:, None] + offsets)[inside]
    ids = np.full((len(lengths), len(offsets) + 1), TokenTable.PAD_ID)
    ids[:, 0] = TokenTable.BEGIN_ID
    ids[:, 1:][inside] = rows[places]
    return ids, np.concatenate([np.ones((len(lengths), 1), dtype=bool), inside], axis=1), places
