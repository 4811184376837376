"""Turing machine tables in the text form of the busy-beaver community, such as `1RB1LB_1LA1RZ`.

States stand between `_`, in the order A, B, C ...; a state has one entry for every symbol, in the order 0, 1, 2 ... An
entry is the symbol to write, the direction, the next state; `---` is an entry that is left open. Z halts, and so does H
in a table with fewer than eight states.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import ascii_uppercase

from seme.core.errors import TuringTableError

LETTERS = ascii_uppercase[:-1]
"""Names of states; Z always halts."""
OPEN = "---"
HALTING = "ZH"
_ENTRY = re.compile(r"---|(\d+)([LR])([A-Z])")
_FORM = "an entry is a symbol, L or R, and a state, as in 1RB; --- leaves it open; Z and H halt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a machine does in a state at a symbol.

    Attributes:
        write: The symbol it writes.
        right: Whether the head moves right, else left.
        to: The next state, counted from 0; None where the machine halts.
        moves: Whether it moves at all: an open entry halts on the spot and writes nothing.
    """

    write: int
    right: bool
    to: int | None
    moves: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A Turing machine with one tape. Symbol 0 is the blank, state A (0) the first.

    Attributes:
        entries: For every state, an entry for every symbol.
    """

    entries: tuple[tuple[Entry, ...], ...]

    @property
    def states(self) -> int:
        """How many states it has, without the halting one."""
        return len(self.entries)

    @property
    def symbols(self) -> int:
        """How many symbols it has, the blank included."""
        return len(self.entries[0])

    def __str__(self) -> str:
        return "_".join("".join(_text(entry) for entry in row) for row in self.entries)

    def cell(self, state: int, symbol: int) -> str:
        """What to call an entry: the state's letter and the symbol."""
        return f"{LETTERS[state]}{symbol}"


def parse(text: str) -> Table:
    """A table from its text form.

    Args:
        text: Such as `1RB1LB_1LA1RZ`.

    Raises:
        TuringTableError: It is not of that form; the message names the entry by its state and symbol.

    >>> table = parse("1RB1LB_1LA1RZ")
    >>> table.states, table.symbols, str(table)
    (2, 2, '1RB1LB_1LA1RZ')
    """
    rows = text.strip().split("_")
    if len(rows) > len(LETTERS):
        raise TuringTableError(f"the table has {len(rows)} states, expected at most {len(LETTERS)}")
    read = [_row(row, state) for state, row in enumerate(rows)]
    symbols = max(len(row) for row in read)
    for state, row in enumerate(read):
        if len(row) < symbols:
            longest = next(i for i, other in enumerate(read) if len(other) == symbols)
            raise TuringTableError(
                f"the table has no entry for state {LETTERS[state]} at symbol {len(row)}: state {LETTERS[longest]} has "
                f"{symbols} entries, state {LETTERS[state]} has {len(row)}",
                hint="every state has an entry for every symbol; write --- for one that is left open",
            )
    if symbols < 2:
        raise TuringTableError("the table has one symbol, expected at least 2 entries for a state", hint=_FORM)
    return Table(
        entries=tuple(
            tuple(_entry(given, state, symbol, len(read), symbols) for symbol, given in enumerate(row))
            for state, row in enumerate(read)
        )
    )


def _row(row: str, state: int) -> list[str]:
    out: list[str] = []
    at = 0
    while at < len(row):
        found = _ENTRY.match(row, at)
        if found is None:
            raise TuringTableError(
                f"the table's entry for state {LETTERS[state]} at symbol {len(out)} starts with {row[at : at + 3]!r}, "
                "expected a symbol, L or R, and a state",
                hint=_FORM,
            )
        out.append(found[0])
        at = found.end()
    if not out:
        raise TuringTableError(f"the table has no entry for state {LETTERS[state]} at symbol 0", hint=_FORM)
    return out


def _entry(given: str, state: int, symbol: int, states: int, symbols: int) -> Entry:
    if given == OPEN:
        return Entry(write=symbol, right=True, to=None, moves=False)
    found = _ENTRY.fullmatch(given)
    assert found is not None, given
    write, to = int(found[1]), ascii_uppercase.index(found[3])
    here = f"the table's entry for state {LETTERS[state]} at symbol {symbol}, {given},"
    if write >= symbols:
        raise TuringTableError(
            f"{here} writes symbol {write}, expected one from 0 to {symbols - 1}",
            hint=f"the states have {symbols} entries, so there are {symbols} symbols",
        )
    if to >= states and found[3] not in HALTING:
        raise TuringTableError(
            f"{here} goes to state {found[3]}, expected one from A to {LETTERS[states - 1]}, or Z or H to halt",
            hint="states stand between `_`, in the order A, B, C ...",
        )
    return Entry(write=write, right=found[2] == "R", to=to if to < states else None)


def _text(entry: Entry) -> str:
    if not entry.moves:
        return OPEN
    return f"{entry.write}{'R' if entry.right else 'L'}{'Z' if entry.to is None else LETTERS[entry.to]}"
