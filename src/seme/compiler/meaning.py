"""What every residual direction, head and neuron is, in words and with the program's source line."""

from __future__ import annotations

from typing import Any

from seme.compiler.layout import Layout, directions
from seme.ir import Form, Graph, Neurons


def meaning(graph: Graph, plan: Layout) -> dict[str, Any]:
    """The names that go into `meaning.json`. Plain JSON."""
    return {
        "directions": directions(graph, plan),
        "spaces": [
            {
                "name": node.name,
                "kind": type(node).__name__.lower(),
                "semes": list(node.space.semes),
                "first_direction": 2 * plan.seme_of[node.name],
                "note": node.note,
            }
            for node in graph.nodes
            if node.name in plan.seme_of
        ],
        "heads": [
            {
                "layer": head.layer,
                "head": head.index,
                "reads": {
                    "query": _sources(head.node.query),
                    "key": _sources(head.node.key),
                    "value": sorted({s for mover, _, _ in head.moves for s in _sources(mover.value)}),
                },
                "predicate": head.node.predicate,
                "writes": [seme for mover, a, b in head.moves for seme in _named(mover.name, mover.space.semes[a:b])],
                "note": head.node.note,
            }
            for head in plan.heads
        ],
        "neurons": [_bank(node, plan) for node in graph.nodes if isinstance(node, Neurons)],
    }


def _bank(node: Neurons, plan: Layout) -> dict[str, Any]:
    layer, first = plan.rows[node.name]
    return {
        "layer": layer,
        "first": first,
        "count": len(node.hidden),
        "names": [f"{node.name}:{hidden}" for hidden in node.hidden],
        "reads": _sources(node.read),
        "writes": _named(node.name, node.space.semes),
        "note": node.note,
    }


def _sources(form: Form) -> list[str]:
    return [name for name, _ in form.terms]


def _named(node: str, semes: tuple[str, ...]) -> list[str]:
    return [f"{node}.{seme}" for seme in semes]
