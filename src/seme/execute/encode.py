"""User tokens to rows of the embedding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np

from seme.core.errors import InputError
from seme.model.artifact import TokenTable

_SHOWN = 12


class Encoder:
    """Looks tokens up.

    Tokens keep their type: 1 is neither "1" nor True, but 1.0 is 1, as in Python.

    Args:
        table: The token table.
        most: The most tokens a user may give.
    """

    def __init__(self, table: TokenTable, most: int):
        self.table = table
        self.most = most
        self.rows = {_key(value): row for row, value in enumerate(table.values, start=TokenTable.FIRST_ID)}
        self.has_booleans = any(isinstance(value, bool) for value in table.values)
        strings = all(isinstance(value, str) for value in table.values)
        self.splits_words = strings and any(len(value) != 1 for value in table.values)

    def sequence(self, xs: Iterable[Any]) -> list[Any]:
        """One input as a list: a string is cut into characters, or into words where tokens are words."""
        if not isinstance(xs, Iterable):
            raise InputError(
                f"the input is a {type(xs).__name__}, expected a list of tokens or a string", hint="model(['a', 'b'])"
            )
        if isinstance(xs, str):
            return xs.split() if self.splits_words else list(xs)
        return list(xs)

    def rows_of(self, sequences: Sequence[Sequence[Any]]) -> np.ndarray:
        """Rows of all tokens of all sequences, end to end.

        Raises:
            InputError: A token is unknown, or a sequence is too long.
        """
        for sequence in sequences:
            if len(sequence) > self.most:
                raise InputError(
                    f"input has {len(sequence)} tokens, expected at most {self.most}",
                    hint="make the model for a longer input (--max-length)",
                )
        tokens = list(chain.from_iterable(sequences))
        # A boolean would be found under the number it equals; one look at the types keeps the usual case fast.
        if self.has_booleans or bool in set(map(type, tokens)):
            tokens = [_key(token) for token in tokens]
        try:
            return np.fromiter(map(self.rows.__getitem__, tokens), dtype=np.int64, count=len(tokens))
        except (KeyError, TypeError) as error:
            raise self._unknown(sequences) from error

    def _unknown(self, sequences: Sequence[Sequence[Any]]) -> InputError:
        for sequence in sequences:
            for position, token in enumerate(sequence):
                if not _hashable(token) or _key(token) not in self.rows:
                    return InputError(
                        f"unknown token {token!r} at position {position}, expected one of {self._some()}",
                        hint="tokens keep their type: 1 is not '1'",
                    )
        raise AssertionError("a token was not found, then all were")

    def _some(self) -> str:
        values = self.table.values
        shown = " ".join(repr(value) for value in values[:_SHOWN])
        return shown + (f" ... ({len(values)} in all)" if len(values) > _SHOWN else "")


def _key(value: Any) -> Any:
    return (bool, value) if isinstance(value, bool) else value


def _hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True
