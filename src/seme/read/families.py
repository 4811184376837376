"""How the known families of checkpoints name their tensors, and how they wire them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NO_TABLE = {
    "rotary": (
        "llama", "mistral", "mixtral", "qwen2", "qwen2_moe", "qwen3", "gemma", "gemma2", "gemma3",
        "gemma3_text", "phi", "phi3", "gpt_neox", "gptj", "codegen", "stablelm", "starcoder2", "olmo",
        "olmo2", "cohere", "falcon", "persimmon", "deepseek_v2", "deepseek_v3", "modernbert", "esm",
        "roformer", "smollm3",
    ),
    "ALiBi": ("bloom", "mpt", "baichuan"),
    "relative bias": ("t5", "mt5", "umt5", "longt5", "switch_transformers", "deberta", "deberta-v2",
                      "mpnet_relative", "xlnet", "transfo-xl", "mega"),
    "no": ("mamba", "mamba2", "rwkv", "falcon_mamba"),
}  # fmt: skip
"""Positional schemes without an additive table, by `model_type` of the configuration."""

TOKEN_NAMES = (
    "embed_tokens.weight", "word_embeddings.weight", "wte.weight", "shared.weight", "embed_in.weight",
    "word_embedding.weight", "backbone.embeddings.weight", "tok_embeddings.weight", "embeddings.weight",
)  # fmt: skip
"""Endings of token tables in families that are not listed below."""

FACTORISED = (
    "position_embeddings.weights.0",
    "axial",
    "x_position_embeddings",
    "row_embeddings",
    "position_embed_1",
)
"""Marks of position tables made of several factors (Reformer, LayoutLM, DETR)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Names and wiring of one family.

    Attributes:
        name: The family's name.
        types: Values of `model_type`.
        token: Ending of the token table's name, or "" if the family has none.
        position: Ending of the position table's name; what stands before it is the prefix of all others.
        offset: Rows of the position table before the first position.
        causal: Whether a query sees earlier positions only.
        pre_norm: Whether layer norms stand before the sublayers.
        top: Our name -> theirs, outside the layers.
        layer: Our name -> theirs, with `{i}` for the layer.
        settings: Our setting -> the configuration's keys for it.
        transposed: Whether weights are stored input first.
        fused: Their name of a joint query-key-value projection.
        heads_of_language: (ours, theirs without prefix) of the output head; the last that is there is the one in use.
        default_eps: Epsilon of the layer norms where the configuration has none: what the family's code
            writes.
        default_activation: The same of the activation.
        head_activation: Activation of the masked head, or "" for that of the layers.
        partial: Why only the first layer's attention can be run, or "".
    """

    name: str
    types: tuple[str, ...]
    token: str
    position: str
    offset: int = 0
    causal: bool = False
    pre_norm: bool = False
    top: Mapping[str, str] = field(default_factory=dict)
    layer: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    transposed: bool = False
    fused: str = ""
    heads_of_language: tuple[tuple[str, str], ...] = ()
    default_eps: float = 1e-5
    default_activation: str = "gelu"
    head_activation: str = ""
    partial: str = ""


def _pairs(ours: str, theirs: str) -> dict[str, str]:
    return {f"{ours}_w": f"{theirs}.weight", f"{ours}_b": f"{theirs}.bias"}


def _bert_layer(root: str) -> dict[str, str]:
    return {
        **_pairs("q", f"{root}.attention.self.query"),
        **_pairs("k", f"{root}.attention.self.key"),
        **_pairs("v", f"{root}.attention.self.value"),
        **_pairs("o", f"{root}.attention.output.dense"),
        **_pairs("norm1", f"{root}.attention.output.LayerNorm"),
        **_pairs("up", f"{root}.intermediate.dense"),
        **_pairs("down", f"{root}.output.dense"),
        **_pairs("norm2", f"{root}.output.LayerNorm"),
    }


def _decoder_layer(root: str) -> dict[str, str]:
    return {
        **_pairs("q", f"{root}.self_attn.q_proj"),
        **_pairs("k", f"{root}.self_attn.k_proj"),
        **_pairs("v", f"{root}.self_attn.v_proj"),
        **_pairs("o", f"{root}.self_attn.out_proj"),
        **_pairs("norm1", f"{root}.self_attn_layer_norm"),
        **_pairs("up", f"{root}.fc1"),
        **_pairs("down", f"{root}.fc2"),
        **_pairs("norm2", f"{root}.final_layer_norm"),
    }


_BERT_SETTINGS = {
    "layers": ("num_hidden_layers",),
    "heads": ("num_attention_heads",),
    "eps": ("layer_norm_eps",),
    "activation": ("hidden_act",),
}

_BERT_TOP = {
    "type": "embeddings.token_type_embeddings.weight",
    **_pairs("embed_norm", "embeddings.LayerNorm"),
}

FAMILIES = (
    Family(
        name="GPT-2",
        default_activation="gelu_new",
        types=("gpt2",),
        token="wte.weight",
        position="wpe.weight",
        causal=True,
        pre_norm=True,
        top=_pairs("final_norm", "ln_f"),
        layer={
            **_pairs("o", "h.{i}.attn.c_proj"),
            **_pairs("norm1", "h.{i}.ln_1"),
            **_pairs("norm2", "h.{i}.ln_2"),
            **_pairs("up", "h.{i}.mlp.c_fc"),
            **_pairs("down", "h.{i}.mlp.c_proj"),
        },
        fused="h.{i}.attn.c_attn",
        transposed=True,
        settings={
            "layers": ("n_layer", "num_hidden_layers"),
            "heads": ("n_head", "num_attention_heads"),
            "eps": ("layer_norm_epsilon",),
            "activation": ("activation_function",),
        },
        heads_of_language=(
            ("head_w", "lm_head.weight"),
            *_pairs("head", "classifier").items(),
        ),
    ),
    Family(
        name="OPT",
        default_activation="relu",
        types=("opt",),
        token="decoder.embed_tokens.weight",
        position="decoder.embed_positions.weight",
        offset=2,
        causal=True,
        pre_norm=True,
        top={
            **_pairs("final_norm", "decoder.final_layer_norm"),
            "project_in": "decoder.project_in.weight",
            "project_out": "decoder.project_out.weight",
        },
        layer=_decoder_layer("decoder.layers.{i}"),
        settings={
            "layers": ("num_hidden_layers",),
            "heads": ("num_attention_heads",),
            "eps": (),
            "activation": ("activation_function",),
        },
        heads_of_language=(("head_w", "lm_head.weight"),),
    ),
    Family(
        name="Whisper decoder",
        types=("whisper",),
        token="decoder.embed_tokens.weight",
        position="decoder.embed_positions.weight",
        causal=True,
        pre_norm=True,
        layer=_decoder_layer("decoder.layers.{i}"),
        settings={
            "layers": ("decoder_layers",),
            "heads": ("decoder_attention_heads",),
            "eps": (),
            "activation": ("activation_function",),
        },
        partial="everything after its first self-attention depends on sound",
    ),
    Family(
        name="RoBERTa",
        default_eps=1e-12,
        head_activation="gelu",
        types=("roberta", "xlm-roberta", "camembert"),
        token="embeddings.word_embeddings.weight",
        position="embeddings.position_embeddings.weight",
        offset=2,
        top=_BERT_TOP,
        layer=_bert_layer("encoder.layer.{i}"),
        settings=_BERT_SETTINGS,
        heads_of_language=(
            *_pairs("transform", "lm_head.dense").items(),
            *_pairs("transform_norm", "lm_head.layer_norm").items(),
            ("head_w", "lm_head.decoder.weight"),
            ("head_b", "lm_head.bias"),
            ("head_b", "lm_head.decoder.bias"),
        ),
    ),
    Family(
        name="DistilBERT",
        default_eps=1e-12,
        types=("distilbert",),
        token="embeddings.word_embeddings.weight",
        position="embeddings.position_embeddings.weight",
        top=_pairs("embed_norm", "embeddings.LayerNorm"),
        layer={
            **_pairs("q", "transformer.layer.{i}.attention.q_lin"),
            **_pairs("k", "transformer.layer.{i}.attention.k_lin"),
            **_pairs("v", "transformer.layer.{i}.attention.v_lin"),
            **_pairs("o", "transformer.layer.{i}.attention.out_lin"),
            **_pairs("norm1", "transformer.layer.{i}.sa_layer_norm"),
            **_pairs("up", "transformer.layer.{i}.ffn.lin1"),
            **_pairs("down", "transformer.layer.{i}.ffn.lin2"),
            **_pairs("norm2", "transformer.layer.{i}.output_layer_norm"),
        },
        settings={
            "layers": ("n_layers", "num_hidden_layers"),
            "heads": ("n_heads", "num_attention_heads"),
            "eps": (),
            "activation": ("activation",),
        },
        heads_of_language=(
            *_pairs("transform", "vocab_transform").items(),
            *_pairs("transform_norm", "vocab_layer_norm").items(),
            *_pairs("head", "vocab_projector").items(),
        ),
    ),
    Family(
        name="BERT",
        default_eps=1e-12,
        types=("bert",),
        token="embeddings.word_embeddings.weight",
        position="embeddings.position_embeddings.weight",
        top=_BERT_TOP,
        layer=_bert_layer("encoder.layer.{i}"),
        settings=_BERT_SETTINGS,
        heads_of_language=(
            *_pairs("transform", "cls.predictions.transform.dense").items(),
            *_pairs("transform_norm", "cls.predictions.transform.LayerNorm").items(),
            ("head_w", "cls.predictions.decoder.weight"),
            ("head_b", "cls.predictions.bias"),
            ("head_b", "cls.predictions.decoder.bias"),
            *_pairs("head", "classifier").items(),
        ),
    ),
    Family(
        name="ViT",
        types=("vit", "deit", "vit_mae", "dinov2"),
        token="",
        position="embeddings.position_embeddings",
        pre_norm=True,
        partial="it reads images, not text",
    ),
)


def family_of(config: Mapping[str, Any], names: tuple[str, ...]) -> Family | None:
    """Finds the family by the configuration's `model_type`, else by tensor names.

    Args:
        config: Content of config.json; empty where there is none.
        names: Names of the tensors.

    Returns:
        The family, or None if neither fits one.
    """
    kind = config.get("model_type")
    if kind is not None:
        return next((family for family in FAMILIES if kind in family.types), None)
    for family in FAMILIES:
        layer = family.layer.get("o_w", "").format(i=0)
        if any(name.endswith(family.position) for name in names) and any(name.endswith(layer) for name in names):
            return family
    return None


def scheme_without_table(config: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """Names the positional scheme of a model that adds no position table, or gives None if it may add one."""
    kind = config.get("position_embedding_type")
    if kind not in (None, "absolute", "learned"):
        return str(kind)
    if config.get("alibi"):
        return "ALiBi"
    for scheme, types in NO_TABLE.items():
        if config.get("model_type") in types:
            return scheme
    for mark, scheme in (
        ("rotary", "rotary"),
        ("inv_freq", "rotary"),
        ("relative_attention_bias", "relative bias"),
    ):
        if any(mark in name for name in names):
            return scheme
    return None
