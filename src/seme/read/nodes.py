"""Collects the activations of every node of a model on a sample of text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from seme.read.spaces import (
    Agreement,
    Decomposition,
    Node,
    Space,
    Tie,
    agreement,
    decompose,
    measure_space,
    same_basis,
    tie,
)
from seme.read.transformer import Transformer, run

PLACES = 256
"""Places of the text compared. An agreement's sampling error is then near 1 / sqrt(256) = .06 at most,
and what best rotation finds in noise is in the null beside it."""

LAYERS_SHOWN = 6
"""Layers whose nodes are compared pair by pair; in deeper models they are evenly spaced, first and last kept."""

REDRAWN = 5
"""Models with weights in random order: their ties differ by some hundredths, far less than what is called more."""

STREAM = ("hook_embed", "hook_resid_mid", "hook_resid_post", "hook_final")
HEADS = ("hook_q", "hook_k", "hook_v")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpacesReport:
    """The spaces of all nodes of a model.

    Attributes:
        places: Places of text compared.
        spaces: Size of every node's space.
        agreement: Every pair's agreement.
        tie: Its means over the stream and over inner nodes.
        tie_redrawn: The same of this architecture with the entries of every tensor in random order, once per draw:
            what skip connections and the sizes of weights do alone.
        decomposition: Position, context and residual shares of the residual stream by layer.
        layers_compared: Layers whose nodes are in the agreement.
    """

    places: int
    spaces: tuple[Space, ...]
    agreement: Agreement
    tie: Tie
    tie_redrawn: tuple[Tie, ...]
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
        advance: Told of each run of a model done (`REDRAWN` + 2 in all, the pairs' agreement counted as one).

    Returns:
        The report.
    """
    total = tokens.numel()
    picks = np.random.default_rng(seed).choice(total, min(PLACES, total), replace=False)
    count = model.layers
    spaced = np.linspace(0, count - 1, min(LAYERS_SHOWN, count)).round().astype(int)
    layers = tuple(sorted({int(layer) for layer in spaced}))
    nodes, shares = _nodes(model, tokens, picks)
    advance(1)
    compared = agreement([node for node in nodes if _layer(node.name) in (None, *layers)], seed=seed)
    advance(1)
    ties = []
    for draw in range(REDRAWN):
        others, _ = _nodes(redrawn(model, tokens, seed=[seed, draw]), tokens, picks)
        others = [node for node in others if _layer(node.name) in (None, *layers)]
        ties.append(tie([node.name for node in others], same_basis(others)))
        advance(1)
    return SpacesReport(
        places=len(picks),
        spaces=tuple(measure_space(node) for node in nodes),
        agreement=compared,
        tie=tie(compared.names, compared.same_basis),
        tie_redrawn=tuple(ties),
        decomposition=shares,
        layers_compared=layers,
    )


def _nodes(model: Transformer, tokens: torch.Tensor, picks: np.ndarray) -> tuple[list[Node], tuple[Decomposition, ...]]:
    """Activations of every node at the picked places, and the stream's decomposition over all of them."""
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
    return nodes, tuple(shares)


def redrawn(model: Transformer, tokens: torch.Tensor, *, seed: int | list[int] = 0) -> Transformer:
    """Gives the model with the entries of every tensor in random order, without an output head.

    Args:
        model: The model.
        tokens: Token ids it will be run on; of the token table only their rows are redrawn.
        seed: Seed of the orders.
    """
    rng, weights = np.random.default_rng(seed), {}
    for name, tensor in model.weights.items():
        if name.startswith(("head_", "transform")):
            continue
        used = torch.unique(tokens) if name == "tok" else torch.arange(len(tensor))
        entries = tensor[used].flatten()
        weights[name] = tensor.clone()
        weights[name][used] = entries[torch.from_numpy(rng.permutation(len(entries)))].view(-1, *tensor.shape[1:])
    return replace(model, weights=weights, objective="outputs")


def _sampled(tensor: torch.Tensor, picks: np.ndarray) -> np.ndarray:
    flat = tensor.reshape(-1, tensor.shape[-1])
    return flat[torch.from_numpy(picks)].double().numpy()


def _layer(name: str) -> int | None:
    return int(name.split(".")[1]) if name.startswith("blocks.") else None
