"""One point of the grid of `seme linearity`, and the network, data and training that it stands for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from itertools import product as combinations
from typing import Any

from torch import nn

from seme.core.errors import UsageError
from seme.core.text import default_text
from seme.learn.models import PARAMETRIZATIONS, Activation, Mlp, Transformer
from seme.learn.tasks import TASKS, Task, make_task
from seme.learn.training import Training
from seme.store import content_key

# Part of every key: raise it when a change alters what a run measures.
VERSION = 3
# What the size of a task is called there.
SIZES = {"product-bits": "bits", "product-tokens": "values", "modular": "modulus", "text": "length"}
# Tasks that train on a share of all pairs.
SHARED = ("product-bits", "product-tokens", "modular")
EMBEDDINGS = ("random", "ordered")
HEADS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One point of the grid, without its seed.

    Attributes:
        task: Name of the task.
        model: mlp or transformer.
        activation: Name of the activation.
        width: Hidden units, or d_model.
        parametrization: standard, ntk or mean-field.
        depth: Hidden layers or blocks.
        alpha: Factor on the output.
        optimiser: gd, momentum, adam or adamw.
        rate: Learning rate; None to choose from the kernel.
        steps: Most steps.
        stop: Share of the first loss at which training ends.
        weight_decay: Weight decay.
        center: Whether the function at the start is subtracted.
        size: Bits of product-bits, values of product-tokens, modulus of modular, characters seen of text;
            None for the task's own.
        data: A text for the task `text`; None for the one that ships with Python.
        share: Share of all pairs that is trained on; None for the task's own.
        head_width: Width of a head of a transformer, whose heads then grow with its width; None for four heads.
        embedding: Of a transformer's tokens: "random" rows, or "ordered" ones that tell the token's number;
            None for random.
        per_doubling: Checkpoints each time the number of steps doubles; None for one.
    """

    task: str = "product"
    model: str = "mlp"
    activation: str = "gelu"
    width: int = 256
    parametrization: str = "ntk"
    depth: int = 1
    alpha: float = 1.0
    optimiser: str = "gd"
    rate: float | None = None
    steps: int = 1000
    stop: float = 0.01
    weight_decay: float = 0.0
    center: bool = True
    size: int | None = None
    data: str | None = None
    share: float | None = None
    head_width: int | None = None
    embedding: str | None = None
    per_doubling: int | None = None

    def __post_init__(self) -> None:
        for what, value, known in (
            ("task", self.task, tuple(TASKS)),
            ("model", self.model, ("mlp", "transformer")),
            ("parametrization", self.parametrization, PARAMETRIZATIONS),
            ("embedding", self.embedding or "random", EMBEDDINGS),
        ):
            if value not in known:
                raise UsageError(f"no {what} {value!r}", hint=f"use one of {', '.join(known)}")
        Activation(name=self.activation)
        self.training()
        if not 0 < self.alpha < math.inf:
            raise UsageError(f"cannot scale the output by alpha {self.alpha}: expected a finite number above 0")
        if self.width < 1 or self.depth < 1:
            raise UsageError(f"got width {self.width} and depth {self.depth}: expected both to be at least 1")
        if self.size is not None and (self.size < 2 or self.task not in SIZES):
            raise UsageError(
                f"no size {self.size} for the task {self.task!r}",
                hint=f"a size is at least 2, for one of {', '.join(SIZES)}",
            )
        if self.share is not None and (self.task not in SHARED or not 0 < self.share < 1):
            raise UsageError(
                f"no share {self.share} for the task {self.task!r}",
                hint=f"a share lies between 0 and 1, for one of {', '.join(SHARED)}",
            )
        if self.per_doubling is not None and self.per_doubling < 1:
            raise UsageError(f"at least one checkpoint per doubling is needed, got {self.per_doubling}")
        self._check_transformer()

    def _check_transformer(self) -> None:
        """What only concerns transformers."""
        if self.model == "transformer" and self.task in ("product", "product-bits", "sine"):
            raise UsageError(
                f"a transformer reads tokens, the task {self.task!r} gives numbers",
                hint="use --task product-tokens, modular or text",
            )
        if self.model != "transformer" and (self.head_width is not None or self.embedding is not None):
            raise UsageError("--head-width and --embedding are for --model transformer")
        if self.head_width is not None and (self.head_width < 1 or self.width % self.head_width):
            raise UsageError(f"a transformer of width {self.width} cannot have heads of width {self.head_width}")
        if self.embedding == "ordered" and self.task != "product-tokens":
            raise UsageError(
                f"tokens of the task {self.task!r} stand for no numbers to be ordered by",
                hint="use --task product-tokens, or --embedding random",
            )

    def training(self) -> Training:
        """How its networks are trained."""
        return Training(
            optimiser=self.optimiser,
            rate=self.rate,
            steps=self.steps,
            stop=self.stop,
            weight_decay=self.weight_decay,
            center=self.center,
        )

    def configuration(self, seed: int) -> dict[str, Any]:
        """What decides a run, as it is hashed; what is None is left out, so that a new option disowns no stored run."""
        given = {name: value for name, value in asdict(self).items() if value is not None}
        configuration = {**given, "seed": seed, "version": VERSION}
        if self.task == "text":  # the text that ships with Python changes with its version
            used = default_text() if self.data is None else self.data
            configuration["text_hash"] = content_key("text", {"text": used})
        return configuration


def grid(seeds: int, widths: Sequence[int], activations: Sequence[str], **options: Any) -> list[dict[str, Any]]:
    """Configurations of every width, activation and seed, cheapest first; `options` are `Setting`'s."""
    if seeds < 1:
        raise UsageError(f"a study needs at least one seed, got {seeds}")
    decays = options.pop("weight_decays", None) or (0.0,)
    settings = [
        Setting(width=w, activation=a, weight_decay=d, **options)
        for w, a, d in combinations(sorted(widths), activations, decays)
    ]
    return [setting.configuration(seed) for setting in settings for seed in range(seeds)]


def make(configuration: dict[str, Any]) -> tuple[nn.Module, Task, Training]:
    """The network, the data and the training of a run."""
    values = {f.name: configuration[f.name] for f in fields(Setting) if f.name in configuration}
    s, seed = Setting(**values), configuration["seed"]
    more: dict[str, Any] = {"data": s.data} if s.task == "text" and s.data is not None else {}
    if s.size is not None:
        more[SIZES[s.task]] = s.size
    if s.share is not None:
        more["share"] = s.share
    task = make_task(s.task, seed=seed, **more)
    shared = {
        "outputs": task.train_y.shape[1], "width": s.width, "depth": s.depth, "activation": s.activation,
        "parametrization": s.parametrization, "alpha": s.alpha, "seed": seed,
    }  # fmt: skip
    if s.model == "mlp":
        task = task.as_numbers()
        return Mlp(inputs=task.train_x.shape[1], **shared), task, s.training()
    heads = HEADS if s.head_width is None else s.width // s.head_width
    levels = task.levels if s.embedding == "ordered" else None
    length = task.train_x.shape[1]
    model = Transformer(vocabulary=task.vocabulary, length=length, heads=heads, levels=levels, **shared)
    return model, task, s.training()
