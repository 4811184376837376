"""What one program of the corpus is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from seme.rasp import SOp


@dataclass(frozen=True, slots=True, kw_only=True)
class RaspProgram:
    """One program.

    Attributes:
        name: What to call it.
        statement: What it computes, in words; answers to inputs that `accepts` refuses are left open.
        build: Makes the program for inputs of up to so many tokens.
        vocab: The tokens.
        cases: Inputs and answers.
        causal: Whether the statement is about a causal model.
        accepts: The inputs the statement is about.
        max_length: A length that keeps tests quick.
    """

    name: str
    statement: str
    build: Callable[[int], SOp]
    vocab: tuple[Any, ...]
    cases: tuple[tuple[Any, Any], ...]
    causal: bool = False
    accepts: Callable[[list[Any]], bool] = lambda xs: True
    max_length: int = 10


def entry(name: str, statement: str, build: Callable[[int], SOp], vocab: Any, *cases: Any, **more: Any) -> RaspProgram:
    """A program, its cases written one after the other."""
    return RaspProgram(name=name, statement=statement, build=build, vocab=tuple(vocab), cases=cases, **more)
