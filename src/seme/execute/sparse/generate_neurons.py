"""Neurons in C: small functions, each for ridges that write to the same features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seme.execute.sparse.ctext import Term, Text, number, total
from seme.execute.sparse.generate_control import write_control
from seme.execute.sparse.generate_replay import Replays
from seme.execute.sparse.neurons import NeuronPlan, Ridge

PIECE = 400
"""Non-zeros in one function: compilers take more than linear time in the length of one."""

Numbered = tuple[int, Ridge]
Grouped = tuple[int | None, list[Numbered]]

PARAMETERS = "const state *s, double *restrict x, const double *y, double t, const double *m, u64 on"


def write_neurons(text: Text, layer: int, replays: Replays) -> list[str]:
    """Writes a block's neurons; returns what `step` does."""
    plan = text.plan.blocks[layer].neurons
    text.open(2 * layer + 1)
    writer = _Writer(text=text, layer=layer, plan=plan, calls=[], begun=set())
    sums = [f"m[{row}] = {text.form(plan.bundles, row)};" for row in range(len(plan.bundles))]
    lines = [f"double m[{len(sums) or 1}];", *sums] if plan.ridges else []
    if plan.control is not None:
        lines += write_control(text, layer, plan.control)
    grouped = {at for members in plan.groups for at in members}
    pieces: list[list[Grouped]] = [
        [(None, part)] for part in _pieces([(at, r) for at, r in enumerate(plan.ridges) if at not in grouped])
    ]
    for number_, groups in enumerate(pieces):
        writer.piece(number_, groups, last=number_ == len(pieces) - 1)
    if not pieces:
        writer.rest()
    shelved: list[Grouped] = [(bit, [(at, plan.ridges[at]) for at in group]) for bit, group in enumerate(plan.groups)]
    for number_, groups in enumerate(_shelves(shelved), start=len(pieces)):
        writer.piece(number_, groups)
    if not writer.calls:
        return []
    text.function(f"neurons_{layer}", "state *s, double *x, const double *y, double t", [*lines, *writer.calls])
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
    ]


@dataclass(slots=True)
class _Writer:
    """One block."""

    text: Text
    layer: int
    plan: NeuronPlan
    calls: list[str]
    begun: set[int]

    def piece(self, piece: int, groups: list[Grouped], *, last: bool = False) -> None:
        """One function; the last of those always called also begins what only groups add to."""
        body: list[str] = []
        for bit, ridges in groups:
            lines: list[str] = []
            terms: dict[int, list[Term]] = {}
            for at, ridge in ridges:
                lines += self.ridge(at, ridge, terms)
            lines += [self.add(feature, terms[feature]) for feature in sorted(terms)]
            body += lines if bit is None else [f"if (on >> {bit} & 1) {{", *(f"  {line}" for line in lines), "}"]
        if last:
            body += self.left()
        some = sum(1 << bit for bit, _ in groups if bit is not None)
        self._function(f"neurons_{self.layer}_{piece}", body, f"if (on & {some}ull) " if some else "")

    def rest(self) -> None:
        """Begins what only groups add to, where there is nothing else."""
        lines = self.left()
        if lines:
            self._function(f"rest_{self.layer}", lines)

    def left(self) -> list[str]:
        """Lines that begin what no ridge has added to yet."""
        begins = self.text.plan.model.paired
        features = [f for f in sorted(self.text.opened) if f not in self.begun and (begins or self.plan.bias[f])]
        return [self.add(feature, []) for feature in features]

    def _function(self, name: str, body: list[str], where: str = "") -> None:
        self.text.function_apart(name, PARAMETERS, body)
        decided = "on" if self.plan.control is not None else "0"
        sums = "m" if self.plan.ridges else "0"
        self.calls.append(f"{where}{name}(s, x, y, t, {sums}, {decided});")

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


def _shelves(groups: list[Grouped]) -> list[list[Grouped]]:
    """Groups in parts of about PIECE non-zeros."""
    out: list[list[Grouped]] = []
    room = 0
    for group in groups:
        size = sum(_size(ridge) for _, ridge in group[1])
        if not out or room < size:
            out.append([])
            room = PIECE
        out[-1].append(group)
        room -= size
    return out


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
