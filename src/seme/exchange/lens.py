"""A TransformerLens model with our head as its unembedding, so that its logits are ours.

TransformerLens 4 wraps models of `transformers` in a `TransformerBridge`. It knows GPT-2 and BERT by their language
models; a token classifier differs in nothing but the head, so its adapter for the family is used with the unembedding
pointed at the classifier. A model that continues its input is a language model already.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seme.core.errors import MissingExtraError
from seme.exchange.hf import to_tokenizer, to_transformers
from seme.exchange.reader import load_artifact
from seme.model.artifact import Artifact

ADAPTERS = {"gpt2": "GPT2LMHeadModel", "bert": "BertForMaskedLM"}
LANGUAGE_MODEL_ONLY = ("mlm_head", "ln_final")
"""Parts of BERT's language model between the stream and the logits; a token classifier has none."""


def to_lens(artifact: Artifact) -> Any:
    """A `TransformerBridge` on a model in memory: hooks, cache, and `W_U`, `b_U` of the head.

    Feed it token ids with the begin token first (`model.tokenizer` puts it there) and an `attention_mask` where there
    is padding.

    Raises:
        MissingExtraError: `transformer_lens` is not installed.
    """
    try:
        from transformer_lens.model_bridge import TransformerBridge
        from transformer_lens.model_bridge.generalized_components import UnembeddingBridge
        from transformer_lens.model_bridge.sources import build_bridge_from_module
    except ImportError as error:
        raise MissingExtraError("making a TransformerLens model", "transformer-lens") from error
    family = artifact.spec.architecture

    def point_at_classifier(adapter: Any) -> None:
        if artifact.spec.continues:
            return
        adapter.component_mapping["unembed"] = UnembeddingBridge(name="classifier")
        if family == "bert":
            for part in LANGUAGE_MODEL_ONLY:
                adapter.component_mapping.pop(part)

    model = to_transformers(artifact, attention="eager")
    bridge: TransformerBridge = build_bridge_from_module(
        model, ADAPTERS[family], hf_config=model.config, post_adapter_hook=point_at_classifier, model_name="seme"
    )
    # The bridge tries a tokenizer on the letter "a", which ours may not know; so it is told what it would have found.
    bridge.tokenizer = to_tokenizer(artifact)
    bridge.cfg.tokenizer_prepends_bos, bridge.cfg.tokenizer_appends_eos = True, False
    bridge.cfg.d_vocab_out = artifact.spec.d_logits
    return bridge


def load_lens(path: str | Path) -> Any:
    """The TransformerLens model of a saved folder; see `to_lens`.

    Raises:
        FolderError: The folder is missing something, is damaged, or is not one of ours.
        MissingExtraError: `transformer_lens` is not installed.
    """
    return to_lens(load_artifact(path))
