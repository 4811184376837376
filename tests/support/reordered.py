"""The same model, added up in another order."""

from __future__ import annotations

from dataclasses import replace

import torch

from seme.model.artifact import Artifact

DIRECTIONS = {"W_E": 1, "W_pos": 1, "W_Q": 1, "W_K": 1, "W_V": 1, "W_O": 2, "W_in": 0, "W_out": 1, "W_U": 0}
DIRECTIONS |= {"b_O": 0, "b_out": 0, "w": 0, "b": 0}
NEURONS = {"W_in": 1, "b_in": 0, "W_out": 0}
HEADS = {"W_Q": 0, "W_K": 0, "W_V": 0, "W_O": 0, "b_Q": 0, "b_K": 0, "b_V": 0}
"""The axis of a weight that runs over the residual stream's directions, a block's neurons, a block's heads."""


def permuted(artifact: Artifact, seed: int, *, paired: bool = True) -> Artifact:
    """The same model with directions, and each block's neurons and heads, in another order: other orders of summing.

    Args:
        artifact: A trace model.
        seed: Of the order.
        paired: Whether the two directions of a seme stay neighbours.
    """
    generator, spec = torch.Generator().manual_seed(seed), artifact.spec

    def order(count: int) -> torch.Tensor:
        return torch.randperm(count, generator=generator)

    pairs = order(spec.d_model // 2)
    directions = torch.stack([2 * pairs, 2 * pairs + 1], dim=1).flatten() if paired else order(spec.d_model)
    neurons = [order(spec.d_mlp) for _ in range(spec.layers)]
    heads = [order(spec.heads) for _ in range(spec.layers)]
    weights = {}
    for name, weight in artifact.weights.items():
        parts = name.split(".")
        orders = [(DIRECTIONS, directions)]
        if parts[0] == "blocks":
            orders += [(NEURONS, neurons[int(parts[1])]), (HEADS, heads[int(parts[1])])]
        for axes, moved in orders:
            weight = weight.index_select(axes[parts[-1]], moved) if parts[-1] in axes else weight
        weights[name] = weight
    rule = artifact.positions
    assert rule is not None
    rule = replace(rule, repeated=rule.repeated[:, directions], slope=rule.slope[directions])
    return replace(artifact, weights=weights, positions=rule)
