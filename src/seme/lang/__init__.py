"""The language: how programs are written, and the interpreter that says what they mean.

Takes Python expressions over sequences, gives a `Program` and, through `interpret`, its one true answer.
Imports `core` only: no torch, no weights.
"""

from seme.lang.expressions import Expression, Selector, Sequence
from seme.lang.functions import (
    aggregate,
    bit_and,
    bit_or,
    bit_xor,
    constant,
    count,
    exp,
    length,
    log,
    map,
    maximum,
    minimum,
    positions,
    reciprocal,
    select,
    shift_left,
    shift_right,
    sqrt,
    tokens,
    where,
)
from seme.lang.interpreter import interpret
from seme.lang.program import Program, program

__all__ = [
    "Expression",
    "Program",
    "Selector",
    "Sequence",
    "aggregate",
    "bit_and",
    "bit_or",
    "bit_xor",
    "constant",
    "count",
    "exp",
    "interpret",
    "length",
    "log",
    "map",
    "maximum",
    "minimum",
    "positions",
    "program",
    "reciprocal",
    "select",
    "shift_left",
    "shift_right",
    "sqrt",
    "tokens",
    "where",
]
