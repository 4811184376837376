"""A fast tokenizer as plain JSON: what `AutoTokenizer` loads, written without the `tokenizers` library.

A word that is not in the vocabulary is an error. WordLevel falls back to `unk_token` only if the vocabulary has it;
here it never has, so the library raises "WordLevel error: Missing [UNK] token from the vocabulary".
"""

from __future__ import annotations

from typing import Any

from seme.core.errors import UsageError
from seme.model.artifact import TokenTable


def tokenizer_files(table: TokenTable, n_positions: int) -> dict[str, dict[str, Any]]:
    """The contents of tokenizer.json, tokenizer_config.json and special_tokens_map.json.

    Raises:
        UsageError: Two tokens have the same text, or a special token's text occurs inside a user's.
    """
    _check(table)
    special = {"bos_token": table.begin, "pad_token": table.pad}
    return {
        "tokenizer.json": _tokenizer(table),
        "tokenizer_config.json": {
            **special,
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": n_positions,
            "model_input_names": ["input_ids", "attention_mask"],
            "padding_side": "right",
            "truncation_side": "right",
            "clean_up_tokenization_spaces": False,
        },
        "special_tokens_map.json": special,
    }


def _tokenizer(table: TokenTable) -> dict[str, Any]:
    rows = {table.begin: TokenTable.BEGIN_ID, table.pad: TokenTable.PAD_ID}
    added = [
        {
            "id": row,
            "content": text,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for text, row in rows.items()
    ]
    begin = {"SpecialToken": {"id": table.begin, "type_id": 0}}
    words = rows | {text: row for row, text in enumerate(table.texts, start=TokenTable.FIRST_ID)}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": _splitter(table.texts),
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [begin, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [
                begin,
                {"Sequence": {"id": "A", "type_id": 0}},
                {"Sequence": {"id": "B", "type_id": 0}},
            ],
            "special_tokens": {table.begin: {"id": table.begin, "ids": [TokenTable.BEGIN_ID], "tokens": [table.begin]}},
        },
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": words, "unk_token": _absent(set(words))},
    }


def _splitter(texts: tuple[str, ...]) -> dict[str, Any] | None:
    """How a plain string is cut; words given one by one (is_split_into_words) must come through whole."""
    if all(len(text) == 1 for text in texts):
        return {"type": "Split", "pattern": {"Regex": r"[\s\S]"}, "behavior": "Isolated", "invert": False}
    if any(character.isspace() for text in texts for character in text):
        # A token that holds a space would be torn apart, so nothing is cut: such input comes as a list of words.
        return None
    return {"type": "WhitespaceSplit"}


def _absent(words: set[str]) -> str:
    """A text that is not in the vocabulary: the format wants a name for the unknown token, and there is none."""
    name = "[UNKNOWN]"
    while name in words:
        name = f"[{name}]"
    return name


def _check(table: TokenTable) -> None:
    texts = [table.begin, table.pad, *table.texts]
    if len(set(texts)) < len(texts) or "" in texts:
        raise UsageError(
            "two tokens have the same text, or one has none: a tokenizer file needs a text of its own for each",
            hint="give the tokens different names",
        )
    for special in (table.begin, table.pad):
        for text in table.texts:
            if special in text:
                raise UsageError(
                    f"the special token's text {special!r} occurs inside the token {text!r}, where it would be found",
                    hint="rename the token",
                )
