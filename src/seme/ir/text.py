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
from typing import Any

import numpy as np

from seme.ir.graph import Affine, Attend, Embed, Form, Graph, Neurons, Node, Space, Unembed
from seme.ir.text_lines import Cursor, number, numeral, unword, word
from seme.ir.text_matrices import LONGEST, matrix, read_matrix, read_vector, vector
from seme.ir.verify import verify

TITLE = "seme graph 2"
"""First line; the number is the version of this format."""

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
            size = lines.whole(name, tokens[0].removeprefix("x1..x"))
            if size > LONGEST:
                raise lines.error(f"{size} names", f"at most {LONGEST}")
            return _anonymous(size)
        return tuple(unword(token, lines) for token in tokens)


def _anonymous(size: int) -> tuple[str, ...]:
    return tuple(f"x{i + 1}" for i in range(size))


class _Vector:
    """Floats side by side, or `none`."""

    def write(self, name: str, value: np.ndarray | None, scope: _Scope) -> list[str]:
        return [" ".join([f"  {name}", *(["none"] if value is None else vector(value.tolist()))])]

    def read(self, name: str, lines: Cursor, scope: _Scope, indent: int) -> np.ndarray | None:
        tokens = lines.field(indent, name)
        return None if tokens == ["none"] else read_vector(tokens, lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Matrix:
    """A matrix; its rows and columns are called by the names in two earlier fields, or by index."""

    rows: str = ""
    columns: str = ""

    def write(self, name: str, value: np.ndarray, scope: _Scope) -> list[str]:
        return matrix(name, value, scope.fields.get(self.rows, ()), scope.fields.get(self.columns, ()), 2)

    def read(self, name: str, lines: Cursor, scope: _Scope, indent: int) -> np.ndarray:
        tokens = lines.field(indent, name)
        return read_matrix(tokens, lines, scope.fields.get(self.rows, ()), scope.fields.get(self.columns, ()), indent)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """An affine form, or `none`: its bias, then a matrix for each node it reads."""

    columns: str = ""

    def write(self, name: str, value: Form | None, scope: _Scope) -> list[str]:
        if value is None:
            return [f"  {name} none"]
        out = [f"  {name}", " ".join(["    bias", *vector(value.bias.tolist())])]
        for node, weights in value.terms:
            rows = scope.nodes.get(node, ())
            out += matrix(f"from {word(node)}", weights, rows, scope.fields.get(self.columns, ()), 4)
        return out

    def read(self, name: str, lines: Cursor, scope: _Scope, indent: int) -> Form | None:
        tokens = lines.field(indent, name)
        if tokens == ["none"]:
            return None
        if tokens:
            raise lines.error(f"`{' '.join(tokens)}` after `{name}`", "nothing, or none")
        bias = read_vector(lines.field(indent + 2, "bias"), lines)
        terms: list[tuple[str, np.ndarray]] = []
        while lines.indented(indent + 2):
            node, *shape = lines.field(indent + 2, "from", least=1)
            source = unword(node, lines)
            if source not in scope.nodes:
                raise lines.error(f"`{node}`", "a node of an earlier block")
            columns = scope.fields.get(self.columns, ())
            terms.append((source, read_matrix(shape, lines, scope.nodes[source], columns, indent + 2)))
        return Form(terms=tuple(terms), bias=bias)


class _Factors:
    """Pairs of matrices: ideal queries and keys, group by group."""

    def write(self, name: str, value: tuple[tuple[np.ndarray, np.ndarray], ...], scope: _Scope) -> list[str]:
        out = [f"  {name} {len(value)}"]
        for queries, keys in value:
            out += [*matrix("queries", queries, (), (), 4), *matrix("keys", keys, (), (), 4)]
        return out

    def read(self, name: str, lines: Cursor, scope: _Scope, indent: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        def one(side: str) -> np.ndarray:
            return read_matrix(lines.field(indent + 2, side), lines, (), (), indent + 2)

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
        ("slope", _Vector()),
        ("table", _Matrix(columns="semes")),
    ),
    "affine": (*_COMMON, ("form", _Form(columns="semes"))),
    "neurons": (
        *_COMMON,
        ("hidden", _Names()),
        ("points", _Vector()),
        ("quantum", _Number()),
        ("approximation", _Number()),
        ("exclusive", _Flag()),
        ("read", _Form()),
        ("slopes", _Matrix(columns="hidden")),
        ("offsets", _Vector()),
        ("write", _Matrix(rows="hidden", columns="semes")),
    ),
    "attend": (
        *_COMMON,
        ("predicate", _Text()),
        ("pattern", _Choice(("match", "ranked", "nearest", "recent"))),
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
        ("kind", _Choice(("category", "number", "next"))),
        ("labels", _Names()),
        ("margin", _Number()),
        ("nearest", _Form()),
        ("form", _Form(columns="labels")),
    ),
}
"""The fields of every kind, in the order they are printed; a field may call its columns by those before it."""
