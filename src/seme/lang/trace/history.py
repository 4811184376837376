"""What a look into the history finds: the latest or first match, the token before, sums so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seme.core.errors import ProgramError
from seme.lang.expressions import source_line
from seme.lang.trace.words import Before, Found, RunningSum, Word, as_bit, split, word


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
    return split(made, [v.name for v in given])[0] if single else split(made, [v.name for v in given])


def running_sum(of: Word, *, longest: int, name: str = "") -> Word:
    """The sum over all positions up to here; for traces of at most `longest` tokens."""
    lo, hi = min(0, of.lo) * longest, max(0, of.hi) * longest
    return RunningSum(lo=lo, hi=hi, of=of, longest=longest, name=name)


def count(where: Word, *, longest: int, name: str = "") -> Word:
    """At how many positions up to here the bit is 1; for traces of at most `longest` tokens."""
    return running_sum(as_bit(where, "count"), longest=longest, name=name)


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
        where=as_bit(word(where), "where"),
        default=defaults,
        first=first,
        name=name or ("first" if first else "latest"),
    )
    found = split(made, [v.name for v in given])
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


def _bits(given: Word | Sequence[Word]) -> tuple[Word, ...]:
    many = (given,) if isinstance(given, Word) else tuple(given)
    return tuple(as_bit(word(bit), "a key or query") for bit in many)
