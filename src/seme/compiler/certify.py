"""The certificate: an error bound carried through the graph for one float type, and the scales that make it small.

Every direction has a bound `a + r * |value|` on how far it is from its ideal value. Heads and banks turn the bounds
of what they read into bounds of what they write, and record the margin they had. Scales of heads are chosen here:
those with the least sum of leak to unselected keys and unevenness among selected ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from seme.compiler.bounds import Bound, constant, proportional
from seme.compiler.layout import Layout
from seme.compiler.margins import Certificate, Margin
from seme.compiler.reuse import Erasure
from seme.compiler.ridge_error import ridge_error
from seme.compiler.schedule import Schedule
from seme.core.numerics import BEGIN_SELF, EXP_ULPS, GELU_SAFE, GELU_TAIL, GELU_WORST, FloatType, sum_error
from seme.ir import Attend, Embed, Form, Graph, Neurons, Node, Unembed

SCALES = tuple(m * 2.0**k for k in range(64) for m in (1.0, 1.25, 1.5, 1.75))
"""Factors on scores to choose from: few significant bits, so that products with small integers stay exact."""


RECENT_GAP = 0.25
"""Of a head that finds the latest match: what the begin token's score is above any key that does not agree, and below
any that does; see `trace_lower.RISE`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _ScoreNoise:
    """Errors of a head's unscaled scores.

    Attributes:
        selected: Of selected keys.
        anywhere: Of any key.
        agreeing: Of a key beside others that have the same code: the query's noise moves all of them alike.
        query: Of the query itself.
        size: The largest sum of absolute products.
    """

    selected: float
    anywhere: float
    agreeing: float
    query: float
    size: float


def certify(
    graph: Graph,
    placed: Schedule,
    plan: Layout,
    float_type: FloatType,
    *,
    activation: str,
    scales: Mapping[str, float] | None = None,
) -> Certificate:
    """Carries error bounds through the graph.

    Args:
        graph: The folded graph.
        placed: Which block computes what.
        plan: Where everything stands.
        float_type: The arithmetic.
        activation: "relu" or "gelu".
        scales: Factors on the scores of heads that are fixed already; chosen here when None.
    """
    run = _Certify(graph, placed, plan, float_type, activation, scales)
    for node in graph.nodes:
        run.visit(node)
    return Certificate(
        dtype=float_type.name,
        length=graph.max_length,
        margins=tuple(sorted(run.margins, key=lambda m: -m.used)),
        errors=run.errors,
        scales=run.scales,
        gains=run.gains,
        noise={name: run.noise(name) for name in run.bounds},
    )


class _Certify:
    def __init__(
        self,
        graph: Graph,
        placed: Schedule,
        plan: Layout,
        float_type: FloatType,
        activation: str,
        scales: Mapping[str, float] | None,
    ):
        self.graph, self.placed, self.plan = graph, placed, plan
        self.type, self.activation = float_type, activation
        self.fixed = scales
        self.continues = any(node.kind == "next" for node in graph.outputs())
        self.bounds: dict[str, Bound] = {}
        self.residues: dict[str, np.ndarray] = {}
        self.margins: list[Margin] = []
        self.errors: dict[str, float] = {}
        self.scales: dict[str, float] = {}
        self.gains: dict[str, np.ndarray] = {}
        stream = [np.maximum(np.abs(n.lo), np.abs(n.hi)) for n in graph.nodes if n.name in plan.seme_of]
        squares = sum(float((reach**2).sum()) for reach in stream)
        # A norm divides by sqrt(1 + variance / g^2), which is one only while the variance is small beside g^2.
        self.norm_shrinks = (2 * squares + 2) / plan.d_model / (2 * float_type.norm_gain**2)
        # What the mean of the stream may come out as, though it is ideally zero: a sum of d_model terms.
        mean_size = (2 * sum(float(reach.sum()) for reach in stream) + 2) / plan.d_model
        self.mean_error = sum_error(plan.d_model + 2, float_type.sum_unit) * mean_size + float_type.unit * mean_size

    def visit(self, node: Node) -> None:
        """Bounds one node."""
        if isinstance(node, Unembed):
            top = float(self._reach(node.form).max(initial=0.0))
        else:
            top = float(np.maximum(np.abs(node.lo), np.abs(node.hi)).max(initial=0.0))
        self.margins.append(Margin(node=node.name, what="largest value", have=top, need=self.type.largest / 2))
        match node:
            case Embed():
                size = node.space.size
                self.bounds[node.name] = proportional(np.full(size, self.type.unit))
            case Attend():
                self._attend(node)
            case Neurons():
                self._neurons(node)
            case Unembed():
                self._unembed(node)

    def noise(self, name: str) -> float:
        """The largest error of any seme of a node."""
        node = self.graph[name]
        return float(self.bounds[name].at(np.maximum(np.abs(node.lo), np.abs(node.hi))).max(initial=0.0))

    # Reading.

    def norms_between(self, source: str, reader: Node) -> int:
        """Layer norms a value passes before it is read."""
        if self.graph.causal:  # norms stand before each part: one at the reading
            return 1
        start = 0  # the embedding's norm is the first
        if source in self.placed.block:
            written = self.graph[source]
            start = 1 + 2 * self.placed.block[source] + (1 if isinstance(written, Neurons) else 0)
        if isinstance(reader, Unembed):
            end = 2 * self.placed.layers
        else:
            end = 2 * self.placed.block[reader.name] + (1 if isinstance(reader, Neurons) else 0)
        return max(end - start + 1, 1)

    def stored(self, source: str, reader: Node) -> Bound:
        """The bound of a node's directions as the reader sees them.

        A norm rounds each of +f - m and -f - m once; their half difference is off by at most unit * (|f| + |m|), and
        by nothing where f is zero, since then both are the same number.
        """
        bound = self.bounds[source]
        residue = self._residue(source)
        if residue is not None:
            bound = Bound(
                absolute=bound.absolute + residue,
                relative=bound.relative,
                exact_zero=bound.exact_zero & (residue == 0),
            )
        passes = self.norms_between(source, reader)
        extra = 2 * self.type.unit * passes
        return Bound(
            absolute=bound.absolute + extra * self.mean_error,
            relative=bound.relative + extra + passes * self.norm_shrinks,
            exact_zero=bound.exact_zero,
        )

    def _residue(self, name: str) -> np.ndarray | None:
        """What erased values have left where a node stands.

        Erasing reads a value off the stream and takes it away: what is left is the rounding of that reading, and
        noise below a zero, which a relu does not see.
        """
        under = self.plan.places.under.get(name)
        if under is None or not any(under):
            return None
        if name not in self.residues:
            self.residues[name] = np.array([sum(self._left(erasure) for erasure in place) for place in under])
        return self.residues[name]

    def _left(self, erasure: Erasure) -> float:
        node, part = self.graph[erasure.node], slice(erasure.part, erasure.part + 1)
        reach = np.maximum(np.abs(node.lo), np.abs(node.hi))[part]
        noise = float(self.bounds[erasure.node].part(part).at(reach)[0])
        tail = GELU_WORST if self.activation == "gelu" else 0.0
        rounding = (2 + 8) * self.type.unit * (float(reach[0]) + self.mean_error)
        return noise * (1 + tail) + rounding + (GELU_TAIL if self.activation == "gelu" else 0.0)

    def read(self, form: Form, reader: Node) -> Bound:
        """The bound of an affine form, as an absolute and a relative part per component."""
        if len(form.terms) == 1 and form.terms[0][1].any(axis=0).all():
            return self._read_alike(form, reader)
        live = np.array([matrix.any(axis=0) for _, matrix in form.terms]).reshape(len(form.terms), form.width)
        readings = live.sum(axis=0)
        # Components that read the same single node, together; all that read several are bounded alike.
        kinds = [np.flatnonzero(readings > 1), np.flatnonzero(readings == 0)]
        kinds += [np.flatnonzero(row & (readings == 1)) for row in live]
        out = constant(np.zeros(form.width))
        for columns in kinds:
            if not len(columns):
                continue
            read = [term for term, row in zip(form.terms, live, strict=True) if row[columns].any()]
            terms = tuple((name, matrix[:, columns]) for name, matrix in read)
            bound = self._read_alike(Form(terms=terms, bias=form.bias[columns]), reader)
            out.absolute[columns], out.relative[columns] = bound.absolute, bound.relative
            out.exact_zero[columns] = bound.exact_zero
        return out

    def _read_alike(self, form: Form, reader: Node) -> Bound:
        if not form.terms:
            return proportional(np.full(form.width, self.type.unit))
        exact = self._read_rows(form, reader)
        if exact is not None:
            return exact
        if len(form.terms) == 1 and not form.bias.any():
            (name, matrix) = form.terms[0]
            if ((matrix != 0).sum(axis=0) <= 1).all():  # each component is one direction, scaled
                bound = self.stored(name, reader)
                rounding = sum_error(4, self.type.sum_unit) + self.type.unit
                picks = (matrix != 0).astype(float)
                return Bound(
                    absolute=bound.absolute @ np.abs(matrix),
                    relative=bound.relative @ picks + rounding,
                    exact_zero=(~bound.exact_zero @ picks) == 0,
                )
        size = np.abs(form.bias)
        error = np.zeros(form.width)
        terms = np.full(form.width, 2.0)
        for name, matrix in form.terms:
            node = self.graph[name]
            bound = self.stored(name, reader)
            reach = np.maximum(np.abs(node.lo), np.abs(node.hi))
            strength = np.abs(matrix)
            size = size + reach @ strength
            error = error + bound.at(reach) @ strength
            terms = terms + 2 * (strength > 0).sum(axis=0)
        rounding = np.array([sum_error(int(t), self.type.sum_unit) for t in terms]) + self.type.unit
        return constant(error + rounding * size)

    def _read_rows(self, form: Form, reader: Node) -> Bound | None:
        """A form over one node whose values are a few known rows, row by row: what is zero stays exactly zero.

        Only directions that are not zero in a row carry an error, in proportion to their value.
        """
        rows = _rows(self.graph[form.terms[0][0]]) if len(form.terms) == 1 else None
        if rows is None:
            return None
        (name, matrix) = form.terms[0]
        bound = self.stored(name, reader)
        table, strength = np.abs(rows), np.abs(matrix)
        size = table @ strength + np.abs(form.bias)
        terms = 2 * ((table > 0).astype(float) @ (strength > 0)) + 2
        rounding = sum_error(int(terms.max(initial=0.0)), self.type.sum_unit) + self.type.unit
        error = bound.at(rows) @ strength + rounding * size
        value = np.abs(rows @ matrix + form.bias)
        zero = value == 0
        relative = np.where(zero, 0.0, error / np.where(zero, 1.0, value)).max(axis=0, initial=0.0)
        at_zero = np.where(zero, error, 0.0).max(axis=0, initial=0.0)
        return Bound(absolute=at_zero, relative=relative, exact_zero=at_zero == 0)

    # Heads.

    def _attend(self, node: Attend) -> None:
        query, key, value = (self.read(f, node) for f in (node.query, node.key, node.value))
        noise = self._score_noise(node, query, key)
        scale = self.fixed[node.name] if self.fixed is not None else self._scale(node, noise)
        self.scales[node.name] = scale
        clear = self._clearance(node, scale, noise)
        margin = Margin(
            node=node.name,
            what=f"leak of `{node.predicate}` to other keys",
            have=self._leak(clear),
            need=0.25,
        )
        self.margins.append(margin)
        largest = scale * noise.size * math.sqrt(self.plan.d_head) + BEGIN_SELF
        self.margins.append(
            Margin(node=node.name, what="largest score", have=float(largest), need=self.type.largest / 2)
        )
        self.bounds[node.name] = self._attended(node, value, self._leak(clear), 2 * scale * noise.selected)

    def _score_noise(self, node: Attend, query: Bound, key: Bound) -> _ScoreNoise:
        """Errors of unscaled scores."""
        selected = anywhere = agreeing = size = 0.0
        at = 0
        for q_rows, k_rows in node.factors:
            width = q_rows.shape[1]
            part = slice(at, at + width)
            q, k = query.part(part), key.part(part)
            products = np.abs(q_rows) @ np.abs(k_rows).T
            noise = np.abs(q_rows) @ k.at(k_rows).T + q.at(q_rows) @ np.abs(k_rows).T + q.at(q_rows) @ k.at(k_rows).T
            rounding = (sum_error(node.query.width + 8, self.type.sum_unit) + self.type.unit) * products
            noise = noise + rounding
            of_key = np.abs(q_rows) @ k.at(k_rows).T + 2 * q.at(q_rows) @ k.at(k_rows).T + rounding
            agreeing += float(of_key.max(initial=0.0))
            scores = q_rows @ k_rows.T
            hit = np.abs(scores) < 1e-9
            selected += float(noise[hit].max(initial=0.0))
            anywhere += float(noise.max(initial=0.0))
            size += float(products.max(initial=0.0))
            at += width
        of_query = float(query.at(np.zeros(node.query.width)).max(initial=0.0))
        return _ScoreNoise(selected=selected, anywhere=anywhere, agreeing=agreeing, query=of_query, size=size)

    def _clearance(self, node: Attend, scale: float, noise: _ScoreNoise) -> float:
        """By how much, at least, the scaled score of a selected key beats any other."""
        if node.pattern == "nearest":
            # Noise e of the query moves the parabola's top: neighbours still differ by 1 - 2e of its units, and all
            # keys share the query's noise, so only rounding is counted twice.
            longest = max(float(np.abs(k).max()) for _, k in node.factors)
            reach = max(float(np.abs(q).max()) for q, _ in node.factors)
            rounding = (self.type.sum_unit * 8 + self.type.unit * 8) * (reach * math.sqrt(longest) + longest)
            return scale * (node.gap - 2 * noise.query - 2 * rounding)
        floor = -node.weight_floor if node.weight is not None else 0.0
        if node.pattern == "recent":
            # Keys that agree have one and the same code, so noise of the query moves their scores alike.
            return scale * min(node.gap - 2 * noise.agreeing, RECENT_GAP - 2 * noise.anywhere)
        return scale * (node.gap - 2 * noise.anywhere) - floor

    def _leak(self, clear: float) -> float:
        """The weight of everything that should have none, relative to one selected key."""
        if clear >= self.type.silence:
            return 0.0
        return (self.graph.max_length + 1) * math.exp(min(-clear, 50.0))

    def _scale(self, node: Attend, noise: _ScoreNoise) -> float:
        """The scale with the least error: high enough that little leaks, low enough that noise stays small."""
        best = (math.inf, 1.0)
        for scale in SCALES:
            leak = self._leak(self._clearance(node, scale, noise))
            if node.pattern == "recent" and leak == 0:
                return scale
            uneven = 0.0 if node.single else math.expm1(min(2 * scale * noise.selected, 50.0))
            best = min(best, (max(leak, self.type.unit / 2) + uneven, scale))
        return best[1]

    def _attended(self, node: Attend, value: Bound, leak: float, uneven: float) -> Bound:
        """The bound of what a head writes: unequal weights, leak, the values' own errors, and the weighted sum."""
        reach = np.maximum(np.abs(node.lo), np.abs(node.hi))
        spread = node.hi - node.lo
        constant_value = not node.value.terms and not node.value.bias.any()
        # One key's value, or a share of equal ones (their number is summed exactly), takes no long rounded sum.
        few = node.single or (constant_value and uneven == 0)
        terms = 4 if few else self.graph.max_length + 8
        rounding = sum_error(terms, self.type.sum_unit) + (2 + EXP_ULPS) * self.type.unit
        lopsided = math.expm1(min(uneven, 50.0))
        if node.weight is not None:
            noise = self.read(node.weight, node)
            largest = max(abs(node.weight_floor), float(np.abs(node.weight.bias).max(initial=0.0)))
            lopsided += math.expm1(min(float(noise.at(np.array([largest]))[0]), 50.0))
        if constant_value and (node.lo > 0).all():
            # A share: its error is in proportion to itself.
            relative = lopsided + leak + rounding
            return proportional(np.full(len(reach), relative))
        if node.pattern == "recent" and leak == 0:
            return value  # the winner's weight is one and all others are zero, to the last bit
        if node.single:
            # One key's value comes through as it is: what it carries, and the others' leak.
            through = value.at(reach)
            return constant(through + (leak + rounding) * np.maximum(spread, reach))
        absolute = value.at(reach) + (lopsided + leak) * spread + rounding * reach
        return constant(absolute)

    # Neurons.

    def _neurons(self, node: Neurons) -> None:
        gain = self._gain(node)
        self.gains[node.name] = gain
        reading = self.read(node.read, node)
        slack = 0.0
        if self.activation == "gelu":
            slack = GELU_TAIL if node.quantum > 0 else GELU_WORST
        tail = slack * (np.abs(node.write) / gain[:, None]).sum(axis=0)
        if node.read.width == 1:
            own = self._summing(node.read)
            error = ridge_error(node, reading.absolute[0], reading.relative[0], self.type, own=own)
            bound, largest, used = error.bound, error.largest, error.used
        else:
            reach = self._reach(node.read)
            inside = reading.at(reach) @ np.abs(node.slopes)
            pre = reach @ np.abs(node.slopes) + np.abs(node.offsets)
            inside = inside + 3 * self.type.unit * pre
            active = 1 if node.exclusive else len(node.hidden)
            rounding = sum_error(active + 2, self.type.sum_unit) + self.type.unit
            own = inside + rounding * pre
            if node.exclusive:  # what is off is exactly zero; of what is on, one neuron speaks
                bound = proportional(np.where(node.write != 0, own[:, None], 0.0).max(axis=0, initial=0.0))
            else:
                bound = constant(own @ np.abs(node.write))
            largest, used = float(pre.max(initial=0.0)), float(inside.max(initial=0.0)) / max(node.quantum, 1e-300)
        # Near zero gelu(x) is x/2 where relu(x) is x or 0: noise counts half more.
        half_more = 1.5 if self.activation == "gelu" else 1.0
        self.bounds[node.name] = Bound(
            absolute=half_more * bound.absolute + tail,
            relative=half_more * bound.relative,
            exact_zero=bound.exact_zero & (tail == 0),
        )
        if math.isfinite(used) and node.quantum > 0:
            # The gain brings a gelu's pre-activations to twice where it is relu: half of that may go to noise.
            need = 0.5 if self.activation == "gelu" else 1.0
            self.margins.append(Margin(node=node.name, what="noise of a pre-activation", have=used, need=need))
        top = float((largest * gain).max(initial=0.0))
        self.margins.append(Margin(node=node.name, what="largest pre-activation", have=top, need=self.type.largest / 2))

    def _summing(self, form: Form) -> float:
        """What adding up a form of width one rounds by; nothing that counts where it reads a single direction."""
        entries = sum(int((matrix != 0).sum()) for _, matrix in form.terms)
        # For traces only; docs/compiler.md, "What the bound leaves out", says what that means for other programs.
        if entries < 2 or not self.continues:
            return 0.0
        return sum_error(2 * entries + 2, self.type.sum_unit) * float(self._reach(form)[0])

    def _reach(self, form: Form) -> np.ndarray:
        total = np.abs(form.bias)
        for name, matrix in form.terms:
            node = self.graph[name]
            total = total + np.maximum(np.abs(node.lo), np.abs(node.hi)) @ np.abs(matrix)
        return total

    def _gain(self, node: Neurons) -> np.ndarray:
        """Factors that bring every pre-activation to where gelu is relu; one for relu."""
        if self.activation == "relu":
            return np.ones(len(node.hidden))
        target = 2 * GELU_SAFE  # twice, so that noise leaves it above
        quantum = node.quantum if node.quantum > 0 else 2.0**-10
        return np.full(len(node.hidden), 2.0 ** math.ceil(math.log2(target / quantum)))

    # Outputs.

    def _logit_rounding(self, node: Unembed) -> float:
        """Rounding of the logits z*c - c^2/2 of labels read off one direction, in units of that direction."""
        size = np.abs(node.form.bias)
        terms = 4.0
        for name, matrix in node.form.terms:
            reach = np.maximum(np.abs(self.graph[name].lo), np.abs(self.graph[name].hi))
            size = size + reach @ np.abs(matrix)
            terms += 2 * float((matrix != 0).any(axis=1).sum())
        rounding = (sum_error(int(terms), self.type.sum_unit) + 2 * self.type.unit) * float(size.max(initial=0.0))
        return rounding / _steepness(node)

    def _unembed(self, node: Unembed) -> None:
        name = node.name.removeprefix("output:")
        if node.kind == "number":
            error = float(self.read(node.form, node).at(self._reach(node.form))[0])
            self.errors[name] = error
            if node.margin > 0:
                self.margins.append(Margin(node=node.name, what="error of the number", have=error, need=node.margin))
            return
        if len(node.labels) < 2:
            return
        if node.nearest is not None:
            error = float(self.read(node.nearest, node).at(self._reach(node.nearest))[0])
            rounding = 2 * self._logit_rounding(node)
            what = "noise of the direction the label is read from"
            self.margins.append(Margin(node=node.name, what=what, have=error + rounding, need=node.margin / 2))
            return
        error = float(self.read(node.form, node).at(self._reach(node.form)).max())
        self.margins.append(Margin(node=node.name, what="error of a logit", have=2 * error, need=node.margin))


def _steepness(node: Unembed) -> float:
    """How far apart, at least, neighbouring labels' coefficients are, per unit of the direction they are read from."""
    assert node.nearest is not None
    own = dict(node.nearest.terms)
    name, matrix = next((n, m) for n, m in node.form.terms if n in own and own[n].any())
    row = int(np.argmax(np.abs(own[name][:, 0])))
    return float(np.diff(np.sort(matrix[row] / own[name][row, 0])).min())


def _rows(node: Node) -> np.ndarray | None:
    """Every ideal value of a node, when they are few and known."""
    if isinstance(node, Embed):
        return node.table if node.slope is None else None
    if isinstance(node, Neurons) and node.exclusive:
        return np.unique(np.concatenate([np.zeros((1, node.space.size)), node.write]), axis=0)
    return None
