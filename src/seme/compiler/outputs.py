"""Outputs: which logits a value becomes and how they are read back."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from seme.compiler.builder import Builder
from seme.compiler.values import Value, number, onehot
from seme.core.errors import ProgramError, TooLargeError
from seme.ir import Form, Space, Unembed, constant_form
from seme.lang import expressions as e
from seme.lang.interpreter import label

MOST_LABELS = 4096
"""A category of numbers with more values than this is written as one number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """How one output is read.

    Attributes:
        name: Its name, also of its node.
        kind: One logit per label, or one number.
        labels: The values of a category.
        unit: A number is unit * p / q ...
        max_denominator: ... with q at most this; 0 for a real number.
        error: For a real number, the proved largest error before rounding.
    """

    name: str
    kind: Literal["number", "category"]
    labels: tuple[Any, ...] = ()
    unit: Fraction = Fraction(1)
    max_denominator: int = 0
    error: float = 0.0


def unembed(builder: Builder, name: str, value: Value, sequence: e.Sequence, *, robust: int) -> Output:
    """Adds the output node."""
    builder.note = label(sequence)
    kind = sequence.as_kind or value.kind
    if kind == "number" and not value.numeric:
        if sequence.as_kind == "number":
            odd = next(v for v in value.classes if not isinstance(v, (int, float, Fraction)))
            raise ProgramError(
                f"output `{name}` is asked for as a number but can be {odd!r}",
                hint="give aggregates a numeric default, or leave .numerical() out",
            )
        kind = "category"
    if kind == "category" and value.lattice is None and len(value.classes) <= MOST_LABELS:
        return _category(builder, name, value, robust=robust)
    if not value.numeric:
        raise TooLargeError(
            f"output `{name}` has {len(value.classes):,} labels, expected at most {MOST_LABELS:,}, and is no number "
            "since it can be None",
            hint="give its aggregates a numeric default, or shorten --max-length",
        )
    return _number(builder, name, value, robust=robust)


def _category(builder: Builder, name: str, value: Value, *, robust: int) -> Output:
    labels = value.classes
    texts = unique_texts(labels)
    carrier = value.carrier
    margin, nearest = 1.0, None
    if carrier.kind == "scalar" and carrier.points is not None and len(labels) == carrier.size > 2 and robust < 2:
        # Nearest point without a neuron: the largest of z*c - c^2/2.
        assert carrier.form is not None
        middle = float(carrier.points.mean())
        points = carrier.points - middle
        scale = 2.0 ** np.round(-2 * np.log2(np.diff(points).min()))
        logits = (carrier.form.shifted(-middle) @ (scale * points[None])).shifted(-scale * points**2 / 2)
        order = np.argsort(value.class_of)
        logits = logits @ np.eye(carrier.size)[:, order]
        margin, nearest = float(np.diff(points).min() / 2), carrier.form
    elif carrier.kind == "constant":
        logits = constant_form([0.0])
    else:
        logits = onehot(builder, value, f"{name}.onehot", robust=min(robust, 1))
    _add(builder, name, "category", logits, texts, margin, nearest)
    return Output(name=name, kind="category", labels=labels)


def unique_texts(values: tuple[Any, ...]) -> tuple[str, ...]:
    """Text of each value: its str, or its repr where two would look alike."""
    texts = [str(v) for v in values]
    seen = Counter(texts)
    texts = [repr(v) if seen[t] > 1 else t for v, t in zip(values, texts, strict=True)]
    while len(seen := Counter(texts)) < len(texts):  # a string that looks like another value's repr
        texts = [f"{t}#{i}" if seen[t] > 1 else t for i, t in enumerate(texts)]
    return tuple(texts)


def _number(builder: Builder, name: str, value: Value, *, robust: int) -> Output:
    form = number(builder, value, robust=robust)
    if value.lattice is not None:
        lattice = value.lattice
        unit, most = lattice.unit, lattice.max_denominator
        margin = float(unit) / (2 * most * max(most - 1, 1)) if unit else 0.0
        _add(builder, name, "number", form, ("value",), margin)
        return Output(name=name, kind="number", unit=unit or Fraction(1), max_denominator=most, error=lattice.error)
    if any(isinstance(v, float) for v in value.classes):
        spread = sorted({Fraction(v) for v in value.classes})
        half = float(min((b - a for a, b in itertools.pairwise(spread)), default=Fraction(0))) / 2
        _add(builder, name, "number", form, ("value",), half)
        return Output(name=name, kind="number")
    numbers = sorted({Fraction(v) for v in value.classes})
    most = max(x.denominator for x in numbers)
    spacing = min((b - a for a, b in itertools.pairwise(numbers)), default=Fraction(1))
    # Decoding takes the nearest fraction with a denominator up to `most`; those lie at least this far apart.
    grid = Fraction(1, most * max(most - 1, 1))
    _add(builder, name, "number", form, ("value",), float(min(spacing, grid)) / 2)
    return Output(name=name, kind="number", max_denominator=most)


def _add(
    builder: Builder,
    name: str,
    kind: Literal["number", "category"],
    form: Form,
    texts: tuple[str, ...],
    margin: float,
    nearest: Form | None = None,
) -> None:
    size = form.width
    builder.add_output(
        Unembed(
            space=Space(name=f"output:{name}", semes=texts),
            lo=np.full(size, -1e30),
            hi=np.full(size, 1e30),
            kind=kind,
            form=form,
            labels=texts,
            margin=margin,
            nearest=nearest,
        )
    )


__all__ = ["Output", "unembed", "unique_texts"]
