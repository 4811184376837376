"""A plan to C: one straight line of sums and tests per token; tables stay data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files

import numpy as np

from seme.execute.sparse.fold import Forms, Matrix
from seme.execute.sparse.heads import HeadPlan
from seme.execute.sparse.neurons import NeuronPlan
from seme.execute.sparse.plan import Plan

SUMMED = 8
"""Terms in one chain of additions; longer sums are made of such, which the processor adds side by side."""

PIECE = 400
"""Non-zeros in one function: compilers take more than linear time in the length of one."""


@dataclass(slots=True)
class Source:
    """A C text and the tables it reads.

    Attributes:
        text: The whole C file.
        tables: What its pointers point to, in order.
        begin_next: What follows the first token; -1 where that is computed like any other.
    """

    text: str
    tables: list[np.ndarray] = field(default_factory=list)
    begin_next: int = -1


def generate(plan: Plan) -> Source:
    """Writes a plan out."""
    return _Generator(plan).source()


def number(value: float) -> str:
    """A number as C reads it back, bit for bit."""
    return repr(float(value)) if abs(value) < 1e15 and float(value).is_integer() else float(value).hex()


def _signed(weight: float, name: str) -> str:
    if abs(weight) == 1.0:
        return f"{'-' if weight < 0 else '+'} {name}"
    return f"{'-' if weight < 0 else '+'} {number(abs(weight))} * {name}"


def total(bias: float, terms: Sequence[tuple[float, str]]) -> str:
    """A sum in C, in chains of a few terms."""
    parts = [_signed(weight, name) for weight, name in terms]
    start = [number(bias)] if bias or not parts else []
    if len(parts) <= SUMMED:
        return " ".join([*start, *parts]).removeprefix("+ ")
    chains = [parts[at : at + SUMMED] for at in range(0, len(parts), SUMMED)]
    return " + ".join([*start, *("(" + " ".join(chain).removeprefix("+ ") + ")" for chain in chains)])


class _Generator:
    """Writes one model."""

    def __init__(self, plan: Plan):
        self.plan = plan
        self.model = plan.model
        self.lines: list[str] = []
        self.tables: list[np.ndarray] = []
        self.heads = [head for block in plan.blocks for head in block.heads]
        self.defined: set[int] = set()
        """Features that hold something at this point of the text; others are zero and never read."""
        self._order()

    def _order(self) -> None:
        """Numbers live features, those that the embedding and positions fill first."""
        model, places = self.model, self.model.places
        filled = (model.embed != 0).any(axis=0) | (places.table != 0).any(axis=0) | (places.repeated != 0).any(axis=0)
        if not places.split:
            filled |= places.slope != 0
        if not model.paired:
            filled[:] = True
        live = self.plan.live
        self.filled = np.flatnonzero(filled & live)
        order = np.concatenate([self.filled, np.flatnonzero(~filled & live)])
        self.number = {int(feature): at for at, feature in enumerate(order)}
        self.count = len(order)
        self.defined = set(self.filled.tolist())

    def table(self, values: np.ndarray, kind: str) -> str:
        """Keeps a table; returns the C expression that points to it."""
        self.tables.append(np.ascontiguousarray(values))
        return f"((const {kind} *)s->tables[{len(self.tables) - 1}])"

    def read(self, feature: int) -> str:
        """A feature, or the index, as a reader sees it."""
        return "t" if feature == self.model.features else f"y[{self.number[feature]}]"

    def form(self, forms: Forms, row: int) -> str:
        return total(forms.bias[row], [(weight, self.read(feature)) for feature, weight in forms.terms(row)])

    def source(self) -> Source:
        """The whole text."""
        folded = self.model.paired
        stops = np.zeros(len(self.model.embed), dtype=np.uint8)
        stops[list(self.model.stops)] = 1
        self.table(stops, "unsigned char")  # table 0, by the name STOPS
        most = max([len(head.query) for head in self.heads], default=1) or 1
        sizes = np.zeros((len(self.heads), 2, most))
        for at, head in enumerate(self.heads):
            sizes[at, :, : len(head.query)] = head.sizes
        self.table(sizes, "double")  # table 1, by the name SIZES
        steps = []
        for layer in range(len(self.plan.blocks)):
            steps += self._attention(layer)
            steps += self._neurons(layer)
        start, end = self._start(), self._end()
        norm = [] if folded else [f"normed(x, y, {self.count}, {number(self.model.epsilon)});"]
        body = [*start]
        for step in steps:
            body += [*norm, step] if step.startswith(("if (attend", "neurons")) else [step]
        body += [*norm, *end, "s->length++;", "return 0;"]
        lines = [
            *self._head_tables(),
            *self.lines,
            "static int step(state *s, i64 row) {",
            f"  double x[{self.count + 1}]" + (", *y = x;" if folded else f", y[{self.count + 1}];"),
            *(f"  {line}" for line in body),
            "}",
        ]
        room = files("seme.execute.sparse")
        defines = [
            f"#define HEADS {max(len(self.heads), 1)}",
            f"#define USED_HEADS {len(self.heads)}",
            f"#define LEAD {number(self.model.lead)}",
            f"#define MOST_COMPONENTS {most}",
            f"#define BEGIN_ALONE {int(folded)}",
            "#define STOPS 0",
            "#define SIZES 1",
        ]
        text = [*defines, (room / "runtime.c").read_text(), *lines, (room / "life.c").read_text()]
        return Source(text="\n".join(text), tables=self.tables, begin_next=self._begin_next())

    def _begin_next(self) -> int:
        if not self.model.paired:
            return -1
        return int(self.model.logits.at(self.plan.bounds.begin_last).argmax())

    def _head_tables(self) -> list[str]:
        def listed(values: list[str]) -> str:
            return "{" + ", ".join(values or ["0"]) + "}"

        return [
            f"static const i64 COUNTS[] = {listed([str(len(head.query)) for head in self.heads])};",
            f"static const i64 VALUES[] = {listed([str(len(head.value)) for head in self.heads])};",
            f"static const i64 KEEPS[] = {listed([head.keeps.upper() for head in self.heads])};",
        ]

    def _start(self) -> list[str]:
        """The embedding and the position."""
        model, places, count = self.model, self.model.places, len(self.filled)
        embed = self.table(model.embed[:, self.filled], "double")
        out = ["const double t = (double)(s->length - 1);"]
        if model.paired:
            begin = f"if (s->length == 0) {{ s->length = 1; s->next = {self._begin_next()}; return 0; }}"
            out += [begin]
        out += [f"memcpy(x, {embed} + row * {count}, {count} * sizeof(double));"]
        repeated = self.table(places.repeated[:, self.filled], "double")
        period = len(places.repeated)
        beyond = f"{{ const double *p = {repeated} + ((s->length - 1) % {period}) * {count};"
        if places.split:
            if places.repeated.any():
                moved = np.flatnonzero((places.repeated[:, self.filled] != 0).any(axis=0))
                out += [beyond, *(f"  x[{f}] += p[{f}];" for f in moved.tolist()), "}"]
            return out
        slope = self.table(places.slope[self.filled], "double")
        table = self.table(places.table[:, self.filled], "double")
        out += [
            f"if (s->length < {len(places.table)}) {{ const double *p = {table} + s->length * {count};",
            f"  for (int i = 0; i < {count}; i++) x[i] += p[i]; }}",
            f"else {beyond} const double *up = {slope};",
            f"  for (int i = 0; i < {count}; i++) x[i] += p[i] + t * up[i]; }}",
        ]
        return out

    def _end(self) -> list[str]:
        """The unembedding and the choice."""
        logits = self.plan.logits
        by_feature = logits.matrix.tocsc()
        used = np.flatnonzero(np.diff(by_feature.indptr))
        features = [self.number[int(f)] for f in used if f < self.model.features]
        bias = self.table(logits.bias, "double")
        if len(used) and used[-1] == self.model.features:
            features.append(self.count)  # the index stands behind the features
        parts = [
            self.table(np.array(features, dtype=np.uint32), "u32"),
            self.table(np.append(by_feature.indptr[used], by_feature.nnz).astype(np.uint32), "u32"),
            str(len(features)),
            self.table(by_feature.indices.astype(np.uint32), "u32"),
            self.table(by_feature.data, "double"),
        ]
        return [
            f"double logits[{len(logits)}];",
            f"y[{self.count}] = t;",
            f"s->next = largest(y, {bias}, {', '.join(parts)}, {len(logits)}, logits);",
        ]

    def _attention(self, layer: int) -> list[str]:
        """One function for a block's heads; what is called in `step`."""
        block = self.plan.blocks[layer]
        first = sum(len(before.heads) for before in self.plan.blocks[:layer])
        body: list[str] = []
        for at, head in enumerate(block.heads):
            body += self._head(first + at, head)
        terms: dict[int, list[tuple[float, str]]] = {}
        for at, head in enumerate(block.heads):
            for value in range(len(head.value)):
                row = head.out[[value]].tocoo()
                for feature, weight in zip(row.coords[1].tolist(), row.data.tolist(), strict=True):
                    terms.setdefault(feature, []).append((weight, f"z{first + at}[{value}]"))
        body += self._added(block.head_bias, terms)
        if not body:
            return []
        name = f"attend_{layer}"
        self.lines += [f"static int {name}(state *s, double *x, const double *y, double t) {{"]
        self.lines += [*(f"  {line}" for line in body), "  return 0;", "}"]
        return [f"if ({name}(s, x, y, t)) return 1;"]

    def _added(self, bias: np.ndarray, terms: dict[int, list[tuple[float, str]]]) -> list[str]:
        """Lines that add to the stream, each live feature once."""
        out = []
        for feature in sorted(set(terms) | {int(f) for f in np.flatnonzero(bias)}):
            if feature not in self.number:
                continue
            name = f"x[{self.number[feature]}]"
            before = [(1.0, name)] if feature in self.defined else []
            out.append(f"{name} = {total(bias[feature], [*before, *terms.get(feature, [])])};")
            self.defined.add(feature)
        return out

    def _head(self, at: int, head: HeadPlan) -> list[str]:
        count, values = len(head.query), len(head.value)
        kinds = f"{head.keeps.upper()}, {count}, {values}, {number(head.slope)}"
        begin = "0"
        if head.begin_score is not None:
            begin = self.table(head.begin_value, "double")
        self.lines += [
            f"apart const double *every_{at}(const head *h, const double *q, double b, const double *begin, "
            "double *mix) {",
            f"  return all_of(h, {kinds}, q, b, begin, mix);",
            "}",
        ]
        key = [self.form(head.key, row) for row in range(count)] or ["0"]
        query = [self.form(head.query, row) for row in range(count)] or ["0"]
        score = "0" if head.begin_score is None else self.form(head.begin_score, 0)
        value = [self.form(head.value, row) for row in range(values)]
        out = [f"const double a{at} = {self.form(head.offset, 0)};"]
        if np.isfinite(head.forgets):
            out += [f"if (a{at} >= {number(head.forgets)}) {{"]
        else:
            out += ["{"]
        return [
            *out,
            f"  const double k[] = {{{', '.join(key)}}};",
            f"  const double v[] = {{{', '.join(value)}}};",
            f"  if (remember(&s->heads[{at}], {kinds}, k, a{at}, t, v)) return 1;",
            "}",
            f"const double q{at}[] = {{{', '.join(query)}}};",
            f"double mix{at}[{values}];",
            f"const double *z{at} = recall(&s->heads[{at}], {kinds}, q{at}, {score}, {begin}, mix{at}, every_{at});",
        ]

    def _neurons(self, layer: int) -> list[str]:
        """Functions for a block's neurons, in pieces; what is called in `step`."""
        plan = self.plan.blocks[layer].neurons
        terms = _by_feature(plan.write)
        calls: list[str] = []
        if not len(plan.pre):
            lines = self._added(plan.bias, {})
            if lines:
                self._piece(f"constants_{layer}", "double *x", lines)
                calls.append(f"constants_{layer}(x);")
            return calls
        inner = []
        for piece, rows in enumerate(_pieces(np.diff(plan.pre.matrix.indptr))):
            act = "gelu" if self.model.gelu else "relu"
            lines = [f"h[{row}] = {act}({self.form(plan.pre, row)});" for row in rows]
            self._piece(f"on_{layer}_{piece}", "const double *restrict y, double *restrict h, double t", lines)
            inner.append(f"on_{layer}_{piece}(y, h, t);")
        written = self._added(plan.bias, terms)
        sizes = np.array([line.count("h[") + 1 for line in written])
        for piece, rows in enumerate(_pieces(sizes)):
            parameters = "double *restrict x, const double *restrict h"
            self._piece(f"write_{layer}_{piece}", parameters, [written[row] for row in rows])
            inner.append(f"write_{layer}_{piece}(x, h);")
        self.lines += [
            f"inlined void neurons_{layer}(double *x, const double *y, double t) {{",
            f"  double h[{len(plan.pre)}];",
            *(f"  {line}" for line in inner),
            "}",
        ]
        return [f"neurons_{layer}(x, y, t);"]

    def _piece(self, name: str, parameters: str, lines: list[str]) -> None:
        self.lines += [f"apart void {name}({parameters}) {{", *(f"  {line}" for line in lines), "}"]


def _by_feature(write: Matrix) -> dict[int, list[tuple[float, str]]]:
    out: dict[int, list[tuple[float, str]]] = {}
    entries = write.tocoo()
    for row, feature, weight in zip(
        entries.coords[0].tolist(), entries.coords[1].tolist(), entries.data.tolist(), strict=True
    ):
        out.setdefault(feature, []).append((weight, f"h[{row}]"))
    return out


def _pieces(sizes: np.ndarray) -> list[range]:
    """Consecutive rows, about PIECE non-zeros in each part."""
    out, start, room = [], 0, PIECE
    for row, size in enumerate(sizes.tolist()):
        if room < size and row > start:
            out.append(range(start, row))
            start, room = row, PIECE
        room -= size
    if start < len(sizes):
        out.append(range(start, len(sizes)))
    return out


__all__ = ["NeuronPlan", "Source", "generate", "number", "total"]
