"""RASP expressions as expressions of `seme.lang`, which is what the compiler takes.

Operators become named operators, comparisons named comparisons, and Python functions stay tables. What is the same
in RASP - the same object, a renamed copy of it, or another object built from the same parts - becomes one object,
because the compiler shares work by identity.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Iterator
from typing import Any

from seme.core.errors import ProgramError
from seme.lang import expressions as lang
from seme.lang.operators import COMPARISONS, OPERATORS
from seme.rasp.aggregation import Aggregate, SelectorWidth
from seme.rasp.base import RASPExpr
from seme.rasp.elementwise import Twice, WithConstant, binary_name, steps_of, unary_name
from seme.rasp.encodings import Encoding
from seme.rasp.predicates import Bound, Comparison, Joined, Negated, total
from seme.rasp.selectors import ConstantSelector, Select, SelectorAnd, SelectorNot, SelectorOr
from seme.rasp.sops import (
    ConstantSOp,
    Full,
    IndicesType,
    LengthType,
    LinearSequenceMap,
    Map,
    SequenceMap,
    SOp,
    TokensType,
)

_COMPARISON_NAMES = {
    Comparison.EQ: "equal",
    Comparison.NEQ: "not_equal",
    Comparison.LT: "less",
    Comparison.LEQ: "less_equal",
    Comparison.GT: "greater",
    Comparison.GEQ: "greater_equal",
}
_BOOLEAN_RESULTS = frozenset({*COMPARISONS, "and", "or", "xor", "not"})
_LOGIC = frozenset({"and", "or"})
_DIVISIONS = frozenset({"divide", "floor_divide", "modulo"})
_KINDS: dict[Any, lang.Kind] = {Encoding.NUMERICAL: "number", Encoding.CATEGORICAL: "category"}


def defined(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, None where arithmetic fails.

    The compiler calls it on every combination of values its arguments could have; RASP only on those that occur. A
    division by a number that is never zero must not be refused because zero is in its domain.
    """

    def guarded(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except ArithmeticError:
            return None

    return guarded


def translate(sop: SOp, shared: dict[Any, Any] | None = None) -> lang.Sequence:
    """A RASP program as an expression of `seme.lang`.

    Args:
        sop: The output of the program.
        shared: One dictionary for all outputs of a program.

    Raises:
        ProgramError: The program holds a ConstantSOp, a ConstantSelector, or an expression of an unknown kind.
    """
    known = {} if shared is None else shared
    translation = known.setdefault(Translation, Translation())
    return translation.output(sop)


class Translation:
    """What has been translated so far."""

    def __init__(self):
        self._by_expression: dict[int, Any] = {}
        self._by_meaning: dict[Hashable, Any] = {}
        self._outputs: dict[int, lang.Kind | None] = {}
        # Keys above are ids; what they belong to is kept, so that no id is used twice.
        self._kept: list[Any] = []

    def output(self, sop: SOp) -> lang.Sequence:
        """The translation of an output, which asks for the encoding the SOp was given."""
        for expr in _arguments_first(sop, self._by_expression):
            self._kept.append(expr)
            self._source = expr.source
            node = self._one(expr)
            self._name(node, expr)
            self._by_expression[id(expr)] = node
        node = self._by_expression[id(sop)]
        kind = _KINDS.get(sop.given_annotations.get("encoding"))
        if self._outputs.setdefault(id(node), kind) != kind:
            # The same computation is another output already, with another encoding: its top is made twice.
            node = dataclasses.replace(node)
            self._kept.append(node)
        node.as_kind = kind
        return node

    def _name(self, node: Any, expr: RASPExpr) -> None:
        # Copies of one expression are one object here, and the first name it was given stays.
        inputs = (lang.Tokens, lang.Positions, lang.Length)
        if "name" in expr.given_annotations and (not node.name or isinstance(node, inputs)):
            node.name = str(expr.given_annotations["name"])

    def _one(self, expr: RASPExpr) -> Any:
        match expr:
            case TokensType():
                return self._make(lang.Tokens, ("tokens",), name="tokens")
            case IndicesType():
                return self._make(lang.Positions, ("positions",), name="positions")
            case LengthType():
                return self._make(lang.Length, ("length",), name="length")
            case Full():
                return self._constant(expr.fill)
            case Map():
                return self._map(expr)
            case LinearSequenceMap():
                return self._linear(expr)
            case SequenceMap():
                return self._sequence_map(expr)
            case SelectorWidth():
                selector = self._of(expr.selector)
                return self._make(lang.Count, ("count", id(selector)), selector=selector)
            case Aggregate():
                return self._aggregate(expr)
            case Select():
                return self._select(expr)
            case SelectorAnd() | SelectorOr():
                left, right = self._of(expr.fst), self._of(expr.snd)
                kind = lang.Both if isinstance(expr, SelectorAnd) else lang.Either
                return self._make(kind, (kind.__name__, id(left), id(right)), left=left, right=right)
            case SelectorNot():
                inner = self._of(expr.inner)
                return self._make(lang.Neither, ("neither", id(inner)), inner=inner)
            case ConstantSOp() | ConstantSelector():
                raise ProgramError(
                    f"cannot compile the {type(expr).__name__} `{expr.name}` ({expr.source}): its values are those of "
                    "one input, expected an expression that is defined for every input",
                    hint="use Full(value) for the same value everywhere, or compute it from tokens and indices",
                )
        raise ProgramError(
            f"cannot compile `{expr.name}` ({expr.source}): unknown kind of expression {type(expr).__name__}",
            hint="build programs from the classes of seme.rasp",
        )

    def _of(self, expr: RASPExpr) -> Any:
        return self._by_expression[id(expr)]

    def _make(self, kind: type, meaning: Hashable, **fields: Any) -> Any:
        """The one object with this meaning."""
        if meaning not in self._by_meaning:
            self._by_meaning[meaning] = kind(source=self._source, **fields)
        return self._by_meaning[meaning]

    def _constant(self, value: Any) -> lang.Sequence:
        return self._make(lang.Constant, ("constant", self._constant_key(value)), value=value)

    def _constant_key(self, value: Any) -> Hashable:
        if value is None or isinstance(value, (str, int, float, bool)):
            return (type(value), repr(value))
        self._kept.append(value)
        return id(value)

    def _operator(self, name: str, *inputs: lang.Sequence) -> lang.Sequence:
        meaning = ("operator", name, *map(id, inputs))
        function = defined(OPERATORS[name]) if name in _DIVISIONS else OPERATORS[name]
        return self._make(lang.Map, meaning, function=function, inputs=inputs, operator=name)

    def _table(self, function: Callable[..., Any], *inputs: lang.Sequence) -> lang.Sequence:
        meaning = ("table", self._function_key(function), *map(id, inputs))
        return self._make(lang.Map, meaning, function=defined(function), inputs=inputs)

    def _function_key(self, function: Callable[..., Any]) -> Hashable:
        steps = []
        for step in steps_of(function):
            if isinstance(step, WithConstant):
                steps.append((step.name, self._constant_key(step.constant), step.constant_first))
            elif isinstance(step, Twice):
                steps.append(("twice", self._function_key(step.function)))
            else:
                self._kept.append(step)
                steps.append(id(step))
        return tuple(steps)

    def _map(self, expr: Map) -> lang.Sequence:
        value: lang.Sequence = self._of(expr.inner)
        for step in steps_of(expr.f):
            following = self._arithmetic(step, value)
            if following is None:
                # One opaque step makes a table, and a table of the whole chain costs no more than of one step. It
                # also keeps the meaning: inside a chain None is passed on to the next function, between maps not.
                return self._table(expr.f, self._of(expr.inner))
            value = following
        return value

    def _arithmetic(self, step: Callable[[Any], Any], value: lang.Sequence) -> lang.Sequence | None:
        if not isinstance(step, WithConstant):
            name = unary_name(step)
            return self._operator(name, value) if name else None
        if step.constant is None or not isinstance(step.constant, (str, int, float, bool)):
            return None
        if step.name in _LOGIC and not (_is_boolean(value) and isinstance(step.constant, bool)):
            return None
        constant = self._constant(_exact(step.constant))
        return self._operator(step.name, *((constant, value) if step.constant_first else (value, constant)))

    def _sequence_map(self, expr: SequenceMap) -> lang.Sequence:
        first, second = self._of(expr.fst), self._of(expr.snd)
        name = binary_name(expr.f)
        if first is second and name not in ("add", "subtract"):
            # A table of one value: the function need not be defined off the diagonal, and n entries replace n * n.
            return self._table(Twice(expr.f), first)
        if not name or (name in _LOGIC and not (_is_boolean(first) and _is_boolean(second))):
            return self._table(expr.f, first, second)
        return self._operator(name, first, second)

    def _linear(self, expr: LinearSequenceMap) -> lang.Sequence:
        first, second = self._of(expr.fst), self._of(expr.snd)
        if expr.snd_fac < 0:
            return self._operator("subtract", self._times(expr.fst_fac, first), self._times(-expr.snd_fac, second))
        return self._operator("add", self._times(expr.fst_fac, first), self._times(expr.snd_fac, second))

    def _times(self, factor: float, value: lang.Sequence) -> lang.Sequence:
        if factor == 1:
            return value
        return self._operator("multiply", self._constant(_exact(factor)), value)

    def _aggregate(self, expr: Aggregate[Any]) -> lang.Sequence:
        selector, value = self._of(expr.selector), self._of(expr.sop)
        meaning = ("aggregate", id(selector), id(value), self._constant_key(expr.default))
        return self._make(lang.Aggregate, meaning, selector=selector, value=value, default=expr.default, tie="only")

    def _select(self, expr: Select) -> lang.Selector:
        keys, queries, predicate = self._of(expr.keys), self._of(expr.queries), expr.predicate
        name = _COMPARISON_NAMES.get(predicate, "") if isinstance(predicate, Comparison) else ""
        meaning = ("select", id(keys), id(queries), self._predicate_key(predicate))
        function = COMPARISONS[name] if name else total(predicate)
        return self._make(lang.Select, meaning, keys=keys, queries=queries, predicate=function, operator=name)

    def _predicate_key(self, predicate: Any) -> Hashable:
        match predicate:
            case Comparison():
                return predicate
            case Bound():
                return (self._predicate_key(predicate.inner), self._constant_key(predicate.value), predicate.is_key)
            case Joined():
                first, second = self._predicate_key(predicate.first), self._predicate_key(predicate.second)
                return ("and" if predicate.both else "or", first, second)
            case Negated():
                return ("not", self._predicate_key(predicate.inner))
        self._kept.append(predicate)
        return id(predicate)


def _arguments_first(root: RASPExpr, known: dict[int, Any]) -> Iterator[RASPExpr]:
    """Every expression below the root that is not known yet, each once, without recursion: programs can be deep."""
    stack: list[tuple[RASPExpr, bool]] = [(root, False)]
    while stack:
        expr, expanded = stack.pop()
        if id(expr) in known:
            continue
        if expanded:
            yield expr
        else:
            stack.append((expr, True))
            stack.extend((child, False) for child in reversed(expr.children))


def _is_boolean(value: lang.Sequence) -> bool:
    return isinstance(value, lang.Map) and value.operator in _BOOLEAN_RESULTS


def _exact(number: Any) -> Any:
    """A whole float as the integer it equals, which keeps exact arithmetic exact; all else as it is."""
    if isinstance(number, float) and number.is_integer() and abs(number) < 2**53:
        return int(number)
    return number
