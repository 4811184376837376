"""The weights of a model that continues its input against the graph stored beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from seme.compiler.check import Report
from seme.compiler.stored import graph_next
from seme.exchange.export import LEAD
from seme.execute import DenseStream
from seme.execute.stream import next_block
from seme.model.artifact import Artifact


def check_next(
    artifact: Artifact, prompts: Iterable[Sequence[int]], *, more: int, tick: Callable[[int], None] | None = None
) -> Report:
    """Compares the choices of a model that continues its input with those of its stored graph.

    The graph continues every prompt; the weights read what it wrote, so one wrong choice does not bring about others.
    What is counted is next tokens. Where no token leads in the graph, it has none.

    Args:
        artifact: The model.
        prompts: Rows of the embedding, the begin token first.
        more: Tokens that a prompt is continued by.
        tick: Called with 1 after every prompt.

    Raises:
        FolderError: The model has no graph, a damaged one, or one of another shape.
        UsageError: The model does not continue its input.
    """
    logits, block = graph_next(artifact), next_block(artifact)
    checked = wrong = undefined = 0
    first: dict[str, Any] | None = None
    for prompt in prompts:
        rows, stopped = list(prompt), False
        want: list[int | None] = []
        while len(want) < more and not stopped:
            last = logits(rows)[-1]
            second, best = np.partition(last, -2)[-2:]
            choice = int(last.argmax()) if best - second >= LEAD else None
            want.append(choice)
            stopped = choice is None or choice in block.stops
            rows += [] if choice is None else [choice]
        got = DenseStream(artifact).feed(rows)[len(prompt) - 1 :].tolist()
        for at, (expected, found) in enumerate(zip(want, got[: len(want)], strict=True)):
            if expected is None:
                undefined += 1
                continue
            checked += 1
            if found != expected:
                wrong += 1
                first = first or {
                    "input": [block.labels[row] for row in rows[1 : len(prompt) + at]],
                    "output": block.name,
                    "position": len(prompt) + at - 2,
                    "expected": block.labels[expected],
                    "got": block.labels[found],
                }
        if tick is not None:
            tick(1)
    return Report(checked=checked, wrong=wrong, undefined=undefined, first_divergence=first)
