"""The five kinds of node and the graph that holds them.

A node's value is a vector over a named space, one vector per position. Position -1 is the begin token that the
compiler puts before the user's input: there every node has a known constant value, `begin`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from seme.core.errors import GraphError


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """A named space; every direction in it is a named seme."""

    name: str
    semes: tuple[str, ...]

    @property
    def size(self) -> int:
        """Number of directions."""
        return len(self.semes)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Form:
    """An affine form: `sum of value(node) @ matrix`, plus a bias.

    Attributes:
        terms: (node name, matrix [node size, width]) pairs, each node once.
        bias: [width].
    """

    terms: tuple[tuple[str, np.ndarray], ...]
    bias: np.ndarray

    @property
    def width(self) -> int:
        """Number of components."""
        return len(self.bias)

    def __add__(self, other: Form) -> Form:
        matrices = dict(self.terms)
        for name, matrix in other.terms:
            matrices[name] = matrices[name] + matrix if name in matrices else matrix
        return Form(terms=tuple(matrices.items()), bias=self.bias + other.bias)

    def __matmul__(self, matrix: np.ndarray) -> Form:
        """The form followed by a linear map [width, new width]."""
        return Form(terms=tuple((n, m @ matrix) for n, m in self.terms), bias=self.bias @ matrix)

    def shifted(self, offset: np.ndarray | float) -> Form:
        """The form plus a constant."""
        return Form(terms=self.terms, bias=self.bias + offset)


def constant_form(bias: np.ndarray | list[float]) -> Form:
    """A form that reads nothing."""
    return Form(terms=(), bias=np.asarray(bias, dtype=np.float64))


def stack_forms(forms: list[Form]) -> Form:
    """Side by side: components of the first form, then of the second ..."""
    total, at = sum(form.width for form in forms), 0
    matrices: dict[str, np.ndarray] = {}
    for form in forms:
        for name, matrix in form.terms:
            whole = matrices.setdefault(name, np.zeros((len(matrix), total)))
            whole[:, at : at + form.width] = matrix
        at += form.width
    bias = np.concatenate([form.bias for form in forms]) if forms else np.zeros(0)
    return Form(terms=tuple(matrices.items()), bias=bias)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Node:
    """What all kinds share.

    Attributes:
        space: Its value's space; the space's name is the node's name.
        lo: Smallest ideal value of each seme.
        hi: Largest ideal value of each seme.
        note: What it is for, in words, with the source line of the program.
    """

    space: Space
    lo: np.ndarray
    hi: np.ndarray
    note: str = ""

    @property
    def name(self) -> str:
        """The name of the node and of its space."""
        return self.space.name

    def forms(self) -> tuple[Form, ...]:
        """Every affine form the node reads."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Embed(Node):
    """Token or position -> vector.

    Attributes:
        source: Which index is looked up.
        table: [number of user tokens or positions, size]; the begin token's row is zero. Of positions that follow a
            rule, the [period, size] rows that repeat.
        slope: [size] what each further position adds to its row, where positions follow a rule; else None.
    """

    source: Literal["token", "position"]
    table: np.ndarray
    slope: np.ndarray | None = None

    def rows(self, index: np.ndarray) -> np.ndarray:
        """[n, size] the rows of tokens or positions."""
        if self.slope is None:
            return self.table[index]
        return self.table[index % len(self.table)] + np.asarray(index, dtype=float)[:, None] * self.slope


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Affine(Node):
    """An affine form of other nodes. Free: it is folded into whatever reads it."""

    form: Form

    def forms(self) -> tuple[Form, ...]:
        """The form."""
        return (self.form,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Neurons(Node):
    """`relu(read @ slopes + offsets) @ write`; zero at the begin token.

    Attributes:
        read: The affine form the neurons look at, of width r.
        slopes: [r, hidden].
        offsets: [hidden].
        write: [hidden, size].
        hidden: Names of the hidden semes; `x1 x2 ...` when they have none.
        points: [P] every ideal value of `read` when r = 1 and they are finitely many, sorted; of a real number the
            bends and both ends of its range; None when r > 1.
        quantum: Every ideal pre-activation is zero or at least this far from it; 0 when that is not so.
        approximation: Largest distance of the ideal piecewise-linear function from what the node stands for.
        exclusive: Whether at most one neuron is ever active, ideally.
    """

    read: Form
    slopes: np.ndarray
    offsets: np.ndarray
    write: np.ndarray
    hidden: tuple[str, ...]
    points: np.ndarray | None = None
    quantum: float = 0.0
    approximation: float = 0.0
    exclusive: bool = False

    def forms(self) -> tuple[Form, ...]:
        """What the neurons read."""
        return (self.read,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Attend(Node):
    """One attention pattern: the mean of `value` over the visible keys with the highest score.

    Scores are `query . key`; the begin token competes with score `begin_score`. Ideal scores of a selected key and
    of the best other one differ by at least `gap`; scores closer than gap/2 count as equal. Where `weight` is
    given, selected keys have score 0 and count one each, while the begin token counts exp(weight) beside them.

    Attributes:
        query: Form of width r, read at the query position.
        key: Form of width r, read at the key position; the begin token's key is handled by `begin_score`.
        value: Form of width `size`, read at the key position.
        begin_score: Score of the begin token; below every real key's best where it is never selected.
        begin_value: [size] its value.
        weight: Form of width 1 read at the query position, or None.
        weight_floor: Smallest ideal weight.
        gap: See above.
        pattern: "match" when selected scores are exactly zero and others at most -gap; "ranked" when scores differ
            by position or value; "nearest" when the score is 2qk - k^2 of integers; "recent" when keys that match
            are ranked by position, so that exactly one wins, and the scale is such that all others weigh nothing.
        predicate: The selection in words.
        factors: The ideal query and key vectors, group by group of components: ([Q, r_i], [K, r_i]) with the r_i
            adding up to r. Every query is made of one row of each group, every key likewise.
        single: Whether at most one key is ever selected.
    """

    query: Form
    key: Form
    value: Form
    begin_score: float
    begin_value: np.ndarray
    weight: Form | None = None
    weight_floor: float = 0.0
    gap: float
    pattern: Literal["match", "ranked", "nearest", "recent"]
    predicate: str
    factors: tuple[tuple[np.ndarray, np.ndarray], ...]
    single: bool = False

    def forms(self) -> tuple[Form, ...]:
        """Query, key, value, and weight where there is one."""
        return (self.query, self.key, self.value) + ((self.weight,) if self.weight is not None else ())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unembed(Node):
    """One named output: its logits.

    Attributes:
        kind: "category": the largest component names the label. "number": the single component is the value.
            "next": a component per token of the vocabulary; the largest is the token that comes next.
        form: The logits.
        labels: Text of each label, for a category.
        margin: Ideal distance between the largest logit and the next, or half the spacing of the number's domain;
            0 for a real-valued number.
        nearest: Where the labels are points on one direction z and the logits z*c - c^2/2, that direction; the
            margin is then half the distance of neighbouring points.
    """

    kind: Literal["category", "number", "next"]
    form: Form
    labels: tuple[str, ...]
    margin: float
    nearest: Form | None = None

    def forms(self) -> tuple[Form, ...]:
        """The logits."""
        return (self.form,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A checked program over named spaces.

    Attributes:
        nodes: In an order where every node stands after those it reads.
        vocab_size: Number of user tokens.
        max_length: The most user tokens.
        causal: Whether heads see only keys up to the query.
    """

    nodes: tuple[Node, ...]
    vocab_size: int
    max_length: int
    causal: bool
    index: Mapping[str, Node] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", {node.name: node for node in self.nodes})

    def __getitem__(self, name: str) -> Node:
        if name not in self.index:
            raise GraphError(f"no node named `{name}` in the graph", hint="nodes are named after their space")
        return self.index[name]

    def outputs(self) -> Iterator[Unembed]:
        """The outputs, in order."""
        return (node for node in self.nodes if isinstance(node, Unembed))


def begin_values(graph: Graph) -> dict[str, np.ndarray]:
    """The constant every node holds at the begin token."""
    out: dict[str, np.ndarray] = {}
    for node in graph.nodes:
        if isinstance(node, Attend):
            out[node.name] = node.begin_value
        elif isinstance(node, Affine):
            out[node.name] = form_at(node.form, out)
        else:
            out[node.name] = np.zeros(node.space.size)
    return out


def form_at(form: Form, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """A form's value where the nodes have the given values; leading axes of the values are kept."""
    total = form.bias
    for name, matrix in form.terms:
        total = total + values[name] @ matrix
    return total
