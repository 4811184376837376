"""A plan to C: one straight line of sums and tests per token; tables stay data."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from seme.execute.sparse.ctext import Text, number
from seme.execute.sparse.generate_heads import is_coded, owners, ring_sizes, write_heads
from seme.execute.sparse.generate_neurons import write_neurons
from seme.execute.sparse.generate_replay import Replays
from seme.execute.sparse.logits import tree
from seme.execute.sparse.plan import Plan
from seme.execute.sparse.versions import WIDE, padded

MEMO = 1 << 16
"""The most choices that are remembered."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """A C text and the tables it reads.

    Attributes:
        texts: The C files.
        tables: What its pointers point to, in order.
    """

    texts: tuple[str, ...]
    tables: list[np.ndarray]


def generate(plan: Plan) -> Source:
    """Writes a plan out."""
    text, model = Text(plan), plan.model
    heads = [head for block in plan.blocks for head in block.heads]
    stops = np.zeros(len(model.embed), dtype=np.uint8)
    stops[list(model.stops)] = 1
    text.table(stops, "unsigned char")  # table 0, by the name STOPS
    most = padded(max([len(head.query) for head in heads], default=1) or 1)
    sizes = np.zeros((len(heads), 2, most))
    for at, head in enumerate(heads):
        sizes[at, :, : len(head.query)] = head.sizes
    text.table(sizes, "double")  # table 1, by the name SIZES
    norm = [] if model.paired else [f"normed(x, y, {text.count}, {number(model.epsilon)});"]
    replays = Replays()
    body = [*_start(text), "way on = {0};"]
    text.close(-1)
    last_attending = max((layer for layer, block in enumerate(plan.blocks) if block.heads), default=0)
    for layer in range(len(plan.blocks)):
        text.open(2 * layer)
        body += [*norm, *write_heads(text, layer, replays)]
        text.close(2 * layer)
        if layer == last_attending:
            # What is behind says only what follows this token: nothing is kept of it.
            body.append("if (!chooses) { s->length++; return 0; }")
        body += [*norm, *write_neurons(text, layer, replays)]
        text.close(2 * layer + 1)
    choice = _end(text)
    if text.versions.ends:
        known = "if (on.at && on.at->next) s->next = on.at->next - 1;"
        choice = [known, "else {", *choice, "if (on.at) on.at->next = (u32)s->next + 1;", "}"]
    last = ["if (on.at) s->last = number_of(s, on.at);"] if replays.names else []
    body += [*norm, *choice, *last, "s->length++;", "return 0;"]
    room = max(text.count, padded(len(text.filled))) + 1 + 7  # the index, and what is read beyond the last place
    stream = (
        f"__attribute__((aligned(64))) double x[{room}], *y = x;" if model.paired else f"double x[{room}], y[{room}];"
    )
    text.function("step", "state *s, i64 row, int chooses", [stream, *body], "static int")
    parts = files("seme.execute.sparse")
    sums = 0 if plan.sums is None else len(plan.sums.sums)
    memo = min(MEMO, 1 << (4 * len(plan.logits)).bit_length()) if sums else 0
    defines = [
        f"#define HEADS {max(len(heads), 1)}",
        f"#define USED_HEADS {len(heads)}",
        f"#define LEAD {number(model.lead)}",
        f"#define MOST_COMPONENTS {most}",
        f"#define MOST_VALUES {max([len(head.value) for head in heads], default=1)}",
        f"#define RINGS {max(sum(ring_sizes(plan)), 1)}",
        f"#define MOST_SUMS {padded(max(sums, 1))}",
        f"#define MEMO_ROWS {memo}",
        f"#define BEGIN_ALONE {int(model.paired)}",
        f"#define EVERY_PLACE {text.count}",
        *replays.defines(),
        "#define STOPS 0",
        "#define SIZES 1",
    ]
    about = [
        replays.listed(),
        _numbers("COUNTS", [str(len(head.query)) for head in heads]),
        _numbers("VALUES", [str(len(head.value)) for head in heads]),
        _numbers("KEEPS", [head.keeps.upper() for head in heads]),
        _numbers("CODED", [str(int(is_coded(head))) for head in heads]),
        _numbers("OWNERS", [str(owner) for owner in owners(plan)]),
    ]
    runtime, heads_c, parts_c, replay, life = (
        (parts / f"{name}.c").read_text() for name in ("runtime", "heads", "parts", "replay", "life")
    )
    whole = [*defines, runtime, heads_c, parts_c, replay, *text.lines, *about, life]
    beside = [[*defines, runtime, parts_c, *unit] for unit in text.units if unit]
    return Source(texts=tuple("\n".join(lines) for lines in (whole, *beside)), tables=text.tables)


def _numbers(name: str, values: list[str]) -> str:
    return f"static const i64 {name}[] = {{{', '.join(values or ['0'])}}};"


def _start(text: Text) -> list[str]:
    """The embedding and the position."""
    model, places, count = text.plan.model, text.plan.model.places, len(text.filled)
    out = ["const double t = (double)(s->length - 1);"]
    if model.paired:
        # the first token has one possible value; its keys and values stand in the text
        follows = int(model.logits.at(text.plan.bounds.begin_last).argmax())
        out += [f"if (s->length == 0) {{ s->length = 1; s->next = {follows}; return 0; }}"]
    out += _embedded(text)
    repeated = places.repeated[:, text.filled]
    beyond = f"const double *p = {text.table(repeated, 'double')} + ((s->length - 1) % {len(repeated)}) * {count};"
    if places.split:
        moved = np.flatnonzero((repeated != 0).any(axis=0)).tolist()
        out += ["{", beyond, *(f"  x[{f}] += p[{f}];" for f in moved), "}"] if moved else []
        listed = places.table[:, text.filled]
        moved = np.flatnonzero((listed[1:] != 0).any(axis=0)).tolist()
        if moved:
            rest = text.table(listed[:, moved], "double")
            lines = [f"  x[{f}] += p[{at}];" for at, f in enumerate(moved)]
            out += [f"{{ const double *p = {rest} + s->length * {len(moved)};", *lines, "}"]
        return out
    slope = text.table(places.slope[text.filled], "double")
    table = text.table(places.table[:, text.filled], "double")
    return [
        *out,
        f"if (s->length < {len(places.table)}) {{ const double *p = {table} + s->length * {count};",
        f"  for (int i = 0; i < {count}; i++) x[i] += p[i]; }}",
        f"else {{ {beyond} const double *up = {slope};",
        f"  for (int i = 0; i < {count}; i++) x[i] += p[i] + t * up[i]; }}",
    ]


def _embedded(text: Text) -> list[str]:
    """A row of the embedding to the stream; one of small whole numbers takes a quarter of the memory."""
    rows, count = text.plan.model.embed[:, text.filled], len(text.filled)
    if not np.array_equal(rows.astype(np.int16), rows):
        return [f"memcpy(x, {text.table(rows, 'double')} + row * {count}, {count} * sizeof(double));"]
    room = padded(count)
    whole = np.zeros((len(rows), room), dtype=np.int16)
    whole[:, :count] = rows
    return [
        f"const short *e = {text.table(whole, 'short')} + row * {room};",
        f"for (int i = 0; i < {room}; i += {WIDE}) *(wide *)(x + i) = whole(e + i);",
    ]


def _end(text: Text) -> list[str]:
    """The unembedding and the choice."""
    sums, logits = text.plan.sums, text.plan.logits
    if sums is not None:
        made, count = tree(sums), len(sums.sums)
        spans = np.zeros(padded(count) + 1)
        spans[:count] = np.ptp(sums.rows, axis=1)
        spans[count] = np.abs(sums.bias).max()
        tables = [text.table(made.bias, "double"), text.table(made.weights, "void"), text.table(made.starts, "i64")]
        sizes = [made.before, len(made.starts), count, int(made.weights.dtype == np.int16)]
        return [
            f"wide sums[{padded(count) // WIDE}];",
            *text.array("sums", sums.sums),
            f"const logit_tree in = {{{', '.join([*tables, *map(str, sizes)])}}};",
            f"s->next = chosen_for(s->memo, sums, {count}, &in, {text.table(spans, 'double')});",
        ]
    by_feature = logits.matrix.tocsc()
    used = np.flatnonzero(np.diff(by_feature.indptr))
    features = [text.number.get(int(f), text.count) for f in used]  # the index stands behind the features
    parts = [
        text.table(logits.bias, "double"),
        text.table(np.array(features, dtype=np.uint32), "u32"),
        text.table(np.append(by_feature.indptr[used], by_feature.nnz).astype(np.uint32), "u32"),
        str(len(features)),
        text.table(by_feature.indices.astype(np.uint32), "u32"),
        text.table(by_feature.data, "double"),
    ]
    return [
        f"double logits[{len(logits)}];",
        f"y[{text.count}] = t;",
        f"s->next = largest(y, {', '.join(parts)}, {len(logits)}, logits);",
    ]
