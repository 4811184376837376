"""Every rule of the verifier has a graph that breaks it and nothing else."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from seme.core.errors import GraphError
from seme.ir import Affine, Attend, Embed, Form, Graph, Neurons, Node, Space, Unembed, constant_form, verify


def _space(name: str, *semes: str) -> Space:
    return Space(name=name, semes=semes)


def _reads(name: str, matrix: list[list[float]]) -> Form:
    array = np.array(matrix, dtype=float)
    return Form(terms=((name, array),), bias=np.zeros(array.shape[1]))


EMBED = Embed(
    space=_space("kind", "open", "close"), lo=np.zeros(2), hi=np.ones(2), source="token", table=np.eye(3, 2)
)  # fmt: skip
AFFINE = Affine(space=_space("sum", "both"), lo=np.zeros(1), hi=np.ones(1), form=_reads("kind", [[1], [1]]))
NEURONS = Neurons(
    space=_space("gate", "on"), lo=np.zeros(1), hi=np.ones(1), read=_reads("kind", [[1], [1]]),
    slopes=np.ones((1, 2)), offsets=np.array([0.0, -1.0]), write=np.array([[1.0], [-1.0]]), hidden=("x1", "x2"),
)  # fmt: skip
ATTEND = Attend(
    space=_space("head", "mean"), lo=np.zeros(1), hi=np.ones(1), query=constant_form([1.0]),
    key=_reads("gate", [[1]]), value=_reads("gate", [[1]]), begin_score=-0.5, begin_value=np.zeros(1), gap=0.5,
    pattern="match", predicate="gate", factors=((np.ones((1, 1)), np.ones((1, 1))),),
)  # fmt: skip
UNEMBED = Unembed(
    space=_space("output:answer", "no", "yes"), lo=np.full(2, -9.0), hi=np.full(2, 9.0), kind="category",
    form=_reads("head", [[0, 1]]), labels=("no", "yes"), margin=1.0,
)  # fmt: skip
NODES = {"kind": EMBED, "sum": AFFINE, "gate": NEURONS, "head": ATTEND, "output:answer": UNEMBED}


def _graph(nodes: list[Node]) -> Graph:
    return Graph(nodes=tuple(nodes), vocab_size=3, max_length=4, causal=False)


def test_a_sound_graph_passes_and_is_returned() -> None:
    graph = _graph(list(NODES.values()))
    assert verify(graph) is graph


@pytest.mark.parametrize(
    ("name", "changes", "complaint"),
    [
        ("kind", {"space": _space("kind", "open", "open")}, "space `kind` names a seme twice"),
        ("sum", {"space": _space("kind", "both")}, "two nodes are named `kind`"),
        ("sum", {"form": _reads("gate", [[1]])}, "`sum` reads `gate`, which is not computed before it"),
        ("sum", {"form": _reads("kind", [[1]])}, "`sum` reads `kind` through a matrix of shape (1, 1), expected"),
        ("sum", {"form": _reads("kind", [[1], [np.nan]])}, "`sum` reads `kind` through a matrix that is not finite"),
        ("sum", {"form": constant_form([np.inf])}, "`sum` has a bias that is not finite"),
        ("sum", {"form": constant_form([1.0, 2.0])}, "`sum` has form of shape (2,), expected (1,)"),
        ("kind", {"lo": np.zeros(3)}, "`kind` has 2 semes but bounds for 3, 2"),
        ("kind", {"lo": np.full(2, 2.0)}, "`kind` has bounds that are not finite or out of order"),
        ("kind", {"hi": np.array([1.0, np.inf])}, "`kind` has bounds that are not finite or out of order"),
        ("kind", {"table": np.eye(2)}, "`kind` has table of shape (2, 2), expected (3, 2)"),
        ("kind", {"source": "position"}, "`kind` has table of shape (3, 2), expected (4, 2)"),
        ("kind", {"table": np.full((3, 2), np.nan)}, "`kind` has table that are not finite"),
        ("gate", {"slopes": np.ones((2, 2))}, "`gate` has slopes of shape (2, 2), expected (1, 2)"),
        ("gate", {"offsets": np.zeros(1)}, "`gate` has offsets of shape (1,), expected (2,)"),
        ("gate", {"write": np.ones((2, 2))}, "`gate` has write of shape (2, 2), expected (2, 1)"),
        ("gate", {"write": np.full((2, 1), np.inf)}, "`gate` has write that are not finite"),
        ("head", {"key": constant_form([1.0, 2.0])}, "`head` has key of shape (2,), expected (1,)"),
        ("head", {"value": constant_form([1.0, 2.0])}, "`head` has value of shape (2,), expected (1,)"),
        ("head", {"begin_value": np.zeros(2)}, "`head` has begin_value of shape (2,), expected (1,)"),
        ("head", {"factors": ()}, "`head` has factors of shape (0,), expected (1,)"),
        ("head", {"weight": constant_form([0.0, 0.0])}, "`head` has weight of shape (2,), expected (1,)"),
        ("head", {"gap": 0.0}, "`head` has gap 0.0, expected a positive number"),
        ("output:answer", {"form": _reads("head", [[1]])}, "`output:answer` has logits of shape (1,), expected (2,)"),
        ("output:answer", {"labels": ("no",)}, "`output:answer` has labels of shape (1,), expected (2,)"),
        ("output:answer", {"nearest": constant_form([0.0, 1.0])}, "has nearest direction of shape (2,), expected (1,)"),
        ("output:answer", {"nearest": _reads("nobody", [[1]])}, "`output:answer` reads `nobody`, which is not"),
    ],
)  # fmt: skip
def test_each_rule_is_enforced(name: str, changes: dict[str, Any], complaint: str) -> None:
    nodes = [replace(node, **changes) if at == name else node for at, node in NODES.items()]
    with pytest.raises(GraphError, match=re.escape(complaint)):
        verify(_graph(nodes))


def test_outputs_are_read_by_nobody() -> None:
    late = replace(AFFINE, space=_space("late", "both"), form=_reads("output:answer", [[1], [1]]))
    with pytest.raises(GraphError, match="`late` reads the output `output:answer`"):
        verify(_graph([*NODES.values(), late]))


def test_a_graph_without_output_is_refused() -> None:
    with pytest.raises(GraphError, match="the graph has no output\n\n  hint: end it with an Unembed node"):
        verify(_graph([EMBED]))


def test_a_sixth_kind_of_node_is_refused() -> None:
    with pytest.raises(GraphError, match="`odd` is a Node"):
        verify(_graph([Node(space=_space("odd", "x1"), lo=np.zeros(1), hi=np.zeros(1))]))


def test_a_name_that_no_node_has_is_refused() -> None:
    with pytest.raises(GraphError, match="no node named `nobody` in the graph"):
        _graph([EMBED])["nobody"]
