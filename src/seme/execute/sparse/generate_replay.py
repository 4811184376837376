"""Blocks that are replayed, in C: what is asked of a token before a block's neurons are taken as they were."""

from __future__ import annotations

from dataclasses import dataclass, field

from seme.execute.sparse.ctext import Text
from seme.execute.sparse.versions import WIDE, Component

UNIT = 16
"""Bytes that a node's length is a multiple of."""

HEAD = 24
"""Bytes of a node before what it keeps."""

MOST_NODES = (32 << 20) // UNIT
"""Units of all nodes of a stream. Once they were full half of them are used: what is read often should stay near the
processor."""

SETS = 1 << 12
"""Sets of eight places in which nodes are listed."""


@dataclass(slots=True)
class Replays:
    """What blocks so far need.

    Attributes:
        names: Of the blocks.
        most_read: The most eights of places that one of them reads.
        most_written: The most that one writes.
        units: The most that nodes of one token take.
        rows: What nodes of the latest block know rows of.
        reads: How many places they read that no block before them reads or writes.
    """

    names: list[str] = field(default_factory=list)
    most_read: int = 1
    most_written: int = 1
    units: int = 1
    rows: list[Component] = field(default_factory=list)
    reads: list[int] = field(default_factory=list)

    def write(self, text: Text, layer: int) -> str:
        """Writes out what a block reads and writes; returns its name. Behind `text.open`."""
        part = 2 * layer + 1
        new = sorted(text.place(version) for version in text.versions.new[layer])
        reads = text.asked(f"reads_{layer}", new)
        outputs, shown = len(text.versions.order[part]), text.versions.shown[part]
        read, written = len(text.eights(new)), -(-outputs // WIDE)
        name, at = f"replay_{layer}", len(self.names)
        self.rows = text.versions.known[layer]
        rows = len(self.rows)
        first = min(text.opened[feature] for feature in text.versions.order[part])
        text.lines.append(f"static const replay {name} = {{{at}, {reads}, {first}, {outputs}, {shown}, {rows}}};")
        self.names.append(name)
        self.reads.append(len(new))
        self.most_read = max(self.most_read, read)
        self.most_written = max(self.most_written, written)
        self.units += -(-(HEAD + 8 + (1 + 8 * WIDE) * (read + written) + 4 * rows) // UNIT)
        return name

    @property
    def turning(self) -> int:
        """The block, not the first, that reads most that is new; -1 where there is none."""
        return max(range(1, len(self.reads)), key=self.reads.__getitem__, default=-1)

    def known(self) -> str:
        """In C, the rows that a token's node of the latest block knows, 0 where there is no node."""
        return f"rows_of(s, &on, {len(self.names) - 1})" if self.rows else "0"

    def defines(self) -> list[str]:
        """What C is told of them."""
        most = max(MOST_NODES, 2 * self.units) if self.names else 2
        return [
            f"#define REPLAYS {len(self.names)}",
            f"#define TURNING {self.turning}",
            f"#define UNIT {UNIT}",
            f"#define NODE_HEAD {HEAD}",
            f"#define MOST_NODES {most}ll",
            f"#define LATER_NODES {max(most // 2, 2 * self.units)}ll",
            f"#define TOKEN_NODES {self.units}",
            f"#define NODE_SETS {SETS if self.names else 1}ll",
            f"#define MOST_READ {self.most_read}",
            f"#define MOST_WRITTEN {self.most_written}",
        ]

    def listed(self) -> str:
        """A list of them, in C."""
        return f"static const replay *const ALL_REPLAYS[] = {{{', '.join(f'&{n}' for n in self.names) or '0'}}};"
