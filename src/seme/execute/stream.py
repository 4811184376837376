"""Decoding: forward, argmax, append. The loop knows nothing of any program.

A stream holds the tokens read so far. `DenseStream` is the definition; `execute.sparse` gives faster ones that choose
the same tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch

from seme.core.errors import InputError, UsageError
from seme.model.artifact import Artifact, OutputBlock
from seme.model.transformer import Cache, Hook, forward

FEED = 512
"""Tokens read in one pass: its scores are FEED * length numbers per head."""


class Stream(Protocol):
    """Tokens read so far, by rows of the embedding, and the means to go on."""

    @property
    def length(self) -> int:
        """Tokens read, the begin token included."""
        ...

    def feed(self, rows: Sequence[int] | np.ndarray, *, choices: bool = True) -> np.ndarray:
        """Reads given tokens; returns for each the token the model would put next after it; nothing without choices."""
        ...

    def run(self, most: int) -> np.ndarray:
        """Appends up to `most` tokens of the model's own choice, fewer where one ends decoding; returns them."""
        ...


def next_block(artifact: Artifact) -> OutputBlock:
    """The output that names the next token.

    Raises:
        UsageError: The model has none: it labels its input and does not continue it.
    """
    if len(artifact.outputs) != 1 or artifact.outputs[0].kind != "next":
        raise UsageError(
            "this model labels its input, it does not continue it", hint="seme run DIR INPUT gives its answer"
        )
    return artifact.outputs[0]


class DenseStream:
    """A stream through the forward pass of PyTorch.

    Args:
        artifact: A causal model whose output is the next token.
        device: Where to run it.
        hook: Sees what is computed; see `seme.model.transformer.forward`.
    """

    def __init__(self, artifact: Artifact, device: str | torch.device = "cpu", *, hook: Hook | None = None):
        self._artifact = artifact
        self._hook = hook
        self._stops = frozenset(next_block(artifact).stops)
        self._device = torch.device(device)
        self._weights = {name: weight.to(self._device) for name, weight in artifact.weights.items()}
        self._cache = Cache()
        self._next = -1

    @property
    def length(self) -> int:
        """Tokens read, the begin token included."""
        return self._cache.length

    def feed(self, rows: Sequence[int] | np.ndarray, *, choices: bool = True) -> np.ndarray:
        """Reads given tokens; returns for each the token the model would put next after it; nothing without choices."""
        rows = np.asarray(rows, dtype=np.int64)
        chosen = [self._read(rows[at : at + FEED]) for at in range(0, len(rows), FEED)]
        return np.concatenate(chosen) if chosen and choices else rows[:0]

    def run(self, most: int) -> np.ndarray:
        """Appends up to `most` tokens of the model's own choice, fewer where one ends decoding; returns them."""
        if self._next < 0:
            raise UsageError("there is nothing to continue", hint="feed a prompt that starts with the begin token")
        out: list[int] = []
        while len(out) < most:
            out.append(self._next)
            self._read(np.array([self._next]))
            if out[-1] in self._stops:
                break
        return np.array(out, dtype=np.int64)

    def _read(self, rows: np.ndarray) -> np.ndarray:
        places = self._places(self.length, len(rows))
        tokens = torch.from_numpy(rows)[None].to(self._device)
        with torch.inference_mode():
            logits = forward(
                self._artifact.spec, self._weights, tokens, hook=self._hook, cache=self._cache, places=places
            )
        chosen = logits[0].argmax(-1).cpu().numpy()
        self._next = int(chosen[-1])
        return chosen

    def _places(self, start: int, count: int) -> torch.Tensor | None:
        table, rule = self._artifact.spec.n_positions, self._artifact.positions
        if start + count <= table:
            return None
        if rule is None:
            raise InputError(
                f"the model has positions for {table} tokens, got {start + count}",
                hint="make the model for more, as with seme machine rv32im --max-length N -o DIR",
            )
        kept = self._artifact.weights["pos_embed.W_pos"][start : min(table, start + count)]
        rows = rule.rows(start + len(kept), count - len(kept))
        return torch.cat([kept, rows]).to(self._device)
