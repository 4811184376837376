"""Small causal models for the sparse executor: random ones, and ones built by hand as constructed models are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from seme.model.artifact import Artifact, OutputBlock, PositionRule, Spec, TokenTable
from seme.model.names import shapes

GAIN = 2.0**60
LEAD = {"float64": 760.0, "float32": 110.0}
LONGEST = 2000


def random_artifact(
    seed: int, *, activation: str = "relu", dtype: str = "float64", rule: bool = False, size: float = 0.5
) -> Artifact:
    """Dense normal weights: nothing to recognise."""
    generator = torch.Generator().manual_seed(seed)
    kind, rows, width = getattr(torch, dtype), 13, 16

    def normal(*shape: int) -> torch.Tensor:
        return (torch.randn(*shape, generator=generator, dtype=torch.float64) * size).to(kind)

    spec = Spec(
        architecture="gpt2",
        layers=2,
        d_model=width,
        heads=2,
        d_head=width // 2,
        d_mlp=24,
        d_vocab=rows,
        n_positions=40,
        d_logits=rows,
        activation=activation,  # type: ignore[arg-type]
        norm_eps=1e-5,
        dtype=dtype,
    )
    weights = {name: normal(*shape) for name, shape in shapes(spec).items()}
    positions = None
    if rule:
        positions = PositionRule(repeated=normal(3, width), slope=normal(width) * 0.02, longest=LONGEST)
        weights["pos_embed.W_pos"][1:] = positions.rows(1, 39)
    return Artifact(spec=spec, weights=weights, tokens=_tokens(rows), outputs=(_next(rows, (5,)),), positions=positions)


def _tokens(rows: int) -> TokenTable:
    names = tuple(f"t{row}" for row in range(rows - 2))
    return TokenTable(values=names, texts=names, begin="<begin>", pad="<pad>")


def _next(rows: int, stops: tuple[int, ...]) -> OutputBlock:
    return OutputBlock(name="next", kind="next", start=0, labels=tuple(map(str, range(rows))), stops=stops)


Terms = Mapping[str, float]
"""An affine form: weights of features by name, and "1" for the constant."""


class Builder:
    """Puts forms of named features into weights, each feature held as (+f, -f).

    The first features are "begin", one at the first token and zero elsewhere, and "index", i - 1 over LONGEST.
    """

    def __init__(
        self, features: list[str], rows: int, *, layers: int, heads: int, neurons: int, dtype: str = "float64"
    ):
        self.at = {name: number for number, name in enumerate(["begin", "index", *features])}
        d_head = max(8, 4 * -(-2 * len(self.at) // (4 * heads)))
        self.spec = Spec(
            architecture="gpt2",
            layers=layers,
            d_model=d_head * heads,
            heads=heads,
            d_head=d_head,
            d_mlp=neurons,
            d_vocab=rows,
            n_positions=65,
            d_logits=rows,
            activation="relu",
            norm_eps=GAIN**2,
            dtype=dtype,
        )
        self.weights = {name: np.zeros(shape) for name, shape in shapes(self.spec).items()}
        for name, weight in self.weights.items():
            if ".ln" in f".{name}" and name.endswith(".w"):
                weight[:] = GAIN
        self.repeated = np.zeros((4, self.spec.d_model))
        self.lead = LEAD[dtype]
        self.used = [0] * layers
        self.embed(0, {"begin": 1})

    def reading(self, form: Terms) -> tuple[np.ndarray, float]:
        """[d_model] and the constant."""
        out = np.zeros(self.spec.d_model)
        for name, weight in form.items():
            if name != "1":
                out[2 * self.at[name]] += weight / 2
                out[2 * self.at[name] + 1] -= weight / 2
        return out, float(form.get("1", 0.0))

    def writing(self, form: Terms) -> np.ndarray:
        """[d_model]: adds to features."""
        return 2 * self.reading(form)[0]

    def embed(self, row: int, form: Terms) -> None:
        self.weights["embed.W_E"][row] += self.writing(form)

    def phase(self, phase: int, form: Terms) -> None:
        """What index i >= 1 adds where (i - 1) % 4 is this."""
        self.repeated[phase] += self.writing(form)

    def head(
        self,
        layer: int,
        head: int,
        parts: list[tuple[Terms, Terms]],
        moves: list[tuple[Terms, str]],
        *,
        begin: float,
        at_begin: float = 0.0,
        slope: float | None = None,
    ) -> None:
        """A head of components (query, key), with the first token's score and values, and recency."""
        at, root = f"blocks.{layer}.attn", self.spec.d_head**0.5
        slope = self.lead if slope is None else slope
        parts = [*parts, ({"1": 1.0}, {"index": slope * LONGEST, "begin": begin})]
        for component, (query, key) in enumerate(parts):
            row, bias = self.reading(query)
            self.weights[f"{at}.W_Q"][head, :, component] = row * root
            self.weights[f"{at}.b_Q"][head, component] = bias * root
            row, bias = self.reading(key)
            if component < len(parts) - 1:
                row = row + self.reading({"begin": -bias})[0]  # the first token has no key in it
            self.weights[f"{at}.W_K"][head, :, component] = row
            self.weights[f"{at}.b_K"][head, component] = bias
        for number, (form, name) in enumerate(moves):
            row, bias = self.reading(form)
            row = row + self.reading({"begin": at_begin - bias})[0]
            self.weights[f"{at}.W_V"][head, :, number] = row
            self.weights[f"{at}.b_V"][head, number] = bias
            self.weights[f"{at}.W_O"][head, number] = self.writing({name: 1.0})

    def neuron(self, layer: int, form: Terms, write: Terms) -> None:
        at, number = f"blocks.{layer}.mlp", self.used[layer]
        self.used[layer] += 1
        row, bias = self.reading(form)
        self.weights[f"{at}.W_in"][:, number] = row + self.reading({"begin": -1.0 - bias})[0]
        self.weights[f"{at}.b_in"][number] = bias
        self.weights[f"{at}.W_out"][number] = self.writing(write)

    def nearest(self, row: int, wanted: Terms) -> None:
        """A logit that is largest where the features are nearest to these."""
        form = {name: 2 * value for name, value in wanted.items()}
        self.weights["unembed.W_U"][:, row] = self.reading(form)[0]
        self.weights["unembed.b_U"][row] = -sum(value**2 for value in wanted.values())

    def never(self, row: int) -> None:
        self.weights["unembed.b_U"][row] = -1e6

    def artifact(self, stops: tuple[int, ...] = (), *, rule: bool = True) -> Artifact:
        kind = getattr(torch, self.spec.dtype)
        positions = PositionRule(
            repeated=torch.from_numpy(self.repeated).to(kind),
            slope=torch.from_numpy(self.writing({"index": 1.0 / LONGEST})).to(kind),
            longest=LONGEST,
        )
        weights = {name: torch.from_numpy(weight).to(kind) for name, weight in self.weights.items()}
        weights["pos_embed.W_pos"][1:] = positions.rows(1, self.spec.n_positions - 1)
        return Artifact(
            spec=self.spec,
            weights=weights,
            tokens=_tokens(self.spec.d_vocab),
            outputs=(_next(self.spec.d_vocab, stops),),
            positions=positions if rule else None,
        )


BITS = 3
CELLS = 1 << BITS


def memory_rows() -> dict[tuple[str, int, int], int]:
    """Tokens of `memory`: write (address, value), read (address), answer (value)."""
    names = [("write", a, v) for a in range(CELLS) for v in range(CELLS)]
    names += [("read", a, 0) for a in range(CELLS)] + [("answer", 0, v) for v in range(CELLS)]
    return {name: row for row, name in enumerate(names, start=2)}


def memory(dtype: str = "float64", *, slope: float | None = None, penalty: float = 40.0) -> Artifact:
    """A memory of the latest write: write (a, v), then read 5 a + 3, then its answer, then write (v, v + 1), and so on.

    Its head matches addresses held as bits, among tokens that write, and falls back to the first token.
    """
    rows = memory_rows()
    kinds = ("write", "read", "answer")
    address, value, wanted = ([f"{part}{bit}" for bit in range(BITS)] for part in "avw")
    targets = (
        [f"to_{kind}" for kind in kinds] + [f"ta{bit}" for bit in range(BITS)] + [f"tv{bit}" for bit in range(BITS)]
    )
    b = Builder([*kinds, *address, *value, *wanted, *targets], len(rows) + 2, layers=1, heads=2, neurons=8, dtype=dtype)
    for (kind, a, v), row in rows.items():
        after = {
            "write": ("read", (5 * a + 3) % CELLS, 0),
            "read": ("answer", 0, 0),
            "answer": ("write", v, (v + 1) % CELLS),
        }
        form = {kind: 1.0} | _bits("a", a) | _bits("v", v)
        to, ta, tv = after[kind]
        b.embed(row, form | {f"to_{to}": 1.0} | _bits("ta", ta) | _bits("tv", tv))
        b.nearest(row, {f"to_{kind}": 1.0} | _bits("ta", a) | _bits("tv", v))
    b.never(0)
    b.never(1)
    scale = 2 * b.lead + b.lead * LONGEST
    match = [({bit: 2 * scale, "1": -scale}, {bit: 2.0, "1": -1.0}) for bit in address]
    where = ({"1": penalty * scale}, {"write": 1.0, "1": -1.0})
    moves = [({f"v{bit}": 1.0}, f"w{bit}") for bit in range(BITS)]
    b.head(0, 1, [*match, where], moves, begin=(BITS - 1) * scale, slope=slope)
    for bit in range(BITS):  # the bit fetched, where the token reads
        b.neuron(0, {f"w{bit}": 1.0, "read": 1.0, "1": -1.0}, {f"tv{bit}": 1.0})
    return b.artifact()


def _bits(name: str, value: int) -> dict[str, float]:
    return {f"{name}{bit}": float(value >> bit & 1) for bit in range(BITS)}


def averages(dtype: str = "float64") -> Artifact:
    """Token t0, t1 or t2 by how large a share of all tokens t0 is; the token before has a say, by position codes."""
    b = Builder(
        ["one", "share", "before", "p0", "p1", "back0", "back1", "last"], 5, layers=2, heads=2, neurons=2, dtype=dtype
    )
    for phase in range(4):
        codes = {"p0": phase & 1, "p1": phase >> 1, "back0": (phase - 1) & 1, "back1": (phase - 1) >> 1 & 1}
        b.phase(phase, {name: float(value) for name, value in codes.items()})
    for row, size in ((2, 1.0), (3, 0.0), (4, 0.5)):
        b.embed(row, {"one": size})
    b.head(0, 0, [], [({"one": 1.0}, "share")], begin=1.0, slope=0.0)
    scale = 2 * b.lead + b.lead * LONGEST
    match = [({f"back{i}": 2 * scale, "1": -scale}, {f"p{i}": 2.0, "1": -1.0}) for i in range(2)]
    b.head(0, 1, match, [({"one": 1.0}, "before")], begin=scale)
    b.neuron(1, {"share": 8.0, "before": 0.3, "one": -0.21, "1": -3.0}, {"last": 1.0})
    for row, wanted in ((2, 0.4), (3, 1.3), (4, 0.9)):
        b.nearest(row, {"last": wanted})
    b.never(0)
    b.never(1)
    return b.artifact()
