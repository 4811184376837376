"""What the networks learn: products of numbers, modular addition, a sine, and a slice of real text."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product as pairs

import torch
from torch import Tensor
from torch.nn import functional

from seme.core.errors import UsageError
from seme.core.text import default_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Inputs and targets.

    Attributes:
        name: Of the task.
        train_x: `batch feature` numbers, or `batch pos` tokens where `vocabulary` is set.
        train_y: `batch output`; regression throughout, classes as centred one-hot rows.
        probe_x: Inputs not trained on, where everything is measured.
        probe_y: Their targets.
        vocabulary: Number of tokens; 0 for numbers.
        learned_on: "probe" or "train": where R^2 decides whether anything was learned. Tasks that are
            memorised long before they generalise (or never do) are judged on what was memorised.
        levels: The number that each token stands for; None where tokens stand for none.
    """

    name: str
    train_x: Tensor
    train_y: Tensor
    probe_x: Tensor
    probe_y: Tensor
    vocabulary: int = 0
    learned_on: str = "probe"
    levels: Tensor | None = None

    def as_numbers(self) -> Task:
        """The same task with tokens as one-hot numbers laid side by side, for a perceptron."""
        if not self.vocabulary:
            return self
        return Task(
            name=self.name,
            train_x=self._one_hot(self.train_x),
            train_y=self.train_y,
            probe_x=self._one_hot(self.probe_x),
            probe_y=self.probe_y,
            learned_on=self.learned_on,
        )

    def _one_hot(self, tokens: Tensor) -> Tensor:
        # sqrt(vocabulary) makes a feature's mean square one, as it is for the other tasks
        return functional.one_hot(tokens, self.vocabulary).flatten(1).float() * math.sqrt(self.vocabulary)


def product(*, seed: int = 0, count: int = 256, probe: int = 128) -> Task:
    """x1 * x2 for x uniform on [-sqrt(3), sqrt(3)]: inputs and target have variance one."""
    generator = torch.Generator().manual_seed(seed)
    x = (2 * torch.rand(count + probe, 2, generator=generator) - 1) * math.sqrt(3)
    return _split("product", x, x[:, :1] * x[:, 1:], count)


def product_bits(*, seed: int = 0, bits: int = 4, share: float = 0.7) -> Task:
    """The product of two n-bit numbers given as 2 n signs, least significant first, standardised."""
    numbers = torch.tensor(list(pairs(range(2**bits), repeat=2)))
    signs = 2.0 * ((numbers[:, :, None] >> torch.arange(bits)) & 1).flatten(1).float() - 1.0
    return _shuffled("product-bits", signs, _standard(numbers.prod(1)), seed, share)


def product_tokens(*, seed: int = 0, values: int = 16, share: float = 0.7) -> Task:
    """The product of two tokens, each one of n evenly spaced numbers from -1 to 1, standardised.

    Tokens do not say how near their numbers are, so a small network memorises the table first.
    """
    numbers = torch.tensor(list(pairs(range(values), repeat=2)))
    level = torch.linspace(-1.0, 1.0, values)
    target = _standard(level[numbers].prod(1))
    more = {"vocabulary": values, "learned_on": "train", "levels": level}
    return _shuffled("product-tokens", numbers, target, seed, share, **more)


def modular(*, seed: int = 0, modulus: int = 13, share: float = 0.6) -> Task:
    """(a + b) mod p, two tokens in, a centred one-hot row out."""
    numbers = torch.tensor(list(pairs(range(modulus), repeat=2)))
    target = functional.one_hot(numbers.sum(1) % modulus, modulus).float() - 1.0 / modulus
    return _shuffled("modular", numbers, target, seed, share, vocabulary=modulus, learned_on="train")


def sine(*, seed: int = 0, count: int = 128, probe: int = 128, periods: float = 1.0) -> Task:
    """sqrt(2) sin(pi periods x) on [-1, 1]; the input is scaled to variance one."""
    generator = torch.Generator().manual_seed(seed)
    x = 2 * torch.rand(count + probe, 1, generator=generator) - 1
    return _split("sine", x * math.sqrt(3), math.sqrt(2) * torch.sin(math.pi * periods * x), count)


def text(*, seed: int = 0, count: int = 256, probe: int = 128, length: int = 8, data: str | None = None) -> Task:
    """The next character after `length` of a real text, as a centred one-hot row.

    Args:
        seed: Which places of the text are taken.
        count: Places trained on.
        probe: Places measured at; from the last quarter of the text, never trained on.
        length: Characters seen.
        data: The text; None for Python's own reference manual, which ships with the interpreter.
    """
    raw = default_text() if data is None else data
    letters = re.sub(r"[^a-z .]+", " ", raw.lower())
    alphabet = " .abcdefghijklmnopqrstuvwxyz"
    if len(letters) < 4 * (length + 1):
        raise UsageError(f"a text of {len(letters)} letters is too short for contexts of {length}")
    tokens = torch.tensor([alphabet.index(letter) for letter in letters])
    edge, generator = 3 * len(tokens) // 4, torch.Generator().manual_seed(seed)
    starts = torch.cat(
        [
            torch.randint(0, edge - length, (count,), generator=generator),
            torch.randint(edge, len(tokens) - length, (probe,), generator=generator),
        ]
    )
    x = tokens[starts[:, None] + torch.arange(length)]
    y = functional.one_hot(tokens[starts + length], len(alphabet)).float() - 1.0 / len(alphabet)
    return _split("text", x, y, count, vocabulary=len(alphabet), learned_on="train")


TASKS: dict[str, Callable[..., Task]] = {
    "product": product,
    "product-bits": product_bits,
    "product-tokens": product_tokens,
    "modular": modular,
    "sine": sine,
    "text": text,
}


def make_task(name: str, *, seed: int, **options: object) -> Task:
    """Makes a task by name.

    Raises:
        UsageError: There is no task of this name.
    """
    if name not in TASKS:
        raise UsageError(f"no task {name!r}", hint=f"use one of {', '.join(TASKS)}")
    return TASKS[name](seed=seed, **options)


def _standard(values: Tensor) -> Tensor:
    values = values.double()
    return ((values - values.mean()) / values.std(correction=0)).float()[:, None]


def _split(name: str, x: Tensor, y: Tensor, count: int, **more) -> Task:
    return Task(name=name, train_x=x[:count], train_y=y[:count], probe_x=x[count:], probe_y=y[count:], **more)


def _shuffled(name: str, x: Tensor, y: Tensor, seed: int, share: float, **more) -> Task:
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    return _split(name, x[order], y[order], round(share * len(x)), **more)
