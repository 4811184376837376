"""Blocks that are replayed, in C: what is asked of a token before a block's neurons are taken as they were."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from seme.execute.sparse.ctext import Text
from seme.execute.sparse.versions import WIDE

UNIT = 16
"""Bytes that a node is a multiple of: what a processor reads at once."""

MOST_NODES = (int(os.environ.get("MB", 16)) << 20) // UNIT
NODE_SETS = int(os.environ.get("SETS", 8192))
"""Units of all nodes of a stream."""

TOKEN_NODES = 1 << 14
"""Units that are left free for a token's."""


@dataclass(slots=True)
class Replays:
    """What blocks so far need.

    Attributes:
        names: Of the blocks.
        most_read: The most eights of places that one of them reads.
        most_written: The most that one writes.
    """

    names: list[str] = field(default_factory=list)
    most_read: int = 1
    most_written: int = 1

    def write(self, text: Text, layer: int) -> str:
        """Writes out what a block reads and writes; returns its name. Behind `text.open`."""
        links, part = text.versions.links[layer], 2 * layer + 1
        new = sorted(text.place(version) for version in links.new)
        reads = text.asked(f"reads_{layer}", new)
        eights, outputs = len(text.eights(new)), len(text.versions.order[part])
        name, first = f"replay_{layer}", min(text.opened.values())
        shown = text.versions.shown[part]
        text.lines.append(
            f"static const replay {name} = {{{len(self.names)}, {int(links.fresh)}, {reads}, {first}, {outputs}, {shown}}};"
        )
        self.names.append(name)
        self.most_read = max(self.most_read, eights)
        self.most_written = max(self.most_written, -(-outputs // WIDE))
        return name
