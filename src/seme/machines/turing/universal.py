"""One trace program for every Turing machine of a size: the table stands in the prompt. A universal machine itself."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from seme.core.errors import InputError
from seme.lang.trace import TraceProgram, latest, trace_program, vocabulary
from seme.machines.turing.head import (
    Fields,
    centred,
    head,
    middle,
    moved,
    next_code,
    padded,
    placed,
    several,
    under_head,
)
from seme.machines.turing.odometer import Odometer
from seme.machines.turing.program import LONGEST, START, Machine, writing
from seme.machines.turing.said import Said, Saying
from seme.machines.turing.table import LETTERS, Entry, Table

HALT = "Z"
OPEN = "-"
"""Where the prompt says nothing of a state and a symbol, the trace ends in a token with this for its next state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Universal:
    """The program, and how it is told what machine to be.

    Attributes:
        program: The program.
        states: The most states of a machine, without the halting one.
        symbols: The most symbols.
        odometer: The digits of the head's place.
        told: What the tokens say.
    """

    program: TraceProgram
    states: int
    symbols: int
    odometer: Odometer
    told: Said

    def machine(self, given: Table) -> Machine:
        """The program as one machine: its prompts begin with a token for every entry of the table.

        Raises:
            InputError: The table has more states or symbols than the program knows.
        """
        if given.states > self.states or given.symbols > self.symbols:
            raise InputError(
                f"the table has {given.states} states and {given.symbols} symbols, expected at most {self.states} and "
                f"{self.symbols}",
                hint="make a model for this table: seme machine turing TABLE -o DIR",
            )
        rules = tuple(
            _rule_text(state, symbol, entry.write, entry.right, self._next(entry))
            for state, row in enumerate(given.entries)
            for symbol, entry in enumerate(row)
            if entry.moves
        )
        return Machine(program=self.program, odometer=self.odometer, symbols=given.symbols, told=self.told, rules=rules)

    def _next(self, entry: Entry) -> str:
        return HALT if entry.to is None else LETTERS[entry.to]


def universal(states: int = 6, symbols: int = 4, odometer: Odometer | None = None, longest: int = LONGEST) -> Universal:
    """The trace program that reads a table of up to so many states and symbols, then a tape, and runs it.

    A token of the table is `A0=1RB`. A token of the trace is `1RB:code`: what was written, where the head went, the
    next state, and which digits of the head's place changed. The initial tape is written by tokens of the trace.

    Args:
        states: The most states.
        symbols: The most symbols.
        odometer: The digits of the head's place.
        longest: The most tokens of a trace.
    """
    odometer = odometer or Odometer()
    listed, said = _tokens(states, symbols, odometer)
    tokens = vocabulary(centred(padded(listed, odometer), "code"))
    at = head(tokens, odometer)
    letters, signs = _names("state", states), _names("wrote.", symbols)
    found = latest(
        [tokens["rule.write"], tokens["rule.right"], tokens["rule.to"]],
        key=[tokens[f"rule.{name}"] for name in (*letters, *signs)],
        query=[*(tokens[name] for name in letters), *under_head(tokens, at, signs)],
        where=tokens["rule"],
        default=[0, 0, states + 1],
        name="rule",
    )
    write, right, to = several(found)
    program = trace_program(
        tokens,
        emit={
            "write": write,
            "right": right,
            "to": to,
            "code": next_code(at, odometer, [([], right)]) - middle(listed, "code"),
        },
        stops=[text for text, end in zip(listed, said.end, strict=True) if end],
        longest=longest,
        name=f"turing {states}x{symbols} {odometer}",
    )
    return Universal(program=program, states=states, symbols=symbols, odometer=odometer, told=said)


def _names(what: str, values: int) -> list[str]:
    """A field for every bit of a number below `values`."""
    return [f"{what}{b}" for b in range(max(1, (values - 1).bit_length()))]


def _spelled(what: str, value: int, values: int) -> Fields:
    return {name: value >> b & 1 for b, name in enumerate(_names(what, values))}


def _rule_text(state: int, symbol: int, write: int, right: bool, to: str) -> str:
    return f"{LETTERS[state]}{symbol}={write}{'R' if right else 'L'}{to}"


def _tokens(states: int, symbols: int, odometer: Odometer) -> tuple[dict[str, Fields], Said]:
    """The fields of every token, and what it says. The emitted fields of a rule are such as no step has."""
    out: dict[str, Fields] = {}
    says = Saying(odometer)
    nexts = [*LETTERS[:states], HALT]
    for state, symbol, write, right, to in product(
        range(states), range(symbols), range(symbols), (0, 1), range(states + 1)
    ):
        same = {"write": write, "right": right, "to": to}
        out[_rule_text(state, symbol, write, bool(right), nexts[to])] = (
            same
            | {"code": odometer.edge + 1 + state * symbols + symbol, "rule": 1}
            | {f"rule.{name}": value for name, value in same.items()}
            | {f"rule.{name}": value for name, value in _spelled("state", state, states).items()}
            | {f"rule.{name}": value for name, value in _spelled("wrote.", symbol, symbols).items()}
        )
        says.stay()
    for write, right, to, code in product(range(symbols), (1, 0), range(states + 1), odometer.codes):
        text = writing(write, bool(right), code, nexts[to])
        own = {"write": write, "right": right, "to": to, "code": code}
        goes = {} if to == states else _spelled("state", to, states)
        out[text] = own | goes | _spelled("wrote.", write, symbols) | moved(odometer, code, bool(right))
        says.move(code, bool(right), write, "halted" if to == states else "edge" if code == odometer.edge else "")
    for code in odometer.codes:
        out[f"{OPEN}:{code}"] = {"write": 0, "right": 0, "to": states + 1, "code": code}
        says.stay("halted")
    first = {"write": 0, "right": 0, "to": states + 1, "code": 0}
    out[START] = first | _spelled("state", 0, states) | placed(odometer, odometer.home)
    says.put()
    return out, says.said()
