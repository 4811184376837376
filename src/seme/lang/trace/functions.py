"""Functions of words at one position: choices, stairs, tables, bits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from seme.core.errors import ProgramError
from seme.lang.expressions import source_line
from seme.lang.trace.words import Stairs, Tables, Word, as_bit, bank, split, step, word

MOST_LISTED = 1 << 16
"""A table over a word with more values than this would take as many neurons."""


def gated(bit: Word | int, value: Word | int) -> list[tuple[int, Word]]:
    """Terms of a bank that add `value` where the bit is 1, and nothing where it is 0."""
    on, value = as_bit(word(bit), "gated"), word(value)
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
    return step(as_bit(bit, "clean"), 1, name=name)


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
    words = split(made, [str(key) for key in named])
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


def _joined(of: Word, what: str) -> str:
    return f"{of.name}.{what}" if of.name else what
