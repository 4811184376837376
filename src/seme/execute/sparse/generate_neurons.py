"""Neurons in C: small functions, each for ridges that write to the same features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seme.execute.sparse.ctext import PARTS, Term, Text, number, total
from seme.execute.sparse.gates import Gate
from seme.execute.sparse.neurons import NeuronPlan, Ridge

PIECE = 400
"""Non-zeros in one function: compilers take more than linear time in the length of one."""

Numbered = tuple[int, Ridge]
Grouped = tuple[Gate | None, list[Numbered]]

PARAMETERS = "const state *s, double *restrict x, const double *y, double t, double *late, u64 held"


def write_neurons(text: Text, layer: int) -> list[str]:
    """Writes a block's neurons; returns what `step` calls."""
    plan = text.plan.blocks[layer].neurons
    if not plan.ridges and not _live_bias(text, plan).size:
        return []
    reads = set(plan.feeds().tolist()) if text.plan.model.paired else set()
    written = {int(f) for ridge in plan.ridges for f in ridge.write.indices} | set(_live_bias(text, plan).tolist())
    late = {feature: at for at, feature in enumerate(sorted(written & reads))}
    writer = _Writer(text=text, layer=layer, plan=plan, late=late, calls=[], begun=set())
    gated = {at for _, members in plan.gated for at in members}
    piece = 0
    for part in _pieces([(at, ridge) for at, ridge in enumerate(plan.ridges) if at not in gated]):
        writer.piece(piece, [(None, part)])
        piece += 1
    groups = [(gate, [(at, plan.ridges[at]) for at in members]) for gate, members in plan.gated]
    for part in _shelves(groups):
        writer.piece(piece, part)
        piece += 1
    writer.rest()
    room = [f"double late_{layer}[{len(late)}];"] if late else []
    return [*room, *writer.calls]


def _live_bias(text: Text, plan: NeuronPlan) -> np.ndarray:
    return np.array([f for f in np.flatnonzero(plan.bias).tolist() if f in text.number], dtype=int)


@dataclass(slots=True)
class _Writer:
    """One block. Features that its own neurons read are added up apart (`late`) and added when all have read."""

    text: Text
    layer: int
    plan: NeuronPlan
    late: dict[int, int]
    calls: list[str]
    begun: set[int]

    def piece(self, piece: int, groups: list[Grouped]) -> None:
        """One function."""
        body: list[str] = []
        for gate, ridges in groups:
            lines: list[str] = []
            terms: dict[int, list[Term]] = {}
            for at, ridge in ridges:
                lines += self.ridge(at, ridge, terms)
            if gate is not None:  # what is first written here is begun outside
                body += [self.add(feature, []) for feature in sorted(terms) if self.fresh(feature)]
            lines += [self.add(feature, terms[feature]) for feature in sorted(terms)]
            if gate is None:
                body += lines
            else:
                body += [self.test(gate), *(f"  {line}" for line in lines), "}"]
        name = f"neurons_{self.layer}_{piece}"
        self.text.function(name, f"{PARAMETERS}", body)
        self.calls.append(f"{name}(s, x, y, t, {f'late_{self.layer}' if self.late else '0'}, held);")

    def fresh(self, feature: int) -> bool:
        """Whether nothing was added to a feature yet, and it cannot be added to as it is."""
        return feature not in self.begun and (feature in self.late or feature not in self.text.defined)

    def test(self, gate: Gate) -> str:
        """The line that opens a group's block unless it is off."""
        closed = f"{self.text.read(gate.feature)} <= {number(gate.most)}"
        parts = {self.text.whole_after[feature] for feature, _, _ in gate.within}
        if max(parts, default=0) >= PARTS:
            return "{"
        asked = sum(1 << part for part in parts)
        return f"if (!((held & {asked}ull) == {asked}ull && {closed})) {{" if asked else f"if (!({closed})) {{"

    def add(self, feature: int, terms: list[Term]) -> str:
        """A line that adds to a feature, its constant with the first."""
        bias = 0.0 if feature in self.begun else float(self.plan.bias[feature])
        if feature not in self.late:
            self.begun.add(feature)
            return self.text.added(feature, bias, terms)
        name = f"late[{self.late[feature]}]"
        sign = "+=" if feature in self.begun else "="
        self.begun.add(feature)
        return f"{name} {sign} {_sum(bias, terms)};"

    def rest(self) -> None:
        """What no neuron adds to, and what was added up apart."""
        body = []
        for feature in _live_bias(self.text, self.plan).tolist():
            if feature not in self.begun:
                body.append(self.add(feature, []))
        body += [self.text.added(feature, 0.0, [(1.0, f"late[{at}]")]) for feature, at in self.late.items()]
        if body:
            name = f"rest_{self.layer}"
            self.text.function(name, PARAMETERS, body)
            self.calls.append(f"{name}(s, x, y, t, {f'late_{self.layer}' if self.late else '0'}, held);")

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
    """Groups in parts of about PIECE non-zeros; those that ask for the same hopes together."""
    out: list[list[Grouped]] = []
    room = 0
    for group in sorted(groups, key=lambda group: group[0].within if group[0] else ()):
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
