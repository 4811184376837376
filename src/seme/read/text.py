"""Token sequences to read a model with: real English by default, random tokens where no text fits."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from seme.core.errors import FolderError, InputError
from seme.core.text import default_text

UNKNOWN = 0.3
"""More unknown tokens than this and the text says nothing about the model."""

OPENINGS = ("[CLS]", "<s>")
CLOSINGS = ("[SEP]", "</s>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Sequences of equal length.

    Attributes:
        tokens: Token ids, one sequence per row.
        source: Where they are from, in words.
        mask: Id of the mask token, or None.
        special: Ids of opening, closing and mask tokens.
        words: The first sequence's tokens as text, where a tokenizer knows them.
    """

    tokens: Int[np.ndarray, "context pos"]
    source: str
    mask: int | None
    special: tuple[int, ...]
    words: tuple[str, ...]


def sample(
    folder: Path,
    *,
    vocabulary: int,
    length: int,
    contexts: int,
    text: str | None = None,
    encloses: bool = False,
    seed: int = 0,
) -> Sample:
    """Cuts text into sequences of equal length.

    Args:
        folder: Model folder, where its tokenizer is looked for.
        vocabulary: Rows of the token table.
        length: Tokens per sequence.
        contexts: Sequences wanted; fewer if the text is short.
        text: The text, or None for the default.
        encloses: Whether sequences begin and end with the tokenizer's special tokens (BERT's families).
        seed: Seed of random tokens, where no tokenizer is found or the text is mostly unknown to it.

    Returns:
        The sample.

    Raises:
        InputError: If a text is given that is shorter than one sequence, or that the tokenizer cannot take.
    """
    encoder = _encoder(folder)
    if encoder is None:
        why = "no tokenizer for text was found"
        if text is not None:
            raise InputError(
                f"cannot read the text: `{folder}` has no tokenizer that takes any text",
                hint="put tokenizer.json beside the weights, or leave --text out to read random tokens",
            )
        return _random(vocabulary, length, contexts, seed, why, _special(folder))
    encode, token_id, to_words = encoder
    ids = np.asarray(encode(text if text is not None else default_text()), dtype=np.int64)
    unknown = [each for name in ("[UNK]", "<unk>") if (each := token_id(name)) is not None]
    if text is not None and not len(ids):
        raise InputError("cannot read the text: it is empty", hint="give a longer text")
    if not len(ids) or np.isin(ids, unknown).mean() > UNKNOWN or ids.max() >= vocabulary:
        why = "the tokenizer does not know the text"
        if text is not None:
            raise InputError(
                f"cannot read the text: the tokenizer of `{folder}` does not know over {UNKNOWN:.0%} of its words, or "
                f"gives tokens beyond the {vocabulary} of the table",
                hint="give a text in the model's language, or leave --text out",
            )
        return _random(vocabulary, length, contexts, seed, why, _special(folder))
    opening = next((found for name in OPENINGS if (found := token_id(name)) is not None), None)
    closing = next((found for name in CLOSINGS if (found := token_id(name)) is not None), None)
    ends = (opening, closing) if encloses and opening is not None and closing is not None else None
    inner = length - 2 if ends else length
    count = min(contexts, len(ids) // max(inner, 1))
    if count < 1:
        raise InputError(
            f"cannot cut a text of {len(ids)} tokens into sequences of {inner}: expected at least one",
            hint="give a longer text",
        )
    cut = ids[: count * inner].reshape(count, inner)
    if ends:
        column = np.ones((count, 1), dtype=np.int64)
        cut = np.hstack([column * ends[0], cut, column * ends[1]])
    mask = next((found for name in ("[MASK]", "<mask>") if (found := token_id(name)) is not None), None)
    special = tuple(int(each) for each in (opening, closing, mask) if each is not None)
    source = "the given text" if text is not None else "English of pydoc_data.topics"
    return Sample(tokens=cut, source=source, mask=mask, special=special, words=tuple(to_words(cut[0])))


def _random(vocabulary: int, length: int, contexts: int, seed: int, why: str, special: tuple[int, ...]) -> Sample:
    """Ordinary tokens drawn uniformly; special ones (padding above all) would not stand inside a sequence."""
    ordinary = np.setdiff1d(np.arange(vocabulary), special)
    tokens = np.random.default_rng(seed).choice(
        ordinary if len(ordinary) else np.arange(vocabulary), (contexts, length)
    )
    words = tuple(str(each) for each in tokens[0])
    return Sample(tokens=tokens, source=f"random tokens: {why}", mask=None, special=(), words=words)


def _special(folder: Path) -> tuple[int, ...]:
    """Ids of the special tokens a tokenizer.json lists, or none."""
    added = _description(folder).get("added_tokens") or ()
    return tuple(int(each["id"]) for each in added if each.get("special"))


def _description(folder: Path) -> dict[str, Any]:
    """Content of tokenizer.json, or empty where there is none.

    Raises:
        FolderError: If it cannot be parsed.
    """
    path = folder / "tokenizer.json"
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FolderError(f"cannot read `{path}`: {error}", hint="the file is damaged; fetch it again") from error
    if not isinstance(content, dict) or not isinstance(content.get("model"), dict):
        raise FolderError(
            f"cannot read `{path}`: expected the description of a tokenizer, with its `model`",
            hint="it is no tokenizer; fetch it again",
        )
    return content


def _takes_text(description: dict[str, Any]) -> bool:
    """Whether any text can be encoded: a word list without an unknown token fails at other words."""
    model = description.get("model") or {}
    return model.get("type") != "WordLevel" or model.get("unk_token") in (model.get("vocab") or {})


Encoder = tuple[Callable[[str], list[int]], Callable[[str], int | None], Callable[[np.ndarray], list[str]]]


def _encoder(folder: Path) -> Encoder | None:
    """The folder's tokenizer as three functions: encode, id of a token, words of ids."""
    path = folder / "tokenizer.json"
    try:
        from tokenizers import Tokenizer
    except ImportError:
        return None
    if path.is_file():
        if not _takes_text(_description(folder)):
            return None
        try:
            tokenizer = Tokenizer.from_str(path.read_text(encoding="utf-8"))
        except Exception as error:  # tokenizers raises bare ones
            hint = "the file is damaged; fetch it again"
            raise FolderError(f"cannot read `{path}`: {error}", hint=hint) from error
        tokenizer.no_truncation()
        tokenizer.no_padding()
    elif (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        from tokenizers.implementations import ByteLevelBPETokenizer  # pyright: ignore

        tokenizer = ByteLevelBPETokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"))
    elif (folder / "vocab.txt").is_file():
        from tokenizers.implementations import BertWordPieceTokenizer  # pyright: ignore

        tokenizer = BertWordPieceTokenizer(str(folder / "vocab.txt"))
    else:
        return None
    return (
        lambda text: tokenizer.encode(text, add_special_tokens=False).ids,
        tokenizer.token_to_id,
        lambda ids: [tokenizer.id_to_token(int(each)) or str(each) for each in ids],
    )
