"""The INPUT of `seme run`: a JSON list, or a string of tokens."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from seme.core.errors import InputError


def read_input(text: str, vocab: Sequence[Any]) -> tuple[list[Any], str]:
    """The tokens of an input, and how the text was read.

    A text that is a JSON list is one. Any other is cut into characters, or at blanks where some token is longer than
    a character; there a token that is not a string is meant by its text, so `1011` is four numbers where the tokens
    are numbers.

    Raises:
        InputError: The text opens like a list, is none, and has characters that are no tokens.
    """
    texts = {str(token): token for token in vocab if not isinstance(token, str)}
    texts |= {token: token for token in vocab if isinstance(token, str)}
    words = any(len(token) != 1 for token in texts)
    parts = text.split() if words else list(text)
    if text.lstrip().startswith("["):
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            if not all(part in texts for part in parts):
                raise InputError(
                    f"cannot read the input {text!r}: it opens like a JSON list but is none ({error}), and not all of "
                    f"its {'words' if words else 'characters'} are tokens",
                    hint="""quote it for the shell: '["a", "b"]'""",
                ) from error
        else:
            return found, "a JSON list"
    how = "words between blanks" if words else "one token per character"
    return [texts.get(part, part) for part in parts], how


def is_ambiguous(text: str, vocab: Sequence[Any]) -> bool:
    """Whether a JSON list could also have been meant as a string of one-character tokens."""
    tokens = {str(token) for token in vocab}
    return text.lstrip().startswith("[") and all(character in tokens for character in text)
