"""The interpreter: the slow, obvious meaning of a program. Everything else is tested against it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from seme.core.errors import ProgramError
from seme.lang import expressions as e
from seme.lang.operators import COMPARISONS, REAL_FUNCTIONS, call, tidy
from seme.lang.program import Program, walk

# What a user's function may raise on a value it was not written for.
UNDEFINED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def interpret(program: Program, xs: Iterable[Any]) -> Any:
    """Runs a program on one input by the table in `docs/semantics.md`.

    Returns:
        One list with a value per position; a dict of such lists where the program names several outputs.

    Raises:
        InputError: An unknown token, or too many.
        ProgramError: A map is undefined on a value that occurs.
    """
    values = evaluate(program, program.check_input(xs))
    return values["output"] if list(values) == ["output"] else values


def evaluate(program: Program, xs: list[Any]) -> dict[str, list[Any]]:
    """All outputs by name, without checking the input."""
    run = Run(xs, program.causal)
    return {name: run.sequence(sequence) for name, sequence in program.outputs.items()}


class Run:
    """One evaluation: every expression is computed once.

    Args:
        xs: The input.
        causal: Whether a query sees only keys up to itself.
        known: Values of expressions that are known already, by `id`.
    """

    def __init__(self, xs: list[Any], causal: bool, *, known: Mapping[int, list[Any]] | None = None):
        self.xs, self.causal = xs, causal
        self.known: dict[int, list[Any]] = dict(known or {})

    def sequence(self, expression: e.Sequence) -> list[Any]:
        """The value at every position, after everything it reads."""
        for node in walk(expression):
            if id(node) not in self.known:
                self.known[id(node)] = self.selector(node) if isinstance(node, e.Selector) else self.one(node)
        return self.known[id(expression)]

    def one(self, node: e.Sequence) -> list[Any]:
        """The value at every position, from those of its arguments."""
        n = len(self.xs)
        match node:
            case e.Tokens():
                return list(self.xs)
            case e.Positions():
                return list(range(n))
            case e.Length():
                return list(range(1, n + 1)) if self.causal else [n] * n
            case e.Constant():
                return [node.value] * n
            case e.Map():
                columns = zip(*(self.known[id(x)] for x in node.inputs), strict=True)
                return [apply(node, arguments) for arguments in columns]
            case e.RealFunction():
                return [apply_real(node, x) for x in self.known[id(node.input)]]
            case e.Count():
                return [sum(row) for row in self.known[id(node.selector)]]
            case e.Aggregate():
                value = self.known[id(node.value)]
                rows = self.known[id(node.selector)]
                return [gather([v for v, s in zip(value, row, strict=True) if s], node) for row in rows]
        raise ProgramError(f"cannot interpret {type(node).__name__}")

    def selector(self, node: e.Selector) -> list[list[bool]]:
        """Rows are queries, columns keys; a causal program's rows end at their own position."""
        match node:
            case e.Select():
                keys, queries = self.known[id(node.keys)], self.known[id(node.queries)]
                if node.operator == "equal" and not self.causal and None not in keys:
                    # By far the commonest: what `matches` says, without a call per pair.
                    return [[key == query for key in keys] for query in queries]
                return [
                    [(not self.causal or k <= q) and matches(node, key, query) for k, key in enumerate(keys)]
                    for q, query in enumerate(queries)
                ]
            case e.Both():
                return self._combine(node, lambda a, b: a and b)
            case e.Either():
                return self._combine(node, lambda a, b: a or b)
            case e.Neither():
                inner = self.known[id(node.inner)]
                return [
                    [(not self.causal or k <= q) and not s for k, s in enumerate(row)] for q, row in enumerate(inner)
                ]
        raise ProgramError(f"cannot interpret {type(node).__name__}")

    def _combine(self, node: e.Both | e.Either, how: Any) -> list[list[bool]]:
        pairs = zip(self.known[id(node.left)], self.known[id(node.right)], strict=True)
        return [[how(a, b) for a, b in zip(x, y, strict=True)] for x, y in pairs]


def matches(node: e.Select, key: Any, query: Any) -> bool:
    """Whether a selector selects this key for this query. None is never selected by a comparison.

    Raises:
        ProgramError: The predicate fails on these values.
    """
    try:
        return _matches(node, key, query)
    except UNDEFINED as error:
        hint = "a predicate must be defined for every key and query that can meet, None included"
        raise _undefined(node, (key, query), error, hint) from error


def _matches(node: e.Select, key: Any, query: Any) -> bool:
    if node.operator:
        return key is not None and query is not None and bool(COMPARISONS[node.operator](key, query))
    key, query = (float(v) if isinstance(v, Fraction) else v for v in (key, query))
    return bool(node.predicate(key, query))


def _undefined(node: e.Expression, arguments: tuple[Any, ...], error: Exception, hint: str) -> ProgramError:
    return ProgramError(
        f"`{label(node)}` is undefined for {_told(arguments)}: {type(error).__name__}: {error}", hint=hint
    )


def apply(node: e.Map, arguments: tuple[Any, ...]) -> Any:
    """One application of a map.

    Raises:
        ProgramError: The function fails on these values.
    """
    try:
        value = call(node.function, node.operator, arguments)
        hash(value)
    except ZeroDivisionError as error:
        raise ProgramError(
            f"`{label(node)}` divides by zero for {_told(arguments)}",
            hint="keep zero out of the divisor's domain, for example with where(x == 0, 1, x)",
        ) from error
    except UNDEFINED as error:
        raise _undefined(
            node, arguments, error, "a map must be defined for every value its arguments can have"
        ) from error
    if isinstance(value, float) and not math.isfinite(value):
        raise ProgramError(
            f"`{label(node)}` gives {value} for {_told(arguments)}, expected a finite number",
            hint="return None, or a label, where there is no number",
        )
    return value


def apply_real(node: e.RealFunction, x: Any) -> Any:
    """One application of a real function; None stays None.

    Raises:
        ProgramError: The value lies outside the function's domain.
    """
    if x is None:
        return None
    try:
        return REAL_FUNCTIONS[node.function](float(x))
    except (ZeroDivisionError, ValueError, OverflowError, TypeError) as error:
        raise ProgramError(
            f"`{node.function}` is undefined for {x!r} ({node.source})",
            hint="restrict the domain of its argument",
        ) from error


def gather(selected: list[Any], node: e.Aggregate) -> Any:
    """The value of an aggregate for the selected values, which are in order of position.

    Raises:
        ProgramError: Several different categories are selected and no tie rule says which to take.
    """
    if not selected:
        return node.default
    if node.tie == "first":
        return selected[0]
    if node.tie == "last":
        return selected[-1]
    if node.tie == "lowest":
        return _lowest(selected, node)
    if all(v == selected[0] for v in selected):
        return selected[0]
    if not all(isinstance(v, (int, float, Fraction)) for v in selected):
        raise ProgramError(
            f"`{label(node)}` selects several different values: {_told(tuple(selected))}",
            hint='name a tie rule: tie="first", "last" or "lowest"'
            + ("; or give what is None a value with default=" if None in selected else ""),
        )
    if any(isinstance(v, float) for v in selected):
        return sum(selected) / len(selected)
    return tidy(Fraction(sum(Fraction(v) for v in selected), len(selected)))


def _lowest(selected: list[Any], node: e.Aggregate) -> Any:
    try:
        return min(selected)
    except TypeError as error:
        raise ProgramError(
            f"`{label(node)}` takes the lowest of values that have no order: {_told(tuple(selected))}",
            hint='numbers have an order, and so have strings; or use tie="first" or tie="last"',
        ) from error


def label(node: e.Expression) -> str:
    """What to call an expression in messages: its name, else its kind, with the source line."""
    own = node.name or getattr(node, "operator", "") or type(node).__name__.lower()
    return f"{own} ({node.source})" if node.source else own


def _told(arguments: tuple[Any, ...]) -> str:
    return ", ".join(repr(a) for a in arguments)
