"""Conditions on bits, as few neurons as may be: a conjunction is one neuron, whatever the signs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from seme.lang.trace import Word, bank, step, total, within, word

WORD = 32
"""Bits of a register."""


def conjunction(on: Iterable[Word], off: Iterable[Word] = ()) -> Word:
    """A number that is 1 where all of `on` are 1 and all of `off` 0, and at most 0 elsewhere.

    Args:
        on: Bits.
        off: Bits.
    """
    on, off = list(on), list(off)
    return total([*((1, bit) for bit in on), *((-1, bit) for bit in off)]) - (len(on) - 1)


def both(*on: Word, off: Iterable[Word] = (), name: str = "") -> Word:
    """Whether all of `on` are 1 and all of `off` are 0: one neuron."""
    return some([conjunction(on, off)], name=name)


def some(terms: Iterable[Word], name: str = "") -> Word:
    """Whether one of several conjunctions holds, of which at most one can: a neuron each."""
    return bank([(1, term) for term in terms], lo=0, hi=1, name=name)


def exclusive(*bits: Word, name: str = "") -> Word:
    """Whether one of the bits is 1, of which at most one can be; free."""
    return within(total([(1, bit) for bit in bits]), 0, 1, name)


def bit(of: Word, name: str = "") -> Word:
    """A sum that is always 0 or 1; free."""
    return within(of, 0, 1, name)


def matches(bits: Sequence[Word], pattern: Mapping[int, int]) -> tuple[list[Word], list[Word]]:
    """What must be on and what off for bits to have the values of a pattern.

    Args:
        bits: Lowest first.
        pattern: Place -> 0 or 1.
    """
    return [bits[i] for i, value in pattern.items() if value], [bits[i] for i, value in pattern.items() if not value]


def pattern(value: int, places: Sequence[int]) -> dict[int, int]:
    """The pattern in which the bits at these places hold a number, lowest first."""
    return {place: value >> i & 1 for i, place in enumerate(places)}


def is_number(bits: Sequence[Word], value: int, name: str = "") -> Word:
    """Whether all bits together are this number: two neurons, clean."""
    on, off = matches(bits, pattern(value, range(len(bits))))
    return step(conjunction(on, off), 1, name=name)


def constant(value: int) -> Word:
    """A number that is the same everywhere; free."""
    return word(value)


def one(found: Word | list[Word]) -> Word:
    """The one word that a look into the history brought."""
    assert isinstance(found, Word)
    return found


def many(found: Word | list[Word]) -> list[Word]:
    """The words that a look into the history brought."""
    assert isinstance(found, list)
    return found
