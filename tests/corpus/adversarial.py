"""Inputs that break wrong programs more often than random ones do."""

from __future__ import annotations

import random
from typing import Any

from seme.lang import Program


def adversarial_inputs(program: Program, seed: int = 0) -> list[list[Any]]:
    """Constant, all different, extreme counts, full length, length one, empty; the same list on every run."""
    vocab, n = list(program.vocab), program.max_length
    draw = random.Random(seed)
    few = vocab if len(vocab) <= 8 else [vocab[0], vocab[1], vocab[len(vocab) // 2], vocab[-2], vocab[-1]]
    inputs: list[list[Any]] = [[]]
    inputs += [[t] for t in vocab]
    for t in few:
        inputs += [[t] * k for k in (2, 3, n - 1, n)]
        other = few[0] if t != few[0] else few[-1]
        for place in (0, n // 2, n - 1):  # one among many
            inputs.append([other] * place + [t] + [other] * (n - place - 1))
        inputs.append([t] * (n // 2) + [other] * (n - n // 2))
        inputs.append([t, other] * (n // 2))
    rising = [vocab[k % len(vocab)] for k in range(n)]
    inputs += [rising, rising[::-1], [vocab[-1 - k % len(vocab)] for k in range(n)]]
    inputs += [draw.sample(vocab, min(n, len(vocab))) for _ in range(4)]
    inputs += [draw.choices(vocab, k=n) for _ in range(16)]
    inputs += [draw.choices(few[:2], k=n) for _ in range(8)]
    inputs += [draw.choices(vocab, k=draw.randint(1, n)) for _ in range(16)]
    return [xs for xs in inputs if len(xs) <= n]
