"""Seme: construct transformers from programs, read them, and see what training finds.

The names below load their rooms when first used, so that `import seme` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seme.compiler import compile
    from seme.exchange import Model, load
    from seme.lang import program

__version__ = "0.1.0"

_HOMES = {
    "compile": "seme.compiler",
    "load": "seme.exchange",
    "Model": "seme.exchange",
    "program": "seme.lang",
    "lang": "",
    "rasp": "",
    "hand": "",
}

__all__ = ["Model", "__version__", "compile", "load", "program"]


def __getattr__(name: str) -> Any:
    """Loads a public name from its room on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'seme' has no attribute {name!r}")
    home = _HOMES[name]
    return getattr(importlib.import_module(home), name) if home else importlib.import_module(f"seme.{name}")
