"""Graph -> Graph: drop what nobody reads, and let all codes of tokens (and of positions) share their columns."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from seme.ir import Affine, Embed, Form, Graph, Node, Space, Unembed, verify


def prune(graph: Graph) -> Graph:
    """Only the nodes some output depends on."""
    needed = {node.name for node in graph.outputs()}
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if node.name in needed or isinstance(node, Unembed):
            kept.append(node)
            needed |= {name for form in node.forms() for name, _ in form.terms}
    return verify(replace(graph, nodes=tuple(reversed(kept))))


def share_embeddings(graph: Graph, *, keep: frozenset[str] = frozenset()) -> Graph:
    """One embedding space per source: a one-hot when columns outnumber its atoms, else each column once.

    Args:
        graph: The graph.
        keep: Nodes that stay as they are: spaces a person has named.
    """
    sources: tuple[Literal["token", "position"], ...] = ("token", "position")
    for source in sources:
        graph = _share(graph, source, keep)
    return verify(graph)


def _share(graph: Graph, source: Literal["token", "position"], keep: frozenset[str]) -> Graph:
    def is_shared(node: Node) -> bool:
        return isinstance(node, Embed) and node.source == source and node.slope is None and node.name not in keep

    embeds = [n for n in graph.nodes if isinstance(n, Embed) and is_shared(n)]
    if len(embeds) < 2:
        return graph
    tables = np.concatenate([n.table for n in embeds], axis=1)
    atoms = tables.shape[0]
    numbers: dict[bytes, int] = {}
    which = [numbers.setdefault((column + 0.0).tobytes(), len(numbers)) for column in tables.T]  # -0 is 0
    first = [which.index(number) for number in range(len(numbers))]
    if len(first) > atoms:
        shared, reading = np.eye(atoms), tables
        semes = tuple(f"{source}{i}" for i in range(atoms))
    else:
        shared, reading = tables[:, first], np.eye(len(first))[which].T
        names = [f"{n.name}.{seme}" for n in embeds for seme in n.space.semes]
        semes = tuple(names[i] for i in first)
    if shared.shape[1] == tables.shape[1]:
        return graph
    name = f"{source}s:shared"
    node = Embed(
        space=Space(name=name, semes=semes),
        lo=shared.min(axis=0),
        hi=shared.max(axis=0),
        note=f"every code of the {source} that is asked for",
        source=source,
        table=np.ascontiguousarray(shared),
    )
    out: list[Node] = [node]
    at = 0
    for old in graph.nodes:
        if isinstance(old, Embed) and is_shared(old):
            matrix = np.ascontiguousarray(reading[:, at : at + old.space.size])
            at += old.space.size
            form = Form(terms=((name, matrix),), bias=np.zeros(old.space.size))
            out.append(Affine(space=old.space, lo=old.lo, hi=old.hi, note=old.note, form=form))
        else:
            out.append(old)
    return replace(graph, nodes=tuple(out))


def fold(graph: Graph) -> Graph:
    """Affine nodes folded into whatever reads them, so that forms read only what stands in the residual stream."""
    forms: dict[str, Form] = {}
    kept: list[Node] = []
    for node in graph.nodes:
        changed = {}
        for field in ("form", "read", "query", "key", "value", "weight", "nearest"):
            form = getattr(node, field, None)
            if isinstance(form, Form):
                changed[field] = _folded(form, forms)
        node = replace(node, **changed) if changed else node
        if isinstance(node, Affine):
            forms[node.name] = node.form
        else:
            kept.append(node)
    return verify(replace(graph, nodes=tuple(kept)))


def _folded(form: Form, forms: dict[str, Form]) -> Form:
    out = Form(terms=tuple((n, m) for n, m in form.terms if n not in forms), bias=form.bias)
    for name, matrix in form.terms:
        if name in forms:
            out = out + forms[name] @ matrix
    return out
