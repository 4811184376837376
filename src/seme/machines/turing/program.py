"""A Turing machine as a trace program: one token for every step, which names the table's entry and the head's move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from seme.core.errors import InputError
from seme.lang.trace import TraceProgram, Word, bank, total, trace_program, vocabulary, word
from seme.machines.turing.head import Fields, centred, head, middle, moved, next_code, padded, placed, under_head
from seme.machines.turing.odometer import Odometer
from seme.machines.turing.said import Said, Saying
from seme.machines.turing.table import Table

START = "start"
LONGEST = 1 << 26
"""Tokens a trace may have: the champion of five states takes 47,176,870 steps."""

MOST_CASES = 2
"""Symbols up to which both codes are gated by every symbol, in one block; beyond, a block finds the direction first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A trace program of a Turing machine, and how its tokens are written and read.

    Attributes:
        program: The program.
        odometer: The digits of the head's place.
        symbols: How many symbols there are.
        told: What the tokens say.
        rules: Tokens of the table, where the prompt holds it.
    """

    program: TraceProgram
    odometer: Odometer
    symbols: int
    told: Said = field(repr=False)
    rules: tuple[str, ...] = ()

    def prompt(self, tape: Mapping[int, int] | None = None) -> list[str]:
        """The tokens before the first step: the table where it is not in the weights, the tape, and the start.

        Args:
            tape: Place, counted from where the head begins, to symbol; blank elsewhere.

        Raises:
            InputError: A symbol is none of the machine's, or a place lies beyond the tape.
        """
        return [*self.rules, *prompt(self.odometer, self.symbols, tape or {})]


def prompt(odometer: Odometer, symbols: int, tape: Mapping[int, int]) -> list[str]:
    """The tokens that write a tape and start the head at place 0.

    The head walks over the cells to the right and writes them, is put back, and walks to the left if it has to.

    Raises:
        InputError: A symbol is none of the machine's, or a place lies beyond the tape.
    """
    for at, symbol in tape.items():
        if not 0 <= symbol < symbols:
            raise InputError(
                f"the tape has symbol {symbol} at place {at}, expected one from 0 to {symbols - 1}",
                hint="the machine has as many symbols as its states have entries",
            )
    out: list[str] = []
    first, last = min(tape, default=0), max(tape, default=0)
    if first < -odometer.home or last >= odometer.cells - odometer.home - 1:
        raise InputError(
            f"the tape holds places from {first} to {last}, expected them within {odometer.home} of the head",
            hint=f"the machine's tape has {odometer.cells} cells",
        )
    if tape and last >= 0:
        for at in range(last + 1):
            out.append(writing(tape.get(at, 0), True, odometer.code(odometer.home + at + 1, True)))
    if first < 0:
        out += [START] if out else []
        for at in range(0, first - 1, -1):
            out.append(writing(tape.get(at, 0), False, odometer.code(odometer.home + at - 1, False)))
    return [*out, START]


def writing(symbol: int, right: bool, code: int, to: str = "A") -> str:
    """The token that writes a symbol and goes on; the state means nothing in those of the initial tape."""
    return f"{symbol}{'R' if right else 'L'}{to}:{code}"


def turing(table: Table, odometer: Odometer | None = None, longest: int = LONGEST) -> Machine:
    """The trace program of one machine: its table is in the weights.

    A token of the trace is `entry:code`, the entry that was used, such as A0, and which digits of the head's place it
    changed. Tokens that write the initial tape are `1RA:code` and the like.

    Args:
        table: The machine.
        odometer: The digits of the head's place.
        longest: The most tokens of a trace.
    """
    odometer = odometer or Odometer()
    listed, said = _tokens(table, odometer)
    tokens = vocabulary(centred(padded(listed, odometer), "entry", "code"))
    at = head(tokens, odometer)
    kept = under_head(tokens, at, [f"wrote{symbol}" for symbol in range(1, table.symbols)])
    under: list[Word] = [1 - total([(1, bit) for bit in kept]), *kept]
    cases: list[tuple[list[Word], Word]] = [([bit], tokens[f"right{s}"]) for s, bit in enumerate(under)]
    if table.symbols > MOST_CASES:
        cases = [([], bank([(1, bit + right - 1) for [bit], right in cases], lo=0, hi=1, name="goes right"))]
    entry = table.symbols * tokens["state"] + total([(symbol, word(bit)) for symbol, bit in enumerate(under)])
    program = trace_program(
        tokens,
        emit={
            "entry": entry - middle(listed, "entry"),
            "code": next_code(at, odometer, cases) - middle(listed, "code"),
        },
        stops=[text for text, end in zip(listed, said.end, strict=True) if end],
        longest=longest,
        name=f"turing {table} {odometer}",
    )
    return Machine(program=program, odometer=odometer, symbols=table.symbols, told=said)


def _tokens(table: Table, odometer: Odometer) -> tuple[dict[str, Fields], Said]:
    """The fields of every token, and what it says."""
    out: dict[str, Fields] = {}
    says = Saying(odometer)
    for state, row in enumerate(table.entries):
        for symbol, entry in enumerate(row):
            goes = {} if entry.to is None else _state(table, entry.to)
            for code in odometer.codes:
                own = {"entry": state * table.symbols + symbol, "code": code}
                acts = {f"wrote{entry.write}": 1} | moved(odometer, code, entry.right)
                out[f"{table.cell(state, symbol)}:{code}"] = own | goes | acts
                end = "halted" if entry.to is None else "edge" if code == odometer.edge else ""
                if entry.moves:
                    says.move(code, entry.right, entry.write, end)
                else:
                    says.stay(end)
    following = table.states * table.symbols
    for symbol in range(table.symbols):
        for right in (True, False):
            for code in odometer.codes[:-1]:
                own = {"entry": following, "code": code, f"wrote{symbol}": 1}
                out[writing(symbol, right, code)] = own | moved(odometer, code, right)
                says.move(code, right, symbol)
            following += 1
    out[START] = {"entry": following, "code": 0} | _state(table, 0) | placed(odometer, odometer.home)
    says.put()
    return out, says.said()


def _state(table: Table, state: int) -> Fields:
    return {"state": state} | {f"right{s}": int(entry.right) for s, entry in enumerate(table.entries[state])}
