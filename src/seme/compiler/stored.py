"""The graph that a model folder keeps, as an oracle for its weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from seme.compiler.check import Oracle
from seme.core.errors import FolderError, GraphError
from seme.execute.stream import next_block
from seme.ir import Graph, evaluate
from seme.ir.text import parse
from seme.model.artifact import Artifact, OutputBlock, TokenTable


def graph_oracle(artifact: Artifact) -> Oracle:
    """Answers as the stored graph does, computed in float64 with hard selection.

    Raises:
        FolderError: The model has no graph, a damaged one, or one of another shape.
    """
    graph = _graph(artifact)
    ids = {(type(value) is bool, value): index for index, value in enumerate(artifact.tokens.values)}

    def answer(xs: list[Any]) -> dict[str, list[Any]]:
        values = evaluate(graph, [ids[type(x) is bool, x] for x in xs])
        return {block.name: _read(block, values[f"output:{block.name}"][1:]) for block in artifact.outputs}

    return answer


def graph_next(artifact: Artifact) -> Callable[[Sequence[int]], np.ndarray]:
    """The logits that the stored graph of a model that continues its input gives every token, after every token.

    Rows, given and chosen, are those of the embedding, the begin token first; begin and padding are never chosen.

    Raises:
        FolderError: The model has no graph, a damaged one, or one of another shape.
    """
    graph, name = _graph(artifact), f"output:{next_block(artifact).name}"

    def logits(rows: Sequence[int]) -> np.ndarray:
        own = evaluate(graph, [row - TokenTable.FIRST_ID for row in rows[1:]])[name]
        return np.concatenate([np.full((len(rows), TokenTable.FIRST_ID), -np.inf), own], axis=1)

    return logits


def _graph(artifact: Artifact) -> Graph:
    if not artifact.graph.strip():
        raise FolderError(
            "the folder holds no graph to check the weights against: graph.txt is missing or empty",
            hint="seme check FILE.py checks against the program",
        )
    try:
        graph = parse(artifact.graph)
    except GraphError as error:
        raise FolderError(f"the folder's graph.txt is damaged: {error.message}", hint=error.hint) from error
    _check_fit(graph, artifact)
    return graph


def _check_fit(graph: Graph, artifact: Artifact) -> None:
    widths = {node.name: node.form.width for node in graph.outputs()}
    # Begin and padding are labels of a next token, and no tokens of the graph.
    special = TokenTable.FIRST_ID
    expected = {f"output:{b.name}": b.width - special * (b.kind == "next") for b in artifact.outputs}
    if widths != expected or graph.vocab_size != len(artifact.tokens.values):
        raise FolderError(
            f"graph.txt has outputs {widths} over {graph.vocab_size} tokens, expected {expected} over "
            f"{len(artifact.tokens.values)}",
            hint="make the folder again",
        )


def _read(block: OutputBlock, values: np.ndarray) -> list[Any]:
    if block.kind == "category":
        return [block.labels[index] for index in values.argmax(axis=1)]
    if not block.integers and not block.max_denominator:
        return values[:, 0].tolist()
    exact = [Fraction(value) / block.unit for value in values[:, 0].tolist()]
    return [block.unit * value.limit_denominator(max(block.max_denominator, 1)) for value in exact]
