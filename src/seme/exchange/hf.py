"""A `transformers` model and tokenizer in memory, the same as its Auto classes make from a saved folder."""

from __future__ import annotations

import json
from typing import Any

import torch

from seme.core.errors import MissingExtraError
from seme.exchange.hf_config import to_config
from seme.exchange.hf_names import to_hf
from seme.exchange.tokenizer import tokenizer_files
from seme.model.artifact import Artifact


def to_transformers(artifact: Artifact, *, attention: str = "eager") -> Any:
    """A BertForTokenClassification, GPT2ForTokenClassification or GPT2LMHeadModel, ready to run.

    Args:
        artifact: The model.
        attention: How `transformers` computes attention: "eager" is the written-out form; "sdpa" is faster.

    Raises:
        MissingExtraError: `transformers` is not installed.
    """
    try:
        from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForTokenClassification
    except ImportError as error:
        raise MissingExtraError("making a transformers model", "hf") from error
    config = to_config(artifact)
    made = AutoConfig.for_model(config["model_type"], **{k: v for k, v in config.items() if k != "model_type"})
    auto = AutoModelForCausalLM if artifact.spec.continues else AutoModelForTokenClassification
    # The library draws random weights first; they are overwritten, and the caller's generator is left untouched.
    with torch.random.fork_rng(devices=[]):
        model = auto.from_config(made, attn_implementation=attention)
    # The argument for the float type changed its name between releases; casting has not.
    model = model.to(getattr(torch, artifact.spec.dtype))
    model.load_state_dict(to_hf(artifact.spec, artifact.weights), strict=True)
    return model.eval()


def to_tokenizer(artifact: Artifact) -> Any:
    """The fast tokenizer.

    Raises:
        MissingExtraError: `transformers` is not installed.
    """
    try:
        from tokenizers import Tokenizer
        from transformers import PreTrainedTokenizerFast
    except ImportError as error:
        raise MissingExtraError("making a tokenizer", "hf") from error
    files = tokenizer_files(artifact.tokens, artifact.spec.n_positions)
    settings = {k: v for k, v in files["tokenizer_config.json"].items() if k != "tokenizer_class"}
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(files["tokenizer.json"])), **settings)
