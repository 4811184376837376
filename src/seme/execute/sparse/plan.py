"""The whole plan: what has to be computed for a token, and what was recognised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from seme.execute.sparse.fold import Folded, Forms, fold
from seme.execute.sparse.heads import HeadPlan, plan_heads
from seme.execute.sparse.logits import LogitPlan, plan_logits
from seme.execute.sparse.neurons import NeuronPlan, plan_neurons
from seme.execute.sparse.ranges import Ranges, ranges, settled
from seme.model.artifact import Artifact

VARIANCE_SHARE = 2.0**-54
"""A variance below this share of epsilon changes no bit of a float64: the root is off by half of it, a quarter ulp."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockPlan:
    """One block: heads that matter, neurons that matter.

    Attributes:
        heads: The heads.
        head_bias: [feature].
        neurons: The neurons.
    """

    heads: tuple[HeadPlan, ...]
    head_bias: np.ndarray
    neurons: NeuronPlan


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """What is computed for one token.

    Attributes:
        model: The model as affine forms.
        bounds: How large features get.
        blocks: The blocks.
        logits: The unembedding.
        sums: The same through few sums; None where there are too many.
        live: [feature]; read by anything.
    """

    model: Folded
    bounds: Ranges
    blocks: tuple[BlockPlan, ...]
    logits: Forms
    sums: LogitPlan | None
    live: np.ndarray


def plan(artifact: Artifact, *, replay: bool = True) -> Plan:
    """Reads a model and says what is to be computed.

    Args:
        artifact: The model.
        replay: Whether what neurons write may be taken from an earlier token for which they read the same.

    Raises:
        UsageError: The executor cannot run such a model.
    """
    model = fold(artifact)
    bounds = ranges(model)
    if model.paired and not bounds.largest**2 < model.epsilon * VARIANCE_SHARE:
        model = fold(artifact, paired=False)
        bounds = ranges(model)
    logits = settled(model.logits, bounds.last)
    live, raw = np.zeros(model.features + 1, dtype=bool), _raw(model)
    live[logits.matrix.indices] = True
    ever = live.copy()
    blocks = []
    for layer in reversed(range(len(model.blocks))):
        if not model.paired:
            live[:-1] = True
        neurons = plan_neurons(model, bounds, layer, live[:-1], raw[layer], replay=replay)
        live[[feature for feature, proved in neurons.erased.items() if proved]] = False
        live[neurons.feeds()] = True
        ever |= live
        heads, bias = plan_heads(model, bounds, layer, live[:-1])
        for head in heads:
            live[head.feeds()] = True
        ever |= live
        blocks.append(BlockPlan(heads=heads, head_bias=bias, neurons=neurons))
    return Plan(
        model=model,
        bounds=bounds,
        blocks=tuple(reversed(blocks)),
        logits=logits,
        sums=plan_logits(logits),
        live=ever[:-1],
    )


def _raw(model: Folded) -> list[np.ndarray]:
    """For the neurons of each block, which features only the embedding and the first heads wrote: [feature + 1]."""
    raw = np.ones(model.features + 1, dtype=bool)
    raw[-1] = False
    out = []
    for layer, block in enumerate(model.blocks):
        for head in block.heads if layer else ():
            raw[head.out.indices] = False
        out.append(raw.copy())
        raw[np.flatnonzero(block.write_bias)] = False
        raw[block.write.indices] = False
    return out


def report(made: Plan) -> dict[str, Any]:
    """What was recognised, as plain JSON."""
    heads = [
        {
            "block": head.block,
            "heads": list(head.indices),
            "keeps": head.keeps,
            "turns": None if head.turns is None else list(head.turns),
            "components": len(head.query),
            "values": len(head.value),
            "slope": head.slope,
            "forgets_below": None if np.isinf(head.forgets) else head.forgets,
            "nonzeros": head.nonzeros,
        }
        for block in made.blocks
        for head in block.heads
    ]
    neurons = [
        {
            "block": layer,
            "neurons": block.neurons.count,
            "directions": len(block.neurons.ridges),
            "tables": sum(ridge.table is not None for ridge in block.neurons.ridges),
            "replayed": block.neurons.replayed,
            "nonzeros": block.neurons.nonzeros,
        }
        for layer, block in enumerate(made.blocks)
    ]
    logits = made.logits.matrix.nnz if made.sums is None else made.sums.sums.matrix.nnz
    return {
        "norms": "folded" if made.model.paired else "computed",
        "features": int(made.live.sum()),
        "heads": heads,
        "neurons": neurons,
        "logits": {
            "rows": len(made.logits),
            "sums": None if made.sums is None else len(made.sums.sums),
            "nonzeros": logits,
        },
        "nonzeros": sum(part["nonzeros"] for part in [*heads, *neurons]) + logits,
    }
