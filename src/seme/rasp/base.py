"""What every RASP expression has: a call, children, a name, annotations and an id."""

from __future__ import annotations

import abc
import copy
import functools
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar, Union

from seme.core.errors import ProgramError
from seme.lang.expressions import source_line
from seme.rasp.annotations import DEFAULT_ANNOTATORS, Annotations

NumericValue = Union[int, float]  # noqa: UP007 - a typing alias, so that it can be written in old-style annotations
Value = Union[None, int, float, str, bool]  # noqa: UP007
SelectorValue = list[list[bool]]

RASPExprT = TypeVar("RASPExprT", bound="RASPExpr")
VT = TypeVar("VT", bound=Value)
T = TypeVar("T")


class EvaluationError(ProgramError, ValueError):
    """Values met while an expression is evaluated do not fit it. It is a `ValueError` too, as RASP programs expect."""


class RASPExpr(abc.ABC):
    """A sequence operation or a selector."""

    # Ids exist to tell expressions apart in messages and labels. No compiled byte depends on them.
    _ids: ClassVar[itertools.count[int]] = itertools.count(1)
    default_name: ClassVar[str] = ""

    def __init__(self):
        self._annotations = Annotations(self)
        self.source = source_line()

    def __call__(self, xs: Sequence[Value]) -> Any:
        """The value of the expression on an input.

        Args:
            xs: A list of tokens, or a string of one-character tokens.
        """
        from seme.rasp.evaluation import evaluate

        return evaluate(self, xs)

    @property
    @abc.abstractmethod
    def children(self) -> Sequence[RASPExpr]:
        """The expressions this one is computed from."""

    @property
    def annotations(self) -> Mapping[str, Any]:
        """What is known about the expression: `name`, `encoding`, and whatever a program adds."""
        return self._annotations

    @annotations.setter
    def annotations(self, annotations: Mapping[str, Any]) -> None:
        self._annotations = Annotations(self, annotations)

    @property
    def given_annotations(self) -> Mapping[str, Any]:
        """The annotations somebody gave, without defaults."""
        return self._annotations.given

    @property
    def name(self) -> str:
        """The name given with `named`, else one for the kind of expression."""
        return self.annotations["name"]

    @functools.cached_property
    def unique_id(self) -> int:
        """A number no other expression has."""
        return next(RASPExpr._ids)

    @property
    def label(self) -> str:
        """Name and id."""
        return f"{self.name}_{self.unique_id}"

    def copy(self: RASPExprT) -> RASPExprT:
        """A copy with the same children and annotations, and an id of its own."""
        new = copy.copy(self)
        vars(new).pop("unique_id", None)
        new._annotations = Annotations(new, self._annotations.given)
        return new

    def named(self: RASPExprT, name: str) -> RASPExprT:
        """A copy with another name."""
        return annotate(self, name=name)

    def annotated(self: RASPExprT, **annotations: Any) -> RASPExprT:
        """A copy with further annotations."""
        return annotate(self, **annotations)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.label}>"


def annotate(expr: RASPExprT, **annotations: Any) -> RASPExprT:
    """A copy of an expression with further annotations; those given here win."""
    new = expr.copy()
    new.annotations = {**expr.given_annotations, **annotations}
    return new


def default_name(expr: RASPExpr) -> str:
    """The name of an expression that was given none: what kind it is.

    Raises:
        NotImplementedError: It is of no kind that has a name.
    """
    if not expr.default_name:
        raise NotImplementedError(f"{type(expr).__name__} has no default name; set the class attribute `default_name`")
    return expr.default_name


DEFAULT_ANNOTATORS["name"] = default_name


def expect(value: Any, kind: type, what: str) -> Any:
    """Returns the value when it is of the kind expected.

    Raises:
        ProgramError: It is not.
    """
    if not isinstance(value, kind):
        hint = "SOps are sequences, such as tokens; selectors are made with Select(keys, queries, predicate)"
        raise ProgramError(f"{what} is a {type(value).__name__}, expected a {kind.__name__}", hint=hint)
    return value


def expect_function(value: Any, what: str) -> Any:
    """Returns the value when it is a Python function.

    Raises:
        ProgramError: It cannot be called, or is itself an expression.
    """
    if isinstance(value, RASPExpr) or not callable(value):
        raise ProgramError(
            f"{what} is a {type(value).__name__}, expected a Python function", hint="Map(lambda x: x + 1, tokens)"
        )
    return value
