"""Compiled models in `transformers`, padded batches included, give what Seme gives."""

import pytest
import torch
import transformers
from examples import catalogue

import seme

CHOSEN = [
    p for p in catalogue.PROGRAMS if p.name in ("reverse", "hist", "sort", "prefix_length", "induction", "dyck_2")
]


@pytest.mark.parametrize("listed", [pytest.param(p, id=p.name) for p in CHOSEN])
def test_the_auto_classes_load_the_folder_and_answer_the_same(listed, tmp_path):
    ours = seme.compile(listed.program)
    ours.save(tmp_path / "model")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "model")
    theirs = transformers.AutoModelForTokenClassification.from_pretrained(tmp_path / "model").eval()
    texts = dict(zip(ours.artifact.tokens.values, ours.artifact.tokens.texts, strict=True))
    inputs = [list(listed.sample), list(listed.sample)[:2], list(listed.program.vocab)[:5]]
    words = [[texts[x] for x in xs] for xs in inputs]
    batch = tokenizer(words, is_split_into_words=True, padding=True, return_tensors="pt")
    with torch.inference_mode():
        logits = theirs(**batch).logits
    for row, xs in enumerate(inputs):
        ids = batch.word_ids(row)
        own = logits[row, [i for i, word in enumerate(ids) if word is not None]]
        expected = ours.logits(xs)
        assert own.shape == expected.shape
        assert torch.allclose(own, expected, rtol=0, atol=1e-3)
        assert torch.equal(own.argmax(-1), expected.argmax(-1))
