import pytest

from seme.core.errors import UsageError
from seme.exchange.tokenizer import tokenizer_files
from seme.model import TokenTable


def files(*texts, begin="<b>", pad="<p>"):
    return tokenizer_files(TokenTable(values=texts, texts=texts, begin=begin, pad=pad), 9)


def test_rows_are_those_of_the_token_table():
    assert files("x", "y")["tokenizer.json"]["model"]["vocab"] == {"<b>": 0, "<p>": 1, "x": 2, "y": 3}
    assert files("x")["tokenizer_config.json"]["model_max_length"] == 9


def test_the_unknown_token_is_never_in_the_vocabulary():
    for texts in (("a",), ("[UNKNOWN]", "[[UNKNOWN]]")):
        model = files(*texts)["tokenizer.json"]["model"]
        assert model["unk_token"] not in model["vocab"]


@pytest.mark.parametrize("texts", [("a", "a"), ("",), ("<b>",), ("x<p>y",)])
def test_texts_that_would_be_confused_are_refused(texts):
    with pytest.raises(UsageError):
        files(*texts)
