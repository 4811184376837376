"""What every Turing machine in weights shares: where its head is, what cell a token wrote, and the next step's code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from seme.lang.trace import Vocabulary, Word, bank, latest, total, within
from seme.machines.turing.odometer import Odometer

Fields = dict[str, int]


def moved(odometer: Odometer, code: int, right: bool) -> Fields:
    """Fields of a token that writes a symbol and moves the head.

    Args:
        odometer: The digits of its place.
        code: Which of them change, and how.
        right: Where it moves.
    """
    if code == odometer.edge:
        return {}  # the trace has ended
    move = odometer.move(code, right)
    out = {"wrote": 1}
    for i, (after, before) in enumerate(zip(move.after, move.before, strict=True)):
        out |= _digit(odometer, i, after)
        out |= {f"before{i}.{b}": (before >> b & 1) - (after >> b & 1) for b in range(odometer.widths[i])}
    return out


def placed(odometer: Odometer, place: int) -> Fields:
    """Fields of a token that puts the head at a place."""
    out: Fields = {}
    for i, digit in enumerate(odometer.digits(place)):
        out |= _digit(odometer, i, digit)
    return out


def _digit(odometer: Odometer, i: int, digit: int) -> Fields:
    return {
        f"set{i}": 1,
        f"digit{i}": digit,
        f"top{i}": int(digit == odometer.radices[i] - 1),
        f"zero{i}": int(digit == 0),
        **{f"after{i}.{b}": digit >> b & 1 for b in range(odometer.widths[i])},
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Words of the head at a position.

    Attributes:
        place: Bits of its place after the token there, lowest first.
        wrote: Bits of the place it had before, where that token wrote.
        right: The code of the next step, if that is to the right.
        left: And if it is to the left.
    """

    place: tuple[Word, ...]
    wrote: tuple[Word, ...]
    right: Word
    left: Word


def head(tokens: Vocabulary, odometer: Odometer) -> Head:
    """The words of the head.

    Every digit comes from the latest token that set it. The lowest digit is set by every token that moves, so its is
    the token's own; tokens that do not move the head stand before those that do.

    Args:
        tokens: Whose fields are those of `moved` and `placed`.
        odometer: The digits of the head's place.
    """
    place: list[Word] = []
    wrote: list[Word] = []
    digits: list[Word] = []
    tops: list[Word] = []
    zeros: list[Word] = []
    home = placed(odometer, odometer.home)
    for i, width in enumerate(odometer.widths):
        names = [f"digit{i}", f"top{i}", f"zero{i}", *(f"after{i}.{b}" for b in range(width))]
        if i == len(odometer.widths) - 1:
            names[1:3] = []  # no digit is above it
        values: list[Word] = [tokens[name] for name in names]
        if i:
            default = [home[name] for name in names]
            values = several(latest(values, where=tokens[f"set{i}"], default=default, name=f"place{i}"))
        found = dict(zip(names, values, strict=True))
        bits = [found[f"after{i}.{b}"] for b in range(width)]
        digits.append(found[f"digit{i}"])
        tops += [word for name, word in found.items() if name == f"top{i}"]
        zeros += [word for name, word in found.items() if name == f"zero{i}"]
        place += bits
        # what a token says of a digit is the digit itself, so before = after + what it says of the difference
        wrote += [within(bit + tokens[f"before{i}.{b}"], 0, 1) for b, bit in enumerate(bits)]
    complements = [radix - 1 - digit for radix, digit in zip(odometer.radices, digits, strict=True)]
    return Head(
        place=tuple(place),
        wrote=tuple(wrote),
        right=_code(odometer, digits, tops, "right"),
        left=_code(odometer, complements, zeros, "left"),
    )


def _code(odometer: Odometer, digits: Sequence[Word], full: Sequence[Word], name: str) -> Word:
    """The code of adding 1: every digit whose lower ones are all at their largest adds 1 + its value."""
    terms = [
        (1, digit + 1 - radix * total([(1, 1 - lower) for lower in full[:i]]))
        for i, (digit, radix) in enumerate(zip(digits, odometer.radices, strict=True))
    ]
    return bank(terms, lo=1, hi=odometer.edge, name=name)


def under_head(tokens: Vocabulary, at: Head, fields: Iterable[str]) -> list[Word]:
    """Fields of the latest token that wrote the cell under the head; all 0 where the cell is as it was."""
    values = [tokens[name] for name in fields]
    return several(latest(values, key=at.wrote, query=at.place, where=tokens["wrote"], name="under the head"))


def several(found: Word | list[Word]) -> list[Word]:
    """What a head brings where it was asked for several words."""
    assert isinstance(found, list)
    return found


def next_code(at: Head, odometer: Odometer, cases: Iterable[tuple[Sequence[Word], Word]]) -> Word:
    """The code of the next step: that to the right or that to the left.

    Args:
        at: The head.
        odometer: The digits of its place.
        cases: (bits that are all 1 in at most one of the cases, whether it moves right there).
    """
    terms = []
    for bits, right in cases:
        off = odometer.edge * (len(bits) - total([(1, bit) for bit in bits]))
        terms += [
            (1, at.right - off - odometer.edge * (1 - right)),
            (1, at.left - off - odometer.edge * right),
        ]
    return bank(terms, lo=1, hi=odometer.edge, name="code")


def padded(tokens: Mapping[str, Fields], odometer: Odometer) -> dict[str, Fields]:
    """The same tokens, every one with every field of the head."""
    every = {"wrote": 0}
    for i, width in enumerate(odometer.widths):
        every |= {f"{field}{i}": 0 for field in ("set", "digit", "top", "zero")}
        every |= {f"{field}{i}.{b}": 0 for b in range(width) for field in ("after", "before")}
    return {text: every | fields for text, fields in tokens.items()}


def middle(tokens: Mapping[str, Fields], field: str) -> int:
    """The middle of a field's values. A logit grows with the square of a field: it is counted from there."""
    values = [fields[field] for fields in tokens.values()]
    return (min(values) + max(values)) // 2


def centred(tokens: Mapping[str, Fields], *fields: str) -> dict[str, Fields]:
    """The same tokens with fields that are counted from the middle of their values."""
    shifts = {field: middle(tokens, field) for field in fields}
    return {text: {name: v - shifts.get(name, 0) for name, v in own.items()} for text, own in tokens.items()}
