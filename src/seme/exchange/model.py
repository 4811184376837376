"""A model that is called on a list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from seme.core.errors import UsageError
from seme.exchange.hf_config import DTYPES
from seme.execute.dense import Dense
from seme.model.artifact import Artifact


class Model:
    """An artifact with the means to run and save it.

    Args:
        artifact: The model's parts.
        device: Where to run it.
    """

    def __init__(self, artifact: Artifact, device: str | torch.device = "cpu"):
        self.artifact = artifact
        self._dense = Dense(artifact, device)

    def __call__(self, xs: Iterable[Any]) -> Any:
        """Answers one input: a list of tokens, or a string of one-character tokens.

        Returns:
            A list with a value per token; a dict of such lists where the model has several outputs, or one under
            another name than "output".

        Raises:
            InputError: A token is unknown, or there are too many.
        """
        return self.batch([xs])[0]

    def batch(self, inputs: Iterable[Iterable[Any]]) -> list[Any]:
        """Answers many inputs at once.

        Raises:
            InputError: A token is unknown, or a sequence is too long.
        """
        inputs = list(inputs)
        values = self._dense.batch(inputs)
        if list(values) == ["output"]:
            return values["output"]
        return [{name: lists[index] for name, lists in values.items()} for index in range(len(inputs))]

    def raw(self, inputs: Iterable[Iterable[Any]]) -> list[dict[str, list[Any]]]:
        """Every output by name for many inputs, with numbers as the logits themselves rather than rounded.

        Raises:
            InputError: A token is unknown, or a sequence is too long.
        """
        inputs = list(inputs)
        values = self._dense.batch(inputs, rounded=False)
        return [{name: lists[index] for name, lists in values.items()} for index in range(len(inputs))]

    def logits(self, xs: Iterable[Any]) -> Float[Tensor, "pos d_logits"]:
        """The logits for one input, a row per token.

        Raises:
            InputError: A token is unknown, or there are too many.
        """
        return self._dense.logits(xs)

    def save(self, path: str | Path) -> Path:
        """Writes a folder that `transformers` loads as it stands; see `seme.exchange.writer`."""
        from seme.exchange.writer import save

        return save(self.artifact, path)

    def to(self, *, dtype: str | torch.dtype | None = None, device: str | torch.device | None = None) -> Model:
        """The same model in another float type or on another device.

        Raises:
            UsageError: The float type is unknown, or a weight does not fit into it.
        """
        where = self._dense.device if device is None else device
        return Model(self.artifact if dtype is None else _cast(self.artifact, dtype), where)

    def __repr__(self) -> str:
        spec = self.artifact.spec
        outputs = ", ".join(f"{block.name} ({block.kind})" for block in self.artifact.outputs)
        parameters = sum(weight.numel() for weight in self.artifact.weights.values())
        return (
            f"Model({spec.architecture}, {spec.layers} layers, d_model {spec.d_model}, {spec.heads} heads of "
            f"{spec.d_head}, d_mlp {spec.d_mlp}, {parameters:,} parameters, {spec.dtype}, "
            f"up to {spec.n_positions - 1} tokens of {len(self.artifact.tokens.values)}, outputs: {outputs})"
        )


def _cast(artifact: Artifact, dtype: str | torch.dtype) -> Artifact:
    name = str(dtype).removeprefix("torch.")
    if name not in DTYPES:
        raise UsageError(f"float type is {name!r}, expected one of {', '.join(DTYPES)}", hint="--dtype float32")
    weights = {key: weight.to(getattr(torch, name)) for key, weight in artifact.weights.items()}
    for key, weight in weights.items():
        if not weight.isfinite().all():
            raise UsageError(
                f"weight `{key}` does not fit into {name}: its largest value is "
                f"{artifact.weights[key].abs().max().item():g}",
                hint="compile the program for this float type (--dtype)",
            )
    rule = artifact.positions
    if rule is not None:
        kind = getattr(torch, name)
        rule = replace(rule, repeated=rule.repeated.to(kind), slope=rule.slope.to(kind))
    return replace(artifact, spec=replace(artifact.spec, dtype=name), weights=weights, positions=rule)
