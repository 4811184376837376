"""Outputs of a model by hand, and how its graph is read without weights."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal

import numpy as np

from seme.compiler.builder import Builder
from seme.compiler.outputs import Output, unique_texts
from seme.hand.semes import Domain
from seme.ir import Form, Graph, Space, Unembed, evaluate

FAR = 1e30
"""Logits have no bounds worth stating: nothing reads them."""


def category(builder: Builder, name: str, logits: Form, labels: tuple[Any, ...], margin: float) -> Output:
    """An output with a logit per label; the largest leads by at least the margin."""
    _add(builder, name, "category", logits, unique_texts(labels), margin)
    return Output(name=name, kind="category", labels=labels)


def one_number(builder: Builder, name: str, form: Form, domain: Domain) -> Output:
    """An output that is a seme as it is."""
    whole = domain.listed and all(point == round(point) for point in domain.points)
    most = max(domain.shares, 1) if whole else 0
    # Fractions with denominators up to n differ by at least 1/(n(n-1)), integers by 1.
    margin = 1 / (2 * most * max(most - 1, 1)) if most else 0.0
    _add(builder, name, "number", form, ("value",), margin)
    return Output(name=name, kind="number", max_denominator=most)


def _add(
    builder: Builder, name: str, kind: Literal["category", "number"], form: Form, texts: tuple[str, ...], margin: float
) -> None:
    space = Space(name=f"output:{name}", semes=texts)
    lo, hi = np.full(form.width, -FAR), np.full(form.width, FAR)
    builder.add(Unembed(space=space, lo=lo, hi=hi, kind=kind, form=form, labels=texts, margin=margin))


def ideal(graph: Graph, outputs: tuple[Output, ...], token_ids: list[int]) -> dict[str, list[Any]]:
    """What the graph answers, in exact attention and float64: the oracle of the weights."""
    values = evaluate(graph, token_ids)
    answers: dict[str, list[Any]] = {}
    for node, output in zip(graph.outputs(), outputs, strict=True):
        logits = values[node.name][1:]
        if output.kind == "category":
            answers[output.name] = [output.labels[int(row.argmax())] for row in logits]
        else:
            answers[output.name] = [_decoded(float(row[0]), output) for row in logits]
    return answers


def _decoded(value: float, output: Output) -> Any:
    if not output.max_denominator:
        return value
    exact = output.unit * Fraction(value / float(output.unit)).limit_denominator(output.max_denominator)
    return exact.numerator if exact.denominator == 1 else float(exact)


__all__ = ["category", "ideal", "one_number"]
