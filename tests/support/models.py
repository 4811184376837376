"""Small artifacts made without the compiler: random ones of every shape, and two whose answers are known."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import torch

from seme.model import Artifact, OutputBlock, Spec, TokenTable, shapes

BEGIN, PAD = "<begin>", "<pad>"


def random_artifact(
    architecture: Any = "bert",
    *,
    activation: Any = "relu",
    dtype: str = "float32",
    layers: int = 2,
    letters: str = "abcdef",
    labels: tuple[Any, ...] = (0, 1, "1", None, True),
    identity_norms: bool = False,
    seed: int = 0,
) -> Artifact:
    """Random weights of moderate size; several heads, a category and a number among the outputs.

    With identity_norms the layer norms are the identity on what has no mean: eps = g^2, weight g = 2^40.
    """
    spec = Spec(
        architecture=architecture,
        layers=layers,
        d_model=24,
        heads=3,
        d_head=8,
        d_mlp=40,
        d_vocab=len(letters) + 2,
        n_positions=12,
        d_logits=len(labels) + 1,
        activation=activation,
        norm_eps=2.0**80 if identity_norms else 1e-5,
        dtype=dtype,
    )
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in shapes(spec).items():
        random = torch.randn(shape, generator=generator, dtype=torch.float64) * 0.3
        if name.split(".")[-2].startswith("ln") and name.endswith(".w"):
            random = torch.full(shape, 2.0**40) if identity_norms else 1 + random
        weights[name] = random.to(getattr(torch, dtype))
    return Artifact(
        spec=spec,
        weights=weights,
        tokens=TokenTable(values=tuple(letters), texts=tuple(letters), begin=BEGIN, pad=PAD),
        outputs=(
            OutputBlock(name="label", kind="category", start=0, labels=labels),
            OutputBlock(name="value", kind="number", start=len(labels)),
        ),
        meaning={"residual": [{"name": "x1", "source": "made by hand"}]},
        certificate={"float32": {"exact_up_to": 11}},
        provenance={"made_by": "tests"},
        graph="# nothing\n",
    )


def zero_weights(spec: Spec) -> dict[str, torch.Tensor]:
    """All weights zero, the layer norms the identity."""
    weights = {name: torch.zeros(shape, dtype=getattr(torch, spec.dtype)) for name, shape in shapes(spec).items()}
    for name in weights:
        if name.split(".")[-2].startswith("ln") and name.endswith(".w"):
            weights[name] += spec.norm_eps**0.5
    return weights


def fraction_of_a(architecture: Any = "gpt2", dtype: str = "float32", most: int = 9) -> Artifact:
    """The fraction of "a" among the tokens seen, the begin token left out: 1/2 where half of them are "a".

    Head 0 attends to all but the begin token. The stream holds (f, -f) so that its mean is zero.
    """
    g = 2.0**15 if dtype == "float16" else 2.0**40
    spec = Spec(
        architecture=architecture,
        layers=1,
        d_model=8,
        heads=2,
        d_head=4,
        d_mlp=1,
        d_vocab=5,
        n_positions=most + 1,
        d_logits=1,
        activation="relu",
        norm_eps=g * g,
        dtype=dtype,
    )
    w = zero_weights(spec)
    for row, feature in ((0, 0), (2, 1)):  # direction 0: begin; direction 1: the letter a
        w["embed.W_E"][row, 2 * feature] = 1
        w["embed.W_E"][row, 2 * feature + 1] = -1
    w["blocks.0.attn.b_Q"][0, 0] = 1
    w["blocks.0.attn.W_K"][0, 0, 0] = -1024  # over sqrt(4): a score of -512, and exp(-512) is 0
    w["blocks.0.attn.W_V"][0, 2, 0] = 1
    w["blocks.0.attn.W_O"][0, 0, 4] = 1
    w["blocks.0.attn.W_O"][0, 0, 5] = -1
    w["unembed.W_U"][4, 0] = 1
    return Artifact(
        spec=spec,
        weights=w,
        tokens=TokenTable(values=("a", "b", "c"), texts=("a", "b", "c"), begin=BEGIN, pad=PAD),
        outputs=(OutputBlock(name="output", kind="number", start=0, max_denominator=most, error=1e-6),),
    )


def true_fractions(text: str, *, causal: bool) -> list[Any]:
    """What `fraction_of_a` means."""
    seen = [text[: i + 1] if causal else text for i in range(len(text))]
    found = [Fraction(part.count("a"), len(part)) for part in seen]
    return [f.numerator if f.denominator == 1 else float(f) for f in found]


def previous_token(architecture: Any = "gpt2", values: tuple[Any, ...] = ("a", "b", "c"), most: int = 9) -> Artifact:
    """Each token's predecessor, None at the first: one head that looks one step back, by one-hot positions."""
    n, v = most + 1, len(values)
    width = 2 * (n + 2 * (v + 1))
    spec = Spec(
        architecture=architecture,
        layers=1,
        d_model=width,
        heads=1,
        d_head=width,
        d_mlp=1,
        d_vocab=v + 2,
        n_positions=n,
        d_logits=v + 1,
        activation="relu",
        norm_eps=2.0**80,
        dtype="float32",
    )
    w = zero_weights(spec)

    def put(matrix: torch.Tensor, row: int, feature: int) -> None:
        matrix[row, 2 * feature], matrix[row, 2 * feature + 1] = 1, -1

    for p in range(n):
        put(w["pos_embed.W_pos"], p, p)
        w["blocks.0.attn.W_Q"][0, 2 * p, max(p - 1, 0)] = 1
        w["blocks.0.attn.W_K"][0, 2 * p, p] = 1024
    for row, feature in [(0, v), *((i + 2, i) for i in range(v))]:
        put(w["embed.W_E"], row, n + feature)
        w["blocks.0.attn.W_V"][0, 2 * (n + feature), feature] = 1
        put(w["blocks.0.attn.W_O"][0], feature, n + v + 1 + feature)
        w["unembed.W_U"][2 * (n + v + 1 + feature), feature] = 1
    return Artifact(
        spec=spec,
        weights=w,
        tokens=TokenTable(values=values, texts=tuple(str(x) for x in values), begin=BEGIN, pad=PAD),
        outputs=(OutputBlock(name="output", kind="category", start=0, labels=(*values, None)),),
    )


def with_outputs(artifact: Artifact, *outputs: OutputBlock) -> Artifact:
    """The same weights read in another way."""
    return replace(artifact, outputs=outputs)
