"""The weights against an oracle: the interpreter for a program, the stored graph for a folder.

Adversarial inputs come first: empty, length one, constant, all different, extreme counts, full length, and all of
them once more in one padded batch with short ones.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from seme.core.errors import ProgramError, TooLargeError
from seme.exchange import Model

Oracle = Callable[[list[Any]], dict[str, list[Any]]]

MOST_EXHAUSTIVE = 10_000_000
"""Inputs of an exhaustive check that still end within an hour on one core."""

BATCH = 4096
"""Inputs per batch: the executor cuts them to what fits the cache; the oracle needs none larger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a check found.

    Attributes:
        checked: Inputs compared.
        wrong: Inputs with at least one wrong value.
        undefined: Inputs for which the oracle itself has no answer; they are not compared.
        first_divergence: The first wrong value, or None.
    """

    checked: int
    wrong: int
    undefined: int
    first_divergence: dict[str, Any] | None


def check(
    model: Model, oracle: Oracle, inputs: Iterator[list[Any]], *, tick: Callable[[int], None] | None = None
) -> Report:
    """Compares a model with an oracle.

    Args:
        model: The weights.
        oracle: Gives every output by name.
        inputs: What to compare on.
        tick: Called with the number of inputs done, batch by batch.
    """
    checked = wrong = undefined = 0
    first: dict[str, Any] | None = None
    while batch := list(itertools.islice(inputs, BATCH)):
        expected = []
        kept = []
        for xs in batch:
            try:
                expected.append(oracle(xs))
                kept.append(xs)
            except ProgramError:
                undefined += 1
        for xs, want, got in zip(kept, expected, model.raw(kept), strict=True):
            difference = _difference(model, xs, want, got)
            checked += 1
            if difference is not None:
                wrong += 1
                first = first or difference
        if tick is not None:
            tick(len(batch))
    return Report(checked=checked, wrong=wrong, undefined=undefined, first_divergence=first)


def _difference(
    model: Model, xs: list[Any], want: dict[str, list[Any]], got: dict[str, list[Any]]
) -> dict[str, Any] | None:
    for block in model.artifact.outputs:
        a, b = want[block.name], got[block.name]
        if len(a) != len(b):
            return {"input": xs, "output": block.name, "position": None, "expected": len(a), "got": len(b)}
        for position, (expected, found) in enumerate(zip(a, b, strict=True)):
            if not agrees(expected, found, block.error if block.kind == "number" else 0.0):
                return {
                    "input": xs,
                    "output": block.name,
                    "position": position,
                    "expected": plain(expected),
                    "got": plain(found),
                }
    return None


def agrees(expected: Any, found: Any, error: float) -> bool:
    """Whether a value is right: a number within the error, anything else equal.

    A label that is a fraction is compared as the float it is shown as.
    """
    if isinstance(expected, (Fraction, float)) or (isinstance(expected, int) and isinstance(found, float)):
        if found is None or isinstance(found, str):
            return False
        slack = error + 4e-16 * abs(float(expected))
        return abs(float(expected) - float(found)) <= slack
    return type(found) is not float and expected == found


def plain(value: Any) -> Any:
    """The value for JSON."""
    if isinstance(value, Fraction):
        return float(value)
    return list(value) if isinstance(value, tuple) else value


def adversarial(vocab: Sequence[Any], longest: int) -> Iterator[list[Any]]:
    """Inputs that break what random ones do not."""
    yield []
    for token in vocab:
        yield [token]
        yield [token] * longest
    for offset in range(min(len(vocab), 8)):
        around = itertools.islice(itertools.cycle(vocab), offset, offset + longest)
        different = list(around)
        yield different
        yield different[::-1]
        yield different[: len(vocab)]
    for a, b in itertools.islice(itertools.permutations(vocab, 2), 24):
        yield [a] * (longest - 1) + [b]
        yield [a] + [b] * (longest - 1)
        yield ([a, b] * longest)[:longest]
        yield sorted([a] * (longest // 2) + [b] * (longest - longest // 2), key=str)


def samples(vocab: Sequence[Any], longest: int, count: int, seed: int) -> Iterator[list[Any]]:
    """Random inputs of all lengths.

    Vocabularies are thinned so that repeats are common, half of them to a few neighbours in the vocabulary's order:
    programs often look for tokens that stand together there, and would hardly meet them otherwise.
    """
    rng = random.Random(seed)
    for _ in range(count):
        if rng.random() < 0.5:
            start = rng.randrange(len(vocab))
            few = list(vocab[start : start + rng.randint(1, 4)])
        else:
            few = rng.sample(list(vocab), rng.randint(1, len(vocab)))
        length = longest if rng.random() < 0.2 else rng.randint(0, longest)
        yield rng.choices(few, k=length)


def exhaustive(vocab: Sequence[Any], length: int) -> Iterator[list[Any]]:
    """Every input up to a length.

    Raises:
        TooLargeError: There are too many.
    """
    total = sum(len(vocab) ** n for n in range(length + 1))
    if total > MOST_EXHAUSTIVE:
        raise TooLargeError(
            f"there are {total:,} inputs up to length {length}, expected at most {MOST_EXHAUSTIVE:,}",
            hint="check a shorter length exhaustively, and longer ones with --samples",
        )
    for n in range(length + 1):
        yield from map(list, itertools.product(vocab, repeat=n))
