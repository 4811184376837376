"""What a program of the corpus is held against: an oracle and hand-derived answers."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

from seme.lang import Program

NUMBER = (int, float, Fraction)
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def _catalogue() -> ModuleType:
    """The catalogue of the examples, which is a folder of files and no package."""
    name = "seme_examples_catalogue"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, EXAMPLES / "catalogue.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


CATALOGUE = _catalogue()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One program of the corpus.

    Attributes:
        file: The file in `examples/`.
        name: The name the program is bound to there.
        oracle: The same statement in plain Python: a list of tokens -> the answer, or answers by name.
        examples: Inputs with answers derived by hand from the statement.
        tolerance: Largest error allowed of a number; 0 where the answer is exact.
    """

    file: str
    name: str
    oracle: Callable[[list[Any]], Any]
    examples: tuple[tuple[Iterable[Any], Any], ...]
    tolerance: float = 0.0

    @property
    def path(self) -> Path:
        """Where the program stands."""
        return EXAMPLES / self.file

    @property
    def program(self) -> Program:
        """The program itself."""
        return getattr(CATALOGUE.load(self.file), self.name)

    @property
    def statement(self) -> str:
        """What the program computes, in words."""
        return CATALOGUE.statements(self.file)[self.name]

    def agrees(self, got: Any, expected: Any) -> bool:
        """Whether an answer is right: lengths and names first, then every value."""
        if isinstance(expected, Mapping):
            return (
                isinstance(got, Mapping)
                and got.keys() == expected.keys()
                and all(self.agrees(got[key], expected[key]) for key in expected)
            )
        got, expected = list(got), list(expected)
        return len(got) == len(expected) and all(self._same(a, b) for a, b in zip(got, expected, strict=True))

    def _same(self, a: Any, b: Any) -> bool:
        if isinstance(a, NUMBER) and isinstance(b, NUMBER):
            # A model gives a third as the float nearest to it; the interpreter gives it exactly.
            return float(a) == float(b) or abs(float(a) - float(b)) <= self.tolerance
        return a == b


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """An input on which a program does not say what its oracle says."""

    input: list[Any]
    got: Any
    expected: Any


def first_divergence(run: Callable[[list[Any]], Any], case: Case, inputs: Iterable[list[Any]]) -> Divergence | None:
    """The first input on which `run` and the oracle of a case differ, or None.

    Args:
        run: A list of tokens -> the answer: an interpreter, or a compiled model.
        case: Holds the oracle and the tolerance.
        inputs: What to try.
    """
    for xs in inputs:
        got, expected = run(list(xs)), case.oracle(list(xs))
        if not case.agrees(got, expected):
            return Divergence(input=list(xs), got=got, expected=expected)
    return None
