"""Where everything stands: directions of the residual stream, heads with their widths, rows of neurons.

Every seme takes two neighbouring directions and is stored as (+f, -f). Their sum is zero, so the mean that a layer
norm subtracts is zero up to rounding, and reading (x+ - x-) / 2 cancels what is left of it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from seme.compiler.reuse import Places, keep_all, reuse
from seme.compiler.schedule import Schedule, pattern
from seme.core.numerics import BEGIN_OFF
from seme.ir import Attend, Form, Graph, Neurons, Node, form_at

BEGIN_SEME = 0
"""The seme that is `Layout.begin_size` at the begin token and zero elsewhere; it comes first."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Head:
    """One head of the model: a pattern, and the part of the values it moves.

    Attributes:
        layer: Its block.
        index: Its place in the block.
        node: The node whose pattern it has.
        moves: (node, first seme, last seme + 1) of the values it writes; all with the same pattern.
    """

    layer: int
    index: int
    node: Attend
    moves: tuple[tuple[Attend, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    """The plan of the weights.

    Attributes:
        seme_of: Node name -> its first seme in the residual stream.
        semes: Number of semes, the begin seme included; the stream is at least twice as wide.
        heads: All heads.
        d_head: Width of a head.
        n_heads: Heads per block.
        d_model: Width of the stream.
        d_mlp: Neurons per block.
        rows: Name of a bank -> (block, first neuron).
        layers: Number of blocks.
        places: Where values stand, and what is erased to make room.
        eraser_rows: Block -> its first neuron that erases.
        begin_size: What the begin seme holds at the begin token.
    """

    seme_of: dict[str, int]
    semes: int
    heads: tuple[Head, ...]
    d_head: int
    n_heads: int
    d_model: int
    d_mlp: int
    rows: dict[str, tuple[int, int]]
    layers: int
    places: Places
    eraser_rows: dict[int, int]
    begin_size: float = 1.0


def layout(graph: Graph, placed: Schedule, *, ending: Collection[str] = (), halving: bool = False) -> Layout:
    """Allocates directions, heads and neurons.

    Args:
        graph: The graph.
        placed: Which block computes what.
        ending: Nodes whose directions are used again when nobody reads them any more.
        halving: Whether the root of a head's width must be a power of two, so that dividing by it rounds nothing.
    """
    places = keep_all(graph, BEGIN_SEME + 1)
    if ending:
        places = reuse(graph, placed, BEGIN_SEME + 1, ending=ending)
    semes = places.semes
    patterns = _patterns(graph, placed)
    d_head = _head_width(
        patterns, 2 * semes, rooted=any(node.kind == "next" for node in graph.outputs()), halving=halving
    )
    heads = _heads(patterns, d_head)
    n_heads = max([head.index + 1 for head in heads], default=1)
    n_heads = max(n_heads, -(-2 * semes // d_head))
    if (n_heads * d_head) % 2:
        n_heads += 1
    rows, used = _rows(graph, placed)
    eraser_rows = dict(enumerate(used))
    for erasure in places.erased:
        used[erasure.block] += 2 if erasure.signed else 1
    d_mlp = max(used, default=0)
    return Layout(
        seme_of=places.seme_of,
        semes=semes,
        heads=tuple(heads),
        d_head=d_head,
        n_heads=n_heads,
        d_model=n_heads * d_head,
        d_mlp=max(d_mlp, 1),
        rows=rows,
        layers=placed.layers,
        places=places,
        eraser_rows=eraser_rows,
    )


def needed_width(node: Attend) -> int:
    """Components of query and key, one for the begin token included."""
    return node.query.width + 1


Pattern = tuple[int, list[Attend]]


def _patterns(graph: Graph, placed: Schedule) -> list[Pattern]:
    """Heads of one block that look at the same keys in the same way, together."""
    groups: dict[tuple[object, ...], Pattern] = {}
    for node in graph.nodes:
        if isinstance(node, Attend):
            block = placed.block[node.name]
            groups.setdefault((block, *pattern(node)), (block, []))[1].append(node)
    return list(groups.values())


def _pieces(nodes: list[Attend], width: int) -> list[tuple[tuple[Attend, int, int], ...]]:
    """The values of one pattern cut into pieces a head can move."""
    pieces: list[list[tuple[Attend, int, int]]] = [[]]
    room = width
    for node in nodes:
        at = 0
        while at < node.space.size:
            if room == 0:
                pieces.append([])
                room = width
            take = min(room, node.space.size - at)
            pieces[-1].append((node, at, at + take))
            at, room = at + take, room - take
    return [tuple(piece) for piece in pieces]


def _heads(patterns: list[Pattern], width: int) -> list[Head]:
    used: dict[int, int] = {}
    heads: list[Head] = []
    for block, nodes in patterns:
        for piece in _pieces(nodes, width):
            index = used.get(block, 0)
            used[block] = index + 1
            heads.append(Head(layer=block, index=index, node=nodes[0], moves=piece))
    return heads


def _head_width(patterns: list[Pattern], least: int, *, rooted: bool, halving: bool) -> int:
    """The width, a multiple of four, that makes the stream narrowest and then the heads fewest.

    Heads that a block does not need are computed all the same, and their softmaxes are most of a small model's time.

    Args:
        patterns: What the heads are.
        least: The least width of the stream.
        rooted: Whether the width must be the square of a whole number: scores are divided by its root, and the weights
            of a trace model, all whole numbers times powers of two, then stay such.
        halving: Whether that root must be a power of two.
    """
    needed = max((needed_width(nodes[0]) for _, nodes in patterns), default=1)
    smallest = max(4, -(-needed // 4) * 4)
    choices: list[tuple[int, int, int]] = []
    for width in range(smallest, max(smallest, least) + (4 if not rooted else 4 * smallest), 4):
        if rooted and math.isqrt(width) ** 2 != width:
            continue
        if halving and math.isqrt(width) & (math.isqrt(width) - 1):
            continue
        count = max(_most_heads(patterns, width), -(-least // width))
        # Each head of a trace model is a softmax over a long history: worth some width.
        choices.append((count * width + (16 * count if rooted else 0), count, width))
    return min(choices)[2]


def _most_heads(patterns: list[Pattern], width: int) -> int:
    """Heads of the fullest block."""
    used: dict[int, int] = {}
    for block, nodes in patterns:
        used[block] = used.get(block, 0) - (-sum(node.space.size for node in nodes) // width)
    return max(used.values(), default=1)


def _rows(graph: Graph, placed: Schedule) -> tuple[dict[str, tuple[int, int]], list[int]]:
    rows: dict[str, tuple[int, int]] = {}
    used = [0] * placed.layers
    for node in graph.nodes:
        if isinstance(node, Neurons):
            block = placed.block[node.name]
            rows[node.name] = (block, used[block])
            used[block] += len(node.hidden)
    return rows, used


def read_matrix(form: Form, plan: Layout) -> np.ndarray:
    """[d_model, width]: reads a form's linear part off the residual stream, half from each of a seme's directions."""
    out = np.zeros((plan.d_model, form.width))
    for name, matrix in form.terms:
        at = 2 * plan.seme_of[name]
        out[at : at + 2 * len(matrix) : 2] += matrix / 2
        out[at + 1 : at + 1 + 2 * len(matrix) : 2] -= matrix / 2
    return out


def write_matrix(rows: np.ndarray, first: int, plan: Layout) -> np.ndarray:
    """[n, d_model]: puts rows [n, size] on the semes from `first` on, as (+f, -f)."""
    out = np.zeros((len(rows), plan.d_model))
    add_rows(out, rows, first)
    return out


def add_rows(to: np.ndarray, rows: np.ndarray, first: int) -> None:
    """Adds rows [n, size] to the semes from `first` on of [n, d_model], in place."""
    last = first + rows.shape[1]
    to[:, 2 * first : 2 * last : 2] += rows
    to[:, 2 * first + 1 : 2 * last + 1 : 2] -= rows


def begin_row(values: np.ndarray, plan: Layout) -> np.ndarray:
    """[d_model, width]: what the begin token adds to a read."""
    out = np.zeros((plan.d_model, len(values)))
    out[2 * BEGIN_SEME] = values / (2 * plan.begin_size)
    out[2 * BEGIN_SEME + 1] = -values / (2 * plan.begin_size)
    return out


def neurons_at_begin(pre: Form, at_begin: Mapping[str, np.ndarray], *, exact: bool) -> np.ndarray:
    """What each neuron reads at the begin token, where it must be off.

    Args:
        pre: What neurons read.
        at_begin: What every node holds at the begin token.
        exact: Whether neurons that are further off by themselves are left so, which keeps weights small.
    """
    off = np.full(pre.width, -BEGIN_OFF)
    return np.minimum(off, form_at(pre, at_begin)) if exact else off


def directions(graph: Graph, plan: Layout) -> list[str]:
    """The name of every residual direction."""
    names = [""] * plan.semes
    names[BEGIN_SEME] = "begin"
    for node in graph.nodes:
        for at, seme in enumerate(
            node.space.semes if node.name in plan.seme_of else (), plan.seme_of.get(node.name, 0)
        ):
            # what stands there one after the other, in the order of the blocks
            names[at] = f"{names[at]}|{node.name}.{seme}" if names[at] else f"{node.name}.{seme}"
    signed = [sign + name for name in names for sign in "+-"]
    return signed + [f"unused{i}" for i in range(plan.d_model - len(signed))]


__all__ = ["Head", "Layout", "Node", "add_rows", "begin_row", "directions", "layout", "read_matrix", "write_matrix"]
