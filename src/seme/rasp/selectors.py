"""Selectors: for every query position, which key positions it sees."""

from __future__ import annotations

from collections.abc import Sequence

from seme.rasp.base import RASPExpr, SelectorValue, expect
from seme.rasp.predicates import Bound, Predicate, joined, negated
from seme.rasp.sops import Full, SOp


class Selector(RASPExpr):
    """A function from a list of tokens to rows of booleans: a row per query, a column per key."""

    default_name = "selector"

    def __and__(self, other: Selector) -> Selector:
        return selector_and(self, other)

    def __rand__(self, other: Selector) -> Selector:
        return selector_and(other, self)

    def __or__(self, other: Selector) -> Selector:
        return selector_or(self, other)

    def __ror__(self, other: Selector) -> Selector:
        return selector_or(other, self)

    def __invert__(self) -> Selector:
        return selector_not(self)


class Select(Selector):
    """The keys for which a predicate of (key, query) holds."""

    default_name = "select"

    def __init__(self, keys: SOp, queries: SOp, predicate: Predicate):
        super().__init__()
        self.keys: SOp = expect(keys, SOp, "the keys of a Select")
        self.queries: SOp = expect(queries, SOp, "the queries of a Select")
        self.predicate = predicate

    @property
    def children(self) -> Sequence[RASPExpr]:
        """Keys and queries."""
        return [self.keys, self.queries]


class ConstantSelector(Selector):
    """Fixed rows whatever the input is. For tests of evaluation: it cannot be compiled.

    Args:
        value: The rows.
        check_length: Whether evaluation complains about an input of another length.
    """

    default_name = "constant_selector"

    def __init__(self, value: SelectorValue, check_length: bool = True):
        super().__init__()
        self.value = value
        self.check_length = check_length

    @property
    def children(self) -> Sequence[RASPExpr]:
        """None."""
        return []


class _Pair(Selector):
    """Two selectors put together."""

    def __init__(self, fst: Selector, snd: Selector):
        super().__init__()
        self.fst: Selector = expect(fst, Selector, f"the first part of a {type(self).__name__}")
        self.snd: Selector = expect(snd, Selector, f"the second part of a {type(self).__name__}")

    @property
    def children(self) -> Sequence[RASPExpr]:
        """The two selectors."""
        return [self.fst, self.snd]


class SelectorAnd(_Pair):
    """The keys both selectors select."""

    default_name = "selector_and"


class SelectorOr(_Pair):
    """The keys at least one of the selectors selects."""

    default_name = "selector_or"


class SelectorNot(Selector):
    """The keys a selector does not select."""

    default_name = "selector_not"

    def __init__(self, inner: Selector):
        super().__init__()
        self.inner: Selector = expect(inner, Selector, "the part of a SelectorNot")

    @property
    def children(self) -> Sequence[RASPExpr]:
        """The inner selector."""
        return [self.inner]


def selector_not(inner: Selector, simplify: bool = True) -> Selector:
    """The keys a selector does not select: a `Select` where it is one and `simplify` is left on."""
    if simplify and isinstance(inner, Select):
        return Select(inner.keys, inner.queries, negated(inner.predicate))
    return SelectorNot(inner)


def selector_and(fst: Selector, snd: Selector, simplify: bool = True) -> Selector:
    """The keys both select: one `Select` where keys and queries are shared and `simplify` is left on."""
    return (_fuse(fst, snd, both=True) if simplify else None) or SelectorAnd(fst, snd)


def selector_or(fst: Selector, snd: Selector, simplify: bool = True) -> Selector:
    """The keys either selects: one `Select` where keys and queries are shared and `simplify` is left on."""
    return (_fuse(fst, snd, both=False) if simplify else None) or SelectorOr(fst, snd)


def _fuse(fst: Selector, snd: Selector, *, both: bool) -> Select | None:
    """One Select for two, if each of keys and queries is the same SOp in both, or constant in one of them."""
    if not isinstance(fst, Select) or not isinstance(snd, Select):
        return None
    first, second = fst.predicate, snd.predicate
    common: list[SOp] = []
    for is_key, a, b in ((True, fst.keys, snd.keys), (False, fst.queries, snd.queries)):
        if a is b:
            common.append(a)
            continue
        if not isinstance(a, Full) and not isinstance(b, Full):
            return None
        # A constant fits any partner: it moves into the predicate of its own side.
        if isinstance(a, Full):
            first = Bound(first, a.fill, is_key)
        if isinstance(b, Full):
            second = Bound(second, b.fill, is_key)
        common.append(b if isinstance(a, Full) else a)
    return Select(common[0], common[1], joined(first, second, both=both))
