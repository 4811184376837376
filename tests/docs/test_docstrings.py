"""Every example in a docstring gives what it says."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
MODULES = [path for path in sorted(SOURCE.rglob("*.py")) if ">>> " in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_the_examples_in_docstrings_hold(path: Path) -> None:
    found = doctest.testmod(importlib.import_module(".".join(path.relative_to(SOURCE).with_suffix("").parts)))
    assert found.attempted > 0
    assert found.failed == 0
