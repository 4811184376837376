"""A small machine that knows multiplication and division only: operands and an operation in, tokens out."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from itertools import pairwise

import numpy as np

from seme.lang.trace import (
    Tracer,
    Word,
    all_of,
    choose,
    latest,
    number,
    previous,
    trace_program,
    vocabulary,
    within,
    word,
)
from seme.lang.trace.program import TraceProgram
from seme.machines.rv32.long import Here, Next, Operation, long_operation
from support.batch import BatchTracer

NAMES = tuple(field.name for field in fields(Operation))
SAYS = ("more", "zeros", "ones", "left_more", "left_end", "announces", "digit", "again")
ENDS = ("zeros", "ones")
MOST = 48
"""No operation says more tokens: one, 8 digits with remainders of up to 4, one said again, and 4 of the result."""


def _bits(value: int, count: int, name: str) -> dict[str, int]:
    return {f"{name}{i}": value >> i & 1 for i in range(count)}


def _tokens() -> dict[str, dict[str, int]]:
    out: dict[str, dict[str, int]] = {}

    def put(text: str, kind: int, said: int, rung: int = 0, **own: int) -> None:
        out[text] = {"kind": kind, "said": said, "rung": rung, **own}

    for slot in range(16):
        for value in range(16):
            own = {"operand": 1, **_bits(slot, 4, "slot"), **_bits(value, 4, "bit")}
            put(f"operand{slot}={value}", 20 + slot, value, 0, **own)
    for i, name in enumerate(NAMES):
        put(name, 40 + i, 0, 0, **{name: 1, "starts": 1})
    for kind, name in enumerate(SAYS[:5]):
        for value in range(256):
            shown = 255 - value if name.startswith("left") else value
            put(f"{name}={value}", kind, value, 0, **{name: 1}, **_bits(shown, 8, "bit"))
    for rung in (2, 4, 6, 8):
        put(f"announces@{rung}", 5, 0, rung, announces=1)
    for rung in range(8):
        for value in range(16):
            own = {**_bits(value << 4 * (rung & 1), 8, "bit"), **_bits(rung, 3, "rung")}
            put(f"digit={value}@{rung}", 6, value, rung, **{"takes" if value else "idle": 1}, **own)
        for value in range(1, 16):
            own = {**_bits(1 << 4 * (rung & 1), 8, "bit"), **_bits(rung, 3, "rung")}
            put(f"again={value}@{rung}", 7, value, rung, takes=1, **own)
    return out


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The program and the words that it is made from.

    Attributes:
        program: Operands' tokens, an operation's, and then what the operation says.
        operands: Their bits.
        given: These, and what else the operation is made from.
        next: What it makes.
    """

    program: TraceProgram
    operands: tuple[Word, ...]
    given: tuple[Word, ...]
    next: Next


@cache
def machine() -> Machine:
    """The machine; made once."""
    return make()


def make() -> Machine:
    """The machine, made again."""
    tokens = vocabulary(_tokens())
    slots, nibble = [tokens[f"slot{i}"] for i in range(4)], [tokens[f"bit{i}"] for i in range(4)]
    operands: list[Word] = []
    for slot in range(16):
        query = [word(slot >> i & 1) for i in range(4)]
        operands += latest(nibble, key=slots, query=query, where=tokens["operand"], name=f"operand{slot}")
    operation = dict(zip(NAMES, latest([tokens[n] for n in NAMES], where=tokens["starts"]), strict=True))
    here = _here(tokens)
    following = long_operation(operands[:32], operands[32:], Operation(**operation), here)
    kind = sum((kind * getattr(following, name) for kind, name in enumerate(SAYS)), start=word(0))
    program = trace_program(
        tokens,
        emit={"kind": kind, "said": following.said, "rung": following.rung},
        stops=tuple(text for text in tokens.texts if text.startswith(ENDS)),
        longest=1 << 12,
        name="long operations",
    )
    given = (*operands, *operation.values(), *here.place, *here.digits)
    return Machine(program=program, operands=tuple(operands), given=given, next=following)


def _here(tokens) -> Here:
    opened = within(tokens["more"] + tokens["left_more"], 0, 1)
    bits = [tokens[f"bit{i}"] for i in range(8)]
    values = [number(bits[:4]), number(bits[4:])]
    before = [previous([opened, *values], offset) for offset in (1, 2, 3)]
    runs = [opened, all_of(opened, before[0][0]), all_of(opened, before[0][0], before[1][0])]
    earlier = [before[0][0], all_of(before[0][0], before[1][0]), all_of(*(past[0] for past in before))]
    lengths = _exactly(earlier)
    history = [values, *(past[1:] for past in before)]
    digits = [
        choose([(lengths[n], history[n - i][half]) for n in range(i, 4)], name=f"record{i}.{half}")
        for i in range(4)
        for half in (0, 1)
    ]
    names = ("starts", "more", "left_more", "left_end", "announces", "idle", "takes", "said", "rung")
    return Here(
        **{name: tokens[name] for name in names},
        bits=bits,
        rung_bits=[tokens[f"rung{i}"] for i in range(3)],
        place=_exactly(runs),
        digits=digits,
    )


def _exactly(runs: list[Word]) -> list[Word]:
    counts = [word(1), *runs, word(0)]
    return [within(at_least - more, 0, 1) for at_least, more in pairwise(counts)]


def prompt(name: str, a: int, b: int) -> list[str]:
    """The tokens that ask for an operation."""
    both = a | b << 32
    return [*(f"operand{slot}={both >> 4 * slot & 15}" for slot in range(16)), name]


def result(texts: list[str]) -> int:
    """What the digits of the result say, as a 32-bit word."""
    digits = [text.split("=") for text in texts if text.startswith(("more", *ENDS))]
    value = sum(int(digit) << 8 * i for i, (_, digit) in enumerate(digits))
    assert len(digits) <= 4
    if digits[-1][0] == "ones":
        value |= (1 << 32) - (1 << 8 * len(digits))
    return value


def run(name: str, a: int, b: int, tracer: Tracer | None = None) -> list[str]:
    """What an operation says, by the interpreter."""
    program = machine().program
    tracer = tracer or Tracer(program)
    for text in prompt(name, a, b):
        tracer.read(program.vocabulary.row(text))
    said: list[str] = []
    while not said or said[-1] not in program.stops:
        row = tracer.next()
        tracer.read(row)
        said.append(program.vocabulary.texts[row])
        assert len(said) <= MOST
    return said


def run_all(name: str, pairs: list[tuple[int, int]], made: Machine | None = None) -> list[list[str]]:
    """What an operation says for each pair of operands."""
    program, size = (made or machine()).program, len(pairs)
    tracer, vocabulary = BatchTracer(program, size), program.vocabulary
    for texts in zip(*(prompt(name, a, b) for a, b in pairs), strict=True):
        tracer.read(np.array([vocabulary.row(text) for text in texts]))
    said: list[list[str]] = [[] for _ in pairs]
    running = np.ones(size, dtype=bool)
    rows = np.zeros(size, dtype=int)
    for _ in range(MOST):
        rows = np.where(running, tracer.next(), rows)
        for i in np.flatnonzero(running):
            said[i].append(vocabulary.texts[rows[i]])
            running[i] = said[i][-1] not in program.stops
        if not running.any():
            return said
        tracer.read(rows)
    raise AssertionError(f"{name} goes on beyond {MOST} tokens")


CORNERS = [
    *(0, 1, 2, 3, 10, 15, 16, 255, 256, 257, 4095, 4096, 4097, 65535, 65536, 0xFFFFFF, 0x1000000),
    *(0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFF0000, 0xFFFFF000, 0xFFFFFF00, 0xFFFFFFF0, 0xFFFFFFFE, 0xFFFFFFFF),
]


def words(rng: np.random.Generator, count: int) -> list[tuple[int, int]]:
    """Pairs of operands of all lengths and both signs."""
    drawn = rng.integers(0, 1 << 32, (count, 2)) >> rng.integers(0, 32, (count, 2))
    drawn = np.where(rng.integers(0, 4, (count, 2)) == 0, -drawn & 0xFFFFFFFF, drawn)
    return [(int(a), int(b)) for a, b in drawn]
