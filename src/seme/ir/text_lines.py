"""Words, numerals and lines: what the text form of a graph is made of."""

from __future__ import annotations

import json
import re

from seme.core.errors import GraphError

_TOKEN = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^ "])+')
_NUMBER = re.compile(r"-?(?:[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?|inf)|nan")
_WHOLE = re.compile(r"[0-9]{1,12}")


def word(text: str) -> str:
    """A name as it is, or as a JSON string where it could be mistaken for anything else."""
    return text if text and text.isprintable() and not set(text) & {" ", '"'} else json.dumps(text)


def unword(token: str, lines: Cursor) -> str:
    """The name a token stands for."""
    if not token.startswith('"'):
        return token
    try:
        return json.loads(token)
    except ValueError:
        raise lines.error(f"`{token}`", "a word or one JSON string") from None


def numeral(value: float) -> str:
    """The shortest decimal that gives the same float64."""
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text


def number(token: str, lines: Cursor) -> float:
    """The float a token stands for."""
    if not _NUMBER.fullmatch(token):
        raise lines.error(f"`{token}`", "a number")
    return float(token)


class Cursor:
    """Goes through the lines of a text; empty ones are passed over.

    Args:
        text: The whole text.
    """

    def __init__(self, text: str):
        self._lines = [(i, line) for i, line in enumerate(text.split("\n"), 1) if line.strip(" ")]
        self._next = 0
        self._last = text.count("\n") + 1

    def done(self) -> bool:
        """Whether every line was taken."""
        return self._next == len(self._lines)

    def indented(self, indent: int) -> bool:
        """Whether the next line stands at this indentation."""
        return not self.done() and _indent(self._lines[self._next][1]) == indent

    def take(self, indent: int, expected: str) -> list[str]:
        """The tokens of the next line.

        Raises:
            GraphError: The text ends, or the line is indented differently or holds a quote that never ends.
        """
        self._next += 1
        if self._next > len(self._lines):
            raise self.error("the end of the text", expected)
        line = self._lines[self._next - 1][1]
        if _indent(line) != indent:
            raise self.error(f"`{line.strip()[:40]}` after {_indent(line)} spaces", f"{expected} after {indent}")
        tokens = _TOKEN.findall(line)
        if " ".join(tokens) != line[indent:].rstrip(" "):
            raise self.error(f"`{line.strip()[:40]}`", "words and JSON strings with single spaces between them")
        return tokens

    def field(self, indent: int, name: str, *, least: int = 0) -> list[str]:
        """The tokens after the name of a field."""
        got, *rest = self.take(indent, f"`{name}`")
        if got != name:
            raise self.error(f"`{got}`", f"`{name}`")
        if len(rest) < least:
            raise self.error(f"nothing after `{name}`", "its value")
        return rest

    def value(self, indent: int, name: str) -> str:
        """The single token after the name of a field."""
        rest = self.field(indent, name)
        if len(rest) != 1:
            raise self.error(f"{len(rest)} words after `{name}`", "one")
        return rest[0]

    def whole(self, name: str, token: str) -> int:
        """A token as a natural number."""
        if not _WHOLE.fullmatch(token):
            raise self.error(f"{name} `{token}`", "a natural number")
        return int(token)

    def error(self, got: str, expected: str) -> GraphError:
        """The error for the line last taken."""
        line = self._lines[self._next - 1][0] if 0 < self._next <= len(self._lines) else self._last
        return GraphError(
            f"cannot read the graph at line {line}: got {got}, expected {expected}",
            hint="compile the program again: this text was changed or comes from another version",
        )


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
