"""Names and shapes of a model's weights: TransformerLens's words, without its modules.

Per block `l`, with H heads: `W_Q W_K W_V` are [H, d_model, d_head], their biases [H, d_head], `W_O` is
[H, d_head, d_model]; `W_in` is [d_model, d_mlp], `W_out` [d_mlp, d_model]. Vectors multiply from the left.
"""

from __future__ import annotations

from seme.model.artifact import Spec


def shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """Every weight's name and shape."""
    d, h, k, m = spec.d_model, spec.heads, spec.d_head, spec.d_mlp
    out: dict[str, tuple[int, ...]] = {"embed.W_E": (spec.d_vocab, d), "pos_embed.W_pos": (spec.n_positions, d)}
    if spec.architecture == "bert":
        out |= {"embed.ln.w": (d,), "embed.ln.b": (d,)}
    for layer in range(spec.layers):
        at = f"blocks.{layer}"
        for part in "QKV":
            out |= {f"{at}.attn.W_{part}": (h, d, k), f"{at}.attn.b_{part}": (h, k)}
        out |= {f"{at}.attn.W_O": (h, k, d), f"{at}.attn.b_O": (d,)}
        out |= {f"{at}.mlp.W_in": (d, m), f"{at}.mlp.b_in": (m,), f"{at}.mlp.W_out": (m, d), f"{at}.mlp.b_out": (d,)}
        for norm in ("ln1", "ln2"):
            out |= {f"{at}.{norm}.w": (d,), f"{at}.{norm}.b": (d,)}
    if spec.architecture == "gpt2":
        out |= {"ln_final.w": (d,), "ln_final.b": (d,)}
    return out | {"unembed.W_U": (d, spec.d_logits), "unembed.b_U": (spec.d_logits,)}
