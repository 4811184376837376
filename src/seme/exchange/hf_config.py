"""config.json of `transformers`: a `Spec` and the labels in it, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from seme.exchange.values import text_of
from seme.model.artifact import Architecture, Artifact, OutputBlock, Spec, TokenTable

ARCHITECTURES = {"bert": "BertForTokenClassification", "gpt2": "GPT2ForTokenClassification"}
LANGUAGE_MODEL = "GPT2LMHeadModel"
"""What a causal model is called whose output is the next token."""
ACTIVATIONS: Mapping[Architecture, Mapping[str, Literal["relu", "gelu"]]] = {
    "bert": {"relu": "relu", "gelu": "gelu"},
    "gpt2": {"relu": "relu", "gelu_new": "gelu"},
}
"""Their name to ours: BERT's GELU is the exact one, GPT-2's the tanh form."""
DTYPES = ("float16", "bfloat16", "float32", "float64")


def to_config(artifact: Artifact) -> dict[str, Any]:
    """The configuration of the model class that computes this artifact."""
    spec = artifact.spec
    common = {
        "architectures": [LANGUAGE_MODEL if spec.continues else ARCHITECTURES[spec.architecture]],
        "model_type": spec.architecture,
        "dtype": spec.dtype,
        "vocab_size": spec.d_vocab,
        "bos_token_id": TokenTable.BEGIN_ID,
        "pad_token_id": TokenTable.PAD_ID,
        "eos_token_id": list(artifact.outputs[0].stops) or None if spec.continues else None,
        "initializer_range": 0.02,
        "tie_word_embeddings": False,
        "use_cache": spec.continues,
    }
    if not spec.continues:
        labels = label_texts(artifact.outputs)
        common |= {
            "id2label": {str(index): label for index, label in enumerate(labels)},
            "label2id": {label: index for index, label in enumerate(labels)},
            "classifier_dropout": 0.0,
        }
    activation = next(theirs for theirs, ours in ACTIVATIONS[spec.architecture].items() if ours == spec.activation)
    if spec.architecture == "bert":
        return common | {
            "hidden_size": spec.d_model,
            "num_hidden_layers": spec.layers,
            "num_attention_heads": spec.heads,
            "intermediate_size": spec.d_mlp,
            "hidden_act": activation,
            "max_position_embeddings": spec.n_positions,
            "layer_norm_eps": spec.norm_eps,
            "type_vocab_size": 1,
            "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0,
        }
    return common | {
        "n_embd": spec.d_model,
        "n_layer": spec.layers,
        "n_head": spec.heads,
        "n_inner": spec.d_mlp,
        "activation_function": activation,
        "n_positions": spec.n_positions,
        "layer_norm_epsilon": spec.norm_eps,
        "resid_pdrop": 0.0,
        "embd_pdrop": 0.0,
        "attn_pdrop": 0.0,
    }


def to_generation_config(artifact: Artifact) -> dict[str, Any]:
    """What `generate` of `transformers` does with a language model of ours: take the likeliest token, end at a stop."""
    return {
        "bos_token_id": TokenTable.BEGIN_ID,
        "pad_token_id": TokenTable.PAD_ID,
        "eos_token_id": list(artifact.outputs[0].stops) or None,
        "do_sample": False,
        "num_beams": 1,
    }


def from_config(config: Mapping[str, Any]) -> Spec:
    """The shapes a configuration tells.

    Raises:
        KeyError: An entry is missing.
        ValueError: An entry has a value that no model of ours has.
    """
    architecture = config["model_type"]
    if architecture not in ARCHITECTURES:
        raise ValueError(f"model_type is {architecture!r}, expected 'bert' or 'gpt2'")
    continues = LANGUAGE_MODEL in (config.get("architectures") or ())
    names = _BERT if architecture == "bert" else _GPT2
    sizes = {ours: config[theirs] for ours, theirs in names.items()}
    for ours, size in sizes.items():
        if type(size) is not int or size < (0 if ours == "layers" else 1):
            raise ValueError(f"{names[ours]} is {size!r}, expected a positive integer")
    if sizes["d_model"] % sizes["heads"]:
        raise ValueError(f"a width of {sizes['d_model']} does not divide into {sizes['heads']} heads")
    stored = config["hidden_act" if architecture == "bert" else "activation_function"]
    activation = ACTIVATIONS[architecture].get(stored)
    if activation is None:
        raise ValueError(f"activation is {stored!r}, expected relu or the family's own gelu")
    dtype = config.get("dtype") or config.get("torch_dtype") or "float32"
    if dtype not in DTYPES:
        raise ValueError(f"dtype is {dtype!r}, expected one of {', '.join(DTYPES)}")
    return Spec(
        architecture=architecture,
        d_head=sizes["d_model"] // sizes["heads"],
        d_logits=sizes["d_vocab"] if continues else len(config["id2label"]),
        continues=continues,
        activation=activation,
        norm_eps=float(config["layer_norm_eps" if architecture == "bert" else "layer_norm_epsilon"]),
        dtype=dtype,
        **sizes,
    )


_BERT = {
    "layers": "num_hidden_layers",
    "d_model": "hidden_size",
    "heads": "num_attention_heads",
    "d_mlp": "intermediate_size",
    "d_vocab": "vocab_size",
    "n_positions": "max_position_embeddings",
}
_GPT2 = {
    "layers": "n_layer",
    "d_model": "n_embd",
    "heads": "n_head",
    "d_mlp": "n_inner",
    "d_vocab": "vocab_size",
    "n_positions": "n_positions",
}


def label_texts(outputs: tuple[OutputBlock, ...]) -> list[str]:
    """A text per logit, all different: the label's own; with several outputs, `name=label`; for a number, its name.

    Where two labels of one output would read the same (1 and "1"), strings are put in quotes.
    """
    texts: list[str] = []
    for block in outputs:
        own = [text_of(label) for label in block.labels] if block.kind != "number" else []
        if len(set(own)) < len(own):
            own = [repr(label) for label in block.labels]
        if block.kind == "number":
            texts.append(block.name)
        else:
            texts += own if len(outputs) == 1 else [f"{block.name}={text}" for text in own]
    return texts
