"""Words: whole numbers at every position of a trace, made from fields of tokens and from the history.

Every word has a range. Arithmetic with constants is free; what takes neurons or a head says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from seme.core.errors import ProgramError
from seme.lang.expressions import source_line

MOST_LISTED = 1 << 16
"""A table over a word with more values than this would take as many neurons."""


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
        _bit(self, "~")
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
    given = [_bit(word(bit), "all_of") for bit in bits]
    return relu(total([(1, bit) for bit in given]) - (len(given) - 1), name=name)


def any_of(*bits: Word | int, name: str = "") -> Word:
    """1 where some bit is 1: one neuron."""
    given = [_bit(word(bit), "any_of") for bit in bits]
    return 1 - relu(1 - total([(1, bit) for bit in given]), name=name)


def gated(bit: Word | int, value: Word | int) -> list[tuple[int, Word]]:
    """Terms of a bank that add `value` where the bit is 1, and nothing where it is 0."""
    on, value = _bit(word(bit), "gated"), word(value)
    terms = []
    if value.hi > 0:
        terms.append((1, value - value.hi * (1 - on)))
    if value.lo < 0:
        terms.append((-1, -value + value.lo * (1 - on)))
    return terms


def choose(cases: Iterable[tuple[Word | int, Word | int]], name: str = "") -> Word:
    """The value whose bit is 1; 0 where none is. At most one may be: the writer vouches for it."""
    pairs = [(word(bit), word(value)) for bit, value in cases]
    terms = [term for bit, value in pairs for term in gated(bit, value)]
    lo, hi = min([0, *(v.lo for _, v in pairs)]), max([0, *(v.hi for _, v in pairs)])
    return bank(terms, lo=lo, hi=hi, name=name)


def step(of: Word, least: int, name: str = "") -> Word:
    """1 where `of >= least`, else 0: two neurons, clean of noise."""
    if of.lo >= least or of.hi < least:
        return word(int(of.lo >= least))
    return Step(lo=0, hi=1, of=of, least=least, name=name)


def stairs(of: Word, rise: int, name: str = "") -> Word:
    """`of // rise`, and 0 below 0: two neurons for every multiple of `rise` up to `of.hi`, clean of noise.

    Raises:
        ProgramError: `rise` is less than 1, or there are too many multiples.
    """
    if rise < 1 or of.hi // rise > MOST_LISTED:
        raise ProgramError(
            f"stairs of {rise} up to {of.hi:,} ({source_line()}), expected from 1 to {MOST_LISTED:,} of them",
            hint="take multiples of a greater number off first",
        )
    return Stairs(lo=0, hi=of.hi // rise, of=of, rise=rise, name=name) if of.hi >= rise else word(0)


def clean(bit: Word, name: str = "") -> Word:
    """The same bit without the noise that it has gathered: two neurons."""
    return step(_bit(bit, "clean"), 1, name=name)


def tables(of: Word, functions: Mapping[str, Mapping[int, int]] | Sequence[Mapping[int, int]], name: str = ""):
    """Functions of one word, from one bank.

    Args:
        of: The argument.
        functions: Each a mapping from every value of the argument to a whole number.
        name: What to call them.

    Returns:
        A word each; by name where the functions have names.

    Raises:
        ProgramError: A value is missing, or the argument has too many.
    """
    named = functions if isinstance(functions, Mapping) else dict(enumerate(functions))
    if of.hi - of.lo >= MOST_LISTED:
        raise ProgramError(
            f"a table over {of.hi - of.lo + 1:,} values ({source_line()}), expected at most {MOST_LISTED:,}",
            hint="split the word into digits or bits",
        )
    try:
        rows = tuple(tuple(int(f[v]) for f in named.values()) for v in range(of.lo, of.hi + 1))
    except KeyError as error:
        raise ProgramError(
            f"a table over {of.lo} to {of.hi} says nothing of {error} ({source_line()})", hint="give every value"
        ) from error
    columns = list(zip(*rows, strict=True))
    made = Tables(
        los=tuple(map(min, columns)), his=tuple(map(max, columns)), of=of, rows=rows, name=name or _joined(of, "table")
    )
    words = _split(made, [str(key) for key in named])
    return dict(zip(named, words, strict=True)) if isinstance(functions, Mapping) else words


def _columns(of: Word, functions: list[Mapping[int, int]], name: str) -> list[Word]:
    made = tables(of, functions, name)
    assert isinstance(made, list)
    return made


def table(of: Word, function: Mapping[int, int], name: str = "") -> Word:
    """A function of one word; see `tables`."""
    return _columns(of, [function], name)[0]


def bits(of: Word, count: int, name: str = "") -> list[Word]:
    """The lowest `count` bits of a word, lowest first; of one below 0, in two's complement."""
    span = range(of.lo, of.hi + 1)
    return _columns(of, [{v: v >> i & 1 for v in span} for i in range(count)], name or _joined(of, "bits"))


def number(digits: Iterable[Word]) -> Word:
    """The number that bits, lowest first, stand for; free."""
    return total([(1 << i, bit) for i, bit in enumerate(digits)])


def latest(
    values: Word | int | Sequence[Word | int],
    *,
    key: Word | Sequence[Word] = (),
    query: Word | Sequence[Word] = (),
    where: Word | int = 1,
    default: int | Sequence[int] = 0,
    name: str = "",
) -> Any:
    """What stood at the latest position, this one included, where `where` is 1 and the key's bits equal the query's.

    Args:
        values: One word, or several brought by the same head.
        key: Bits, read where one looks.
        query: Bits, read here; as many.
        where: A bit, read where one looks.
        default: What is brought where there is no such position: a number, or one for each value.
        name: What to call what is found.

    Returns:
        A word, or a list of words where several values were given.

    Raises:
        ProgramError: Keys and queries are not equally many, or are no bits.
    """
    return _found(values, key, query, where, default, name, first=False)


def first(
    values: Word | int | Sequence[Word | int],
    *,
    key: Word | Sequence[Word] = (),
    query: Word | Sequence[Word] = (),
    where: Word | int = 1,
    default: int | Sequence[int] = 0,
    name: str = "",
) -> Any:
    """The same as `latest`, of the first such position."""
    return _found(values, key, query, where, default, name, first=True)


def previous(
    values: Word | Sequence[Word], offset: int = 1, *, default: int | Sequence[int] = 0, name: str = ""
) -> Any:
    """What stood `offset` positions before.

    Raises:
        ProgramError: The offset is less than 1.
    """
    if offset < 1:
        raise ProgramError(f"offset {offset} ({source_line()}), expected 1 or more", hint="read the word itself")
    single, given, defaults = _given(values, default)
    los, his = _hull(given, defaults)
    made = Before(los=los, his=his, values=given, offset=offset, default=defaults, name=name or "previous")
    return _split(made, [v.name for v in given])[0] if single else _split(made, [v.name for v in given])


def running_sum(of: Word, *, longest: int, name: str = "") -> Word:
    """The sum over all positions up to here; for traces of at most `longest` tokens."""
    lo, hi = min(0, of.lo) * longest, max(0, of.hi) * longest
    return RunningSum(lo=lo, hi=hi, of=of, longest=longest, name=name)


def count(where: Word, *, longest: int, name: str = "") -> Word:
    """At how many positions up to here the bit is 1; for traces of at most `longest` tokens."""
    return running_sum(_bit(where, "count"), longest=longest, name=name)


def within(of: Word, lo: int, hi: int, name: str = "") -> Word:
    """The same word, with a range the writer vouches for."""
    return Within(lo=max(lo, of.lo), hi=min(hi, of.hi), of=of, name=name)


def later(name: str, lo: int, hi: int) -> Later:
    """A word to be defined later, by `.is_(word)`."""
    return Later(lo=lo, hi=hi, name=name)


def named(of: Word, name: str) -> Word:
    """The same word under a name."""
    return Sum(lo=of.lo, hi=of.hi, terms=((1, of),), name=name)


def _found(values, key, query, where, default, name: str, *, first: bool):
    single, given, defaults = _given(values, default)
    keys, queries = _bits(key), _bits(query)
    if len(keys) != len(queries):
        raise ProgramError(
            f"{len(keys)} bits of key and {len(queries)} of query ({source_line()})", hint="they must be equally many"
        )
    los, his = _hull(given, defaults)
    made = Found(
        los=los,
        his=his,
        values=given,
        key=keys,
        query=queries,
        where=_bit(word(where), "where"),
        default=defaults,
        first=first,
        name=name or ("first" if first else "latest"),
    )
    found = _split(made, [v.name for v in given])
    return found[0] if single else found


def _given(values, default) -> tuple[bool, tuple[Word, ...], tuple[int, ...]]:
    single = isinstance(values, (Word, int))
    given = (word(values),) if single else tuple(word(value) for value in values)
    defaults = (default,) * len(given) if isinstance(default, int) else tuple(default)
    if len(defaults) != len(given):
        raise ProgramError(
            f"{len(given)} values and {len(defaults)} defaults ({source_line()})", hint="give one, or one for each"
        )
    return single, given, defaults


def _hull(values: tuple[Word, ...], default: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    pairs = list(zip(values, default, strict=True))
    return tuple(min(v.lo, d) for v, d in pairs), tuple(max(v.hi, d) for v, d in pairs)


def _split(made: Several, names: Sequence[str]) -> list[Word]:
    return [
        Part(lo=lo, hi=hi, of=made, index=i, name=f"{made.name}.{label}" if label else made.name, source=made.source)
        for i, (lo, hi, label) in enumerate(zip(made.los, made.his, names, strict=True))
    ]


def _bits(given: Word | Sequence[Word]) -> tuple[Word, ...]:
    many = (given,) if isinstance(given, Word) else tuple(given)
    return tuple(_bit(word(bit), "a key or query") for bit in many)


def _bit(of: Word, what: str) -> Word:
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


def _joined(of: Word, what: str) -> str:
    return f"{of.name}.{what}" if of.name else what


def changes(rows: Sequence[tuple[int, ...]]) -> list[int]:
    """The places in a table where a row differs from the one before."""
    return [i + 1 for i, (a, b) in enumerate(pairwise(rows)) if a != b]
