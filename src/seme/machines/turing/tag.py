"""Tag systems, and how the universal machines that simulate them hold one on their tape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from seme.core.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class TagSystem:
    """A 2-tag system: the first two letters go, what the first one produces is added at the end.

    Attributes:
        produces: For every letter but the last, what it produces. The last letter, which has no entry here, halts.
    """

    produces: tuple[tuple[int, ...], ...]

    @property
    def halting(self) -> int:
        """The letter at which it halts."""
        return len(self.produces)

    def run(self, word: Sequence[int], most: int) -> tuple[tuple[int, ...], bool]:
        """The word after at most so many steps, and whether it begins with the letter that halts.

        A word of one letter goes no further and does not halt.

        >>> TagSystem(produces=((0, 0),)).run((0, 0, 1), 9)
        ((1, 0, 0), True)
        """
        now = list(word)
        for _ in range(most):
            if len(now) < 2 or now[0] == self.halting:
                break
            now = now[2:] + list(self.produces[now[0]])
        return tuple(now), bool(now) and now[0] == self.halting


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """A tag system on the tape of a universal machine.

    Attributes:
        counts: How many marks stand for every letter.
        tape: Place, counted from the head, to symbol.
    """

    counts: tuple[int, ...]
    tape: Mapping[int, int]


def rogozhin_4x6(system: TagSystem, word: Sequence[int]) -> Coding:
    """A tag system and a word on the tape of Rogozhin's machine of 4 states and 6 symbols.

    Raises:
        InputError: It is not of the form that the machine simulates: every letter produces twice the last letter but
            one, the halting letter aside, and then, unless it is that letter itself, at least one more.
    """
    last = system.halting - 1
    for letter, made in enumerate(system.produces):
        if made[:2] != (last, last) or (len(made) > 2) != (letter != last):
            raise InputError(
                f"letter {letter} of the tag system produces {made}, expected {last}, {last} and "
                f"{'nothing' if letter == last else 'something'} more",
                hint="that is the form of the tag systems that this machine simulates",
            )
    counts = tuple(accumulate((2 * len(made) for made in system.produces), initial=1))
    parts = ["<b"]
    for letter in reversed(range(system.halting)):
        parts.append("b1")
        for other in (*reversed(system.produces[letter][2:]), last):
            parts.append("b" + "1" * counts[other] + "b")
        parts.append("b" + "1" * (counts[last] - counts[letter]))
    before = "".join(parts) + "b"
    return _placed(counts, before + "c".join("1" * counts[letter] for letter in word), len(before), "01b<>c")


def rogozhin_4x6_result(coding: Coding, tape: Mapping[int, int]) -> tuple[int, ...]:
    """What is left of the word where the machine has halted: without its first two letters, and a halting one added."""
    text = _text(tape, "01b<>c")
    return tuple(coding.counts.index(len(marks)) for marks in text.split("c")[1:])


def rogozhin_2x18(system: TagSystem, word: Sequence[int]) -> Coding:
    """A tag system and a word on the tape of Rogozhin's machine of 2 states and 18 symbols.

    Raises:
        InputError: A letter produces nothing.
    """
    if not all(system.produces):
        raise InputError("a letter of the tag system produces nothing, expected at least one letter")
    counts = tuple(accumulate((len(made) + 1 for made in system.produces), initial=1))
    before = "##"
    for made in reversed(system.produces):
        before += "bb" + "1b".join("1" * counts[letter] for letter in reversed(made))
    before += "bb"
    return _placed(
        counts, before + "".join("1" * counts[letter] + "c" for letter in word), len(before) - 1, _LETTERS_2X18
    )


def rogozhin_2x18_result(coding: Coding, tape: Mapping[int, int]) -> tuple[int, ...]:
    """What is left of the word where the machine has halted: without its first letter."""
    text = _text(tape, _LETTERS_2X18)
    word = text[len(text.rstrip("1c")) :]
    return tuple(coding.counts.index(len(marks)) for marks in word.split("c")[:-1])


_LETTERS_2X18 = "<1>..b......c...#."
"""A character for the symbols that stand on the tape at first; the others are dots."""


def _placed(counts: tuple[int, ...], text: str, head: int, symbols: str) -> Coding:
    return Coding(counts=counts, tape={i - head: symbols.index(character) for i, character in enumerate(text)})


def _text(tape: Mapping[int, int], symbols: str) -> str:
    return "".join(symbols[tape.get(place, 0)] for place in range(min(tape), max(tape) + 1))
