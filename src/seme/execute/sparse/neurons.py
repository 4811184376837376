"""Neurons of a block: those that can be on and are read, in groups that one test skips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from seme.execute.sparse.fold import Folded, Forms, Matrix
from seme.execute.sparse.ranges import GELU_SETTLED, Ranges, activate, settled


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NeuronPlan:
    """The neurons of a block.

    Attributes:
        pre: What each computes before its activation.
        write: [neuron, feature].
        bias: [feature]; added to the stream.
    """

    pre: Forms
    write: Matrix
    bias: np.ndarray

    @property
    def nonzeros(self) -> int:
        """Numbers multiplied for one token."""
        return self.pre.matrix.nnz + self.write.nnz


def plan_neurons(model: Folded, bounds: Ranges, layer: int, live: np.ndarray) -> NeuronPlan:
    """Leaves out neurons that are never on, or that write to nothing that is read; constant ones become biases."""
    block, now = model.blocks[layer], bounds.middle[layer]
    write = (block.write @ sparse.diags_array(live.astype(float))).tocsr()
    write.eliminate_zeros()
    pre = settled(block.neurons, now)
    fixed = np.diff(pre.matrix.indptr) == 0
    bias = block.write_bias + activate(np.where(fixed, pre.bias, 0.0), model.gelu) @ write
    most = now.through(pre.matrix, pre.bias).high
    on = most > (-GELU_SETTLED if model.gelu else 0.0)
    kept = np.flatnonzero(on & ~fixed & (np.diff(write.indptr) > 0))
    return NeuronPlan(pre=pre.take(kept), write=write[kept], bias=bias)
