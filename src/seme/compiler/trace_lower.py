"""Trace program -> Graph: every word becomes a form over a few stored semes.

Sums are free. A bank of neurons, a step and each column of a table is one seme. A look into the history is one head:
its score is the agreement of key and query bits, and among keys that agree a term that rises with the position.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from seme.compiler.builder import Builder
from seme.core.errors import ProgramError, TooLargeError
from seme.ir import Attend, Embed, Form, Graph, Neurons, Space, Unembed, constant_form, stack_forms
from seme.lang.trace.program import TraceProgram
from seme.lang.trace.words import (
    Bank,
    Before,
    Field,
    Found,
    Later,
    Part,
    RunningSum,
    Several,
    Stairs,
    Step,
    Sum,
    Tables,
    Within,
    Word,
    changes,
)

RISE = 1.5
"""How far the score rises over the longest trace. A bit that disagrees costs 2, so that a key that does not agree stays
half below the oldest one that does, and the begin token, a quarter below that one, is found where none agrees."""

WHOLE_RISE = 1.0
"""The same where all is whole numbers: of a power of two a unit is as much as from one position to the next."""

MISSED = 2.0
"""What a key loses where it must not be found: as much as one bit that disagrees."""

MOST_SUMMED = 1 << 20
"""A running sum needs a row of its own for every position; a table longer than this is refused."""


def lower_trace(program: TraceProgram, *, clean: frozenset[str] = frozenset(), exact: bool = False) -> Graph:
    """Lowers a trace program.

    Args:
        program: The program.
        clean: Names of looks into the history whose keys and queries are freed of noise before they are compared:
            longer traces are proved, at up to a block more for each.
        exact: Whether weights are to be kept small rather than noise kept out; see `exact.py`.

    Raises:
        ProgramError: A word depends on itself.
        TooLargeError: A running sum is asked for beyond the longest table.
    """
    lowering = _Lowering(program, clean, exact)
    for node in program.words():
        lowering.add(node)
    lowering.emit()
    return lowering.builder.graph()


TURN = 8
"""Offsets below this, and multiples of it below its square, are found by one-hot codes of the index modulo TURN and of
the index by TURN: shifting either is linear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Positions:
    """What heads use of the position.

    Attributes:
        rising: A term that rises from 0 to RISE.
        turns: Period -> one-hot code of `index // unit % period`, by (unit, period).
    """

    rising: Form
    turns: dict[tuple[int, int], Form]


def _codes(offset: int) -> list[tuple[int, int]]:
    """The (unit, period) codes that tell the position `offset` back from all between."""
    if offset < TURN:
        return [(1, TURN)]
    if offset % TURN == 0 and offset < TURN * TURN:
        return [(1, TURN), (TURN, TURN)]
    return [(1, 1 << offset.bit_length())]


class _Lowering:
    def __init__(self, program: TraceProgram, clean: frozenset[str], exact: bool):
        self.program, self._exact = program, exact
        self._highest = WHOLE_RISE if exact else RISE
        self._clean = clean
        words = program.words()
        sums = [node.longest for node in words if isinstance(node, RunningSum)]
        longest = min([program.longest, *sums])
        self.builder = Builder(vocab_size=len(program.vocabulary.texts), max_length=longest, causal=True)
        self._forms: dict[int, Form] = {}
        self._several: dict[int, Form] = {}
        self._cleaned: dict[int, Form] = {}
        codes = sorted({code for node in words if isinstance(node, Before) for code in _codes(node.offset)})
        looks = any(isinstance(node, (Found, Before)) for node in words)
        self._positions = self._embed_positions(codes) if looks else None

    def _embed_positions(self, codes: list[tuple[int, int]]) -> _Positions:
        """One embedding: the index over a power of two, and one-hot codes of it."""
        period = max((unit * turns for unit, turns in codes), default=1)
        scale = self._gap()
        index = np.arange(period)
        parts = [np.zeros((period, 1)), *(np.eye(turns)[index // unit % turns] for unit, turns in codes)]
        table = np.concatenate(parts, axis=1)
        slope = np.zeros(table.shape[1])
        slope[0] = scale
        semes = [f"index/{unit}%{turns}={i}" for unit, turns in codes for i in range(turns)]
        node = Embed(
            space=Space(name="position", semes=("index", *semes)),
            lo=np.zeros(len(slope)),
            hi=np.array([scale * (self.builder.max_length - 1), *np.ones(len(semes))]),
            note="the index, and the turns it falls on",
            source="position",
            table=table,
            slope=slope,
        )
        whole = self.builder.add(node)
        columns = np.eye(len(slope))
        turns, at = {}, 1
        for code in codes:
            turns[code] = whole @ columns[:, at : at + code[1]]
            at += code[1]
        return _Positions(rising=whole @ columns[:, :1], turns=turns)

    def form(self, word: Word) -> Form:
        """The form that reads a word that was added."""
        return self._forms[id(word)]

    def add(self, node: Word | Several) -> None:
        """Adds a word whose parts were added."""
        self.builder.note = f"{node.name} ({node.source})" if node.source else node.name
        match node:
            case Field():
                self._forms[id(node)] = self._field(node)
            case Sum():
                self._forms[id(node)] = self._sum(node)
            case Within():
                self._forms[id(node)] = self.form(node.of)
            case Later():
                self._forms[id(node)] = self.form(node.parts()[0])
            case Bank():
                self._forms[id(node)] = self._bank(node)
            case Step():
                self._forms[id(node)] = self._step(node)
            case Stairs():
                self._forms[id(node)] = self._stairs(node)
            case RunningSum():
                self._forms[id(node)] = self._running_sum(node)
            case Part():
                whole = self._several[id(node.of)]
                self._forms[id(node)] = whole @ np.eye(whole.width)[:, node.index : node.index + 1]
            case Tables():
                self._several[id(node)] = self._tables(node)
            case Found():
                self._several[id(node)] = self._found(node)
            case Before():
                self._several[id(node)] = self._before(node)
            case _:
                raise TypeError(type(node).__name__)

    def _field(self, node: Field) -> Form:
        return self.builder.add(
            Embed(
                space=Space(name=node.name, semes=("value",)),
                lo=np.array([float(node.lo)]),
                hi=np.array([float(node.hi)]),
                note=f"field {node.name} of the token",
                source="token",
                table=np.array(node.values, dtype=float)[:, None],
            )
        )

    def _sum(self, node: Sum) -> Form:
        """All terms at once: a sum of many pairs would copy every matrix as often."""
        matrices: dict[str, np.ndarray] = {}
        bias = np.array([float(node.constant)])
        for weight, term in node.terms:
            form = self.form(term)
            bias = bias + weight * form.bias
            for name, matrix in form.terms:
                matrices[name] = matrices[name] + weight * matrix if name in matrices else weight * matrix
        return Form(terms=tuple((n, m) for n, m in matrices.items() if m.any()), bias=bias)

    def _neurons(
        self, name: str, semes: tuple[str, ...], read: Form, slopes: np.ndarray, offsets: np.ndarray, write: np.ndarray,
        lo: np.ndarray, hi: np.ndarray, *, points: np.ndarray | None, quantum: float,
    ) -> Form:  # fmt: skip
        return self.builder.add(
            Neurons(
                space=Space(name=name, semes=semes),
                lo=lo,
                hi=hi,
                read=read,
                slopes=slopes,
                offsets=offsets,
                write=write,
                hidden=tuple(f"x{i + 1}" for i in range(len(offsets))),
                points=points,
                quantum=quantum,
            )
        )

    def _bank(self, node: Bank) -> Form:
        terms = [term for _, term in node.terms]
        read = stack_forms([self.form(term) for term in terms])
        points = _around(terms[0].lo, terms[0].hi, 0) if len(terms) == 1 else None
        return self._neurons(
            node.name or "bank",
            ("value",),
            read,
            np.eye(len(terms)),
            np.zeros(len(terms)),
            np.array([[float(weight)] for weight, _ in node.terms]),
            np.array([float(node.lo)]),
            np.array([float(node.hi)]),
            points=points,
            quantum=1.0,
        )

    def _rise(self, at: np.ndarray) -> tuple[float, np.ndarray]:
        """Slope and offsets of two neurons for each place where a bank rises by 1.

        From 3/4 to 1/4 before it, flat a quarter around every whole number; or, where nothing is off, in a whole
        unit, by half the weight.
        """
        slope, start = (1.0, 1.0) if self._exact else (2.0, 1.5)
        return slope, np.stack([start - slope * at, start - 1 - slope * at], axis=1).ravel()

    def _step(self, node: Step) -> Form:
        slope, offsets = self._rise(np.array([float(node.least)]))
        return self._neurons(
            node.name or "step",
            ("on",),
            self.form(node.of),
            np.full((1, 2), slope),
            offsets,
            np.array([[1.0], [-1.0]]),
            np.zeros(1),
            np.ones(1),
            points=_around(node.of.lo, node.of.hi, node.least),
            quantum=0.5,
        )

    def _stairs(self, node: Stairs) -> Form:
        # Each rises like a step; between two of them the bank is flat, so their sides stand for all other points.
        at = np.arange(1, node.hi + 1, dtype=float) * node.rise
        sides = np.concatenate([at - 1, at, [node.of.lo, node.of.hi]])
        slope, offsets = self._rise(at)
        return self._neurons(
            node.name or "stairs",
            ("value",),
            self.form(node.of),
            np.full((1, 2 * len(at)), slope),
            offsets,
            np.tile([[1.0], [-1.0]], (len(at), 1)),
            np.zeros(1),
            np.array([float(node.hi)]),
            points=np.unique(sides),
            quantum=0.5,
        )

    def _tables(self, node: Tables) -> Form:
        rows = np.array(node.rows, dtype=float)
        jumps = changes(node.rows)
        size = rows.shape[1]
        if not jumps:
            return constant_form(rows[0])
        at = node.of.lo + np.array(jumps, dtype=float)
        rises = rows[jumps] - rows[[j - 1 for j in jumps]]
        slope, offsets = self._rise(at)
        form = self._neurons(
            node.name or "table",
            tuple(f"x{i + 1}" for i in range(size)),
            self.form(node.of),
            np.full((1, len(offsets)), slope),
            offsets,
            np.stack([rises, -rises], axis=1).reshape(-1, size),
            (rows - rows[0]).min(axis=0),
            (rows - rows[0]).max(axis=0),
            points=np.arange(node.of.lo, node.of.hi + 1, dtype=float),
            quantum=0.5,
        )
        return form.shifted(rows[0])

    # Looks into the history.

    def _found(self, node: Found) -> Form:
        assert self._positions is not None
        signs = np.array([[-1.0], [1.0]])
        bits = len(node.key)
        read = self._cleaned_form if node.name in self._clean else self.form
        rising = self._positions.rising @ np.array([[-1.0 if node.first else 1.0]])
        fixed = read(node.where) @ np.array([[MISSED]])
        missed = fixed.shifted(-MISSED)
        # Apart, each is a sum of numbers of one size.
        last = [rising, missed] if self._exact else [rising + missed]
        query = [read(bit) @ np.array([[2.0]]) for bit in node.query]
        key = [read(bit) @ np.array([[2.0]]) for bit in node.key]
        reach = self._highest if not node.first else -self._highest
        rises, misses = np.array([[0.0], [reach]]), np.array([[0.0], [-MISSED]])
        ends = [rises, misses] if self._exact else [np.concatenate([rises, rises - MISSED])]
        what = "first" if node.first else "latest"
        return self._attend(
            node,
            node.values,
            node.default,
            query=stack_forms([*(form.shifted(-1.0) for form in query), constant_form(np.ones(len(last)))]),
            key=stack_forms([*(form.shifted(-1.0) for form in key), *last]),
            # A key that agrees has at least `bits` (less RISE where the first counts), any other half less than that.
            begin_score=bits - 0.25 - (self._highest if node.first else 0.0),
            factors=(*((signs, signs) for _ in range(bits)), *((np.ones((1, 1)), end) for end in ends)),
            predicate=f"{what} key == query" if bits else f"{what} where",
        )

    def _cleaned_form(self, bit: Word) -> Form:
        if _is_quiet(bit) or bit.lo == bit.hi:
            return self.form(bit)
        step = self._cleaned.get(id(bit))
        if step is None:
            step = self._cleaned[id(bit)] = self._step(Step(lo=0, hi=1, of=bit, least=1, name=f"{bit.name}.clean"))
        return step

    def _before(self, node: Before) -> Form:
        assert self._positions is not None
        codes = _codes(node.offset)
        query, key, factors = [], [], []
        for unit, period in codes:
            turns = self._positions.turns[unit, period]
            # the turn `offset` positions before this one; a code that the offset is no multiple of goes whole turns
            query.append(turns @ np.roll(np.eye(period), -(node.offset // unit), axis=1))
            key.append(turns @ (2.0 * np.eye(period)))
            factors.append((np.eye(period), 2.0 * np.eye(period)))
        return self._attend(
            node,
            node.values,
            node.default,
            query=stack_forms([*query, constant_form([1.0])]),
            key=stack_forms([*key, self._positions.rising]),
            begin_score=2.0 * len(codes) - 0.25,
            factors=(*factors, (np.ones((1, 1)), np.array([[0.0], [self._highest]]))),
            predicate=f"{node.offset} before",
        )

    def _attend(
        self, node: Found | Before, values: tuple[Word, ...], default: tuple[int, ...], *, query: Form, key: Form,
        begin_score: float, factors: tuple[tuple[np.ndarray, np.ndarray], ...], predicate: str,
    ) -> Form:  # fmt: skip
        labels = [value.name or f"x{i + 1}" for i, value in enumerate(values)]
        if len(set(labels)) < len(labels):
            labels = [f"{label}.{i}" for i, label in enumerate(labels)]
        return self.builder.add(
            Attend(
                space=Space(name=node.name, semes=tuple(labels)),
                lo=np.array(node.los, dtype=float),
                hi=np.array(node.his, dtype=float),
                query=query,
                key=key,
                value=stack_forms([self.form(value) for value in values]),
                begin_score=begin_score,
                begin_value=np.array(default, dtype=float),
                gap=self._gap(),
                pattern="recent",
                predicate=predicate,
                factors=factors,
                single=True,
            )
        )

    def _gap(self) -> float:
        """What a score rises by from one position to the next: a power of two, times how far it rises in all."""
        return self._highest * 2.0 ** -math.ceil(math.log2(max(self.builder.max_length, 2)))

    def _running_sum(self, node: RunningSum) -> Form:
        """The mean over all keys and the begin token, which counts for all positions that are still to come.

        A head gives sum / n and a network cannot multiply by n; but where the begin token weighs C - n, with value
        0, the head gives sum / C.
        """
        length = self.builder.max_length
        if length > MOST_SUMMED:
            raise TooLargeError(
                f"`{node.name or 'a running sum'}` is asked for {length:,} tokens, expected at most {MOST_SUMMED:,}",
                hint="count(..., longest=N) with a smaller N, or carry digits in tokens",
            )
        whole = float(length + 1)
        left = whole - np.arange(1, length + 1)
        logs = np.log(left)[:, None]
        weight = self.builder.add(
            Embed(
                space=Space(name="left", semes=("log",)),
                lo=logs.min(axis=0),
                hi=logs.max(axis=0),
                note="log of the number of positions to come",
                source="position",
                table=logs,
            )
        )
        share = self.builder.add(
            Attend(
                space=Space(name=node.name or "sum", semes=("share",)),
                lo=np.array([node.lo / whole]),
                hi=np.array([node.hi / whole]),
                query=constant_form([0.0]),
                key=constant_form([0.0]),
                value=self.form(node.of),
                begin_score=0.0,
                begin_value=np.zeros(1),
                weight=weight,
                weight_floor=0.0,
                gap=1.0,
                pattern="match",
                predicate="everything so far",
                factors=((np.zeros((1, 1)), np.zeros((1, 1))),),
            )
        )
        return share @ np.array([[whole]])

    # The next token.

    def emit(self) -> None:
        """A logit per token: `sum of 2 x v - v^2` over its fields, largest where every field x has its value v.

        A token that lacks a field has nothing of it; a field that comes earlier in `emit` weighs more than all later
        ones together, so that the fields a token has decide.
        """
        program = self.program
        rows = {name: program.vocabulary.fields[name] for name in program.emit}
        lacking = any(value is None for values in rows.values() for value in values)
        weight, weights = 1.0, {}
        for name, values in reversed(rows.items()):
            weights[name] = weight
            if lacking:
                weight *= 2.0 ** math.ceil(math.log2(2 + 2 * max((v or 0) ** 2 for v in values)))
        if weight > 2.0**40:
            raise ProgramError(
                f"the emitted fields {', '.join(rows)} weigh up to 2^{math.log2(weight):.0f}, expected at most 2^40",
                hint="give every token every field, or put wide fields first",
            )
        total = constant_form(np.zeros(len(program.vocabulary.texts)))
        for name, word in program.emit.items():
            own = np.array([value or 0 for value in rows[name]], dtype=float) * 1.0
            total = total + (self.form(word) @ (2.0 * weights[name] * own)[None, :]).shifted(-weights[name] * own**2)
        reach = sum(abs(m).T @ self._reach(n) for n, m in total.terms) + np.abs(total.bias)
        self.builder.note = "the token that comes next"
        self.builder.add_output(
            Unembed(
                space=Space(name="output:next", semes=program.vocabulary.texts),
                lo=-reach,
                hi=reach,
                kind="next",
                form=total,
                labels=program.vocabulary.texts,
                margin=1.0,
            )
        )

    def _reach(self, name: str) -> np.ndarray:
        node = next(n for n in self.builder.nodes if n.name == name)
        return np.maximum(np.abs(node.lo), np.abs(node.hi))


def _is_quiet(bit: Word) -> bool:
    """Whether a bit carries no more noise than its own rounding: it comes from a token or from a small step."""
    match bit:
        case Field():
            return True
        case Part(of=Found() | Before() as found):
            return _is_quiet(found.values[bit.index])
        case Sum():
            return len(bit.terms) == 1 and abs(bit.terms[0][0]) == 1 and _is_quiet(bit.terms[0][1])
        case Within() | Later():
            return _is_quiet(bit.parts()[0])
        case Step():
            return bit.of.lo >= -1 and bit.of.hi <= 2
        case _:
            return False


def _around(lo: int, hi: int, bend: int) -> np.ndarray:
    """Where a bank with bends just below `bend` can be most wrong: at the ends and beside the bend."""
    points = {lo, hi, *(v for v in (bend - 1, bend, bend + 1) if lo <= v <= hi)}
    return np.array(sorted(points), dtype=float)
