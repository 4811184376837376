"""The graph evaluator answers as the interpreter does, on every example, lowered and after every pass."""

from __future__ import annotations

import random
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
from examples.catalogue import PROGRAMS, Listed

from seme.compiler.lower import Lowered, lower
from seme.compiler.outputs import Output
from seme.compiler.passes import fold, prune, share_embeddings
from seme.ir import Graph, evaluate
from seme.lang import Program, interpret
from tests.corpus.adversarial import adversarial_inputs

ROUNDING = 1e-9
"""The evaluator works in float64; what it computes of small numbers is far closer than this."""


@cache
def _lowered(listed: Listed) -> Lowered:
    return lower(listed.program)


def _inputs(program: Program) -> list[list[Any]]:
    draw = random.Random(7)
    some = [draw.choices(program.vocab, k=draw.randint(0, program.max_length)) for _ in range(20)]
    return [*draw.sample(adversarial_inputs(program), 10), *some]


def _answers(graph: Graph, program: Program, outputs: tuple[Output, ...], xs: list[Any]) -> dict[str, list[Any]]:
    nodes = list(graph.outputs())
    values = evaluate(graph, [program.vocab.index(x) for x in xs])
    read: dict[str, list[Any]] = {}
    for node, output in zip(nodes, outputs, strict=True):
        logits = values[node.name][1:]
        if output.kind == "number":
            read[output.name] = [float(row[0]) for row in logits]
        else:
            read[output.name] = [output.labels[int(np.argmax(row))] for row in logits]
    return read


@pytest.mark.parametrize("listed", PROGRAMS, ids=lambda listed: listed.name)
def test_the_evaluator_answers_as_the_interpreter(listed: Listed) -> None:
    program, lowered = listed.program, _lowered(listed)
    for graph in (lowered.graph, fold(share_embeddings(prune(lowered.graph)))):
        for xs in _inputs(program):
            want = interpret(program, xs)
            want = want if isinstance(want, dict) else {"output": want}
            got = _answers(graph, program, lowered.outputs, xs)
            for output in lowered.outputs:
                for expected, found in zip(want[output.name], got[output.name], strict=True):
                    if output.kind == "number" or isinstance(expected, (float, Fraction)):
                        assert float(found) == pytest.approx(float(expected), abs=ROUNDING + output.error)
                    else:
                        assert found == expected


def test_a_graph_evaluates_to_one_row_per_token_and_one_for_the_begin_token() -> None:
    listed = next(p for p in PROGRAMS if p.name == "reverse")
    graph = _lowered(listed).graph
    values = evaluate(graph, [0, 1, 2])
    assert {len(rows) for rows in values.values()} == {4}
    assert {name: rows.shape[1] for name, rows in values.items()} == {n.name: n.space.size for n in graph.nodes}
