"""Program -> Graph: every construct of the language becomes nodes of the five kinds, or nothing at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

import numpy as np

from seme.compiler.arithmetic import bounds, compare, extremum, is_integer, linear, product, restricted
from seme.compiler.attention import Wish, aggregate, count
from seme.compiler.builder import Builder
from seme.compiler.division import divide, product_by_bits
from seme.compiler.gates import bitwise, shifted, switched
from seme.compiler.joint import joint
from seme.compiler.literals import Term, literal
from seme.compiler.outputs import Output, unembed
from seme.compiler.real import real_function
from seme.compiler.scores import by_digits
from seme.compiler.selection import disjoint_terms, product_term
from seme.compiler.values import Carrier, Value, constant_value, has_free_codes, number
from seme.core.errors import ProgramError, TooLargeError
from seme.ir import Graph
from seme.lang import expressions as e
from seme.lang.interpreter import apply, label
from seme.lang.operators import COMPARISONS, NUMERIC_RESULTS, tidy
from seme.lang.program import Program, walk

SMALL_TABLE = 256
"""Combinations up to which a table over one number is no dearer than arithmetic made for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowered:
    """The graph and how its outputs are read."""

    graph: Graph
    outputs: tuple[Output, ...]


def lower(program: Program, *, robust: int = 0) -> Lowered:
    """Lowers a program.

    Args:
        program: The program.
        robust: Spend more neurons so that noise is wiped out at every step.

    Raises:
        ProgramError: A map or predicate is undefined for values that can occur.
        NotProvedError: A categorical aggregate may see several keys.
        TooLargeError: A table or a number is beyond the stated limits.
    """
    lowering = _Lowering(program, robust)
    outputs = [
        unembed(lowering.builder, name, lowering.value(sequence), sequence, robust=robust)
        for name, sequence in program.outputs.items()
    ]
    return Lowered(graph=lowering.builder.graph(), outputs=tuple(outputs))


def lower_into(builder: Builder, program: Program, known: dict[int, Value], *, robust: int) -> dict[str, Value]:
    """Lowers a program into a graph that is being built, and leaves its outputs as values to be read.

    Args:
        builder: The growing graph.
        program: The program.
        known: The value of every expression that has one already, by `id`; grows by those of this program.
        robust: As in `lower`.
    """
    lowering = _Lowering(program, robust, builder, known)
    return {name: lowering.value(sequence) for name, sequence in program.outputs.items()}


class _Lowering:
    """One lowering: every expression is lowered once."""

    def __init__(
        self, program: Program, robust: int, builder: Builder | None = None, known: dict[int, Value] | None = None
    ):
        self.program, self.robust = program, robust
        self.builder = builder or Builder(
            vocab_size=len(program.vocab), max_length=program.max_length, causal=program.causal
        )
        self.known: dict[int, Value] = {} if known is None else known
        self.terms: dict[int, list[Term]] = {}
        size = program.max_length
        carrier = Carrier(kind="position", size=size, distinct=True, role="positions", name="positions")
        self.positions = Value(carrier=carrier, table=tuple(range(size)), kind="number")

    def value(self, sequence: e.Sequence) -> Value:
        for node in walk(sequence):
            if isinstance(node, e.Sequence) and id(node) not in self.known:
                self.builder.note = label(node)
                self.known[id(node)] = self.one(node)
        return self.known[id(sequence)]

    def one(self, node: e.Sequence) -> Value:
        match node:
            case e.Tokens():
                vocab = self.program.vocab
                return Value(carrier=self._tokens(len(vocab)), table=vocab)
            case e.Positions():
                return self.positions
            case e.Length():
                return self._length()
            case e.Constant():
                return constant_value(node.value)
            case e.Map():
                return self._map(node)
            case e.RealFunction():
                return real_function(self.builder, self.known[id(node.input)], node, robust=self.robust)
            case e.Count():
                return count(self.builder, self._terms(node.selector), self._wish(node, node.selector))
            case e.Aggregate():
                return self._aggregate(node)
        raise ProgramError(f"cannot compile {type(node).__name__}")

    def _tokens(self, size: int) -> Carrier:
        if not hasattr(self, "_token_carrier"):
            self._token_carrier = Carrier(kind="token", size=size, name="tokens")
        return self._token_carrier

    def _length(self) -> Value:
        if self.program.causal:
            return linear(self.builder, [(self.positions, Fraction(1))], Fraction(1), "length", robust=self.robust)
        everything = e.Select(
            keys=e.Constant(value=0), queries=e.Constant(value=0), predicate=lambda k, q: True, name="everything"
        )
        zero = constant_value(0)
        terms = disjoint_terms(everything, {id(everything): literal(everything, zero, zero)})
        wish = Wish(name="length", predicate="every token", causal=False, robust=self.robust)
        return count(self.builder, terms, wish)

    def _wish(self, node: e.Sequence, selector: e.Selector) -> Wish:
        name = node.name or selector.name or f"{type(node).__name__.lower()}"
        words = " or ".join(" and ".join(one.words for one in term) for term in self._terms(selector))
        return Wish(name=name, predicate=words or "nothing", causal=self.program.causal, robust=self.robust)

    def _terms(self, selector: e.Selector) -> list[Term]:
        if id(selector) not in self.terms:
            literals = {
                id(s): literal(s, self.known[id(s.keys)], self.known[id(s.queries)])
                for s in walk(selector)
                if isinstance(s, e.Select)
            }
            self.terms[id(selector)] = disjoint_terms(selector, literals)
        return self.terms[id(selector)]

    def _aggregate(self, node: e.Aggregate) -> Value:
        terms = self._terms(node.selector)
        value = self.known[id(node.value)]
        if len(terms) > 1 and (node.tie not in (None, "only") or not value.numeric):
            terms = product_term(self.builder, terms, label(node), robust=self.robust)
        wide = [t for term in terms for t in by_digits(term)]
        if len(wide) > len(terms) and node.tie is None and value.numeric:
            terms = wide
        return aggregate(self.builder, terms, value, node.default, node.tie, self._wish(node, node.selector))

    # Maps.

    def _map(self, node: e.Map) -> Value:
        inputs = [self.known[id(x)] for x in node.inputs]
        arithmetic = self._arithmetic(node, inputs) if node.operator else None
        if arithmetic is not None:
            return arithmetic
        kind: Literal["number", "category"] = "number" if node.operator in NUMERIC_RESULTS else "category"
        return joint(
            self.builder, inputs, lambda *arguments: apply(node, arguments), label(node), kind, robust=self.robust
        )

    def _arithmetic(self, node: e.Map, inputs: list[Value]) -> Value | None:
        """The operator by arithmetic made for it, or None where a table is as good."""
        if not all(v.numeric for v in inputs):
            return None
        operator, name = node.operator, node.name or node.operator
        moving = [v for v in inputs if v.carrier.kind != "constant"]
        if not moving:
            return None
        if operator in ("add", "subtract", "negative", "multiply", "divide"):
            summed = self._linear(node, inputs, name)
            if summed is not None:
                return summed
        if any(v.lattice is not None for v in inputs):
            if operator in COMPARISONS:
                return compare(self.builder, operator, inputs[0], inputs[1], name, robust=self.robust)
            raise TooLargeError(
                f"`{label(node)}` works on a number with too many values to list",
                hint="only + and - and scaling keep such numbers; shorten --max-length or count instead",
            )
        if operator == "where":
            return self._where(inputs, name)
        if len({id(v.carrier) for v in moving}) == 1:
            return self._remainder(inputs, name) if operator == "modulo" else None
        return self._special(operator, inputs, name)

    def _remainder(self, inputs: list[Value], name: str) -> Value | None:
        """X % m of a computed number by a staircase: x - m * (x // m) changes m times less often than x % m."""
        value, divisor = inputs
        if value.carrier.kind != "scalar" or divisor.carrier.kind != "constant" or not is_integer(value):
            return None
        m = divisor.table[0]
        if not isinstance(m, int) or m < 2 or len(value.classes) <= 2 * m:
            return None
        stairs = Value(carrier=value.carrier, table=tuple(int(v) // m for v in value.table), kind="number")
        one = Fraction(1)
        rest = linear(self.builder, [(value, one), (stairs, Fraction(-m))], Fraction(0), name, robust=self.robust)
        return _within(rest, 0, m - 1)

    def _where(self, inputs: list[Value], name: str) -> Value | None:
        """B + condition * (a - b) for integers: free where a - b is constant, else one neuron."""
        condition, a, b = inputs
        if not (is_integer(a) and is_integer(b)) or not set(condition.classes) <= {0, 1}:
            return None
        if len({id(v.carrier) for v in inputs if v.carrier.kind != "constant"}) == 1:
            return None
        one = Fraction(1)
        apart = linear(self.builder, [(a, one), (b, -one)], Fraction(0), f"{name}.difference", robust=self.robust)
        gain = self._times_bit(condition, apart, f"{name}.difference")
        value = linear(self.builder, [(b, one), (gain, one)], Fraction(0), name, robust=self.robust)
        return restricted(value, {Fraction(v) for v in (*a.classes, *b.classes)})

    def _times_bit(self, bit: Value, value: Value, name: str) -> Value:
        """A number times a boolean."""
        if value.carrier.kind == "constant":
            return linear(self.builder, [(bit, Fraction(value.table[0]))], Fraction(0), name, robust=self.robust)
        lo, hi = bounds(value)
        switch, amount = (number(self.builder, v, robust=self.robust) for v in (bit, value))
        form = switched(self.builder, switch, amount, float(lo), float(hi), name)
        points = sorted({Fraction(0), *(Fraction(v) for v in value.classes)})
        floats = np.array([float(p) for p in points])
        carrier = Carrier(kind="scalar", size=len(points), form=form, points=floats, name=name)
        return Value(carrier=carrier, table=tuple(tidy(p) for p in points), kind="number")

    def _special(self, operator: str, inputs: list[Value], name: str) -> Value | None:
        a, b = inputs[0], inputs[-1]
        how: dict[str, Callable[[], Value]] = {
            "minimum": lambda: extremum(self.builder, False, a, b, name, robust=self.robust),
            "maximum": lambda: extremum(self.builder, True, a, b, name, robust=self.robust),
        }
        if operator in COMPARISONS:
            return compare(self.builder, operator, a, b, name, robust=self.robust)
        if operator in how:
            return how[operator]()
        for bit, value in ((a, b), (b, a)):
            if operator == "multiply" and set(bit.classes) <= {0, 1} and is_integer(value):
                return self._times_bit(bit, value, name)
        if len(inputs) != 2 or not (is_integer(a) and is_integer(b)):
            return None
        coded = [has_free_codes(v) for v in (a, b)]
        if len(a.classes) * len(b.classes) <= SMALL_TABLE and not all(coded):
            return None
        natural = bounds(a)[0] >= 0
        if operator == "multiply" and any(coded):
            return product_by_bits(self.builder, *((a, b) if coded[1] else (b, a)), name, robust=self.robust)
        if operator == "multiply":
            return product(self.builder, a, b, name, robust=self.robust)
        if operator in ("floor_divide", "modulo") and natural and bounds(b)[0] > 0:
            return divide(self.builder, a, b, name, remainder=operator == "modulo", robust=self.robust)
        if operator in ("bit_and", "bit_or", "bit_xor") and natural and bounds(b)[0] >= 0:
            return bitwise(self.builder, operator, a, b, name, robust=self.robust)
        if (
            operator in ("shift_left", "shift_right")
            and natural
            and bounds(b)[0] >= 0
            and len(b.classes) <= SMALL_TABLE
        ):
            return shifted(self.builder, operator, a, b, name, robust=self.robust)
        return None

    def _linear(self, node: e.Map, inputs: list[Value], name: str) -> Value | None:
        def made(terms: list[tuple[Value, Fraction]]) -> Value:
            if any(isinstance(v, float) for value, _ in terms for v in value.classes):
                raise _InexactError
            value = linear(self.builder, terms, Fraction(0), name, robust=self.robust)
            return replace(value, kind="number") if value.carrier.kind != "constant" else value

        one = Fraction(1)
        try:
            match node.operator:
                case "add" | "subtract":
                    fused = self._same_selector(node)
                    if fused is not None:
                        return fused
                    return made([(inputs[0], one), (inputs[1], one if node.operator == "add" else -one)])
                case "negative":
                    return made([(inputs[0], -one)])
                case "multiply":
                    for scale, other in ((inputs[0], inputs[1]), (inputs[1], inputs[0])):
                        if scale.carrier.kind == "constant" and not isinstance(scale.table[0], float):
                            return made([(other, Fraction(scale.table[0]))])
                case "divide":
                    divisor = inputs[1].table[0] if inputs[1].carrier.kind == "constant" else None
                    if isinstance(divisor, int) and divisor:
                        return made([(inputs[0], Fraction(1, divisor))])
        except _InexactError:
            return None  # floats add with rounding: a table of what Python computes is exact
        return None

    def _same_selector(self, node: e.Map) -> Value | None:
        """mean(a) - mean(b) over one selector is mean(a - b): one head, and a far smaller set of values."""
        a, b = node.inputs
        if not (isinstance(a, e.Aggregate) and isinstance(b, e.Aggregate)) or a.tie is not None or b.tie is not None:
            return None
        if not _same_expression(a.selector, b.selector):
            return None
        values = [self.known[id(x.value)] for x in (a, b)]
        if not all(v.numeric for v in values):
            return None
        defaults = [a.default, b.default]
        if not all(isinstance(d, (int, Fraction)) for d in defaults):
            return None
        combined = e.Map(function=node.function, inputs=(a.value, b.value), operator=node.operator, source=node.source)
        mean = e.Aggregate(
            selector=a.selector, value=combined, default=node.function(*defaults), name=node.name, source=node.source
        )
        return self.value(mean)


class _InexactError(Exception):
    """A sum of floats."""


def _within(value: Value, lo: int, hi: int) -> Value:
    return restricted(value, {Fraction(i) for i in range(lo, hi + 1)})


def _same_expression(a: e.Expression, b: e.Expression) -> bool:
    """Whether two expressions are written the same, down to the very same functions."""
    if a is b:
        return True
    if type(a) is not type(b) or len(a.arguments) != len(b.arguments):
        return False
    for own in ("operator", "value", "tie", "default"):
        x, y = getattr(a, own, None), getattr(b, own, None)
        if not isinstance(x, e.Expression) and x != y:
            return False
    for own in ("function", "predicate"):
        if not getattr(a, "operator", "") and getattr(a, own, None) is not getattr(b, own, None):
            return False
    return all(_same_expression(x, y) for x, y in zip(a.arguments, b.arguments, strict=True))
