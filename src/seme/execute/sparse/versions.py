"""Which features each part of a model writes, and what the parts after it want to know of them.

A part is the embedding (-1), the heads of block l (2 l) or its neurons (2 l + 1). What a part writes to a feature holds
until the next part that writes there: a version of the feature.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seme.execute.sparse.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """The versions of features, by the part that writes them.

    Attributes:
        order: Part -> what it writes: controls of later blocks, what is asked of tokens besides, the rest; the other
            way round for neurons.
        counts: Part -> how many of these are controls, and how many are controls or asked.
        gone: Part -> features that are zero behind it and have no place.
    """

    order: dict[int, list[int]]
    counts: dict[int, tuple[int, int]]
    gone: dict[int, list[int]]

    @classmethod
    def of(cls, plan: Plan, filled: np.ndarray) -> Versions:
        """Follows features through a plan.

        Args:
            plan: The plan.
            filled: [feature]; what the embedding and positions write.
        """
        written: dict[int, list[int]] = {-1: np.flatnonzero(filled).tolist()}
        gone: dict[int, list[int]] = {}
        latest = dict.fromkeys(written[-1], -1)
        controls: dict[int, set[int]] = {}
        asked: dict[int, set[int]] = {}
        for layer, block in enumerate(plan.blocks):
            heads = {int(f) for head in block.heads for f in head.out.indices}
            heads |= {f for f in np.flatnonzero(block.head_bias).tolist() if plan.live[f]}
            written[2 * layer] = sorted(heads)
            latest |= dict.fromkeys(heads, 2 * layer)
            plans = block.neurons
            if plans.control is not None:
                for feature in plans.control.features:
                    if feature in latest:
                        controls.setdefault(latest[feature], set()).add(feature)
                for feature in np.unique(plans.control.reads.indices).tolist():
                    if feature in latest:
                        asked.setdefault(latest[feature], set()).add(feature)
            neurons = {int(f) for ridge in plans.ridges for f in ridge.write.indices}
            neurons |= {f for f in np.flatnonzero(plans.bias).tolist() if plan.live[f]}
            for feature, proved in plans.erased.items():
                if not proved and feature in latest:
                    neurons.add(feature)
                elif feature in latest and feature not in neurons:
                    gone.setdefault(2 * layer + 1, []).append(feature)
                    del latest[feature]
            written[2 * layer + 1] = sorted(neurons)
            latest |= dict.fromkeys(neurons, 2 * layer + 1)
        order, counts = {}, {}
        for part, features in written.items():
            first, more = controls.get(part, set()), asked.get(part, set())
            # what is asked at a time, of a block's heads and of the neurons before them, stands side by side
            order[part] = sorted(features, key=lambda f: (f not in first, f not in more, f), reverse=part % 2 == 1)
            counts[part] = (len(first), len(first | more))
        return cls(order=order, counts=counts, gone=gone)

    @property
    def count(self) -> int:
        """How many versions there are."""
        return sum(map(len, self.order.values()))

    def in_order(self, part: int) -> list[int]:
        """What a part writes."""
        return self.order[part]

    def ended(self, part: int) -> list[int]:
        """Features that are zero behind a part."""
        return self.gone.get(part, [])

    def controls(self, part: int) -> int:
        """How many of what a part writes are controls."""
        return self.counts[part][0]

    def asked(self, part: int) -> int:
        """How many of what a part writes are held against bounds."""
        return self.counts[part][1]
