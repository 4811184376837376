"""Small causal models for the sparse executor: random ones, and ones built by hand as constructed models are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
        parts: Sequence[tuple[Terms, Terms]],
        moves: Sequence[tuple[Terms, str]],
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


OPERATIONS, OPERANDS, PLAIN, ODD = 4, 10, 40, 24


def controlled(seed: int, *, dtype: str = "float64") -> Artifact:
    """Operations on operands: each of the first decides for ten neurons and more whether they are on.

    Rows 2 to 41 have one operation, and operands that are bits. Of the 24 rows after these every third has operands
    that are no bits, every third two operations, and every third an operation that is no bit. The first block is empty:
    what is read of it and of tokens alone is not replayed.
    """
    draws = np.random.default_rng(seed)
    operations, operands = [f"p{i}" for i in range(OPERATIONS)], [f"d{i}" for i in range(OPERANDS)]
    passed, kept, outs = [f"c{i}" for i in range(OPERATIONS)], [f"e{i}" for i in range(OPERANDS)], ["o0", "o1", "o2"]
    rows, count = PLAIN + ODD + 2, (OPERATIONS + 2) * (OPERANDS + 1)
    b = Builder([*operations, *operands, *passed, *kept, *outs], rows, layers=3, heads=2, neurons=count, dtype=dtype)
    for row in range(2, rows):
        form = {operand: float(bit) for operand, bit in zip(operands, draws.integers(0, 2, OPERANDS), strict=True)}
        form[operations[row % OPERATIONS]] = 1.0
        kind = (row - 2 - PLAIN) % 3 if row >= 2 + PLAIN else None
        if kind == 0:
            form |= {operand: float(draws.choice([-1, 0.5, 2, 3])) for operand in draws.choice(operands, 3)}
        elif kind == 1:
            form[operations[(row + 1) % OPERATIONS]] = 1.0
        elif kind == 2:
            form[operations[row % OPERATIONS]] = float(draws.choice([-1, 0.5, 2]))
        b.embed(row, form)
    for name, to in zip([*operations, *operands], [*passed, *kept], strict=True):
        b.neuron(1, {name: 1.0}, {to: 1.0})  # what is below 0 is lost
    for operation in passed:
        for at, operand in enumerate(kept):
            write = {out: float(draws.integers(-3, 4)) for out in outs}
            b.neuron(2, {operation: 2.0, operand: 1.0, kept[at - 1]: float(draws.choice([-1, 1])), "1": -2.0}, write)
        b.neuron(2, {operation: 1.0, passed[0]: -1.0}, {"o0": float(draws.integers(1, 4))})
    for name in operands:
        b.neuron(2, {name: 1.0}, {name: -1.0, "o1": 0.5})
    for row in range(2, rows):
        form = {name: float(draws.integers(-9, 10)) for name in [*outs, *operands, *passed]}
        b.weights["unembed.W_U"][:, row] = b.reading(form)[0]
        b.weights["unembed.b_U"][row] = draws.normal()
    b.never(0)
    b.never(1)
    return b.artifact()


def gated(seed: int, *, gate: float = 4.0, both: bool = False, dtype: str = "float64") -> Artifact:
    """Two dozen neurons that the feature "on" keeps off, as long as the feature "some" is at most 1.

    Args:
        seed: Draws what neurons write and what logits read.
        gate: How much being on is worth; with less than 4, nothing keeps the neurons off.
        both: Whether there are tokens for which "some" is 2.
        dtype: The float type.
    """
    draws = np.random.default_rng(seed)
    bits, outs = [f"b{i}" for i in range(5)], [f"o{i}" for i in range(6)]
    tokens = [(v, on) for v in range(32) for on in (0, 1) if both or v & 3 != 3]
    b = Builder(["on", "some", *bits, *outs], len(tokens) + 2, layers=3, heads=2, neurons=24, dtype=dtype)
    for row, (value, on) in enumerate(tokens, start=2):
        b.embed(row, {"on": float(on)} | {bit: float(value >> i & 1) for i, bit in enumerate(bits)})
    for bit in bits[:2]:
        b.neuron(1, {bit: 1.0}, {"some": 1.0})
    for _ in range(24):
        signs = {bit: float(draws.choice([-1, 1])) for bit in bits}
        rest = {bit: sign for bit, sign in signs.items() if bit in bits[2:]}
        write = {out: float(draws.integers(-3, 4)) for out in outs}
        b.neuron(2, rest | {"some": 1.0, "on": gate, "1": -gate}, write)
    for row in range(2, len(tokens) + 2):
        form = {name: float(draws.integers(-9, 10)) for name in [*outs, *bits, "on"]}
        b.weights["unembed.W_U"][:, row] = b.reading(form)[0]
        b.weights["unembed.b_U"][row] = draws.normal()
    b.never(0)
    b.never(1)
    return b.artifact()
