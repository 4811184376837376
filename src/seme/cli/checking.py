"""What `seme check` compares, and how it is told."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from seme.cli.models import Opened
from seme.cli.output import progress, tokens_text
from seme.cli.prompts import prompts
from seme.compiler.check import Report, adversarial, check, exhaustive
from seme.compiler.check import samples as random_inputs
from seme.compiler.check_next import check_next
from seme.core.errors import UsageError
from seme.model.artifact import Artifact

SAMPLES = 1000
"""Random inputs where nothing is said."""

MORE = 60
"""Tokens that a prompt is continued by: some instructions of the RV32 machine."""

WORK, LEAST = 100_000_000, 2
"""Parameters, prompts times: some ten seconds of checking; and the fewest prompts."""


def check_opened(opened: Opened, *, samples: int | None, length: int | None, seed: int, quiet: bool) -> dict[str, Any]:
    """Checks a model on adversarial inputs, on random ones, and on all up to a length.

    A model that continues its input is checked on random prompts.

    Raises:
        UsageError: The length is beyond the model's, or the model continues its input and has no such.
        TooLargeError: There are too many inputs of that length.
    """
    if opened.model.artifact.spec.continues:
        return _check_next(opened.model.artifact, samples, length, seed, quiet)
    samples = SAMPLES if samples is None else samples
    oracle, called = opened.oracle()
    inputs, total = _inputs(opened, samples, length, seed)
    with progress("checking", total, quiet=quiet) as tick:
        report = check(opened.model, oracle, inputs, tick=tick)
    return _told(report, called, opened.model.artifact, seed)


def _check_next(artifact: Artifact, samples: int | None, length: int | None, seed: int, quiet: bool) -> dict[str, Any]:
    if length is not None:
        raise UsageError(
            "--exhaustive is for models that label their input, this one continues it",
            hint="leave it out, and give more --samples",
        )
    size = sum(weight.numel() for weight in artifact.weights.values())
    count = min(max(WORK // size, LEAST), SAMPLES) if samples is None else samples
    with progress("checking", count, quiet=quiet) as tick:
        report = check_next(artifact, itertools.islice(prompts(artifact, seed), count), more=MORE, tick=tick)
    return _told(report, "stored graph", artifact, seed) | {"prompts": count}


def _told(report: Report, called: str, artifact: Artifact, seed: int) -> dict[str, Any]:
    return {
        "checked": report.checked,
        "wrong": report.wrong,
        "undefined": report.undefined,
        "first_divergence": report.first_divergence,
        "oracle": called,
        "dtype": artifact.spec.dtype,
        "seed": seed,
    }


def _inputs(opened: Opened, count: int, length: int | None, seed: int) -> tuple[Iterator[list[Any]], int]:
    vocab, longest = opened.model.artifact.tokens.values, opened.model.artifact.spec.n_positions - 1
    if length is not None and length > longest:
        raise UsageError(f"--exhaustive {length} is beyond the model's longest input, {longest}", hint="give less")
    hard = list(adversarial(vocab, longest))
    parts: list[Iterator[list[Any]]] = [iter(hard), random_inputs(vocab, longest, count, seed)]
    total = len(hard) + count
    if length is not None:
        parts.append(exhaustive(vocab, length))
        total += sum(len(vocab) ** n for n in range(length + 1))
    return itertools.chain.from_iterable(parts), total


def report_text(told: dict[str, Any]) -> str:
    """The result in words."""
    what = f"{told['checked']:,} next tokens of {told['prompts']} prompts" if "prompts" in told else told["checked"]
    lines = [f"{what} checked against the {told['oracle']} in {told['dtype']}, {told['wrong']} wrong"]
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
