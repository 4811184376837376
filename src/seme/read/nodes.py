"""Collects the activations of every node of a model on a sample of text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from seme.read.spaces import Agreement, Decomposition, Node, Space, agreement, decompose, measure_space
from seme.read.transformer import Transformer, run

PLACES = 256
"""Places of the text compared. An agreement's sampling error is then near 1 / sqrt(256) = .06 at most,
and what best rotation finds in noise is in the null beside it."""

LAYERS_SHOWN = 6
"""Layers whose nodes are compared pair by pair; in deeper models they are evenly spaced, first and last kept."""

STREAM = ("hook_embed", "hook_resid_mid", "hook_resid_post", "hook_final")
HEADS = ("hook_q", "hook_k", "hook_v")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpacesReport:
    """The spaces of all nodes of a model.

    Attributes:
        places: Places of text compared.
        spaces: Size of every node's space.
        agreement: Every pair's agreement.
        decomposition: Position, context and residual shares of the residual stream by layer.
        layers_compared: Layers whose nodes are in the agreement.
    """

    places: int
    spaces: tuple[Space, ...]
    agreement: Agreement
    decomposition: tuple[Decomposition, ...]
    layers_compared: tuple[int, ...]


def measure_spaces(
    model: Transformer,
    tokens: torch.Tensor,
    *,
    seed: int = 0,
    advance: Callable[[int], None] = lambda count: None,
) -> SpacesReport:
    """Measures every node's space and every pair's agreement.

    Args:
        model: The model.
        tokens: Token ids, context x pos.
        seed: Seed of the places and of the null.
        advance: Told of each stage done (two in all).

    Returns:
        The report.
    """
    total = tokens.numel()
    picks = np.random.default_rng(seed).choice(total, min(PLACES, total), replace=False)
    nodes: list[Node] = []
    shares: list[Decomposition] = []

    def watch(name: str, tensor: torch.Tensor) -> None:
        point = name.rsplit(".", 1)[-1]
        if point in STREAM:
            shares.append(decompose(name, tensor.numpy()))
        if point in STREAM or point == "hook_post":
            nodes.append(Node(name=name, values=_sampled(tensor, picks)))
        if point in HEADS:
            for head in range(tensor.shape[2]):
                nodes.append(Node(name=f"{name}.{head}", values=_sampled(tensor[:, :, head], picks)))

    run(model, tokens, watch)
    advance(1)
    count = model.layers
    spaced = np.linspace(0, count - 1, min(LAYERS_SHOWN, count)).round().astype(int)
    layers = tuple(sorted({int(layer) for layer in spaced}))
    compared = [node for node in nodes if _layer(node.name) in (None, *layers)]
    result = SpacesReport(
        places=len(picks),
        spaces=tuple(measure_space(node) for node in nodes),
        agreement=agreement(compared, seed=seed),
        decomposition=tuple(shares),
        layers_compared=layers,
    )
    advance(1)
    return result


def _sampled(tensor: torch.Tensor, picks: np.ndarray) -> np.ndarray:
    flat = tensor.reshape(-1, tensor.shape[-1])
    return flat[torch.from_numpy(picks)].double().numpy()


def _layer(name: str) -> int | None:
    return int(name.split(".")[1]) if name.startswith("blocks.") else None
