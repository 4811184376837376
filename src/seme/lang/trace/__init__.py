"""Trace programs: the autoregressive half of the language.

Takes Python; gives a program that says how the next token follows from the tokens so far, and the interpreter that is
its meaning. A word is a whole number at every position: a field of the token there, arithmetic, a table, or what a
look into the history finds. Whatever recurs goes through tokens. May import `core`.
"""

from seme.lang.trace.functions import bits, choose, clean, gated, stairs, table, tables
from seme.lang.trace.history import count, first, latest, previous, running_sum
from seme.lang.trace.interpreter import Tracer, interpret
from seme.lang.trace.program import TraceProgram, Vocabulary, trace_program, vocabulary
from seme.lang.trace.words import Word, all_of, any_of, bank, later, named, number, relu, step, total, within, word

__all__ = [
    "TraceProgram",
    "Tracer",
    "Vocabulary",
    "Word",
    "all_of",
    "any_of",
    "bank",
    "bits",
    "choose",
    "clean",
    "count",
    "first",
    "gated",
    "interpret",
    "later",
    "latest",
    "named",
    "number",
    "previous",
    "relu",
    "running_sum",
    "stairs",
    "step",
    "table",
    "tables",
    "total",
    "trace_program",
    "vocabulary",
    "within",
    "word",
]
