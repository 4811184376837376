"""Where features stand in the stream: each part of a model writes what it changes to places of its own.

A part is the embedding (-1), the heads of block l (2 l) or its neurons (2 l + 1). What a part writes to a feature holds
until the next part that writes there: a version of the feature. Versions of a part that the same blocks read stand
side by side. What neurons of a block that is replayed read and write is settled for those behind it (see `replay.c`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seme.execute.sparse.plan import Plan

WIDE = 8
"""Numbers in a C `wide`."""

Version = tuple[int, int]
"""A part and a feature that it writes."""

Component = tuple[int, int, str]
"""A block, the number of a head of it, and which of what it compares: its "key" or its "query"."""


def padded(count: int) -> int:
    """The next multiple of the numbers that are compared, added and multiplied at a time."""
    return -(-count // WIDE) * WIDE


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """The versions of features, by the part that writes them.

    Attributes:
        order: Part -> what it writes; first what is `shown`.
        early: Block that is replayed -> what it writes that is computed all the same.
        shown: Part -> of how much of it more is to be known than that it is settled.
        gone: Part -> features that are zero behind it and have no place.
        new: Block that is replayed -> what it reads that is not settled: that no such block before it reads or writes.
        known: Block that is replayed -> keys and queries of heads behind it, before the next such block, that are a
            function of what is settled.
        ends: Whether the choice, too, is a function of what is settled.
    """

    order: dict[int, list[int]]
    early: dict[int, list[int]]
    shown: dict[int, int]
    gone: dict[int, list[int]]
    new: dict[int, frozenset[Version]]
    known: dict[int, list[Component]]
    ends: bool

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
        shown: set[Version] = set()
        read: dict[int, set[Version]] = {}
        asked: dict[Component, set[Version]] = {}
        early: dict[int, list[int]] = {}

        def versions(features: set[int]) -> set[Version]:  # the index is none
            return {(latest[feature], feature) for feature in features & latest.keys()}

        for layer, block in enumerate(plan.blocks):
            heads = {int(f) for head in block.heads for f in head.out.indices}
            heads |= {f for f in np.flatnonzero(block.head_bias).tolist() if plan.live[f]}
            shown |= versions(heads.union(*(head.feeds().tolist() for head in block.heads)))
            for number, head in enumerate(block.heads):
                for of, form in (("key", head.key), ("query", head.query)):
                    some = set(form.matrix.indices.tolist())
                    if some and plan.model.features not in some:  # the index
                        asked[layer, number, of] = versions(some)
            written[2 * layer] = sorted(heads)
            latest |= dict.fromkeys(heads, 2 * layer)
            plans = block.neurons
            neurons = {int(f) for ridge in plans.ridges for f in ridge.write.indices}
            neurons |= {f for f in np.flatnonzero(plans.bias).tolist() if plan.live[f]}
            for feature, proved in plans.erased.items():
                if not proved and feature in latest:
                    neurons.add(feature)
                elif feature in latest and feature not in neurons:
                    gone.setdefault(2 * layer + 1, []).append(feature)
            apart = plans.writes_early
            early[layer] = sorted(apart)
            shown |= versions(apart.union(plans.feeds_early().tolist()))
            kept = {feature for feature in neurons - apart if plans.erased.get(feature) is not True}
            read[layer] = versions(kept.union(plans.feeds_late().tolist()))
            for feature in gone.get(2 * layer + 1, []):
                del latest[feature]
            written[2 * layer + 1] = sorted(neurons - apart)
            latest |= dict.fromkeys(neurons, 2 * layer + 1)
        last = plan.logits if plan.sums is None else plan.sums.sums
        chooses = set(last.matrix.indices.tolist())
        chosen = versions(chooses)
        shown |= chosen
        new: dict[int, frozenset[Version]] = {}
        settled: set[Version] = set()
        known: dict[int, list[Component]] = {}
        for layer, block in enumerate(plan.blocks):
            if new:
                known[max(new)] += [one for one, some in asked.items() if one[0] == layer and some <= settled]
            if block.neurons.replayed:
                known[layer] = []
                new[layer] = frozenset(read[layer] - settled)
                settled |= read[layer] | {(2 * layer + 1, feature) for feature in written[2 * layer + 1]}
            shown |= new.get(layer, read[layer])
        ends = len(plan.blocks) - 1 in new and chosen <= settled and plan.model.features not in chooses  # the index
        order = _ordered(written, read, shown)
        counts = {part: sum((part, feature) in shown for feature in some) for part, some in written.items()}
        return cls(order=order, early=early, shown=counts, gone=gone, new=new, known=known, ends=ends)


def _ordered(written: dict[int, list[int]], read: dict[int, set[Version]], shown: set[Version]) -> dict[int, list[int]]:
    """What parts write: first what is shown, and what the same blocks read side by side."""
    readers: dict[Version, list[int]] = {}
    for layer, some in read.items():
        for version in some:
            readers.setdefault(version, []).append(layer)

    def rank(version: Version) -> tuple[bool, list[int], int]:
        return version not in shown, readers.get(version, [len(read)]), version[1]

    return {part: sorted(some, key=lambda f, part=part: rank((part, f))) for part, some in written.items()}
