"""The growing graph: adds nodes, gives them unique names, and shares those that are the same."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from seme.core.errors import TooLargeError
from seme.ir import Attend, Embed, Form, Graph, Neurons, Node, Space, Unembed, verify

MOST_DIRECTIONS = 1 << 15
"""A node wider than this would make a residual stream that no machine this is meant for can hold."""


class Builder:
    """Collects nodes.

    Args:
        vocab_size: Number of user tokens.
        max_length: The most user tokens.
        causal: Whether heads see only keys up to the query.
    """

    def __init__(self, *, vocab_size: int, max_length: int, causal: bool):
        self.vocab_size, self.max_length, self.causal = vocab_size, max_length, causal
        self.nodes: list[Node] = []
        self._names: set[str] = set()
        self._shared: dict[tuple[object, ...], Form] = {}
        self.note = ""

    def name(self, wish: str) -> str:
        """A name nobody has yet."""
        wish = re.sub(r"[^\w.+\-*/<>=!?&|()\[\],:]", "_", wish)[:60] or "value"
        name, n = wish, 1
        while name in self._names:
            n += 1
            name = f"{wish}~{n}"
        self._names.add(name)
        return name

    def add(self, node: Node, *, apart: bool = False) -> Form:
        """Adds a node, or finds the same one, and returns the form that reads it as it is.

        Args:
            node: The node; its name is a wish.
            apart: Never take another node for it: a person has named it.
        """
        if node.space.size > MOST_DIRECTIONS:
            raise TooLargeError(
                f"`{node.name}` needs {node.space.size} directions, expected at most {MOST_DIRECTIONS}",
                hint="use a smaller vocabulary or --max-length, or numbers instead of categories",
            )
        key = None if apart else _content(node)
        if key is not None and key in self._shared:
            return self._shared[key]
        form = identity(self._append(node))
        if key is not None:
            self._shared[key] = form
        return form

    def add_output(self, node: Unembed) -> None:
        """Adds an output; no node reads it, so it takes no directions and there is no form for it."""
        self._append(node)

    def _append(self, node: Node) -> Node:
        named = replace(node, space=replace(node.space, name=self.name(node.name)), note=node.note or self.note)
        self.nodes.append(named)
        return named

    def graph(self) -> Graph:
        """The checked graph."""
        return verify(
            Graph(nodes=tuple(self.nodes), vocab_size=self.vocab_size, max_length=self.max_length, causal=self.causal)
        )


def identity(node: Node) -> Form:
    """The form that reads a node as it is."""
    return Form(terms=((node.name, np.eye(node.space.size)),), bias=np.zeros(node.space.size))


def space(name: str, size: int, semes: tuple[str, ...] | None = None) -> Space:
    """A space whose semes are named, or `x1 x2 ...`."""
    return Space(name=name, semes=semes if semes is not None else anonymous(size))


def anonymous(size: int) -> tuple[str, ...]:
    """x1, x2, x3 ..."""
    return tuple(f"x{i + 1}" for i in range(size))


def _form_key(form: Form | None) -> tuple[object, ...]:
    if form is None:
        return ()
    return (tuple((n, m.shape, m.tobytes()) for n, m in sorted(form.terms, key=lambda t: t[0])), form.bias.tobytes())


def _content(node: Node) -> tuple[object, ...] | None:
    match node:
        case Embed():
            return ("embed", node.source, node.table.shape, node.table.tobytes())
        case Neurons():
            parts = (node.slopes, node.offsets, node.write)
            return ("neurons", _form_key(node.read), *(p.tobytes() for p in parts), node.write.shape)
        case Attend():
            forms = (node.query, node.key, node.value, node.weight)
            return ("attend", *map(_form_key, forms), node.begin_score, node.begin_value.tobytes(), node.gap)
    return None
