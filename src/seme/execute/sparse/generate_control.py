"""What decides in a block, in C: its code, what is remembered of it, and how that is made."""

from __future__ import annotations

import numpy as np

from seme.execute.sparse.control import Control
from seme.execute.sparse.ctext import Text

CODES = 1024
OFTEN = 32
"""Times that a code is met before it is found out which groups it leaves off: that takes as long as ten tokens."""

WAYS = 4
"""Codes that a block remembers at a time, each at one of so many places."""


def write_control(text: Text, layer: int, control: Control) -> list[str]:
    """Writes how a block finds which groups can be on: lines that leave `on`."""
    controls = sorted(text.number[feature] for feature in control.features if text.number[feature] >= 0)
    controls = [place for at, mask in text.eights(controls)[:8] for place in range(at, at + 8) if mask[place - at]]
    rows = control.reads
    at = np.array([text.number.get(feature, -1) for feature in range(rows.shape[1])])
    at[at < 0] = text.index_place + 1  # what has no place is zero
    at[-1] = text.index_place
    where = at[rows.indices]
    chosen = np.isin(where, controls)
    reads = [
        text.table(rows.indptr.astype(np.uint32), "unsigned"),
        text.table(np.where(chosen, -1 - where, where).astype(np.int32), "int"),
        text.table(rows.data, "double"),
        text.table(control.offsets, "double"),
        text.table(control.slacks, "double"),
        text.table(control.group_of.astype(np.uint32), "unsigned"),
        str(len(control.offsets)),
    ]
    asked = text.asked(f"asked_{layer}", [int(p) for p in np.unique(where) if p < text.index_place])
    text.decided += 1
    decide = text.asked(f"controls_{layer}", controls)
    return [
        f"static const asked asked_{layer} = {asked};",
        f"static const asked controls_{layer} = {decide};",
        f"held(s, x, &asked_{layer});",
        f"const u64 code = code_of(s, x, &controls_{layer});",
        f"known *k = known_for(s, {(text.decided - 1) * (CODES + WAYS - 1)}, code);",
        f"if (++k->met == {OFTEN}) k->on = possible(s, x, {', '.join(reads)});",
        "const u64 on = k->on;",
    ]
