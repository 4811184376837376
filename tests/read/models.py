"""Small random models of every family, written by transformers, with what transformers computes from them."""

from __future__ import annotations

from pathlib import Path

import torch
import transformers

VOCABULARY, LENGTH, WIDTH, LAYERS, HEADS = 60, 12, 32, 2, 4


def _config(family: str, **settings):
    sizes = {"vocab_size": VOCABULARY, **settings}
    wide = {"hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS}
    if family == "gpt2":
        return transformers.GPT2Config(
            **sizes,
            n_positions=16,
            n_embd=WIDTH,
            n_layer=LAYERS,
            n_head=HEADS,
            bos_token_id=0,
            eos_token_id=0,
        )
    if family == "opt":
        return transformers.OPTConfig(
            **sizes, **wide, ffn_dim=64, max_position_embeddings=16, word_embed_proj_dim=WIDTH
        )
    if family == "opt-350m":  # narrower tokens than stream, norms after the sublayers, no final norm
        return transformers.OPTConfig(
            **sizes, **wide, ffn_dim=64, max_position_embeddings=16, word_embed_proj_dim=WIDTH // 2,
            do_layer_norm_before=False,
        )  # fmt: skip
    if family == "distilbert":
        return transformers.DistilBertConfig(
            **sizes, dim=WIDTH, n_layers=LAYERS, n_heads=HEADS, hidden_dim=64, max_position_embeddings=16
        )
    kinds = {
        "bert": transformers.BertConfig,
        "roberta": transformers.RobertaConfig,
        "xlm-roberta": transformers.XLMRobertaConfig,
        "camembert": transformers.CamembertConfig,
    }
    return kinds[family](**sizes, **wide, intermediate_size=64, max_position_embeddings=18)


MODELS = {
    "gpt2": transformers.GPT2LMHeadModel,
    "opt": transformers.OPTForCausalLM,
    "opt-350m": transformers.OPTForCausalLM,
    "bert": transformers.BertForMaskedLM,
    "roberta": transformers.RobertaForMaskedLM,
    "distilbert": transformers.DistilBertForMaskedLM,
}


VARIANTS = (
    ("gpt2", "GPT2LMHeadModel", {"scale_attn_weights": False}),
    ("gpt2", "GPT2LMHeadModel", {"scale_attn_by_inverse_layer_idx": True}),
    ("gpt2", "GPT2LMHeadModel", {"scale_attn_by_inverse_layer_idx": True, "scale_attn_weights": False}),
    ("gpt2", "GPT2LMHeadModel", {"reorder_and_upcast_attn": True}),
    ("gpt2", "GPT2LMHeadModel", {"activation_function": "relu", "layer_norm_epsilon": 1e-2}),
    ("gpt2", "GPT2LMHeadModel", {"activation_function": "silu", "n_inner": 24}),
    ("gpt2", "GPT2LMHeadModel", {"activation_function": "gelu", "tie_word_embeddings": False}),
    ("gpt2", "GPT2Model", {}),
    ("opt", "OPTForCausalLM", {"activation_function": "gelu"}),
    ("opt", "OPTForCausalLM", {"enable_bias": False}),
    ("opt", "OPTForCausalLM", {"layer_norm_elementwise_affine": False}),
    ("opt", "OPTForCausalLM", {"tie_word_embeddings": False}),
    ("opt", "OPTForCausalLM", {"_remove_final_layer_norm": True}),
    ("opt-350m", "OPTForCausalLM", {"activation_function": "tanh"}),
    ("bert", "BertForMaskedLM", {"hidden_act": "relu"}),
    ("bert", "BertForMaskedLM", {"hidden_act": "silu", "layer_norm_eps": 1e-2}),
    ("bert", "BertForMaskedLM", {"tie_word_embeddings": False}),
    ("bert", "BertForMaskedLM", {"type_vocab_size": 1, "is_decoder": True}),
    ("bert", "BertLMHeadModel", {"is_decoder": True, "hidden_act": "gelu_new"}),
    ("bert", "BertModel", {"is_decoder": True}),
    ("roberta", "RobertaForMaskedLM", {"hidden_act": "relu", "layer_norm_eps": 1e-2}),
    ("roberta", "RobertaForMaskedLM", {"tie_word_embeddings": False}),
    ("roberta", "RobertaForCausalLM", {"is_decoder": True}),
    ("xlm-roberta", "XLMRobertaForMaskedLM", {}),
    ("camembert", "CamembertForMaskedLM", {}),
    ("distilbert", "DistilBertForMaskedLM", {"activation": "relu"}),
    ("distilbert", "DistilBertForMaskedLM", {"tie_word_embeddings": False}),
)
"""Family, class and settings of models that differ from their family's usual wiring."""

LEFT_OUT = ("layer_norm_eps", "layer_norm_epsilon", "activation_function", "hidden_act", "activation")
"""Settings that older configurations lack."""


def write_model(family: str, folder: Path, seed: int = 0, kind: str = "", **settings):
    """Writes a random model in which every tensor, norms and biases too, differs from its start."""
    torch.manual_seed(seed)
    make = getattr(transformers, kind) if kind else MODELS[family]
    model = make(_config(family, **settings)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    return model


def write_whisper(folder: Path) -> None:
    """Writes a random Whisper with a decoder of one layer, 70 tokens and 20 positions."""
    config = transformers.WhisperConfig(
        vocab_size=70, d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, max_target_positions=20,
        pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
    )  # fmt: skip
    transformers.WhisperForConditionalGeneration(config).save_pretrained(folder)
