"""Blocks that are replayed, in C: what is asked of a token before a block's neurons are taken as they were."""

from __future__ import annotations

import os
from dataclasses import dataclass

from seme.execute.sparse.ctext import Text

UNIT = 64
"""Bytes that a node is a multiple of: what a processor reads at once."""

MOST_NODES = (int(os.environ.get("MB", 64)) << 20) // UNIT
"""Units of all nodes of a stream."""


@dataclass(slots=True)
class Replays:
    """What blocks so far need.

    Attributes:
        chains: Chains of blocks.
        blocks: Blocks.
        units: Of a node of each.
        most: The most eights that one of them reads.
    """

    chains: int = 0
    blocks: int = 0
    units: int = 0
    most: int = 1

    def write(self, text: Text, layer: int) -> str:
        """Writes out what a block reads and writes; returns its name. Behind `text.open`."""
        links, part = text.versions.links[layer], 2 * layer + 1
        new = sorted(text.place(version) for version in links.new)
        reads = text.asked(f"reads_{layer}", new)
        eights, outputs = len(text.eights(new)), len(text.versions.order[part])
        units = -(-(16 + 16 * (eights + -(-outputs // 8))) // UNIT)
        name, first = f"replay_{layer}", min(text.opened.values())
        chain = self.chains if links.fresh else -1
        text.lines.append(
            f"static const replay {name} = {{{chain}, {reads}, {first}, {outputs}, {text.versions.shown[part]}, {units}}};"
        )
        self.chains += links.fresh
        self.blocks += 1
        self.units += units
        self.most = max(self.most, eights)
        if os.environ.get("SHOW"):
            print(layer, links.fresh, "new", len(new), "eights", eights, "outputs", outputs, "shown", text.versions.shown[part],"units", units)
        return name
