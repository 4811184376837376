"""How often features are likely to be on: a guess that only decides which tests are worth making.

Features are taken for independent bits. The embedding says how many tokens have one, a head brings what its values are
on average, and a neuron is on as often as a sum of such bits exceeds its threshold.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from seme.execute.sparse.fold import BlockForms, Folded, Forms
from seme.execute.sparse.ranges import Ranges, settled


def likely(model: Folded, bounds: Ranges) -> tuple[np.ndarray, ...]:
    """Features' means, clipped to [0, 1], between heads and neurons of every block: [feature + 1] each."""
    if not model.paired:
        return ()
    mean = np.append(model.embed[1:].mean(axis=0) + model.places.repeated.mean(axis=0), 0.5)
    out = []
    for layer, block in enumerate(model.blocks):
        mean = _attended(block, mean)
        out.append(np.clip(mean, 0.0, 1.0))
        mean = _added(block, settled(block.neurons, bounds.middle[layer]), mean)
    return tuple(out)


def _attended(block: BlockForms, mean: np.ndarray) -> np.ndarray:
    added = block.head_bias.copy()
    for head in block.heads:
        added += head.value.at(np.clip(mean, 0.0, 1.0)) @ head.out
    return mean + np.append(added, 0.0)


def _added(block: BlockForms, neurons: Forms, mean: np.ndarray) -> np.ndarray:
    bits = np.clip(mean, 0.0, 1.0)
    pre = neurons.at(bits)
    spread = np.sqrt(neurons.matrix.power(2) @ (bits * (1 - bits)) + 1e-4)
    # a bit sum's neuron passes 1 when on; half a unit makes up for sums being whole
    on = ndtr((pre - 0.5) / spread) * np.maximum(pre, 1.0)
    return mean + np.append(np.minimum(on, 1.0) @ block.write + block.write_bias, 0.0)
