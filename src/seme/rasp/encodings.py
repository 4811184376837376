"""Whether a sequence stands for numbers or for labels where a model writes it out."""

from __future__ import annotations

import enum

from seme.rasp.annotations import DEFAULT_ANNOTATORS
from seme.rasp.base import RASPExpr, annotate
from seme.rasp.sops import SOp, SOpT


class Encoding(enum.Enum):
    """One number, or one label per value."""

    CATEGORICAL = "categorical"
    NUMERICAL = "numerical"


def numerical(sop: SOpT) -> SOpT:
    """A copy that is written out as one number."""
    return annotate(sop, encoding=Encoding.NUMERICAL)


def categorical(sop: SOpT) -> SOpT:
    """A copy that is written out as one of its possible values."""
    return annotate(sop, encoding=Encoding.CATEGORICAL)


def get_encoding(sop: SOp) -> Encoding:
    """How the SOp is written out."""
    return sop.annotations["encoding"]


def is_numerical(sop: SOp) -> bool:
    """Whether the SOp is written out as one number."""
    return get_encoding(sop) == Encoding.NUMERICAL


def is_categorical(sop: SOp) -> bool:
    """Whether the SOp is written out as one of its possible values."""
    return get_encoding(sop) == Encoding.CATEGORICAL


def default_encoding(expr: RASPExpr) -> Encoding:
    """The encoding of a SOp that was given none: categorical.

    Raises:
        TypeError: It is a selector, which has no encoding.
    """
    if not isinstance(expr, SOp):
        raise TypeError(f"{expr!r} is a selector, and only a SOp has an encoding")
    return Encoding.CATEGORICAL


DEFAULT_ANNOTATORS["encoding"] = default_encoding
