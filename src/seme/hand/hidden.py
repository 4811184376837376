"""Anonymous hidden semes: neurons with explicit weights."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from seme.compiler.builder import Builder, anonymous
from seme.core.errors import ProgramError
from seme.hand.semes import Domain, Seme, domain_of
from seme.ir import Form, Neurons, Space, stack_forms

MOST_CASES = 1 << 14
"""Combinations of the values read that are gone through one by one; beyond, only intervals are known."""

ZERO = 1e-9
"""A pre-activation nearer to zero than this is meant to be zero: weights like 0.1 are not exact."""


def hidden(
    builder: Builder,
    name: str,
    size: int,
    read: Mapping[Seme, Sequence[float]],
    bias: Sequence[float],
    write: Mapping[str, Sequence[float]],
) -> tuple[Form, list[Domain]]:
    """A bank of hidden semes x1 x2 ... : `relu(read + bias)`, written to new semes.

    Args:
        builder: The growing graph.
        name: What to call the space written to.
        size: Number of hidden semes.
        read: For every seme read, its weight into each hidden seme.
        bias: One for each hidden seme.
        write: For every new seme, the weight of each hidden seme in it.

    Returns:
        The form that reads the new semes, and their ideal values.

    Raises:
        ProgramError: Weights do not fit the number of hidden semes, or one of these reads nothing.
    """
    rows = {f"read[{seme.name}]": weights for seme, weights in read.items()}
    rows |= {"bias": bias} | {f"write[{label}]": weights for label, weights in write.items()}
    for what, weights in rows.items():
        if len(weights) != size or not np.isfinite(weights).all():
            raise ProgramError(
                f"`{name}`: {what} is {list(weights)}, expected {size} finite numbers",
                hint="one weight for each of the hidden semes x1 x2 ...",
            )
    slopes = np.array([list(weights) for weights in read.values()], dtype=np.float64).reshape(len(read), size)
    offsets = np.array(bias, dtype=np.float64)
    out = np.array([list(weights) for weights in write.values()], dtype=np.float64).T.reshape(size, len(write))
    if not size or not slopes.any(axis=0).all():
        raise ProgramError(f"`{name}` has a hidden seme that reads nothing", hint="read={seme: [1.0, ...]}")
    domains, quantum = _values(list(read), slopes, offsets, out)
    points = next(iter(read)).domain.points if len(read) == 1 and _enumerable(list(read)) else ()
    node = Neurons(
        space=Space(name=name, semes=tuple(write)),
        lo=np.array([d.lo for d in domains]),
        hi=np.array([d.hi for d in domains]),
        read=stack_forms([seme.form for seme in read]),
        slopes=slopes,
        offsets=offsets,
        write=out,
        hidden=anonymous(size),
        points=np.array(points) if points else None,
        quantum=quantum,
    )
    return builder.add(node, apart=True), domains


def _enumerable(semes: list[Seme]) -> bool:
    cases = 1
    for seme in semes:
        cases *= len(seme.domain.points) if not seme.domain.shares else 0
    return 0 < cases <= MOST_CASES


def _values(
    semes: list[Seme], slopes: np.ndarray, offsets: np.ndarray, write: np.ndarray
) -> tuple[list[Domain], float]:
    """The values of every written seme, and how near to zero a pre-activation comes that is not zero; 0 if unknown."""
    if _enumerable(semes):
        cases = np.array(list(itertools.product(*(seme.domain.points for seme in semes))))
        pre = cases @ slopes + offsets
        away = np.abs(pre)[np.abs(pre) > ZERO]
        values = np.maximum(pre, 0.0) @ write
        near = np.round(values)
        values = np.where(np.abs(values - near) < ZERO, near, values) + 0.0
        return [domain_of(set(column)) for column in values.T.tolist()], float(away.min(initial=1.0))
    lo, hi = np.array([seme.domain.lo for seme in semes]), np.array([seme.domain.hi for seme in semes])
    up, down = np.maximum(slopes, 0.0), np.minimum(slopes, 0.0)
    least = np.maximum(lo @ up + hi @ down + offsets, 0.0)
    most = np.maximum(hi @ up + lo @ down + offsets, 0.0)
    up, down = np.maximum(write, 0.0), np.minimum(write, 0.0)
    bounds = zip((least @ up + most @ down).tolist(), (most @ up + least @ down).tolist(), strict=True)
    return [Domain(lo=a, hi=b) for a, b in bounds], 0.0


__all__ = ["hidden"]
