"""What an expression gives on an input, without a model."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Any

from seme.rasp.aggregation import Aggregate, SelectorWidth
from seme.rasp.base import EvaluationError, RASPExpr, SelectorValue
from seme.rasp.selectors import ConstantSelector, Select, SelectorAnd, SelectorNot, SelectorOr
from seme.rasp.sops import (
    ConstantSOp,
    Full,
    IndicesType,
    LengthType,
    Map,
    SequenceMap,
    TokensType,
)

# The method for a kind of expression; a subclass is evaluated as the nearest kind above it.
_METHODS: tuple[tuple[type, str], ...] = (
    (TokensType, "eval_tokens"),
    (IndicesType, "eval_indices"),
    (LengthType, "eval_length"),
    (SequenceMap, "eval_sequence_map"),
    (Map, "eval_map"),
    (Full, "eval_full"),
    (ConstantSOp, "eval_constant_sop"),
    (SelectorWidth, "eval_selector_width"),
    (Aggregate, "eval_aggregate"),
    (Select, "eval_select"),
    (SelectorAnd, "eval_selector_and"),
    (SelectorOr, "eval_selector_or"),
    (SelectorNot, "eval_selector_not"),
    (ConstantSelector, "eval_constant_selector"),
)


class RASPEvaluator(abc.ABC):
    """Gives the value of expressions on inputs."""

    @abc.abstractmethod
    def evaluate(self, expr: RASPExpr, xs: Sequence[Any]) -> Any:
        """The value of `expr` on the tokens `xs`."""


class _Remembered(list[Any]):
    """The tokens, with what is already known about them.

    The evaluation of an expression hands its tokens down to its children; with them goes the memory that keeps an
    expression used twice from being computed twice. So evaluators themselves hold no state.
    """

    def __init__(self, xs: Sequence[Any]):
        super().__init__(xs)
        # Evaluator and expression are kept with the value, so that their ids stay taken.
        self.known: dict[tuple[int, int], tuple[Any, Any, Any]] = {}


class DefaultRASPEvaluator(RASPEvaluator):
    """The standard evaluator. Override `evaluate`, or the `eval_` method of a kind, to make others."""

    def evaluate(self, expr: RASPExpr, xs: Sequence[Any]) -> Any:
        """The value of `expr` on the tokens `xs`.

        Raises:
            NotImplementedError: The expression is of no known kind.
            EvaluationError: A comparison meets None, or several values that are not numbers would be averaged.
        """
        if not isinstance(xs, _Remembered):
            xs = _Remembered(xs)
        key = (id(self), id(expr))
        if key not in xs.known:
            method = next((name for kind, name in _METHODS if isinstance(expr, kind)), "")
            if not method:
                raise NotImplementedError(f"no rule to evaluate {expr!r}")
            xs.known[key] = (self, expr, getattr(self, method)(expr, xs))
        return xs.known[key][2]

    def eval_tokens(self, sop: TokensType, xs: Sequence[Any]) -> list[Any]:
        """The tokens."""
        return list(xs)

    def eval_indices(self, sop: IndicesType, xs: Sequence[Any]) -> list[Any]:
        """The positions."""
        return list(range(len(xs)))

    def eval_length(self, sop: LengthType, xs: Sequence[Any]) -> list[Any]:
        """The number of tokens, everywhere."""
        return [len(xs)] * len(xs)

    def eval_full(self, sop: Full, xs: Sequence[Any]) -> list[Any]:
        """The one value, everywhere."""
        return [sop.fill] * len(xs)

    def eval_constant_sop(self, sop: ConstantSOp[Any], xs: Sequence[Any]) -> Any:
        """The fixed values."""
        _check_length(sop, xs)
        return sop.value

    def eval_map(self, sop: Map, xs: Sequence[Any]) -> list[Any]:
        """The function of each value; None stays None."""
        return [None if x is None else sop.f(x) for x in self.evaluate(sop.inner, xs)]

    def eval_sequence_map(self, sop: SequenceMap, xs: Sequence[Any]) -> list[Any]:
        """The function of each pair; None if one of the two is None."""
        pairs = zip(self.evaluate(sop.fst, xs), self.evaluate(sop.snd, xs), strict=False)
        return [None if x is None or y is None else sop.f(x, y) for x, y in pairs]

    def eval_selector_width(self, sop: SelectorWidth, xs: Sequence[Any]) -> list[Any]:
        """How many keys each row selects."""
        return [sum(row) for row in self.evaluate(sop.selector, xs)]

    def eval_aggregate(self, sop: Aggregate[Any], xs: Sequence[Any]) -> list[Any]:
        """What each row selects."""
        rows, values = self.evaluate(sop.selector, xs), self.evaluate(sop.sop, xs)
        return [_mean([v for s, v in zip(row, values, strict=False) if s], sop) for row in rows]

    def eval_select(self, sel: Select, xs: Sequence[Any]) -> SelectorValue:
        """The predicate of every key, for every query."""
        keys, queries = self.evaluate(sel.keys, xs), self.evaluate(sel.queries, xs)
        return [[bool(sel.predicate(key, query)) for key in keys] for query in queries]

    def eval_constant_selector(self, sel: ConstantSelector, xs: Sequence[Any]) -> SelectorValue:
        """The fixed rows."""
        _check_length(sel, xs)
        return sel.value

    def eval_selector_and(self, sel: SelectorAnd, xs: Sequence[Any]) -> SelectorValue:
        """Keys that both select."""
        rows = zip(self.evaluate(sel.fst, xs), self.evaluate(sel.snd, xs), strict=True)
        return [[bool(a and b) for a, b in zip(x, y, strict=True)] for x, y in rows]

    def eval_selector_or(self, sel: SelectorOr, xs: Sequence[Any]) -> SelectorValue:
        """Keys that either selects."""
        rows = zip(self.evaluate(sel.fst, xs), self.evaluate(sel.snd, xs), strict=True)
        return [[bool(a or b) for a, b in zip(x, y, strict=True)] for x, y in rows]

    def eval_selector_not(self, sel: SelectorNot, xs: Sequence[Any]) -> SelectorValue:
        """Keys that are not selected."""
        return [[not s for s in row] for row in self.evaluate(sel.inner, xs)]


def _check_length(expr: ConstantSOp[Any] | ConstantSelector, xs: Sequence[Any]) -> None:
    if expr.check_length and len(expr.value) != len(xs):
        raise EvaluationError(f"Constant len {len(expr.value)} doesn't match input len {len(xs)}")


def _mean(values: list[Any], sop: Aggregate[Any]) -> Any:
    if not values:
        return sop.default
    if len(values) == 1:
        return values[0]
    if all(isinstance(v, (int, float)) for v in values):
        return sum(values) / len(values)
    raise EvaluationError(
        f"`{sop.name}` selects {len(values)} values, expected one, or numbers only: {values!r}",
        hint="only numbers have a mean; narrow the selector until it selects one key",
    )


evaluate = DefaultRASPEvaluator().evaluate
