"""The forward pass: token ids in, logits out, for both shapes of transformer.

"bert" is what BertForTokenClassification computes (bidirectional, a norm after each sum), "gpt2" what
GPT2ForTokenClassification does (causal, a norm before each part and one before the unembedding). It is a function of
the weights, so that readers can hook it and learners can differentiate it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from seme.model.artifact import Spec

Hook = Callable[[str, Tensor], "Tensor | None"]
"""Called with a TransformerLens name and a tensor; what it returns, if anything, takes the tensor's place."""


class Cache:
    """Keys and values of the tokens a causal model has already read, so that it need not read them again.

    Attributes:
        length: How many tokens they are.
    """

    def __init__(self) -> None:
        self.length = 0
        self._kept: dict[str, tuple[Tensor, Tensor]] = {}

    def extended(self, at: str, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """All keys and values [batch, head, length + new, d_head] of a block, the new ones last."""
        past = self._kept.get(at)
        if past is not None:
            room = past[0].shape[2]
            if room < self.length + key.shape[2]:  # doubled, so that appending one by one stays cheap
                shape = (*key.shape[:2], max(2 * room, self.length + key.shape[2]), key.shape[3])
                grown = (key.new_empty(shape), value.new_empty(shape))
                for new, old in zip(grown, past, strict=True):
                    new[:, :, : self.length] = old[:, :, : self.length]
                past = grown
        else:
            past = (key.clone(), value.clone())
        end = self.length + key.shape[2]
        past[0][:, :, self.length : end], past[1][:, :, self.length : end] = key, value
        self._kept[at] = past
        return past[0][:, :, :end], past[1][:, :, :end]


def forward(
    spec: Spec,
    weights: Mapping[str, Tensor],
    tokens: Int[Tensor, "batch pos"],
    mask: Bool[Tensor, "batch pos"] | None = None,
    hook: Hook | None = None,
    *,
    cache: Cache | None = None,
    places: Float[Tensor, "pos d_model"] | None = None,
) -> Float[Tensor, "batch pos d_logits"]:
    """Runs the model.

    Hooks are called under TransformerLens's names: `hook_embed`, `hook_pos_embed`, and in block l
    `blocks.l.hook_resid_pre`, `.ln1.hook_out`, `.attn.hook_q|k|v|attn_scores|pattern|z`, `.hook_attn_out`,
    `.hook_resid_mid`, `.ln2.hook_out`, `.mlp.hook_pre|post`, `.hook_mlp_out`, `.hook_resid_post`; before them
    `embed_ln.hook_out` in a BERT, after them `ln_final.hook_out` in a GPT-2. The stream is what one part hands to the
    next: in a BERT `hook_resid_mid` and `hook_resid_post` are therefore after the norm of that sum.

    Args:
        spec: Shapes.
        weights: By the names of `seme.model.names`.
        tokens: Rows of the embedding, the begin token's included; at most `n_positions` wide.
        mask: True where there is a token, False where there is padding; None when there is no padding. A masked
            key is never attended to; what stands at a masked position means nothing.
        hook: See `Hook`.
        cache: What was read before these tokens, of a causal model without padding; grows by them.
        places: Rows of the position table for these tokens, where they lie beyond its end.
    """
    return _Pass(spec=spec, weights=weights, hook=hook or _no_hook, cache=cache).run(tokens, mask, places)


def run_with_cache(
    spec: Spec,
    weights: Mapping[str, Tensor],
    tokens: Int[Tensor, "batch pos"],
    mask: Bool[Tensor, "batch pos"] | None = None,
) -> tuple[Float[Tensor, "batch pos d_logits"], dict[str, Tensor]]:
    """Runs the model and keeps every hooked tensor by its name."""
    cache: dict[str, Tensor] = {}

    def keep(name: str, value: Tensor) -> None:
        cache[name] = value

    return forward(spec, weights, tokens, mask, keep), cache


def _no_hook(name: str, value: Tensor) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pass:
    """One run of the forward pass: the weights with the hook."""

    spec: Spec
    weights: Mapping[str, Tensor]
    hook: Hook
    cache: Cache | None = None

    def run(self, tokens: Tensor, mask: Tensor | None, places: Tensor | None = None) -> Tensor:
        length = tokens.shape[1]
        start = 0 if self.cache is None else self.cache.length
        bert = self.spec.architecture == "bert"
        embedded = self.see("hook_embed", functional.embedding(tokens, self.weights["embed.W_E"]))
        if places is None:
            places = self.weights["pos_embed.W_pos"][start : start + length]
        placed = self.see("hook_pos_embed", places.expand_as(embedded))
        x = embedded + placed
        if bert:
            x = self.norm("embed.ln", x, "embed_ln")
        hidden = self.hidden_keys(start, length, mask, x.device)
        for layer in range(self.spec.layers):
            x = self.bert_block(f"blocks.{layer}", x, hidden) if bert else self.gpt2_block(f"blocks.{layer}", x, hidden)
        if not bert:
            x = self.norm("ln_final", x)
        if self.cache is not None:
            self.cache.length += length
        return functional.linear(x, self.weights["unembed.W_U"].T, self.weights["unembed.b_U"])

    def see(self, name: str, value: Tensor) -> Tensor:
        replaced = self.hook(name, value)
        return value if replaced is None else replaced

    def norm(self, at: str, x: Tensor, hooked: str = "") -> Tensor:
        gain, bias = self.weights[f"{at}.w"], self.weights[f"{at}.b"]
        out = functional.layer_norm(x, gain.shape, gain, bias, self.spec.norm_eps)
        return self.see(f"{hooked or at}.hook_out", out)

    def hidden_keys(self, start: int, length: int, mask: Tensor | None, device: torch.device) -> Tensor | None:
        """True where a key may not be attended to, in a shape that spreads over [batch, head, query, key]."""
        hidden = None if mask is None else ~mask.bool()[:, None, None, :]
        if self.spec.architecture == "gpt2":
            later = torch.ones(length, start + length, dtype=torch.bool, device=device).triu(start + 1)
            hidden = later if hidden is None else hidden | later
        return hidden

    def bert_block(self, at: str, x: Tensor, hidden: Tensor | None) -> Tensor:
        x = self.see(f"{at}.hook_resid_pre", x)
        mid = self.see(f"{at}.hook_resid_mid", self.norm(f"{at}.ln1", x + self.attention(at, x, hidden)))
        return self.see(f"{at}.hook_resid_post", self.norm(f"{at}.ln2", mid + self.mlp(at, mid)))

    def gpt2_block(self, at: str, x: Tensor, hidden: Tensor | None) -> Tensor:
        x = self.see(f"{at}.hook_resid_pre", x)
        mid = self.see(f"{at}.hook_resid_mid", x + self.attention(at, self.norm(f"{at}.ln1", x), hidden))
        return self.see(f"{at}.hook_resid_post", mid + self.mlp(at, self.norm(f"{at}.ln2", mid)))

    def attention(self, at: str, x: Tensor, hidden: Tensor | None) -> Tensor:
        d, h, k = self.spec.d_model, self.spec.heads, self.spec.d_head
        query, key, value = (
            self.see(
                f"{at}.attn.hook_{part.lower()}",
                functional.linear(
                    x,
                    self.weights[f"{at}.attn.W_{part}"].permute(0, 2, 1).reshape(h * k, d),
                    self.weights[f"{at}.attn.b_{part}"].reshape(h * k),
                ).unflatten(-1, (h, k)),
            ).transpose(1, 2)
            for part in "QKV"
        )
        if self.cache is not None:
            key, value = self.cache.extended(at, key, value)
        scores = (query @ key.transpose(-1, -2)) * k**-0.5
        if hidden is not None:
            # No row is hidden whole: the begin token is a key for every query, so the softmax is defined.
            scores = scores.masked_fill(hidden, float("-inf"))
        pattern = self.see(f"{at}.attn.hook_attn_scores", scores).softmax(-1)
        mixed = (self.see(f"{at}.attn.hook_pattern", pattern) @ value).transpose(1, 2)
        mixed = self.see(f"{at}.attn.hook_z", mixed).flatten(-2)
        out = functional.linear(
            mixed, self.weights[f"{at}.attn.W_O"].reshape(h * k, d).T, self.weights[f"{at}.attn.b_O"]
        )
        return self.see(f"{at}.hook_attn_out", out)

    def mlp(self, at: str, x: Tensor) -> Tensor:
        pre = functional.linear(x, self.weights[f"{at}.mlp.W_in"].T, self.weights[f"{at}.mlp.b_in"])
        post = self.see(f"{at}.mlp.hook_post", self.activate(self.see(f"{at}.mlp.hook_pre", pre)))
        out = functional.linear(post, self.weights[f"{at}.mlp.W_out"].T, self.weights[f"{at}.mlp.b_out"])
        return self.see(f"{at}.hook_mlp_out", out)

    def activate(self, x: Tensor) -> Tensor:
        if self.spec.activation == "relu":
            return x.relu()
        # The two families disagree on what GELU is; each checkpoint is run the way its family does.
        return functional.gelu(x, approximate="none" if self.spec.architecture == "bert" else "tanh")
