"""Pieces of C: numbers, sums, names of features, tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seme.execute.sparse.fold import Forms
from seme.execute.sparse.plan import Plan

SUMMED = 8
"""Terms in one chain of additions; longer sums are made of such, which the processor adds side by side."""

UNITS = 3
"""Files besides the first, all of which are compiled at a time."""

PARTS = 63
"""Parts of a model whose hopes are looked at: a bit each of one word, of which the last is for a block's bundles."""

WIDE = 8
"""Numbers in a C `wide`."""

Term = tuple[float, str]
"""A weight and the C expression it multiplies."""


def number(value: float) -> str:
    """A number as C reads it back, bit for bit."""
    return repr(float(value)) if abs(value) < 1e15 and float(value).is_integer() else float(value).hex()


def _signed(weight: float, name: str) -> str:
    if abs(weight) == 1.0:
        return f"{'-' if weight < 0 else '+'} {name}"
    return f"{'-' if weight < 0 else '+'} {number(abs(weight))} * {name}"


def total(bias: float, terms: Sequence[Term]) -> str:
    """A sum in C, in chains of a few terms."""
    parts = [_signed(weight, name) for weight, name in terms]
    start = [number(bias)] if bias or not parts else []
    if len(parts) <= SUMMED:
        return " ".join([*start, *parts]).removeprefix("+ ")
    chains = [parts[at : at + SUMMED] for at in range(0, len(parts), SUMMED)]
    return " + ".join([*start, *("(" + " ".join(chain).removeprefix("+ ") + ")" for chain in chains)])


def padded(count: int) -> int:
    """The next multiple of the numbers that are compared, added and multiplied at a time."""
    return -(-count // WIDE) * WIDE


class Text:
    """The text of one model as it grows, the tables it reads, and which features hold something so far.

    Attributes:
        plan: What is written out.
        lines: Functions.
        units: Functions that are compiled beside these.
        tables: What the text's pointers point to, in order.
        filled: Features that the embedding and positions fill, by number; they come first in the stream.
        number: Feature -> its place in the stream.
        whole_after: Feature -> the last part of the model that writes to it: 2 l for the heads of block l, 2 l + 1 for
            its neurons.
        hopes: Feature -> the bounds that tests of gates hope for.
        defined: Features that hold something at this point of the text; others are zero and never read.
    """

    def __init__(self, plan: Plan):
        self.plan = plan
        self.lines: list[str] = []
        self.units: list[list[str]] = [[] for _ in range(UNITS)]
        self.tables: list[np.ndarray] = []
        model, places, live = plan.model, plan.model.places, plan.live
        filled = (model.embed != 0).any(axis=0) | (places.table != 0).any(axis=0) | (places.repeated != 0).any(axis=0)
        if not places.split:
            filled |= places.slope != 0
        if not model.paired:
            filled[:] = True
        self.filled = np.flatnonzero(filled & live)
        self.whole_after = _whole_after(plan)
        self.hopes = _hopes(plan)
        others = np.flatnonzero(~filled & live).tolist()
        others.sort(key=lambda f: (self.whole_after.get(f, -1), self.hopes.get(f, (0.0, 0.0)), f))
        order = [*self.filled.tolist(), *others]
        self.number = {int(feature): at for at, feature in enumerate(order)}
        self.defined = set(self.filled.tolist())

    @property
    def count(self) -> int:
        """Features in the stream."""
        return len(self.number)

    def held(self, part: int) -> list[str]:
        """Lines that look whether what became whole in a part of the model is as hoped."""
        places = {self.number[f]: ends for f, ends in self.hopes.items() if self.whole_after[f] == part}
        if not places or part >= PARTS:
            return []
        lines, run = [], []
        for at in sorted(places):
            if run and (at != run[-1] + 1 or places[at] != places[run[-1]]):
                lines.append(_run(run, places[run[0]]))
                run = []
            run.append(at)
        lines.append(_run(run, places[run[0]]))
        return ["{ int good = 1;", *lines, f"held |= (u64)good << {part}; }}"]

    def table(self, values: np.ndarray, kind: str) -> str:
        """Keeps a table; returns the C expression that points to it, where a state `s` is at hand."""
        self.tables.append(np.ascontiguousarray(values))
        return f"((const {kind} *)s->tables[{len(self.tables) - 1}])"

    def read(self, feature: int) -> str:
        """A feature, or the index, as a reader sees it."""
        index = self.plan.model.features
        if feature >= index:
            return "t" if feature == index else f"m[{feature - index - 1}]"
        return f"{self._stream}[{self.number[feature]}]"

    @property
    def _stream(self) -> str:
        return "x" if self.plan.model.paired else "y"

    def form(self, forms: Forms, row: int, bias: float = 0.0, scale: float = 1.0) -> str:
        """An affine form, times a factor, with something added."""
        terms = [(scale * weight, self.read(feature)) for feature, weight in forms.terms(row)]
        return total(scale * forms.bias[row] + bias, terms)

    def array(self, name: str, forms: Forms) -> list[str]:
        """Lines that make an array of `wide` with forms and, behind them, zeros.

        Forms whose weights agree and whose features stand side by side in the stream are added up together. No number
        is written by itself to where many are read at once, for which a processor would wait.
        """
        lines = [f"wide {name}[{max(padded(len(forms)) // WIDE, 1)}];"]
        for first in range(0, len(forms), WIDE):
            whole = self._together(forms, first, WIDE)
            if whole is None:
                middle = first + WIDE // 2
                whole = f"joined({self._half(forms, first)}, {self._half(forms, middle)})"
            lines.append(f"{name}[{first // WIDE}] = {whole};")
        return lines

    def _half(self, forms: Forms, first: int) -> str:
        end = first + WIDE // 2
        alone = [self.form(forms, row) if row < len(forms) else "0" for row in range(first, end)]
        return self._together(forms, first, WIDE // 2) or f"(half){{{', '.join(alone)}}}"

    def _together(self, forms: Forms, first: int, count: int) -> str | None:
        """So many forms from the first on as one sum, if their weights agree and their features stand side by side."""
        if first + count > len(forms):
            return None
        start = self._places(forms, first)
        if not start or any(place < 0 for _, place in start):
            return None
        for by in range(1, count):
            moved = [(weight, place + by) for weight, place in start]
            if self._places(forms, first + by) != moved or forms.bias[first + by] != forms.bias[first]:
                return None
        kind = "wide" if count == WIDE else "half"
        return total(float(forms.bias[first]), [(w, f"*(const {kind} *)({self._stream} + {at})") for w, at in start])

    def _places(self, forms: Forms, row: int) -> list[tuple[float, int]]:
        """(weight, place in the stream) of a form in order; the index has place -1."""
        return sorted((weight, self.number.get(feature, -1)) for feature, weight in forms.terms(row))

    def added(self, feature: int, bias: float, terms: Sequence[Term]) -> str:
        """A line that adds to a feature."""
        name = f"x[{self.number[feature]}]"
        before = [(1.0, name)] if feature in self.defined else []
        self.defined.add(feature)
        return f"{name} = {total(bias, [*before, *terms])};"

    def function(self, name: str, parameters: str, body: Sequence[str], kind: str = "apart void") -> None:
        """Puts a function into the text."""
        self.lines += [f"{kind} {name}({parameters}) {{", *(f"  {line}" for line in body), "}"]

    def function_apart(self, name: str, parameters: str, body: Sequence[str]) -> None:
        """Puts a function into a unit of its own kind, which is compiled beside the others."""
        unit = min(self.units, key=lambda lines: sum(map(len, lines)))
        unit += [f"hidden void {name}({parameters}) {{", *(f"  {line}" for line in body), "}"]
        self.lines.append(f"hidden void {name}({parameters});")


def _run(run: list[int], ends: tuple[float, float]) -> str:
    low, high = map(number, ends)
    return f"  for (int i = {run[0]}; i <= {run[-1]}; i++) good &= (x[i] >= {low}) & (x[i] <= {high});"


def _whole_after(plan: Plan) -> dict[int, int]:
    out: dict[int, int] = {}
    for layer, block in enumerate(plan.blocks):
        heads = [*(head.out.indices for head in block.heads), np.flatnonzero(block.head_bias)]
        neurons = [*(ridge.write.indices for ridge in block.neurons.ridges), np.flatnonzero(block.neurons.bias)]
        for part, written in enumerate((heads, neurons)):
            out.update(dict.fromkeys(np.unique(np.concatenate(written)).tolist(), 2 * layer + part))
    return out


def _hopes(plan: Plan) -> dict[int, tuple[float, float]]:
    out: dict[int, tuple[float, float]] = {}
    for block in plan.blocks:
        for gate, _ in block.neurons.gated:
            for feature, low, high in gate.within:
                if feature > plan.model.features:
                    continue
                before = out.get(feature, (low, high))
                out[feature] = (max(low, before[0]), min(high, before[1]))
    return out
