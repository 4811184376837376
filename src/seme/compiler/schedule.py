"""Which block computes what: list scheduling, earliest first, evening out heads and neurons where there is slack.

Attention reads what stands after the block before; the neurons of a block also see its attention.
"""

from __future__ import annotations

from dataclasses import dataclass

from seme.ir import Attend, Form, Graph, Neurons, Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Placement.

    Attributes:
        block: Node name -> block, from 0, for heads and neurons.
        layers: Number of blocks.
    """

    block: dict[str, int]
    layers: int


def schedule(graph: Graph) -> Schedule:
    """Places every head and every bank of neurons of a graph without Affine nodes."""
    movable = [node for node in graph.nodes if _moves(node)]
    soonest: dict[str, int] = {}
    for node in movable:
        soonest[node.name] = _earliest(graph, node, soonest)
    depth = max((block + 1 for block in soonest.values()), default=1)
    latest = _latest(graph, depth)
    block: dict[str, int] = {}
    heads, neurons = [0] * depth, [0] * depth
    patterns: set[tuple[object, ...]] = set()
    for node in movable:
        load, size = (heads, 1) if isinstance(node, Attend) else (neurons, _hidden(node))
        look = pattern(node) if isinstance(node, Attend) else ()

        def cost(b: int, load: list[int] = load, size: int = size, look: tuple[object, ...] = look):
            added = 0 if (b, *look) in patterns else size  # one pattern is one head, however much it moves
            return (max(load[b] + added, max(load)), added, b)

        chosen = min(range(_earliest(graph, node, block), latest[node.name] + 1), key=cost)
        block[node.name] = chosen
        load[chosen] += cost(chosen)[1]
        if look:
            patterns.add((chosen, *look))
    return Schedule(block=block, layers=depth)


def pattern(node: Attend) -> tuple[object, ...]:
    """What two nodes have in common when they look at the same keys in the same way."""
    return (node.begin_score, _content(node.query), _content(node.key), _content(node.weight))


def _content(form: Form | None) -> tuple[object, ...]:
    return () if form is None else (*((n, m.tobytes()) for n, m in sorted(form.terms)), form.bias.tobytes())


def _moves(node: Node) -> bool:
    return isinstance(node, (Attend, Neurons))


def _hidden(node: Node) -> int:
    return len(node.hidden) if isinstance(node, Neurons) else 0


def _reads(graph: Graph, node: Node) -> list[Node]:
    return [graph[name] for form in node.forms() for name, _ in form.terms if _moves(graph[name])]


def _lag(reader: Node, read: Node) -> int:
    """Blocks that must lie between: neurons see the attention of their own block, all else the blocks before."""
    return 0 if isinstance(reader, Neurons) and isinstance(read, Attend) else 1


def _earliest(graph: Graph, node: Node, block: dict[str, int]) -> int:
    return max((block[read.name] + _lag(node, read) for read in _reads(graph, node)), default=0)


def _latest(graph: Graph, depth: int) -> dict[str, int]:
    latest = {node.name: depth - 1 for node in graph.nodes}
    for node in reversed(graph.nodes):
        if _moves(node):
            for read in _reads(graph, node):
                latest[read.name] = min(latest[read.name], latest[node.name] - _lag(node, read))
    return latest
