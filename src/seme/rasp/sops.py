"""Sequence operations: primitives, maps, and the operators that make maps."""

from __future__ import annotations

import logging
import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from seme.core.errors import ProgramError
from seme.rasp.base import VT, RASPExpr, Value, expect, expect_function
from seme.rasp.elementwise import BINARY, Chain, Linear, WithConstant, steps_of

if TYPE_CHECKING:
    from seme.lang import Sequence as LangSequence

SOpT = TypeVar("SOpT", bound="SOp")

_LOG = logging.getLogger(__name__)


class SOp(RASPExpr):
    """A function from a list of tokens to a list of as many values.

    Operators build new SOps; so SOps are compared, as keys of dictionaries and otherwise, by identity.
    """

    default_name = "sop"

    def to_lang(self, shared: dict[Any, Any] | None = None) -> LangSequence:
        """The same computation as an expression of `seme.lang`.

        Args:
            shared: One dictionary for several translations, so that what they have in common is translated once.

        Raises:
            ProgramError: Something in it exists for tests of evaluation only and cannot be compiled.
        """
        from seme.rasp.translation import translate

        return translate(self, shared)

    __hash__ = object.__hash__

    def __lt__(self, other: Any) -> SOp:
        return _operate("less", self, other)

    def __le__(self, other: Any) -> SOp:
        return _operate("less_equal", self, other)

    def __gt__(self, other: Any) -> SOp:
        return _operate("greater", self, other)

    def __ge__(self, other: Any) -> SOp:
        return _operate("greater_equal", self, other)

    def __eq__(self, other: Any) -> SOp:  # type: ignore[override]
        return _operate("equal", self, other)

    def __ne__(self, other: Any) -> SOp:  # type: ignore[override]
        return _operate("not_equal", self, other)

    def __add__(self, other: Any) -> SOp:
        return _operate("add", self, other)

    def __radd__(self, other: Any) -> SOp:
        return _operate("add", other, self)

    def __sub__(self, other: Any) -> SOp:
        return _operate("subtract", self, other)

    def __rsub__(self, other: Any) -> SOp:
        return _operate("subtract", other, self)

    def __mul__(self, other: Any) -> SOp:
        return _operate("multiply", self, other)

    def __rmul__(self, other: Any) -> SOp:
        return _operate("multiply", other, self)

    def __truediv__(self, other: Any) -> SOp:
        return _operate("divide", self, other)

    def __rtruediv__(self, other: Any) -> SOp:
        return _operate("divide", other, self)

    def __and__(self, other: Any) -> SOp:
        return _operate("and", self, other)

    def __rand__(self, other: Any) -> SOp:
        return _operate("and", other, self)

    def __or__(self, other: Any) -> SOp:
        return _operate("or", self, other)

    def __ror__(self, other: Any) -> SOp:
        return _operate("or", other, self)

    def __invert__(self) -> SOp:
        return Map(operator.not_, self)


def _operate(name: str, left: Any, right: Any) -> SOp:
    for side in (left, right):
        if isinstance(side, RASPExpr) and not isinstance(side, SOp):
            raise ProgramError(
                f"operator {name} was given a {type(side).__name__}, expected a sequence or a plain value",
                hint="SelectorWidth(selector) or Aggregate(selector, sop) makes a sequence of a selector",
            )
    if not isinstance(right, SOp):
        return Map(WithConstant(name, right), left)
    if not isinstance(left, SOp):
        return Map(WithConstant(name, left, constant_first=True), right)
    return SequenceMap(BINARY[name], left, right)


class _Primitive(SOp):
    """A SOp without children."""

    @property
    def children(self) -> Sequence[RASPExpr]:
        """None."""
        return []


class _Input(_Primitive):
    """One of the three things a program can read."""

    @property
    def label(self) -> str:
        """The kind alone: there is one of each."""
        return self.default_name

    def __repr__(self) -> str:
        return self.default_name


class TokensType(_Input):
    """The input itself."""

    default_name = "tokens"


class IndicesType(_Input):
    """0, 1, 2 ... : the position of each token."""

    default_name = "indices"


class LengthType(_Input):
    """How many tokens there are, at every position."""

    default_name = "length"


class Full(_Primitive):
    """The same value at every position."""

    default_name = "full"

    def __init__(self, fill: Value):
        super().__init__()
        self.fill = fill


class ConstantSOp(_Primitive, Generic[VT]):
    """Fixed values whatever the input is. For tests of evaluation: it cannot be compiled.

    Args:
        value: The values.
        check_length: Whether evaluation complains about an input of another length.
    """

    default_name = "constant_sop"

    def __init__(self, value: Sequence[Any], check_length: bool = True):
        super().__init__()
        self.value = value
        self.check_length = check_length


class Map(SOp):
    """A function of the value at each position; None stays None.

    >>> Map(lambda x: x + 1, tokens)([1, 2])
    [2, 3]

    Args:
        f: A Python function of one value.
        inner: Where the values come from.
        simplify: Whether a map of a map becomes one map of the inner map's input.
    """

    default_name = "map"

    def __init__(self, f: Callable[[Any], Any], inner: SOp, simplify: bool = True):
        super().__init__()
        self.f = expect_function(f, "the function of a Map")
        self.inner: SOp = expect(inner, SOp, "the input of a Map")
        if simplify and isinstance(inner, Map):
            self.f = Chain((*steps_of(inner.f), *steps_of(f)))
            self.inner = inner.inner

    @property
    def children(self) -> Sequence[RASPExpr]:
        """The input."""
        return [self.inner]


class SequenceMap(SOp):
    """A function of the two values at each position; None if one of them is None.

    >>> SequenceMap(lambda x, y: x - y, length, tokens)([1, 2])
    [1, 0]

    Args:
        f: A Python function of two values.
        fst: Where its first argument comes from.
        snd: Where its second argument comes from.
    """

    default_name = "sequence_map"

    def __init__(self, f: Callable[[Any, Any], Any], fst: SOp, snd: SOp):
        super().__init__()
        self.f = expect_function(f, "the function of a SequenceMap")
        self.fst: SOp = expect(fst, SOp, "the first input of a SequenceMap")
        self.snd: SOp = expect(snd, SOp, "the second input of a SequenceMap")
        if fst is snd:
            _LOG.warning("both inputs of a SequenceMap are `%s`: a Map says the same", fst.name)

    @property
    def children(self) -> Sequence[RASPExpr]:
        """The two inputs."""
        return [self.fst, self.snd]


class LinearSequenceMap(SequenceMap):
    """`fst_fac * fst + snd_fac * snd`."""

    default_name = "linear_sequence_map"

    def __init__(self, fst: SOp, snd: SOp, fst_fac: float, snd_fac: float):
        super().__init__(Linear(fst_fac, snd_fac), fst, snd)
        self.fst_fac = fst_fac
        self.snd_fac = snd_fac


def sop_not(sop: SOp) -> SOp:
    """True where the value is false in Python's sense."""
    return Map(operator.not_, sop)


tokens = TokensType()
indices = IndicesType()
length = LengthType()
