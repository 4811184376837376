"""Graph -> weights: every form becomes columns, every head and neuron gets its rows."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from seme.compiler.layout import (
    BEGIN_SEME,
    Head,
    Layout,
    add_rows,
    begin_row,
    neurons_at_begin,
    read_matrix,
    write_matrix,
)
from seme.core.numerics import BEGIN_SELF, ERASER_GAIN
from seme.ir import Attend, Embed, Form, Graph, Neurons, begin_values, constant_form, form_at, stack_forms
from seme.model.artifact import TokenTable


def emit(
    graph: Graph,
    plan: Layout,
    scales: dict[str, float],
    gains: dict[str, np.ndarray],
    norm_gain: float,
    dtype: type[np.floating],
    rows: int | None = None,
    offsets: tuple[float, ...] = (),
) -> dict[str, np.ndarray]:
    """All weights, by the names of `seme.model.names`; computed in float64 and rounded once.

    Args:
        graph: The folded graph.
        plan: Where everything stands.
        scales: Head node -> factor on its scores.
        gains: Bank of neurons -> factor on each pre-activation.
        norm_gain: Gain of every layer norm.
        dtype: What to keep them in.
        rows: Positions to write out; all when None.
        offsets: What each layer norm adds to a seme so that it rounds, in their order; see `exact.py`.
    """
    begin = begin_values(graph)
    d = plan.d_model
    weights: dict[str, np.ndarray] = _embeddings(graph, plan, dtype, graph.max_length if rows is None else rows)
    for layer in range(plan.layers):
        at = f"blocks.{layer}"
        for part in "QKV":
            weights[f"{at}.attn.W_{part}"] = np.zeros((plan.n_heads, d, plan.d_head), dtype)
            weights[f"{at}.attn.b_{part}"] = np.zeros((plan.n_heads, plan.d_head), dtype)
        weights[f"{at}.attn.W_O"] = np.zeros((plan.n_heads, plan.d_head, d), dtype)
        weights[f"{at}.attn.b_O"] = np.zeros(d, dtype)
        weights[f"{at}.mlp.W_in"] = np.zeros((d, plan.d_mlp), dtype)
        weights[f"{at}.mlp.b_in"] = np.zeros(plan.d_mlp, dtype)
        weights[f"{at}.mlp.W_out"] = np.zeros((plan.d_mlp, d), dtype)
        weights[f"{at}.mlp.b_out"] = np.zeros(d, dtype)
        for norm in ("ln1", "ln2"):
            weights[f"{at}.{norm}.w"] = np.full(d, norm_gain, dtype)
            weights[f"{at}.{norm}.b"] = np.zeros(d, dtype)
    norm = "ln_final" if graph.causal else "embed.ln"
    weights |= {f"{norm}.w": np.full(d, norm_gain, dtype), f"{norm}.b": np.zeros(d, dtype)}
    for head in plan.heads:
        _head(weights, head, plan, scales[head.node.name], begin)
    for node in graph.nodes:
        if isinstance(node, Neurons):
            _bank(weights, node, plan, gains[node.name], begin, exact=bool(offsets))
    _erasers(weights, plan, gains)
    logits = stack_forms([node.form for node in graph.outputs()])
    if any(node.kind == "next" for node in graph.outputs()):
        for norm, offset in enumerate(offsets[:-1]):
            _round(weights, norm, offset)
        return weights | _next_token(logits, plan, dtype, offsets[-1] if offsets else 0.0)
    weights |= {"unembed.W_U": read_matrix(logits, plan).astype(dtype), "unembed.b_U": logits.bias.astype(dtype)}
    return weights


def _round(weights: dict[str, np.ndarray], norm: int, offset: float) -> None:
    """Gives a layer norm a bias, and takes it off wherever it is read.

    One of a seme's two directions is read, twice as strongly: two numbers near the offset make a larger sum than one.
    """
    at = f"blocks.{norm // 2}"
    weights[f"{at}.ln{1 + norm % 2}.b"][0::2] = offset
    weights[f"{at}.ln{1 + norm % 2}.b"][1::2] = -offset
    readers = [("mlp.W_in", "mlp.b_in")] if norm % 2 else [(f"attn.W_{part}", f"attn.b_{part}") for part in "QKV"]
    for matrix, bias in readers:
        read, added = weights[f"{at}.{matrix}"], weights[f"{at}.{bias}"]
        _read_one(read)
        added -= (offset * read.astype(np.float64).sum(axis=-2)).astype(added.dtype)


def _read_one(read: np.ndarray) -> None:
    """Moves what is read of the second of a seme's directions to the first, [..., direction, width]."""
    read[..., 0::2, :] -= read[..., 1::2, :]
    read[..., 1::2, :] = 0.0


def _erasers(weights: dict[str, np.ndarray], plan: Layout, gains: dict[str, np.ndarray]) -> None:
    """Neurons that take away what stands on a seme; at the begin token too."""
    gain = ERASER_GAIN if any((gain != 1).any() for gain in gains.values()) else 1.0
    following = dict(plan.eraser_rows)
    for erasure in plan.places.erased:
        at, up, down = f"blocks.{erasure.block}.mlp", 2 * erasure.seme, 2 * erasure.seme + 1
        for sign in (1.0, -1.0) if erasure.signed else (1.0,):
            row = following[erasure.block]
            following[erasure.block] += 1
            weights[f"{at}.W_in"][[up, down], row] = sign * gain / 2, -sign * gain / 2
            weights[f"{at}.W_out"][row, [up, down]] = -sign / gain, sign / gain


def _next_token(logits: Form, plan: Layout, dtype: type[np.floating], offset: float) -> dict[str, np.ndarray]:
    """The unembedding of a language model, which has no bias of its own.

    The last norm's bias makes the begin seme one at the user's tokens, where it was zero; the logits' bias is read
    from there. Begin and padding are less likely than anything else.

    Where that norm rounds, its bias makes the begin seme a power of two, which neighbouring floats are far from too.
    """
    never = -4.0 * (sum(float(np.abs(matrix).sum()) for _, matrix in logits.terms) + np.abs(logits.bias).max() + 1.0)
    never = -(2.0 ** np.ceil(np.log2(-never)))
    first, held = TokenTable.FIRST_ID, 1.0
    biases = np.concatenate([np.full(first, never), logits.bias])
    if offset:
        held = 2.0 ** np.ceil(np.log2(offset))
        biases[first:] -= offset * sum(matrix.sum(axis=0) for _, matrix in logits.terms)
    # With many tokens this matrix is half the model. Few of its rows are read, and no other is ever touched.
    matrix = np.zeros((plan.d_model, logits.width + first), dtype)
    shares = ((0, 1.0),) if offset else ((0, 0.5), (1, -0.5))
    for seme, row in [*_read_semes(logits, plan), (BEGIN_SEME, biases / held)]:
        for direction, share in shares:
            matrix[2 * seme + direction, -len(row) :] += share * row
    norm_bias = np.full(plan.d_model, offset)
    norm_bias[2 * BEGIN_SEME] = held
    norm_bias[1::2] = -norm_bias[0::2]
    return {
        "ln_final.b": norm_bias.astype(dtype),
        "unembed.W_U": matrix,
        "unembed.b_U": np.zeros(logits.width + first, dtype),
    }


def _read_semes(form: Form, plan: Layout) -> Iterator[tuple[int, np.ndarray]]:
    """(seme, [width]) of what a form reads."""
    for name, matrix in form.terms:
        for at in np.flatnonzero(matrix.any(axis=1)).tolist():
            yield plan.seme_of[name] + at, matrix[at]


def _embeddings(graph: Graph, plan: Layout, dtype: type[np.floating], count: int) -> dict[str, np.ndarray]:
    tokens = np.zeros((graph.vocab_size + TokenTable.FIRST_ID, plan.d_model), dtype)
    positions = np.zeros((count + 1, plan.d_model), dtype)
    tokens[TokenTable.BEGIN_ID] = write_matrix(np.full((1, 1), plan.begin_size), BEGIN_SEME, plan)[0]
    for node in graph.nodes:
        if isinstance(node, Embed):
            of_token = node.source == "token"
            own = np.arange(graph.vocab_size if of_token else count)
            # Row 0 of positions is the begin token's.
            to = tokens[TokenTable.FIRST_ID :] if of_token else positions[1:]
            add_rows(to, node.rows(own), plan.seme_of[node.name])
    return {"embed.W_E": tokens, "pos_embed.W_pos": positions}


def _read(form: Form, plan: Layout, begin: dict[str, np.ndarray], at_begin: np.ndarray) -> np.ndarray:
    """The linear part of a form, corrected so that the begin token reads exactly `at_begin`."""
    return read_matrix(form, plan) + begin_row(at_begin - form_at(form, begin), plan)


def _head(weights: dict[str, np.ndarray], head: Head, plan: Layout, scale: float, begin: dict[str, np.ndarray]) -> None:
    node, at, h = head.node, f"blocks.{head.layer}.attn", head.index
    r = node.query.width
    factor = scale * math.sqrt(plan.d_head)  # attention divides by sqrt(d_head)
    weights[f"{at}.W_Q"][h, :, :r] = factor * _read(node.query, plan, begin, np.zeros(r))
    weights[f"{at}.b_Q"][h, :r] = factor * node.query.bias
    weights[f"{at}.W_K"][h, :, :r] = _read(node.key, plan, begin, np.zeros(r))
    weights[f"{at}.b_K"][h, :r] = node.key.bias
    # One more component: only the begin token has a key in it.
    own = begin_form(node, scale)
    # A head that finds the latest match is causal: the begin token sees itself alone, whatever its score.
    of_itself = own.bias if node.pattern == "recent" else np.array([BEGIN_SELF / scale])
    weights[f"{at}.W_Q"][h, :, r : r + 1] = factor * _read(own, plan, begin, of_itself)
    weights[f"{at}.b_Q"][h, r : r + 1] = factor * own.bias
    weights[f"{at}.W_K"][h, :, r : r + 1] = begin_row(np.ones(1), plan)
    column = 0
    for mover, first, last in head.moves:
        part = mover.value @ np.eye(mover.space.size)[:, first:last]
        width = last - first
        value = _read(part, plan, begin, mover.begin_value[first:last])
        weights[f"{at}.W_V"][h, :, column : column + width] = value
        weights[f"{at}.b_V"][h, column : column + width] = part.bias
        rows = write_matrix(np.eye(width), plan.seme_of[mover.name] + first, plan)
        weights[f"{at}.W_O"][h, column : column + width] = rows
        column += width


def begin_form(node: Attend, scale: float) -> Form:
    """The begin token's score, seen from the query, before it is scaled."""
    if node.weight is not None:
        return node.weight @ np.array([[1.0 / scale]])
    return constant_form([node.begin_score])


def _bank(
    weights: dict[str, np.ndarray],
    node: Neurons,
    plan: Layout,
    gain: np.ndarray,
    begin: dict[str, np.ndarray],
    *,
    exact: bool,
) -> None:
    layer, first = plan.rows[node.name]
    at, last = f"blocks.{layer}.mlp", first + len(node.hidden)
    pre = (node.read @ node.slopes).shifted(node.offsets) @ np.diag(gain)
    off = neurons_at_begin(pre, begin, exact=exact)
    weights[f"{at}.W_in"][:, first:last] = _read(pre, plan, begin, off)
    weights[f"{at}.b_in"][first:last] = pre.bias
    weights[f"{at}.W_out"][first:last] = write_matrix(node.write / gain[:, None], plan.seme_of[node.name], plan)
