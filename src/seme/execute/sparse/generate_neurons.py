"""Neurons in C: small functions, each for ridges that write to the same features."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from seme.execute.sparse.ctext import Term, Text, number, total
from seme.execute.sparse.generate_replay import Replays
from seme.execute.sparse.neurons import NeuronPlan, Ridge

PIECE = 400
"""Non-zeros in one function: compilers take more than linear time in the length of one."""

Numbered = tuple[int, Ridge]

PARAMETERS = "const state *s, double *restrict x, const double *y, double t, const double *m"


def write_neurons(text: Text, layer: int, replays: Replays) -> list[str]:
    """Writes a block's neurons; returns what `step` does."""
    plan = text.plan.blocks[layer].neurons
    text.open(2 * layer + 1)
    writer = _Writer(text=text, layer=layer, plan=plan)
    for part in _pieces([(at, plan.ridges[at]) for at in sorted(plan.early)]):
        writer.piece(part, sums="0")
    early, writer.calls = writer.calls, []
    for part in _pieces([(at, ridge) for at, ridge in enumerate(plan.ridges) if at not in plan.early]):
        writer.piece(part)
    writer.rest()
    if not writer.calls:
        return early
    sums = [f"m[{row}] = {text.form(plan.bundles, row)};" for row in range(len(plan.bundles))]
    lines = [f"double m[{len(sums) or 1}];", *sums, *writer.calls]
    text.function(f"neurons_{layer}", "state *s, double *x, const double *y, double t", lines)
    computed = f"neurons_{layer}(s, x, y, t);"
    if not plan.replayed:
        return [computed]
    name = replays.write(text, layer)
    return [
        f"if (!replayed(s, x, &{name}, &on)) {{",
        "  caught_up(s, x, &on);",
        f"  {computed}",
        f"  if (on.noting) noted(s, x, &{name}, &on);",
        "}",
        *early,
    ]


@dataclass(slots=True)
class _Writer:
    """One block."""

    text: Text
    layer: int
    plan: NeuronPlan
    calls: list[str] = field(default_factory=list)
    begun: set[int] = field(default_factory=set)
    made: int = 0

    def piece(self, ridges: list[Numbered], sums: str = "m") -> None:
        """One function."""
        body: list[str] = []
        terms: dict[int, list[Term]] = {}
        for at, ridge in ridges:
            body += self.ridge(at, ridge, terms)
        self._function([*body, *(self.add(feature, terms[feature]) for feature in sorted(terms))], sums)

    def rest(self) -> None:
        """Begins what no ridge adds to."""
        begins = self.text.plan.model.paired
        features = [f for f in sorted(self.text.opened) if f not in self.begun and (begins or self.plan.bias[f])]
        if features:
            self._function([self.add(feature, []) for feature in features])

    def _function(self, body: list[str], sums: str = "m") -> None:
        name = f"neurons_{self.layer}_{self.made}"
        self.made += 1
        self.text.function_apart(name, PARAMETERS, body)
        self.calls.append(f"{name}(s, x, y, t, {sums});")

    def add(self, feature: int, terms: list[Term]) -> str:
        """A line that adds to a feature; the first also brings what it was and its constant."""
        if feature in self.begun:
            return f"x[{self.text.opened[feature]}] += {_sum(0.0, terms)};"
        self.begun.add(feature)
        erased = self.plan.erased.get(feature)
        if erased is None or self.text.number[feature] < 0:
            return self.text.added(feature, float(self.plan.bias[feature]), terms)
        if not erased:
            terms = [(1.0, f"negative({self.text.read(feature)})"), *terms]
        return f"x[{self.text.opened[feature]}] = {_sum(float(self.plan.bias[feature]), terms)};"

    def ridge(self, at: int, ridge: Ridge, terms: dict[int, list[Term]]) -> list[str]:
        """Lines that compute a ridge; what it writes is added to `terms`."""
        text, act = self.text, "gelu" if self.text.plan.model.gelu else "relu"
        if ridge.table is not None:
            return self.table(at, ridge, terms)
        names = [f"h{at}_{i}" for i in range(len(ridge.scales))]
        for name, row in zip(names, range(len(names)), strict=True):
            entries = ridge.write[[row]]
            for feature, weight in zip(entries.indices.tolist(), entries.data.tolist(), strict=True):
                terms.setdefault(feature, []).append((weight, name))
        if len(names) == 1:
            return [f"const double {names[0]} = {act}({text.form(ridge.direction, 0, ridge.offsets[0])});"]
        lines = [f"const double u{at} = {text.form(ridge.direction, 0)};"]
        for name, scale, offset in zip(names, ridge.scales, ridge.offsets, strict=True):
            lines.append(f"const double {name} = {act}({_sum(offset, [(scale, f'u{at}')])});")
        return lines

    def table(self, at: int, ridge: Ridge, terms: dict[int, list[Term]]) -> list[str]:
        """The same for a ridge that is a table."""
        table = ridge.table
        assert table is not None
        cells, width = len(table.cells), 2 * len(table.features)
        where = self.text.table(table.cells, "double")
        if table.step:
            cell = f"cell_of(u{at}, {number(table.bends[0])}, {number(1 / table.step)}, {number(cells - 1)})"
        else:
            cell = f"cell_among(u{at}, {self.text.table(table.bends, 'double')}, {len(table.bends)})"
        for place, feature in enumerate(table.features.tolist()):
            terms.setdefault(feature, []).append((1.0, f"(c{at}[{2 * place}] + c{at}[{2 * place + 1}] * u{at})"))
        return [
            f"const double u{at} = {self.text.form(ridge.direction, 0)};",
            f"const double *c{at} = {where} + {cell} * {width};",
        ]


def _sum(bias: float, terms: list[Term]) -> str:
    return total(float(bias), terms)


def _size(ridge: Ridge) -> int:
    return ridge.direction.matrix.nnz + ridge.write.nnz if ridge.table is None else len(ridge.table.features) + 4


def _pieces(ridges: list[Numbered]) -> list[list[Numbered]]:
    """Ridges that write to common features side by side, in parts of about PIECE non-zeros."""
    home: dict[int, int] = {}
    parent = list(range(len(ridges)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    for at, (_, ridge) in enumerate(ridges):
        for feature in np.unique(ridge.write.indices).tolist():
            parent[root(at)] = root(home.setdefault(feature, at))
    out: list[list[Numbered]] = []
    room = 0
    for at in sorted(range(len(ridges)), key=lambda at: (root(at), at)):
        size = _size(ridges[at][1])
        if not out or room < size:
            out.append([])
            room = PIECE
        out[-1].append(ridges[at])
        room -= size
    return out
