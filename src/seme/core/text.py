"""Text to read and train models with: real English that every Python carries, or a file."""

from __future__ import annotations

import random
from pathlib import Path
from pydoc_data import topics

from seme.core.errors import InputError


def default_text() -> str:
    """Gives the topics of Python's reference manual in a fixed order that is not the alphabet's.

    Neighbours in the alphabet are about the same thing: a part cut off for testing would be about another.

    >>> "assert" in default_text()
    True
    """
    order = sorted(topics.topics)
    random.Random(0).shuffle(order)
    return "\n".join(topics.topics[name] for name in order)


def read_text(path: Path) -> str:
    """Gives a text file's content.

    Raises:
        InputError: If it cannot be read, or is not UTF-8: bytes replaced by guesses are another text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the text {path}: {error}", hint="name a UTF-8 text file") from error
