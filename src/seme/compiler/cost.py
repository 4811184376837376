"""What one function costs as a transformer: it is compiled alone, weighed, and checked.

A cell is a causal program over an input of two tokens [a, b]. Its second position fetches the first operand with a
head (an aggregate over positions), has the second one at hand, and computes the function. All heads of a cell do
nothing but fetch; the function itself is neurons, or an affine form and so nothing at all. Integer cells are checked
on every pair against Python's own arithmetic, not against the interpreter.

Real functions of a token would be a column of the embedding. So that neurons are spent, their argument is computed:
a head takes the mean of the two tokens, which are numbers of a fine grid over the range.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from seme import lang
from seme.compiler.pipeline import Activation, build, check_options, close, plan
from seme.compiler.real import DEFAULT_ERROR
from seme.core.errors import NotProvedError, UsageError
from seme.exchange import Model
from seme.lang.expressions import Sequence
from seme.lang.program import Program

MOST_BITS = 10
"""A million pairs, of which each is checked: half a minute."""

GRID = 512
"""Steps of the tokens of a real cell; its argument takes twice as many."""

SHARES = (1.0, 0.75, 0.5)
"""Parts of an asked error that the chords may spend, tried in turn."""

DEFAULT_RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"exp": (-4.0, 0.0), "log": (1.0, 64.0), "sqrt": (1.0, 64.0), "reciprocal": (1.0, 64.0)}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function of two b-bit numbers.

    Attributes:
        written: The function in the language, of (a, b, bits).
        meant: The same in plain Python.
        means: In words.
    """

    written: Callable[[Sequence, Sequence, int], Sequence]
    meant: Callable[[int, int, int], Any]
    means: str


def _divisor(b: Sequence, bits: int) -> Sequence:
    return lang.map(lambda token: token or 1 << bits, b)


def _amount(b: Sequence, bits: int) -> Sequence:
    return lang.map(lambda token: token % bits, b)


_ZERO = "the divisor runs from 1 to 2^bits: its token 0 stands for 2^bits"
_AMOUNT = "the amount is b modulo bits"

INTEGER_FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "add": Function(written=lambda a, b, n: a + b, meant=lambda a, b, n: a + b, means="a + b"),
        "subtract": Function(written=lambda a, b, n: a - b, meant=lambda a, b, n: a - b, means="a - b"),
        "multiply": Function(written=lambda a, b, n: a * b, meant=lambda a, b, n: a * b, means="a * b"),
        "divide": Function(
            written=lambda a, b, n: a // _divisor(b, n),
            meant=lambda a, b, n: a // (b or 1 << n),
            means=f"a / b, rounded down; {_ZERO}",
        ),
        "modulo": Function(
            written=lambda a, b, n: a % _divisor(b, n),
            meant=lambda a, b, n: a % (b or 1 << n),
            means=f"the remainder of a by b; {_ZERO}",
        ),
        "compare": Function(written=lambda a, b, n: a < b, meant=lambda a, b, n: a < b, means="whether a < b"),
        "equal": Function(written=lambda a, b, n: a == b, meant=lambda a, b, n: a == b, means="whether a = b"),
        "min": Function(written=lambda a, b, n: lang.minimum(a, b), meant=lambda a, b, n: min(a, b), means="min(a, b)"),
        "max": Function(written=lambda a, b, n: lang.maximum(a, b), meant=lambda a, b, n: max(a, b), means="max(a, b)"),
        "abs": Function(written=lambda a, b, n: abs(a - b), meant=lambda a, b, n: abs(a - b), means="|a - b|"),
        "and": Function(
            written=lambda a, b, n: lang.bit_and(a, b), meant=lambda a, b, n: a & b, means="a & b, bitwise"
        ),
        "or": Function(written=lambda a, b, n: lang.bit_or(a, b), meant=lambda a, b, n: a | b, means="a | b, bitwise"),
        "xor": Function(
            written=lambda a, b, n: lang.bit_xor(a, b), meant=lambda a, b, n: a ^ b, means="a ^ b, bitwise"
        ),
        "shift": Function(
            written=lambda a, b, n: lang.shift_left(a, _amount(b, n)),
            meant=lambda a, b, n: a << b % n,
            means=f"a shifted left, nothing cut off; {_AMOUNT}",
        ),
        "shift-right": Function(
            written=lambda a, b, n: lang.shift_right(a, _amount(b, n)),
            meant=lambda a, b, n: a >> b % n,
            means=f"a shifted right; {_AMOUNT}",
        ),
        "if": Function(
            written=lambda a, b, n: lang.where(lang.map(lambda token: token % 2, b) == 1, a, b),
            meant=lambda a, b, n: a if b % 2 else b,
            means="a if b is odd, else b",
        ),
    }
)

REAL: Mapping[str, tuple[Callable[..., Sequence], Callable[[float], float]]] = MappingProxyType(
    {
        "exp": (lang.exp, math.exp),
        "log": (lang.log, math.log),
        "sqrt": (lang.sqrt, math.sqrt),
        "reciprocal": (lang.reciprocal, lambda x: 1 / x),
    }
)

FUNCTIONS = (*INTEGER_FUNCTIONS, *REAL)


def cost(
    function: str,
    *,
    bits: int | None = None,
    between: tuple[float, float] | None = None,
    error: float | None = None,
    neurons: int | None = None,
    dtype: str = "float32",
    activation: Activation = "relu",
) -> dict[str, Any]:
    """Compiles the cell of one function, weighs it and checks it.

    Args:
        function: One of `FUNCTIONS`.
        bits: Width of both operands of an integer function; 8 unless given.
        between: For a real function, the range of its argument.
        error: For a real function, the largest error allowed.
        neurons: For a real function, the linear pieces to spend instead.
        dtype: The float type to prove it for.
        activation: "relu" or "gelu".

    Returns:
        Plain JSON: layers, heads, neurons, nonzero, parameters, exactness by float type; inputs checked and wrong;
        the largest error proved and seen.

    Raises:
        UsageError: The options do not fit the function.
        NotProvedError: The cell cannot be proved in this float type.

    >>> [cost("min", bits=3)[key] for key in ("layers", "neurons", "checked", "wrong")]
    [1, 1, 64, 0]
    """
    check_options(dtype, activation)
    if function in INTEGER_FUNCTIONS:
        if between is not None or error is not None or neurons is not None:
            raise UsageError(f"`{function}` is a function of integers: it takes --bits", hint=f"{function} --bits 8")
        bits = 8 if bits is None else bits
        if not 1 <= bits <= MOST_BITS:
            raise UsageError(f"--bits is {bits}, expected 1 to {MOST_BITS}", hint="every pair is checked; use --bits 8")
        return _integer_cell(function, bits, dtype, activation)
    if function in REAL:
        if bits is not None:
            raise UsageError(
                f"`{function}` is a function of real numbers: it takes --range, with --error or --neurons",
                hint=f"{function} --range 1,64 --error 0.01",
            )
        lo, hi = DEFAULT_RANGES[function] if between is None else between
        _check_range(function, lo, hi, error, neurons)
        if error is None and neurons is None:
            error = DEFAULT_ERROR
        return _real_cell(function, (lo, hi), error, neurons, dtype, activation)
    raise UsageError(f"unknown function {function!r}", hint=f"use one of {', '.join(FUNCTIONS)}")


def _check_range(function: str, lo: float, hi: float, error: float | None, neurons: int | None) -> None:
    if not (math.isfinite(lo) and math.isfinite(hi) and lo < hi):
        raise UsageError(f"--range is {lo:g},{hi:g}, expected LO,HI with LO below HI", hint="--range 1,64")
    if lo < 0 if function == "sqrt" else lo <= 0 and function != "exp":
        raise UsageError(f"`{function}` is undefined on part of [{lo:g}, {hi:g}]", hint="--range 1,64")
    if error is not None and neurons is not None:
        raise UsageError("both --error and --neurons are given", hint="leave one out: each decides the other")
    if error is not None and not (math.isfinite(error) and error > 0):
        raise UsageError(f"--error is {error:g}, expected a positive number", hint="--error 0.01")
    if neurons is not None and neurons < 1:
        raise UsageError(f"--neurons is {neurons}, expected at least 1", hint="--neurons 16")


def integer_program(function: str, bits: int) -> Program:
    """The cell of an integer function: [a, b] to f(a, b), at the second position."""
    first = lang.aggregate(lang.select(lang.positions, 0, "=="), lang.tokens).named("a")
    output = INTEGER_FUNCTIONS[function].written(first, lang.tokens, bits).named(function)
    return lang.program(output, vocab=range(1 << bits), max_length=2, causal=True, name=function)


def real_program(
    function: str, between: tuple[float, float], error: float | None = None, neurons: int | None = None
) -> Program:
    """The cell of a real function: [x, y] to f of their mean, at the second position."""
    lo, hi = between
    grid = [lo + (hi - lo) * step / GRID for step in range(GRID)] + [hi]
    mean = lang.aggregate(lang.select(0, 0, "=="), lang.tokens).named("x")
    output = REAL[function][0](mean, error=error, neurons=neurons).numerical()
    return lang.program(output, vocab=grid, max_length=2, causal=True, name=function)


def _integer_cell(function: str, bits: int, dtype: str, activation: Activation) -> dict[str, Any]:
    meant = INTEGER_FUNCTIONS[function].meant
    model, weighed = _compiled(integer_program(function, bits), dtype, activation)
    pairs = [list(pair) for pair in itertools.product(range(1 << bits), repeat=2)]
    expected = [meant(a, b, bits) for a, b in pairs]
    wrong, worst = _compare(model, pairs, expected)
    head = {"function": function, "means": INTEGER_FUNCTIONS[function].means, "bits": bits}
    return head | weighed | {"checked": len(pairs), "wrong": wrong, "observed_error": worst}


def _real_cell(
    function: str,
    between: tuple[float, float],
    error: float | None,
    neurons: int | None,
    dtype: str,
    activation: Activation,
) -> dict[str, Any]:
    program, model, weighed = _within(function, between, error, neurons, dtype, activation)
    grid = program.vocab
    pairs = [[x, x] for x in grid] + [list(pair) for pair in itertools.pairwise(grid)]
    expected = [REAL[function][1]((x + y) / 2) for x, y in pairs]
    wrong, worst = _compare(model, pairs, expected)
    head = {"function": function, "means": f"{function}((a + b) / 2)", "range": list(between)}
    asked = {"asked_error": error, "asked_neurons": neurons}
    return head | asked | weighed | {"checked": len(pairs), "wrong": wrong, "observed_error": worst}


def _within(
    function: str,
    between: tuple[float, float],
    error: float | None,
    neurons: int | None,
    dtype: str,
    activation: Activation,
) -> tuple[Program, Model, dict[str, Any]]:
    """The cell whose proved error, rounding included, is what was asked: what rounding takes, more chords give back."""
    proved = math.inf
    for share in SHARES:
        program = real_program(function, between, None if error is None else error * share, neurons)
        model, weighed = _compiled(program, dtype, activation)
        proved = weighed["max_error"]
        if error is None or proved <= error:
            return program, model, weighed
    raise NotProvedError(
        f"cannot prove `{function}` on [{between[0]:g}, {between[1]:g}] to {error:g} in {dtype}: got {proved:.3g}",
        hint="use --dtype float64, a larger --error, or a smaller --range",
    )


def _compiled(program: Program, dtype: str, activation: Activation) -> tuple[Model, dict[str, Any]]:
    decided = plan(close(program), dtype=dtype, activation=activation)
    artifact = build(decided, program, activation=activation)
    types = (artifact.certificate or {})["types"]
    number = artifact.outputs[0].kind == "number"
    real = number and not artifact.outputs[0].integers
    weights = artifact.weights.values()
    return Model(artifact), {
        "layers": decided.plan.layers,
        "heads": len(decided.plan.heads),
        "neurons": sum(len(bank["names"]) for bank in artifact.meaning["neurons"]),
        "d_model": decided.plan.d_model,
        "parameters": sum(weight.numel() for weight in weights),
        "nonzero": sum(int(weight.count_nonzero()) for weight in weights),
        "dtype": dtype,
        "activation": activation,
        "exact": {name: bool(told["proved"]) and not real for name, told in types.items()},
        "max_error": artifact.outputs[0].error if number else 0.0,
    }


def _compare(model: Model, pairs: list[list[Any]], expected: list[Any]) -> tuple[int, float]:
    """How many answers at the second position are wrong, and the largest error of a number."""
    block = model.artifact.outputs[0]
    wrong, worst = 0, 0.0
    for answer, want in zip(model.raw(pairs), expected, strict=True):
        got = answer[block.name][1]
        if block.kind == "number":
            off = abs(got - want)
            worst = max(worst, off)
            wrong += not off <= block.error
        else:
            wrong += got is not want
    return wrong, worst
