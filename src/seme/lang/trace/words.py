"""Words: whole numbers at every position of a trace, the kinds of them, and arithmetic and conditions on them.

Every word has a range. Arithmetic with constants is free; what takes neurons or a head says so. More words are made by
`functions` and `history`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from seme.core.errors import ProgramError
from seme.lang.expressions import source_line


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Word:
    """A whole number at every position, between `lo` and `hi`.

    Attributes:
        lo: The smallest value it can have.
        hi: The largest.
        name: What to call it.
        source: The line it was written on.
    """

    lo: int
    hi: int
    name: str = ""
    source: str = field(default_factory=source_line)

    def __add__(self, other: Word | int) -> Word:
        return total([(1, self), (1, word(other))])

    __radd__ = __add__

    def __sub__(self, other: Word | int) -> Word:
        return total([(1, self), (-1, word(other))])

    def __rsub__(self, other: Word | int) -> Word:
        return total([(-1, self), (1, word(other))])

    def __neg__(self) -> Word:
        return total([(-1, self)])

    def __mul__(self, factor: int) -> Word:
        if not isinstance(factor, int):
            raise ProgramError(
                "two words are multiplied, expected a word and a number", hint="use a table, or gates on bits"
            )
        return total([(factor, self)])

    __rmul__ = __mul__

    def __ge__(self, least: int) -> Word:
        return step(self, least)

    def __gt__(self, other: int) -> Word:
        return step(self, other + 1)

    def __le__(self, most: int) -> Word:
        return 1 - step(self, most + 1)

    def __lt__(self, other: int) -> Word:
        return 1 - step(self, other)

    def __eq__(self, value: object) -> Word:  # pyright: ignore[reportIncompatibleMethodOverride]
        return _equals(self, value)

    def __ne__(self, value: object) -> Word:  # pyright: ignore[reportIncompatibleMethodOverride]
        return 1 - _equals(self, value)

    __hash__ = object.__hash__

    def __and__(self, other: Word | int) -> Word:
        return all_of(self, word(other))

    def __or__(self, other: Word | int) -> Word:
        return any_of(self, word(other))

    def __xor__(self, other: Word | int) -> Word:
        return self + word(other) - 2 * all_of(self, word(other))

    def __invert__(self) -> Word:
        as_bit(self, "~")
        return 1 - self

    def parts(self) -> tuple[Word, ...]:
        """The words it is made from, at the same position or others."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Field(Word):
    """A field of the token at the position.

    Attributes:
        values: One per token of the vocabulary.
    """

    values: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sum(Word):
    """A weighted sum: free."""

    terms: tuple[tuple[int, Word], ...]
    constant: int = 0

    def parts(self) -> tuple[Word, ...]:
        """The summands."""
        return tuple(term for _, term in self.terms)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bank(Word):
    """A weighted sum of `max(0, word)`: one neuron a term, one direction for all.

    Attributes:
        terms: (weight, word).
    """

    terms: tuple[tuple[int, Word], ...]

    def parts(self) -> tuple[Word, ...]:
        """What the neurons read."""
        return tuple(term for _, term in self.terms)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step(Word):
    """1 where `of >= least`, else 0: two neurons, whose flat parts wipe out noise."""

    of: Word
    least: int

    def parts(self) -> tuple[Word, ...]:
        """What is compared."""
        return (self.of,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stairs(Word):
    """How many times a word has reached `rise`: `of // rise`, and 0 below 0.

    Two neurons for each time, clean of noise.
    """

    of: Word
    rise: int

    def parts(self) -> tuple[Word, ...]:
        """What is counted."""
        return (self.of,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Several:
    """Words that come from one bank or one head together."""

    los: tuple[int, ...]
    his: tuple[int, ...]
    name: str = ""
    source: str = field(default_factory=source_line)

    def parts(self) -> tuple[Word, ...]:
        """The words they are made from."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tables(Several):
    """Functions of one word: two neurons for every neighbouring pair of its values at which one of them changes.

    Attributes:
        of: The argument.
        rows: For every value from `of.lo` to `of.hi`, what each function gives.
    """

    of: Word
    rows: tuple[tuple[int, ...], ...]

    def parts(self) -> tuple[Word, ...]:
        """The argument."""
        return (self.of,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found(Several):
    """What stood at the latest (or first) position, up to here, whose key equals the query: one head.

    Attributes:
        values: What is brought from there.
        key: Bits, read at the position looked at.
        query: Bits, read here; as many.
        where: A bit, read at the position looked at: only where it is 1 is anything found.
        default: What is brought where nothing is found.
        first: Whether the first such position counts, not the latest.
    """

    values: tuple[Word, ...]
    key: tuple[Word, ...]
    query: tuple[Word, ...]
    where: Word
    default: tuple[int, ...]
    first: bool = False

    def parts(self) -> tuple[Word, ...]:
        """Values, keys, queries and the condition."""
        return (*self.values, *self.key, *self.query, self.where)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Before(Several):
    """What stood a fixed number of positions before: one head.

    Attributes:
        values: What is brought from there.
        offset: How far back, from 1.
        default: What is brought where the trace has not begun yet.
    """

    values: tuple[Word, ...]
    offset: int
    default: tuple[int, ...]

    def parts(self) -> tuple[Word, ...]:
        """The values."""
        return self.values


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part(Word):
    """One of several words."""

    of: Several
    index: int

    def parts(self) -> tuple[Word, ...]:
        """What all of them are made from."""
        return self.of.parts()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunningSum(Word):
    """The sum of a word over all positions up to here: one head, for traces of a stated length.

    Attributes:
        of: What is summed.
        longest: The trace's length up to which it is exact.
    """

    of: Word
    longest: int

    def parts(self) -> tuple[Word, ...]:
        """What is summed."""
        return (self.of,)


@dataclass(slots=True, kw_only=True, eq=False)
class _Definition:
    word: Word | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Within(Word):
    """A word with a range the writer vouches for; the interpreter refuses to go on where it is left. Free."""

    of: Word

    def parts(self) -> tuple[Word, ...]:
        """The word."""
        return (self.of,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Later(Word):
    """A word that is defined after it is used. It must not depend on itself: what recurs goes through tokens."""

    definition: _Definition = field(default_factory=_Definition)

    def is_(self, value: Word) -> None:
        """Says what it is."""
        self.definition.word = value

    def parts(self) -> tuple[Word, ...]:
        """What it was said to be.

        Raises:
            ProgramError: Nothing was said.
        """
        if self.definition.word is None:
            raise ProgramError(f"`{self.name}` was never defined ({self.source})", hint="name.is_(word)")
        return (self.definition.word,)


# Making words.


def word(value: Word | int) -> Word:
    """A word, or a constant.

    Raises:
        ProgramError: It is neither.
    """
    if isinstance(value, Word):
        return value
    if isinstance(value, int):
        return Sum(lo=int(value), hi=int(value), terms=(), constant=int(value))
    raise ProgramError(f"got {value!r}, expected a word or a whole number", hint="fields of tokens are whole numbers")


def total(terms: Iterable[tuple[int, Word]]) -> Word:
    """A weighted sum of words; free."""
    weights: dict[Word, int] = {}
    constant = 0
    for weight, term in terms:
        inner = term.terms if isinstance(term, Sum) and not term.name else ((1, term),)
        constant += weight * term.constant if isinstance(term, Sum) and not term.name else 0
        for factor, part in inner:
            weights[part] = weights.get(part, 0) + weight * factor
    kept = tuple((weight, term) for term, weight in weights.items() if weight)
    if constant == 0 and len(kept) == 1 and kept[0][0] == 1:
        return kept[0][1]
    lo = constant + sum(min(w * t.lo, w * t.hi) for w, t in kept)
    hi = constant + sum(max(w * t.lo, w * t.hi) for w, t in kept)
    return Sum(lo=lo, hi=hi, terms=kept, constant=constant)


def bank(terms: Iterable[tuple[int, Word]], *, lo: int | None = None, hi: int | None = None, name: str = "") -> Word:
    """The weighted sum of `max(0, word)` over the terms: a neuron each, one direction for all.

    Args:
        terms: (weight, word).
        lo: The smallest value, where the writer knows better than the sum of the terms' ranges.
        hi: The largest.
        name: What to call it.
    """
    kept = tuple((weight, term) for weight, term in terms if weight and term.hi > 0)
    least = sum(min(w * max(0, t.lo), w * max(0, t.hi)) for w, t in kept)
    most = sum(max(w * max(0, t.lo), w * max(0, t.hi)) for w, t in kept)
    least, most = (least if lo is None else lo), (most if hi is None else hi)
    return Bank(lo=least, hi=most, terms=kept, name=name) if kept else word(0)


def relu(of: Word, name: str = "") -> Word:
    """`max(0, word)`: one neuron."""
    return bank([(1, of)], name=name)


def all_of(*bits: Word | int, name: str = "") -> Word:
    """1 where all bits are 1: one neuron."""
    given = [as_bit(word(bit), "all_of") for bit in bits]
    return relu(total([(1, bit) for bit in given]) - (len(given) - 1), name=name)


def any_of(*bits: Word | int, name: str = "") -> Word:
    """1 where some bit is 1: one neuron."""
    given = [as_bit(word(bit), "any_of") for bit in bits]
    return 1 - relu(1 - total([(1, bit) for bit in given]), name=name)


def step(of: Word, least: int, name: str = "") -> Word:
    """1 where `of >= least`, else 0: two neurons, clean of noise."""
    if of.lo >= least or of.hi < least:
        return word(int(of.lo >= least))
    return Step(lo=0, hi=1, of=of, least=least, name=name)


def number(digits: Iterable[Word]) -> Word:
    """The number that bits, lowest first, stand for; free."""
    return total([(1 << i, bit) for i, bit in enumerate(digits)])


def within(of: Word, lo: int, hi: int, name: str = "") -> Word:
    """The same word, with a range the writer vouches for."""
    return Within(lo=max(lo, of.lo), hi=min(hi, of.hi), of=of, name=name)


def later(name: str, lo: int, hi: int) -> Later:
    """A word to be defined later, by `.is_(word)`."""
    return Later(lo=lo, hi=hi, name=name)


def named(of: Word, name: str) -> Word:
    """The same word under a name."""
    return Sum(lo=of.lo, hi=of.hi, terms=((1, of),), name=name)


def split(made: Several, names: Sequence[str]) -> list[Word]:
    """The words that come from one bank or one head, under these names."""
    return [
        Part(lo=lo, hi=hi, of=made, index=i, name=f"{made.name}.{label}" if label else made.name, source=made.source)
        for i, (lo, hi, label) in enumerate(zip(made.los, made.his, names, strict=True))
    ]


def as_bit(of: Word, what: str) -> Word:
    """The same word, for `what` wants a bit.

    Raises:
        ProgramError: It has another range.
    """
    if of.lo < 0 or of.hi > 1:
        raise ProgramError(
            f"{what} wants bits, got `{of.name or 'a word'}` from {of.lo} to {of.hi} ({source_line()})",
            hint="compare it with a number, take bits(word, count), or vouch for its range: within(word, 0, 1)",
        )
    return of


def _equals(of: Word, value: object) -> Word:
    if not isinstance(value, int):
        raise ProgramError(
            f"a word is compared with {value!r} ({source_line()}), expected a whole number",
            hint="compare the difference of two words with 0",
        )
    if not of.lo <= value <= of.hi:
        return word(0)
    if of.lo == value or of.hi == value:
        return step(of, value) if of.hi == value else 1 - step(of, value + 1)
    return within(step(of, value) - step(of, value + 1), 0, 1)


def changes(rows: Sequence[tuple[int, ...]]) -> list[int]:
    """The places in a table where a row differs from the one before."""
    return [i + 1 for i, (a, b) in enumerate(pairwise(rows)) if a != b]
