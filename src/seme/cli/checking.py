"""What `seme check` compares, and how it is told."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from seme.cli.models import Opened
from seme.cli.output import progress, tokens_text
from seme.compiler.check import adversarial, check, exhaustive, samples
from seme.core.errors import UsageError


def check_opened(opened: Opened, *, samples: int, length: int | None, seed: int, quiet: bool) -> dict[str, Any]:
    """Checks a model on adversarial inputs, on random ones, and on all up to a length.

    Raises:
        UsageError: The length is beyond the model's.
        TooLargeError: There are too many inputs of that length.
    """
    oracle, called = opened.oracle()
    inputs, total = _inputs(opened, samples, length, seed)
    with progress("checking", total, quiet=quiet) as tick:
        report = check(opened.model, oracle, inputs, tick=tick)
    return {
        "checked": report.checked,
        "wrong": report.wrong,
        "undefined": report.undefined,
        "first_divergence": report.first_divergence,
        "oracle": called,
        "dtype": opened.model.artifact.spec.dtype,
        "seed": seed,
    }


def _inputs(opened: Opened, count: int, length: int | None, seed: int) -> tuple[Iterator[list[Any]], int]:
    vocab, longest = opened.model.artifact.tokens.values, opened.model.artifact.spec.n_positions - 1
    if length is not None and length > longest:
        raise UsageError(f"--exhaustive {length} is beyond the model's longest input, {longest}", hint="give less")
    hard = list(adversarial(vocab, longest))
    parts: list[Iterator[list[Any]]] = [iter(hard), samples(vocab, longest, count, seed)]
    total = len(hard) + count
    if length is not None:
        parts.append(exhaustive(vocab, length))
        total += sum(len(vocab) ** n for n in range(length + 1))
    return itertools.chain.from_iterable(parts), total


def report_text(told: dict[str, Any]) -> str:
    """The result in words."""
    lines = [f"{told['checked']} checked against the {told['oracle']} in {told['dtype']}, {told['wrong']} wrong"]
    if told["undefined"]:
        lines.append(f"{told['undefined']} more have no answer in the program and were left out")
    first = told["first_divergence"]
    if first is not None:
        lines.append(f"first divergence, on {tokens_text(first['input'])}")
        lines.append(
            f"  output `{first['output']}` at position {first['position']}: "
            f"expected {first['expected']!r}, got {first['got']!r}"
        )
    return "\n".join(lines)
