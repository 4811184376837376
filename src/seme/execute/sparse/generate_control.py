"""What decides in a block, in C: its code, what is remembered of it, and how that is made."""

from __future__ import annotations

import numpy as np

from seme.execute.sparse.control import Control
from seme.execute.sparse.ctext import Term, Text, total

CODES = 1024
WAYS = 4
"""Codes that a block remembers at a time, each at one of so many places."""


def write_control(
    text: Text, layer: int, control: Control, known: tuple[list[str], dict[int, list[Term]]]
) -> tuple[dict[int, int], list[str]]:
    """Writes how a block finds what its controls decide.

    Args:
        text: The text.
        layer: The block.
        control: What decides there.
        known: Lines that compute neurons of controls alone, and what they add to features.

    Returns:
        The places of what is known, by feature, and the lines of `step` that find it: `on` and `k` of the block.
    """
    lines, terms = known
    places = {feature: at for at, feature in enumerate(sorted(terms, key=text.opened.__getitem__))}
    masks: dict[int, int] = {}
    controls = [text.number[feature] for feature in control.features if text.number[feature] >= 0]
    for place in controls:
        word, bit = text.bits[place]
        masks[word] = masks.get(word, 0) | 1 << bit
    assert len(controls) <= 64, "a code is one word"
    width = 3 + len(places)
    offset = text.remember(width * (CODES + WAYS - 1))
    rows = control.reads
    at = np.array([text.number.get(feature, -1) for feature in range(rows.shape[1])])
    at[at < 0] = text.index_place + 1  # what has no place is zero
    at[-1] = text.index_place
    where = at[rows.indices]
    chosen = np.isin(rows.indices, control.features)
    reads = [
        text.table(rows.indptr.astype(np.uint32), "unsigned"),
        text.table(np.where(chosen, -1 - where, where).astype(np.int32), "int"),
        text.table(rows.data, "double"),
        text.table(control.offsets, "double"),
        text.table(control.slacks, "double"),
        text.table(control.group_of.astype(np.uint32), "unsigned"),
        str(len(control.offsets)),
    ]
    exact = f"all_exact(s, {text.table(np.array(controls, dtype=np.int32), 'int')}, {len(controls)})"
    body = [
        *lines,
        *(f"k[{place}] = {total(0.0, terms[feature])};" for feature, place in places.items()),
        "if (kept[0] == (s->generation | UNSURE) && kept[1] == code) return;",
        f"kept[2] = possible(s, x, {', '.join(reads)});",
        "kept[1] = code;",
        f"kept[0] = s->generation | ({int(bool(places))} && !{exact} ? UNSURE : 0);",
    ]
    text.function(
        f"decide_{layer}",
        "const state *s, const double *x, const double *y, double t, const double *m, u64 code, u64 *kept",
        ["double *k = (double *)(kept + 3);", *body],
    )
    code, known_bits = [], 0
    for word, mask in masks.items():
        code.append(f"chosen_bits(c{word}, {mask}ull) << {known_bits}")
        known_bits += mask.bit_count()
    name = f"kept_{layer}"
    found = [
        f"const u64 code_{layer} = {' | '.join(code) or '0'};",
        f"u64 *{name} = kept_for(s, {offset}, code_{layer}, {width});",
        f"if (!keeps_code(s, {name}, code_{layer})) decide_{layer}(s, x, y, t, m_{layer}, code_{layer}, {name});",
        f"const u64 on_{layer} = {name}[2];",
        f"const double *k_{layer} = (const double *)({name} + 3);",
    ]
    return places, found
