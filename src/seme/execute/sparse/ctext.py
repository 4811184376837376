"""Pieces of C: numbers, sums, names of features, tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seme.execute.sparse.fold import Forms
from seme.execute.sparse.plan import Plan
from seme.execute.sparse.versions import WIDE, Version, Versions, padded

SUMMED = 8
"""Terms in one chain of additions; longer sums are made of such, which the processor adds side by side."""

UNITS = 3
"""Files besides the first, all of which are compiled at a time."""

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


class Text:
    """The text of one model as it grows, the tables it reads, and where features stand so far.

    Where norms are left out, every part of the model writes what it changes to new places: 2 l for the heads of block
    l, 2 l + 1 for its neurons, -1 for the embedding. So a place is written once, and one look at a part's places is
    enough for all who read them.

    Attributes:
        plan: What is written out.
        lines: Functions.
        units: Functions that are compiled beside these.
        tables: What the text's pointers point to, in order.
        filled: Features that the embedding and positions fill, by number; they come first in the stream.
        number: Live feature -> its place in the stream; -1 where it is zero and has none.
        opened: Feature -> its place for what the part being written adds to it.
        count: Places in the stream.
        versions: What parts write, in order.
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
        self.number: dict[int, int] = dict.fromkeys(np.flatnonzero(live).tolist(), -1)
        self.opened: dict[int, int] = {}
        self.count = 0
        self.versions = Versions.of(plan, filled & live)
        self._placed: dict[Version, int] = {}
        self.filled = np.array(self.open(-1), dtype=int)
        self.number |= self.opened

    def open(self, part: int) -> list[int]:
        """Gives places to the features that a part writes; returns them in order."""
        if not self.plan.model.paired and part >= 0:
            self.opened = self.number
            return []
        written = self.versions.order[part]
        self.count = padded(self.count)
        self.opened = {feature: self.count + at for at, feature in enumerate(written)}
        self.count += len(written)
        early = self.versions.early.get(part // 2, []) if part % 2 and part > 0 else []
        if early:  # what is replayed is written by eights
            self.count = padded(self.count)
            self.opened |= {feature: self.count + at for at, feature in enumerate(early)}
            self.count += len(early)
        self._placed |= {(part, feature): place for feature, place in self.opened.items()}
        return written

    def close(self, part: int) -> None:
        """Readers see what the part wrote from here on."""
        self.number |= self.opened
        if part < 0 or self.plan.model.paired:
            self.number |= dict.fromkeys(self.versions.gone.get(part, []), -1)

    def place(self, version: Version) -> int:
        """Where a version stands."""
        return self._placed[version]

    @staticmethod
    def eights(places: Sequence[int]) -> list[tuple[int, int]]:
        """Places, in order, by eights: where each begins, and which of it are meant, a bit each."""
        out: list[tuple[int, int]] = []
        for place in places:
            if not out or place >= out[-1][0] + WIDE:
                out.append((place, 0))
            start, mask = out[-1]
            out[-1] = start, mask | 1 << place - start
        return out

    def asked(self, name: str, places: Sequence[int]) -> str:
        """Writes out places that are asked about; returns what an `asked` begins with."""
        eights = self.eights(places)
        starts = ", ".join(str(start) for start, _ in eights) or "0"
        masks = ", ".join(str(mask) for _, mask in eights) or "0"
        self.lines += [
            f"static const u32 {name}_from[] = {{{starts}}};",
            f"static const unsigned char {name}_masks[] = {{{masks}}};",
        ]
        return f"{{{len(eights)}, {name}_from, {name}_masks}}"

    def table(self, values: np.ndarray, kind: str) -> str:
        """Keeps a table; returns the C expression that points to it, where a state `s` is at hand."""
        self.tables.append(np.ascontiguousarray(values))
        return f"((const {kind} *)s->tables[{len(self.tables) - 1}])"

    def read(self, feature: int) -> str:
        """A feature, or the index, as a reader sees it."""
        index = self.plan.model.features
        if feature >= index:
            return "t" if feature == index else f"m[{feature - index - 1}]"
        place = self.number[feature]
        return f"{self._stream}[{place}]" if place >= 0 else "0.0"

    @property
    def _stream(self) -> str:
        return "x" if self.plan.model.paired else "y"

    def form(self, forms: Forms, row: int, bias: float = 0.0, scale: float = 1.0) -> str:
        """An affine form, times a factor, with something added."""
        terms = [(scale * weight, self.read(feature)) for feature, weight in forms.terms(row)]
        return total(scale * forms.bias[row] + bias, terms)

    def array(self, name: str, forms: Forms) -> list[str]:
        """Lines that fill an array of `wide` with forms and, behind them, zeros.

        Forms whose weights agree and whose features stand side by side in the stream are added up together. No number
        is written by itself to where many are read at once, for which a processor would wait.
        """
        lines: list[str] = []
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
        """A line that says what a feature is behind a part: what it was, and what the part adds."""
        before = [(1.0, self.read(feature))] if self.number[feature] >= 0 else []
        if not self.plan.model.paired:
            before = [(1.0, f"x[{self.number[feature]}]")]
        return f"x[{self.opened[feature]}] = {total(bias, [*before, *terms])};"

    def function(self, name: str, parameters: str, body: Sequence[str], kind: str = "apart void") -> None:
        """Puts a function into the text."""
        self.lines += [f"{kind} {name}({parameters}) {{", *(f"  {line}" for line in body), "}"]

    def function_apart(self, name: str, parameters: str, body: Sequence[str]) -> None:
        """Puts a function into a unit of its own kind, which is compiled beside the others."""
        unit = min(self.units, key=lambda lines: sum(map(len, lines)))
        unit += [f"hidden void {name}({parameters}) {{", *(f"  {line}" for line in body), "}"]
        self.lines.append(f"hidden void {name}({parameters});")
