"""The text form of a graph: what `dump` prints, `parse` reads back to the same graph, bit for bit.

A graph is a title, its sizes, and one block of lines per node: the kind and the name of the node, then its fields in
a fixed order, indented. Names stand as they are, or as JSON strings where they hold spaces, quotes or what cannot be
printed. Numbers are the shortest decimals that give the same float64. A vector repeats by `value*times`. A matrix
has one line per row that is not zero (per column, where it is higher than wide): its label, then `label=value` for
each entry, or all values where most are not zero. Rows and columns are called by the semes they stand for where
there are such, else by their index.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from seme.ir.graph import Affine, Attend, Embed, Form, Graph, Neurons, Node, Space, Unembed
from seme.ir.text_lines import Cursor, number, numeral, unword, word
from seme.ir.verify import verify

TITLE = "seme graph 1"
"""First line; the number is the version of this format."""

MOST_ENTRIES = 1 << 27
"""Largest matrix that is read, a gigabyte: a damaged file must not ask for all memory."""

KINDS: dict[str, type[Node]] = {
    "embed": Embed,
    "affine": Affine,
    "neurons": Neurons,
    "attend": Attend,
    "unembed": Unembed,
}


def dump(graph: Graph) -> str:
    """The graph as text.

    Args:
        graph: Any graph whose arrays are float64.
    """
    lines = [
        TITLE,
        f"vocab_size {graph.vocab_size}",
        f"max_length {graph.max_length}",
        f"causal {_FLAG[graph.causal]}",
    ]
    scope: dict[str, tuple[str, ...]] = {}
    for node in graph.nodes:
        kind = next(name for name, cls in KINDS.items() if type(node) is cls)
        lines += ["", f"{kind} {word(node.name)}"]
        own = _Scope(nodes=scope, fields={})
        for name, codec in FIELDS[kind]:
            value = node.space.semes if name == "semes" else getattr(node, name)
            lines += codec.write(name, value, own)
            own.fields[name] = value
        scope[node.name] = node.space.semes
    return "\n".join(lines) + "\n"


def parse(text: str) -> Graph:
    """The graph that a text describes, verified.

    Args:
        text: What `dump` printed.

    Raises:
        GraphError: The text is not of this form (the error names the line and what was expected there), or the graph
            breaks a rule of the verifier.
    """
    lines = Cursor(text)
    title = lines.take(0, f"`{TITLE}`")
    if title != TITLE.split(" "):
        raise lines.error(f"`{' '.join(title)}`", f"`{TITLE}`")
    sizes = [lines.whole(name, lines.value(0, name)) for name in ("vocab_size", "max_length")]
    causal = _Flag().read("causal", lines, _Scope(nodes={}, fields={}), 0)
    nodes: list[Node] = []
    scope: dict[str, tuple[str, ...]] = {}
    while not lines.done():
        nodes.append(_node(lines, scope))
        scope[nodes[-1].name] = nodes[-1].space.semes
    return verify(Graph(nodes=tuple(nodes), vocab_size=sizes[0], max_length=sizes[1], causal=causal))


def _node(lines: Cursor, scope: dict[str, tuple[str, ...]]) -> Node:
    head = lines.take(0, f"one of {', '.join(KINDS)}")
    if head[0] not in KINDS:
        raise lines.error(f"`{head[0]}`", f"one of {', '.join(KINDS)}")
    if len(head) != 2:
        raise lines.error(f"{len(head) - 1} names after `{head[0]}`", "one")
    own = _Scope(nodes=scope, fields={})
    for name, codec in FIELDS[head[0]]:
        own.fields[name] = codec.read(name, lines, own, 2)
    fields = dict(own.fields)
    space = Space(name=unword(head[1], lines), semes=fields.pop("semes"))
    return KINDS[head[0]](space=space, **fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scope:
    """What has been named so far: the semes of earlier nodes, and this node's earlier fields."""

    nodes: dict[str, tuple[str, ...]]
    fields: dict[str, Any]


_FLAG = {True: "yes", False: "no"}


class _Text:
    """Free words."""

    def write(self, name: str, value: str, scope: _Scope) -> list[str]:
        return [f"  {name} {word(value)}"]

    def read(self, name: str, lines: Cursor, scope: _Scope, indent: int) -> str:
        return unword(lines.value(indent, name), lines)


@dataclass(frozen=True, slots=True)
class _Choice(_Text):
    """One of several words."""

    choices: tuple[str, ...]

    def read(self, name: str, lines: Cursor, scope: _Scope, indent: int) -> str:
        got = _Text.read(self, name, lines, scope, indent)
        if got not in self.choices:
            raise lines.error(f"{name} `{got}`", f"one of {', '.join(self.choices)}")
        return got


class _Flag:
    """yes or no."""

    def write(self, name: str, value: bool, scope: _Scope) -> list[str]:
        return [f"  {name} {_FLAG[value]}"]

    def read(self, name: str, lines: Cursor, scope: _Scope, indent: int) -> bool:
        got = lines.value(indent, name)
        if got not in ("yes", "no"):
            raise lines.error(f"{name} `{got}`", "yes or no")
        return got == "yes"


class _Number:
    """One float."""

    def write(self, name: str, value: float, scope: _Scope) -> list[str]:
        return [f"  {name} {numeral(float(value))}"]

    def read(self, name: str, lines: Cursor, scope: _Scope, indent: int) -> float:
        return number(lines.value(indent, name), lines)


class _Names:
    """Several names; `x1..x26` stands for that many anonymous ones."""

    def write(self, name: str, value: tuple[str, ...], scope: _Scope) -> list[str]:
        if len(value) > 2 and value == _anonymous(len(value)):
            return [f"  {name} x1..x{len(value)}"]
        quoted = (f'"{w}"' if w.startswith("x1..x") else w for w in map(word, value))
        return [" ".join([f"  {name}", *quoted])]

    def read(self, name: str, lines: Cursor, scope: _Scope, indent: int) -> tuple[str, ...]:
        tokens = lines.field(indent, name)
        if len(tokens) == 1 and tokens[0].startswith("x1..x"):
            return _anonymous(lines.whole(name, tokens[0].removeprefix("x1..x")))
        return tuple(unword(token, lines) for token in tokens)


def _anonymous(size: int) -> tuple[str, ...]:
    return tuple(f"x{i + 1}" for i in range(size))


class _Vector:
    """Floats side by side, or `none`."""

    def write(self, name: str, value: np.ndarray | None, scope: _Scope) -> list[str]:
        return [" ".join([f"  {name}", *(["none"] if value is None else _runs(value.tolist()))])]

    def read(self, name: str, lines: Cursor, scope: _Scope, indent: int) -> np.ndarray | None:
        tokens = lines.field(indent, name)
        return None if tokens == ["none"] else _unruns(tokens, lines)


def _runs(values: list[float]) -> list[str]:
    """Numerals, with `value*times` for repeats of more than two."""
    out: list[str] = []
    for text, group in groupby(map(numeral, values)):
        times = sum(1 for _ in group)
        out += [f"{text}*{times}"] if times > 2 else [text] * times
    return out


def _unruns(tokens: list[str], lines: Cursor) -> np.ndarray:
    values: list[float] = []
    for token in tokens:
        text, star, times = token.partition("*")
        count = lines.whole("a repeat", times) if star else 1
        if len(values) + count > MOST_ENTRIES:
            raise lines.error(f"{len(values) + count} numbers", f"at most {MOST_ENTRIES}")
        values += [number(text, lines)] * count
    return np.array(values, dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Matrix:
    """A matrix; its rows and columns are called by the names in two earlier fields, or by index."""

    rows: str = ""
    columns: str = ""

    def write(self, name: str, value: np.ndarray, scope: _Scope) -> list[str]:
        return _matrix(name, value, scope.fields.get(self.rows, ()), scope.fields.get(self.columns, ()), 2)

    def read(self, name: str, lines: Cursor, scope: _Scope, indent: int) -> np.ndarray:
        tokens = lines.field(indent, name)
        return _unmatrix(tokens, lines, scope.fields.get(self.rows, ()), scope.fields.get(self.columns, ()), indent)


def _labels(names: tuple[str, ...], size: int) -> list[str]:
    """What the rows or columns are called: the names where they fit and differ, else indices."""
    fits = len(names) == size and len(set(names)) == size
    return [word(n) for n in names] if fits else [str(i) for i in range(size)]


def _matrix(head: str, value: np.ndarray, rows: tuple[str, ...], columns: tuple[str, ...], indent: int) -> list[str]:
    height, width = value.shape
    start = " " * indent + head
    shown = (value != 0) | np.signbit(value)  # minus zero is not zero, bit for bit
    if height == width > 0 and shown.sum() == height and bool((np.diagonal(value) == 1.0).all()):
        return [f"{start} identity {height}"]
    labels = _labels(rows, height), _labels(columns, width)
    if width < height:
        return [f"{start} {height}x{width} by columns", *_entries(value.T, shown.T, labels[::-1], indent + 2)]
    return [f"{start} {height}x{width}", *_entries(value, shown, labels, indent + 2)]


def _entries(value: np.ndarray, shown: np.ndarray, labels: tuple[list[str], ...], indent: int) -> list[str]:
    """One line for every row that is not zero."""
    out: list[str] = []
    for i in np.flatnonzero(shown.any(axis=1)).tolist():
        values = value[i].tolist()
        at = np.flatnonzero(shown[i]).tolist()
        if len(at) > 2 and 2 * len(at) > len(values):
            entries = _runs(values)
        else:
            entries = [f"{labels[1][j]}={numeral(values[j])}" for j in at]
        out.append(f"{' ' * indent}{labels[0][i]} {' '.join(entries)}")
    return out


def _unmatrix(
    tokens: list[str], lines: Cursor, rows: tuple[str, ...], columns: tuple[str, ...], indent: int
) -> np.ndarray:
    if len(tokens) == 2 and tokens[0] == "identity":
        return np.eye(_sized(lines, tokens[1], tokens[1])[0])
    height, cross, width = tokens[0].partition("x") if tokens else ("", "", "")
    if not cross or tokens[1:] not in ([], ["by", "columns"]):
        raise lines.error(f"shape `{' '.join(tokens)}`", "`3x2`, `3x2 by columns` or `identity 3`")
    shape = _sized(lines, height, width)
    out, labels = np.zeros(shape), (_labels(rows, shape[0]), _labels(columns, shape[1]))
    if len(tokens) == 1:
        _fill(out, lines, labels, indent + 2)
    else:
        _fill(out.T, lines, labels[::-1], indent + 2)
    return out


def _fill(out: np.ndarray, lines: Cursor, labels: tuple[list[str], ...], indent: int) -> None:
    """Reads the lines of a matrix into it."""
    row_at, column_at = ({label: i for i, label in enumerate(names)} for names in labels)
    filled: set[int] = set()
    while lines.indented(indent):
        label, *entries = lines.take(indent, "a row")
        i = _place(label, row_at, lines)
        if i in filled or not entries:
            raise lines.error(f"`{label}` {'twice' if i in filled else 'alone'}", "its entries, once")
        filled.add(i)
        if "=" not in entries[0]:
            values = _unruns(entries, lines)
            if len(values) != out.shape[1]:
                raise lines.error(f"{len(values)} values for `{label}`", f"{out.shape[1]}")
            out[i] = values
            continue
        for entry in entries:
            at, _, value = entry.rpartition("=")
            out[i, _place(at, column_at, lines)] = number(value, lines)


def _sized(lines: Cursor, height: str, width: str) -> tuple[int, int]:
    shape = (lines.whole("rows", height), lines.whole("columns", width))
    if shape[0] * shape[1] > MOST_ENTRIES:
        raise lines.error(f"a matrix of {shape[0]}x{shape[1]}", f"at most {MOST_ENTRIES} entries")
    return shape


def _place(label: str, index: dict[str, int], lines: Cursor) -> int:
    if label not in index:
        some = " ".join([*list(index)[:8], *(["..."] if len(index) > 8 else [])])
        raise lines.error(f"`{label}`", f"one of {some}" if index else "no entry at all")
    return index[label]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """An affine form, or `none`: its bias, then a matrix for each node it reads."""

    columns: str = ""

    def write(self, name: str, value: Form | None, scope: _Scope) -> list[str]:
        if value is None:
            return [f"  {name} none"]
        out = [f"  {name}", " ".join(["    bias", *_runs(value.bias.tolist())])]
        for node, matrix in value.terms:
            rows = scope.nodes.get(node, ())
            out += _matrix(f"from {word(node)}", matrix, rows, scope.fields.get(self.columns, ()), 4)
        return out

    def read(self, name: str, lines: Cursor, scope: _Scope, indent: int) -> Form | None:
        tokens = lines.field(indent, name)
        if tokens == ["none"]:
            return None
        if tokens:
            raise lines.error(f"`{' '.join(tokens)}` after `{name}`", "nothing, or none")
        bias = _unruns(lines.field(indent + 2, "bias"), lines)
        terms: list[tuple[str, np.ndarray]] = []
        while lines.indented(indent + 2):
            node, *shape = lines.field(indent + 2, "from", least=1)
            source = unword(node, lines)
            if source not in scope.nodes:
                raise lines.error(f"`{node}`", "a node of an earlier block")
            columns = scope.fields.get(self.columns, ())
            terms.append((source, _unmatrix(shape, lines, scope.nodes[source], columns, indent + 2)))
        return Form(terms=tuple(terms), bias=bias)


class _Factors:
    """Pairs of matrices: ideal queries and keys, group by group."""

    def write(self, name: str, value: tuple[tuple[np.ndarray, np.ndarray], ...], scope: _Scope) -> list[str]:
        out = [f"  {name} {len(value)}"]
        for queries, keys in value:
            out += [*_matrix("queries", queries, (), (), 4), *_matrix("keys", keys, (), (), 4)]
        return out

    def read(self, name: str, lines: Cursor, scope: _Scope, indent: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        def one(side: str) -> np.ndarray:
            return _unmatrix(lines.field(indent + 2, side), lines, (), (), indent + 2)

        return tuple((one("queries"), one("keys")) for _ in range(lines.whole(name, lines.value(indent, name))))


_COMMON: tuple[tuple[str, Any], ...] = (
    ("note", _Text()),
    ("semes", _Names()),
    ("lo", _Vector()),
    ("hi", _Vector()),
)

FIELDS: dict[str, tuple[tuple[str, Any], ...]] = {
    "embed": (
        *_COMMON,
        ("source", _Choice(("token", "position"))),
        ("table", _Matrix(columns="semes")),
    ),
    "affine": (*_COMMON, ("form", _Form(columns="semes"))),
    "neurons": (
        *_COMMON,
        ("hidden", _Names()),
        ("points", _Vector()),
        ("quantum", _Number()),
        ("approximation", _Number()),
        ("read", _Form()),
        ("slopes", _Matrix(columns="hidden")),
        ("offsets", _Vector()),
        ("write", _Matrix(rows="hidden", columns="semes")),
    ),
    "attend": (
        *_COMMON,
        ("predicate", _Text()),
        ("pattern", _Choice(("match", "ranked", "nearest"))),
        ("single", _Flag()),
        ("gap", _Number()),
        ("begin_score", _Number()),
        ("begin_value", _Vector()),
        ("weight", _Form()),
        ("weight_floor", _Number()),
        ("query", _Form()),
        ("key", _Form()),
        ("value", _Form(columns="semes")),
        ("factors", _Factors()),
    ),
    "unembed": (
        *_COMMON,
        ("kind", _Choice(("category", "number"))),
        ("labels", _Names()),
        ("margin", _Number()),
        ("nearest", _Form()),
        ("form", _Form(columns="labels")),
    ),
}
"""The fields of every kind, in the order they are printed; a field may call its columns by those before it."""
