"""What a graph means, computed slowly in float64 with hard selection: between the interpreter and the weights."""

from __future__ import annotations

import numpy as np

from seme.ir.graph import Affine, Attend, Embed, Graph, Neurons, Unembed, begin_values, form_at


def evaluate(graph: Graph, token_ids: list[int]) -> dict[str, np.ndarray]:
    """Every node's ideal value on one input.

    Args:
        graph: The graph.
        token_ids: Indices into the program's vocabulary, 0-based, without the begin token.

    Returns:
        Node name -> [length + 1, size]; row 0 is the begin token.
    """
    length = len(token_ids)
    rows = {"token": np.asarray(token_ids, dtype=int), "position": np.arange(length)}
    begin = begin_values(graph)
    values: dict[str, np.ndarray] = {}
    for node in graph.nodes:
        match node:
            case Embed():
                body = node.rows(rows[node.source]).reshape(length, node.space.size)
            case Affine() | Unembed():
                body = form_at(node.form, {n: values[n][1:] for n, _ in node.form.terms})
                body = np.broadcast_to(body, (length, node.space.size))
            case Neurons():
                read = form_at(node.read, {n: values[n][1:] for n, _ in node.read.terms})
                pre = np.broadcast_to(read, (length, node.read.width)) @ node.slopes + node.offsets
                body = np.maximum(pre, 0.0) @ node.write
            case Attend():
                body = attend(node, values, length, causal=graph.causal)
            case _:
                raise TypeError(type(node).__name__)
        values[node.name] = np.concatenate([begin[node.name][None], body])
    return values


def attend(node: Attend, values: dict[str, np.ndarray], length: int, *, causal: bool) -> np.ndarray:
    """The ideal value of one head at the user's positions, [length, size]."""
    body = {n: v[1:] for n, v in values.items()}
    query = np.broadcast_to(form_at(node.query, body), (length, node.query.width))
    key = np.broadcast_to(form_at(node.key, body), (length, node.key.width))
    value = np.broadcast_to(form_at(node.value, body), (length, node.space.size))
    scores = query @ key.T
    if causal:
        scores = np.where(np.tril(np.ones((length, length), dtype=bool)), scores, -np.inf)
    if node.weight is not None:
        weights = (scores > -node.gap / 2).astype(float)
        begin = np.exp(np.broadcast_to(form_at(node.weight, body), (length, 1)))[:, 0]
    else:
        best = np.maximum(scores.max(axis=1, initial=-np.inf), node.begin_score)
        weights = (scores > best[:, None] - node.gap / 2).astype(float)
        begin = (node.begin_score > best - node.gap / 2).astype(float)
    total = weights.sum(axis=1) + begin
    return (weights @ value + begin[:, None] * node.begin_value) / total[:, None]
