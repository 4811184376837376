from __future__ import annotations

import pytest

from seme.cli.inputs import read_input
from seme.cli.options import _vocab
from seme.core.errors import InputError


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("abc", ["a", "b", "c"]),
        ('["a", "bc", 1, true]', ["a", "bc", 1, True]),
        ("[]", ["[", "]"]),
        ("[](){}", list("[](){}")),
        ("", []),
    ],
)
def test_a_vocabulary_is_a_json_list_or_characters(text, tokens):
    assert _vocab(None, None, text) == tokens  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "vocab", "tokens"),
    [
        ("ab", "ab", ["a", "b"]),
        ("12", [1, 2], [1, 2]),
        ("12", ["1", "2", 1, 2], ["1", "2"]),
        ("12 3", range(13), [12, 3]),
        ("one two", ["one", "two"], ["one", "two"]),
        ("[1, 2]", [1, 2], [1, 2]),
        ("[(", "[]()", ["[", "("]),
        ("a b", "ab ", ["a", " ", "b"]),
    ],
)
def test_an_input_is_read_by_what_the_tokens_are(text, vocab, tokens):
    assert read_input(text, list(vocab))[0] == tokens


def test_a_broken_list_is_no_string_of_tokens():
    with pytest.raises(InputError, match="opens like a JSON list"):
        read_input("[a", list("ab"))
