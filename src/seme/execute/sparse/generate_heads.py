"""Heads in C: each takes in its key, asks its store, and the block adds up what was found."""

from __future__ import annotations

import numpy as np

from seme.execute.sparse.ctext import Term, Text, number
from seme.execute.sparse.heads import HeadPlan


def write_heads(text: Text, layer: int) -> list[str]:
    """Writes a block's heads; returns what `step` calls."""
    block = text.plan.blocks[layer]
    first = sum(len(before.heads) for before in text.plan.blocks[:layer])
    body: list[str] = []
    terms: dict[int, list[Term]] = {}
    for at, head in enumerate(block.heads, start=first):
        body += _head(text, at, head)
        for value in range(len(head.value)):
            row = head.out[[value]]
            for feature, weight in zip(row.indices.tolist(), row.data.tolist(), strict=True):
                terms.setdefault(feature, []).append((weight, f"z{at}[{value}]"))
    for feature in sorted(set(terms) | set(np.flatnonzero(block.head_bias).tolist())):
        if feature in text.number:
            body.append(text.added(feature, block.head_bias[feature], terms.get(feature, [])))
    if not body:
        return []
    name = f"attend_{layer}"
    text.function(name, "state *s, double *x, const double *y, double t", [*body, "return 0;"], "apart int")
    return [f"if ({name}(s, x, y, t)) return 1;"]


def _head(text: Text, at: int, head: HeadPlan) -> list[str]:
    count, values = len(head.query), len(head.value)
    kinds = f"{head.keeps.upper()}, {count}, {values}, {number(head.slope)}"
    begin, score = "0", "0"
    if head.begin_score is not None:
        begin, score = text.table(head.begin_value, "double"), text.form(head.begin_score, 0)
    text.function(
        f"every_{at}",
        "const head *h, const double *q, double b, const double *begin, double *mix",
        [f"return all_of(h, {kinds}, q, b, begin, mix);"],
        "apart const double *",
    )
    key = ", ".join(text.form(head.key, row) for row in range(count)) or "0"
    query = ", ".join(text.form(head.query, row) for row in range(count)) or "0"
    value = ", ".join(text.form(head.value, row) for row in range(values))
    kept = f"if (a{at} >= {number(head.forgets)}) {{" if np.isfinite(head.forgets) else "{"
    codes = int(head.keeps != "all" and head.turns is None and 0 < count <= 64)
    known = f"{head.keeps.upper()}, {codes}, {count}, {values}, {number(head.slope)}"
    begun = [
        f"const double a{at} = {text.form(head.offset, 0)};",
        kept,
        f"  const double k[] = {{{key}}};",
        f"  if (remember(&s->heads[{at}], {known}, k, a{at}, t, v{at})) return 1;",
        "}",
        f"const double q{at}[] = {{{query}}};",
    ]
    found = f"recall(&s->heads[{at}], {known}, q{at}, {score}, {begin}, mix{at}, every_{at})"
    taken = [f"const double v{at}[] = {{{value}}};", f"double mix{at}[{values}];", f"const double *z{at};"]
    if head.turns is None:
        return [*taken, *begun, f"z{at} = {found};"]
    period, width = len(head.turns), count + 3 + values
    back = str(head.turns[0])
    if len(set(head.turns)) > 1:
        back = text.table(np.array(head.turns, dtype=np.int64), "i64") + f"[(s->length - 1) % {period}]"
    return [
        *taken,
        f"if (t < {period}) {{",
        *(f"  {line}" for line in begun),
        f"  z{at} = {found};",
        "} else {",  # by now each turn has its row, in order
        f"  double *rows = s->heads[{at}].odd.rows;",
        f"  put(rows + (s->length - 1) % {period} * {width} + {count + 1}, 0, LATEST, t, v{at}, {values});",
        f"  z{at} = rows + (s->length - 1 + {period} - {back}) % {period} * {width} + {count + 3};",
        "}",
    ]
