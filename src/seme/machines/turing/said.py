"""What the tokens of a Turing machine say to those who read a trace: symbols written, steps of the head, the end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seme.machines.turing.odometer import Odometer


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What tokens say, by their place in the vocabulary, to those who read a trace.

    Attributes:
        write: The symbol it writes; -1 where it writes none.
        step: By how much the head moves: -1, 0, 1.
        mask: Which bits of the place the token names.
        place: What they are after it.
        puts: Whether it puts the head in the middle.
        end: Why the trace ends there, or "".
    """

    write: np.ndarray
    step: np.ndarray
    mask: np.ndarray
    place: np.ndarray
    puts: np.ndarray
    end: tuple[str, ...]


class Saying:
    """Gathers what tokens say, in the order of the vocabulary.

    Args:
        odometer: The digits of the head's place.
    """

    def __init__(self, odometer: Odometer) -> None:
        self._odometer = odometer
        self._rows: list[tuple[int, int, int, int, bool, str]] = []

    def move(self, code: int, right: bool, write: int, end: str = "") -> None:
        """A token that writes and moves."""
        odometer = self._odometer
        mask = place = 0
        if code != odometer.edge:
            move = odometer.move(code, right)
            mask = (1 << sum(odometer.widths[: move.level + 1])) - 1
            place = odometer.place((*move.after, *[0] * (len(odometer.widths) - len(move.after))))
        self._rows.append((write, 1 if right else -1, mask, place, False, end))

    def put(self) -> None:
        """A token that puts the head in the middle."""
        self._rows.append((-1, 0, 0, 0, True, ""))

    def stay(self, end: str = "") -> None:
        """A token that neither writes nor moves."""
        self._rows.append((-1, 0, 0, 0, False, end))

    def said(self) -> Said:
        """All of it."""
        write, step, mask, place, puts, end = zip(*self._rows, strict=True)
        return Said(
            write=np.array(write, dtype=np.int8),
            step=np.array(step, dtype=np.int8),
            mask=np.array(mask, dtype=np.int32),
            place=np.array(place, dtype=np.int32),
            puts=np.array(puts),
            end=end,
        )
