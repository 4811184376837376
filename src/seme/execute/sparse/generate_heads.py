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
    return [
        f"const double a{at} = {text.form(head.offset, 0)};",
        kept,
        f"  const double k[] = {{{key}}};",
        f"  const double v[] = {{{value}}};",
        f"  if (remember(&s->heads[{at}], {kinds}, k, a{at}, t, v)) return 1;",
        "}",
        f"const double q{at}[] = {{{query}}};",
        f"double mix{at}[{values}];",
        f"const double *z{at} = recall(&s->heads[{at}], {kinds}, q{at}, {score}, {begin}, mix{at}, every_{at});",
    ]
