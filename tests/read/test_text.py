"""Samples of text: cut, enclosed, or drawn at random where no text fits."""

from __future__ import annotations

import json

import numpy as np
import pytest

from seme.core.errors import FolderError, InputError
from seme.read.text import sample


def write_word_list(folder, **more) -> None:
    """A tokenizer of a few words, without an unknown token, as compiled programs have."""
    added = [{"id": 0, "content": "<pad>", "special": True}]
    model = {"type": "WordLevel", "vocab": {"<pad>": 0, "a": 1, "b": 2}, "unk_token": "[UNK]"}
    (folder / "tokenizer.json").write_text(json.dumps({"added_tokens": added, "model": model, **more}))


def test_a_word_list_that_knows_no_text_gives_random_ordinary_tokens(tmp_path):
    write_word_list(tmp_path)
    drawn = sample(tmp_path, vocabulary=3, length=5, contexts=40)
    assert drawn.tokens.shape == (40, 5)
    assert set(np.unique(drawn.tokens)) == {1, 2}
    assert "random tokens" in drawn.source


def test_no_tokenizer_gives_random_tokens_that_repeat_with_their_seed(tmp_path):
    one, again = (sample(tmp_path, vocabulary=30, length=4, contexts=2, seed=5).tokens for _ in range(2))
    assert np.array_equal(one, again)


def test_a_text_that_cannot_be_used_is_refused_and_not_replaced(minilm, tmp_path):
    with pytest.raises(InputError, match="has no tokenizer"):
        sample(tmp_path, vocabulary=30, length=4, contexts=2, text="some words")
    with pytest.raises(InputError, match="is empty"):
        sample(minilm, vocabulary=30522, length=4, contexts=2, text="")
    with pytest.raises(InputError, match="does not know"):
        sample(minilm, vocabulary=30522, length=4, contexts=2, text="𐎠 𐎡 𐎢 𐎣 𐎤 𐎥")
    with pytest.raises(InputError, match="beyond the 9 of the table"):
        sample(minilm, vocabulary=9, length=4, contexts=2, text="some words")


def test_english_is_enclosed_for_bert(minilm):
    drawn = sample(minilm, vocabulary=30522, length=16, contexts=3, encloses=True)
    assert drawn.words[0] == "[CLS]"
    assert drawn.words[-1] == "[SEP]"
    assert "English" in drawn.source


def test_a_text_too_short_and_a_damaged_tokenizer_are_named(minilm, tmp_path):
    with pytest.raises(InputError, match="cannot cut"):
        sample(minilm, vocabulary=30522, length=16, contexts=3, text="short")
    for content in ("{", '{"a": 1}', "[1]", '{"model": {"type": "BPE", "vocab": 3}}'):
        (tmp_path / "tokenizer.json").write_text(content)
        with pytest.raises(FolderError, match="cannot read"):
            sample(tmp_path, vocabulary=3, length=4, contexts=1)
