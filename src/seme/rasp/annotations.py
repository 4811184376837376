"""Notes on an expression: what the programmer said about it, and defaults for what was not said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from seme.rasp.base import RASPExpr


class Annotator(Protocol):
    """Gives the default of one annotation."""

    def __call__(self, expr: Any) -> Any:
        """The annotation of `expr` when the programmer gave none."""
        ...


# Part of the public interface, and open to users: a key added here becomes an annotation of every expression.
DEFAULT_ANNOTATORS: dict[str, Annotator] = {}


class Annotations(Mapping[str, Any]):
    """The annotations of one expression; a default is computed when it is first asked for.

    Args:
        expr: The expression they belong to.
        given: What the programmer said.
    """

    def __init__(self, expr: RASPExpr, given: Mapping[str, Any] | None = None):
        self._expr = expr
        self.given: dict[str, Any] = dict(given or {})
        # Defaults stay apart from what was said: a translation carries names along only where someone chose them.
        self._defaults: dict[str, Any] = {}

    def __getitem__(self, key: str) -> Any:
        if key in self.given:
            return self.given[key]
        if key not in self._defaults:
            if key not in DEFAULT_ANNOTATORS:
                known = ", ".join(sorted({*self, *DEFAULT_ANNOTATORS}))
                raise KeyError(f"no annotation `{key}`, expected one of {known}")
            self._defaults[key] = DEFAULT_ANNOTATORS[key](self._expr)
        return self._defaults[key]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._defaults, **self.given})

    def __len__(self) -> int:
        return len({**self._defaults, **self.given})

    def __repr__(self) -> str:
        return repr(dict(self))
