import pytest

from seme.core.errors import InputError
from seme.execute import Encoder
from seme.model import TokenTable


def encoder(*values, most=4):
    return Encoder(TokenTable(values=values, texts=tuple(map(repr, values)), begin="<b>", pad="<p>"), most)


def test_rows_start_after_the_special_tokens():
    assert encoder("a", "b").rows_of([["b"], ["a", "a"]]).tolist() == [3, 2, 2]


def test_tokens_keep_their_type():
    assert encoder(1, "1").rows_of([[1, "1", 1.0]]).tolist() == [2, 3, 2]
    with pytest.raises(InputError, match="unknown token True at position 0"):
        encoder(1, 0).rows_of([[True]])
    with pytest.raises(InputError, match="unknown token 1 at position 1"):
        encoder(True, False).rows_of([[True, 1]])
    assert encoder(True, False).rows_of([[False, True]]).tolist() == [3, 2]


@pytest.mark.parametrize("bad", ["z", None, [1], {}])
def test_an_unknown_token_is_told_with_its_place(bad):
    with pytest.raises(InputError) as caught:
        encoder("a", "b").rows_of([["a"], ["b", bad]])
    assert f"unknown token {bad!r} at position 1, expected one of 'a' 'b'" in str(caught.value)
    assert "hint:" in str(caught.value)


def test_too_long_an_input_is_told_with_both_lengths():
    with pytest.raises(InputError, match="input has 5 tokens, expected at most 4"):
        encoder("a").rows_of([["a"] * 5])


def test_a_string_is_cut_into_characters_or_words():
    assert encoder("a", "b").sequence("ab") == ["a", "b"]
    assert encoder("on", "off").sequence("on  off") == ["on", "off"]
