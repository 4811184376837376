"""Heads in C: each takes in its key, asks its store, and the block adds up what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seme.execute.sparse.ctext import Term, Text, number
from seme.execute.sparse.generate_replay import Replays
from seme.execute.sparse.heads import HeadPlan, joint_scale, same_keys
from seme.execute.sparse.plan import Plan
from seme.execute.sparse.versions import WIDE, padded

FEW = 12
"""Values that are rather written where nobody reads them than tested for."""


Value = tuple[float, tuple[tuple[int, float], ...]]
"""A form: its constant and its terms."""


def owners(plan: Plan) -> list[int]:
    """For each head the one whose store it asks: the first of its block with the same keys, mostly itself."""
    out: list[int] = []
    for block in plan.blocks:
        first = len(out)
        for head in block.heads:
            own = len(out)
            out.append(
                next((first + n for n, one in enumerate(block.heads[: own - first]) if same_keys(one, head)), own)
            )
    return out


def is_coded(head: HeadPlan) -> bool:
    """Whether keys and queries may be codes."""
    return head.keeps != "all" and head.turns is None and len(head.query) <= 64


def is_direct(head: HeadPlan) -> bool:
    """Whether every code has its row from the start: DIRECT in C."""
    return is_coded(head) and head.keeps in ("latest", "first") and len(head.query) <= 6


def write_heads(text: Text, layer: int, replays: Replays) -> list[str]:
    """Writes a block's heads; returns what `step` calls."""
    block = text.plan.blocks[layer]
    first = sum(len(before.heads) for before in text.plan.blocks[:layer])
    owner = owners(text.plan)
    ring = _ring(text, layer)
    body = [] if ring is None else ring.written(text)
    terms: dict[int, list[Term]] = {}
    for at, head in enumerate(block.heads, start=first):
        rows = {
            of: replays.rows.index((layer, at - first, of))
            for of in ("key", "query")
            if (layer, at - first, of) in replays.rows
        }
        sharing = [one for one, mine in zip(block.heads, owner[first:], strict=False) if mine == at]
        body += _Head(text=text, at=at, head=head, owner=owner[at], sharing=sharing, ring=ring, rows=rows).lines()
        for value in range(len(head.value)):
            row = head.out[[value]]
            for feature, weight in zip(row.indices.tolist(), row.data.tolist(), strict=True):
                place = value if ring is None or head.turns is None else ring.place(head, value)
                terms.setdefault(feature, []).append((weight, f"z{at}[{place}]"))
    for feature in sorted(set(terms) | set(np.flatnonzero(block.head_bias).tolist())):
        if feature in text.number:
            body.append(text.added(feature, block.head_bias[feature], terms.get(feature, [])))
    if not body:
        return []
    name = f"attend_{layer}"
    now = "const here now = {x, y, t};"
    text.function(
        name, "state *s, double *x, const double *y, double t, u32 *known", [now, *body, "return 0;"], "apart int"
    )
    return [f"if ({name}(s, x, y, t, {replays.known()})) return 1;"]


def ring_sizes(plan: Plan) -> list[int]:
    """Numbers in each block's ring, 0 where it has none."""
    return [_places_of(block.heads) * len(_turned(block.heads)) for block in plan.blocks]


def _places_of(heads: Sequence[HeadPlan]) -> int:
    """Positions that a ring holds: a power of two, no less than any head looks back."""
    return 1 << (max((len(head.turns) for head in heads if head.turns), default=1) - 1).bit_length()


def _turned(heads: Sequence[HeadPlan]) -> dict[Value, int]:
    """The different values of heads that look back by turns, numbered."""
    values = [_value(head, row) for head in heads if head.turns for row in range(len(head.value))]
    return {value: place for place, value in enumerate(dict.fromkeys(values))}


def _value(head: HeadPlan, row: int) -> Value:
    return float(head.value.bias[row]), tuple(head.value.terms(row))


def _ring(text: Text, layer: int) -> _Ring | None:
    heads, sizes = text.plan.blocks[layer].heads, ring_sizes(text.plan)
    if not sizes[layer]:
        return None
    name = f"(s->rings + {sum(sizes[:layer])})"
    return _Ring(name=name, places=_places_of(heads), values=_turned(heads), heads=heads)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ring:
    """What the latest positions hold of what a block's heads bring that look back by turns."""

    name: str
    places: int
    values: dict[Value, int]
    heads: tuple[HeadPlan, ...]

    def written(self, text: Text) -> list[str]:
        """This position's values."""
        forms = {
            self.place(h, row): text.form(h.value, row) for h in self.heads if h.turns for row in range(len(h.value))
        }
        lines = [f"  to[{place}] = {form};" for place, form in sorted(forms.items())]
        return [f"{{ double *to = {self.name} + {self.at('0')};", *lines, "}"]

    def place(self, head: HeadPlan, row: int) -> int:
        """Where a head's value stands among a position's."""
        return self.values[_value(head, row)]

    def at(self, back: str) -> str:
        """Where the values of so many positions back begin."""
        return f"((s->length - 1 - {back}) & {self.places - 1}) * {len(self.values)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """One head as it is written: its number, whose store it asks, and, if that is its own, who else does."""

    text: Text
    at: int
    head: HeadPlan
    owner: int
    sharing: list[HeadPlan]
    ring: _Ring | None
    rows: dict[str, int]

    def lines(self) -> list[str]:
        """Leaves what is found at z."""
        text, at, head = self.text, self.at, self.head
        count, values = len(head.query), len(head.value)
        begin = "0" if head.begin_score is None else text.table(head.begin_value, "double")
        made = {"key": head.key} if self.owner == at else {}
        made |= {} if self.joint else {"query": head.query}
        for of, form in made.items():
            if count:
                stream = "const double *x = now->x, *y = now->y, t = now->t;"
                text.function(
                    self._function(of), "const here *now, wide *out", [stream, *text.array("out", form)], "static void"
                )
        text.function(
            f"every_{at}",
            "const keys *k, const here *now, double b, const double *begin, double *mix",
            [
                f"wide q[{max(padded(count) // WIDE, 1)}];",
                *([f"{self._function(self._asks)}(now, q);"] if count else []),
                f"return all_of(k, {head.keeps.upper()}, {count}, {values}, {number(head.slope)}, (const double *)q, "
                f"{number(self.scale)}, b, begin, mix);",
            ],
            "apart const double *",
        )
        taken = [f"double mix{at}[{max(values, 1)}];", f"const double *z{at};"]
        if head.turns is None:
            return [*taken, *self._asked(begin)]
        assert self.ring is not None
        period, ring = len(head.turns), self.ring
        back = str(head.turns[0])
        if len(set(head.turns)) > 1:
            back = text.table(np.array(head.turns, dtype=np.int64), "i64") + f"[(s->length - 1) % {period}]"
        return [
            *taken,
            f"double turned{at}[{len(ring.values)}];",
            f"if (t < {period}) {{",
            *(f"  {line}" for line in self._asked(begin)),
            *(f"  turned{at}[{ring.place(head, value)}] = z{at}[{value}];" for value in range(values)),
            f"  z{at} = turned{at};",
            "} else {",  # by now each turn has been
            f"  z{at} = {ring.name} + {ring.at(back)};",
            "}",
        ]

    @property
    def joint(self) -> bool:
        """Whether the query is a multiple of the key that the head itself takes in at its position."""
        return self.owner == self.at and joint_scale(self.head) is not None

    @property
    def scale(self) -> float:
        """What makes the query of what it is asked with."""
        return (joint_scale(self.head) or 1.0) if self.joint else 1.0

    @property
    def _asks(self) -> str:
        """What makes the query: the query itself, or the key that it is a multiple of."""
        return "key" if self.joint else "query"

    def _asked(self, begin: str) -> list[str]:
        """Takes the key in, unless another head of the same keys did, and asks."""
        text, at, head = self.text, self.at, self.head
        keys, queries = f"&s->heads[{self.owner}].keys", f"&s->heads[{at}].queries"
        slope = number(head.slope)
        key = self._row("key", f"s->heads[{self.owner}].keys.gives", f"{keys}.failures")
        lines = key if self.joint else []
        if self.owner == at:
            least = min(one.forgets for one in self.sharing)
            lines += [
                f"const double a{at} = {text.form(head.offset, 0)};",
                f"if (a{at} >= {number(least)}) {{" if np.isfinite(least) and not is_direct(head) else "{",
                *([] if self.joint else key),
                f"double *to = taken_in({keys}, fits_key{at}, code_key{at}, &key{at}, {self._kind}, {slope}, "
                f"{self._function('key')}, &now, a{at}, s->spare);",
                "if (to == NO_ROOM) return 1;",
                "if (to && to != s->spare + 2) {" if is_direct(head) and len(head.value) > FEW else "if (to) {",
                *(self._put(value) for value in range(len(head.value))),
                "}",
                "}",
            ]
        of = self._asks
        if not self.joint:
            lines += self._row("query", f"s->heads[{at}].queries.asks", f"{queries}.failures")
        score = "0" if head.begin_score is None else text.form(head.begin_score, 0)
        lines.append(
            f"z{at} = recall({keys}, {queries}, {int(is_coded(head))}, fits_{of}{at}, {of}{at}, {self._kind}, {slope}, "
            f"{self._function(of)}, &now, {int(self.joint)}, {number(self.scale)}, {score}, {begin}, mix{at}, "
            f"every_{at});"
        )
        return lines

    def _row(self, of: str, sizes: str, failures: str) -> list[str]:
        """Which row has the code of a key or query, and whether it is coded."""
        name = f"{of}{self.at}"
        if not is_coded(self.head):
            return [f"const int fits_{name} = 0;", f"const u64 code_{name} = 0;", f"double *{name} = 0;"]
        known = f"known ? known + {self.rows[of]} : 0" if of in self.rows else "0"
        return [
            f"int fits_{name};",
            f"u64 code_{name};",
            f"double *{name} = row_for(&s->heads[{self.owner}].keys, {self._kind}, {known}, {self._function(of)}, "
            f"&now, {sizes}, {failures}, &fits_{name}, &code_{name});",
        ]

    @property
    def _kind(self) -> str:
        return f"{self.head.keeps.upper()}, {len(self.head.query)}, {len(self.head.value)}"

    def _function(self, of: str) -> str:
        """The name of the function that makes a key or a query."""
        return f"{of}_{self.at}" if len(self.head.query) else "0"

    def _put(self, value: int) -> str:
        how = "+=" if self.head.keeps == "sum" else "="
        return f"to[{value}] {how} {self.text.form(self.head.value, value)};"
