"""The examples in docstrings and in the page on reading give what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import seme.read

MODULES = sorted(module.name for module in pkgutil.iter_modules(seme.read.__path__))
PAGE = Path(__file__).parents[2] / "docs" / "read.md"


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_of_the_room_hold(name):
    module = importlib.import_module(f"seme.read.{name}")
    assert doctest.testmod(module, extraglobs={"np": importlib.import_module("numpy")}).failed == 0


def test_the_page_on_reading_holds():
    result = doctest.testfile(str(PAGE), module_relative=False)
    assert result.attempted > 5
    assert result.failed == 0
