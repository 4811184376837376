"""The verifier: what every graph must satisfy, checked after every pass."""

from __future__ import annotations

import numpy as np

from seme.core.errors import GraphError
from seme.ir.graph import Affine, Attend, Embed, Form, Graph, Neurons, Node, Unembed


def verify(graph: Graph) -> Graph:
    """Checks a graph and returns it.

    Raises:
        GraphError: A name is used twice or before it is defined, shapes disagree, a value is not finite, or there
            is no output.
    """
    seen: dict[str, Node] = {}
    for node in graph.nodes:
        if node.name in seen:
            raise GraphError(f"two nodes are named `{node.name}`", hint="names are unique within a graph")
        if len(set(node.space.semes)) < node.space.size:
            raise GraphError(f"space `{node.name}` names a seme twice", hint="semes are unique within a space")
        nearest = node.nearest if isinstance(node, Unembed) else None
        for form in (*node.forms(), *([nearest] if nearest is not None else [])):
            _check_form(node, form, seen)
        _check_bounds(node)
        _check_shapes(node, graph)
        seen[node.name] = node
    if not any(isinstance(node, Unembed) for node in graph.nodes):
        raise GraphError("the graph has no output", hint="end it with an Unembed node")
    return graph


def _check_form(node: Node, form: Form, seen: dict[str, Node]) -> None:
    for name, matrix in form.terms:
        if name not in seen:
            raise GraphError(
                f"`{node.name}` reads `{name}`, which is not computed before it",
                hint="a value may depend only on nodes above it; what recurs must go through tokens",
            )
        if isinstance(seen[name], Unembed):
            raise GraphError(f"`{node.name}` reads the output `{name}`", hint="outputs are read by nobody")
        if matrix.shape != (seen[name].space.size, form.width):
            raise GraphError(
                f"`{node.name}` reads `{name}` through a matrix of shape {matrix.shape}, "
                f"expected {(seen[name].space.size, form.width)}"
            )
        if not np.isfinite(matrix).all():
            raise GraphError(f"`{node.name}` reads `{name}` through a matrix that is not finite")
    if not np.isfinite(form.bias).all():
        raise GraphError(f"`{node.name}` has a bias that is not finite")


def _check_bounds(node: Node) -> None:
    if node.lo.shape != (node.space.size,) or node.hi.shape != (node.space.size,):
        raise GraphError(f"`{node.name}` has {node.space.size} semes but bounds for {len(node.lo)}, {len(node.hi)}")
    if not (np.isfinite(node.lo).all() and np.isfinite(node.hi).all() and (node.lo <= node.hi).all()):
        raise GraphError(f"`{node.name}` has bounds that are not finite or out of order")


def _check_shapes(node: Node, graph: Graph) -> None:
    size = node.space.size
    match node:
        case Embed():
            rows = graph.vocab_size if node.source == "token" else graph.max_length
            if node.slope is not None:  # any period will do
                rows = len(node.table)
                if node.source != "position" or not rows:
                    raise GraphError(f"`{node.name}` has a slope", hint="only positions follow a rule")
            slope = node.slope if node.slope is not None else np.zeros(size)
            expected = {"table": (node.table.shape, (rows, size)), "slope": (slope.shape, (size,))}
        case Neurons():
            hidden = len(node.hidden)
            expected = {
                "slopes": (node.slopes.shape, (node.read.width, hidden)),
                "offsets": (node.offsets.shape, (hidden,)),
                "write": (node.write.shape, (hidden, size)),
            }
        case Attend():
            expected = {
                "key": ((node.key.width,), (node.query.width,)),
                "value": ((node.value.width,), (size,)),
                "begin_value": (node.begin_value.shape, (size,)),
                "factors": ((sum(q.shape[1] for q, _ in node.factors),), (node.query.width,)),
            }
            if node.weight is not None:
                expected["weight"] = ((node.weight.width,), (1,))
            if not node.gap > 0:
                raise GraphError(f"`{node.name}` has gap {node.gap}, expected a positive number")
        case Unembed():
            expected = {"logits": ((node.form.width,), (size,)), "labels": ((len(node.labels),), (size,))}
            if node.nearest is not None:
                expected["nearest direction"] = ((node.nearest.width,), (1,))
        case Affine():
            expected = {"form": ((node.form.width,), (size,))}
        case _:
            raise GraphError(
                f"`{node.name}` is a {type(node).__name__}", hint="there are five kinds of node and no more"
            )
    for what, (got, want) in expected.items():
        array = getattr(node, what, None)
        if isinstance(array, np.ndarray) and not np.isfinite(array).all():
            raise GraphError(f"`{node.name}` has {what} that are not finite")
        if got != want:
            raise GraphError(f"`{node.name}` has {what} of shape {got}, expected {want}")
