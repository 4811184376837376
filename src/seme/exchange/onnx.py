"""An ONNX graph with dynamic batch and length, built node by node from the weights.

Built by hand because torch's exporter needs a further package and gives a graph that changes with its release; the
forward pass is small enough to be written out once more, and the tests hold the two together.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seme.core.errors import FolderError, MissingExtraError, UsageError
from seme.exchange.values import to_json
from seme.exchange.writer import replace_file
from seme.model.artifact import Artifact

NARROWER = "export it in float32: model.to(dtype='float32')"
OPSET = 20
"""The first with Gelu as an operator; onnxruntime 1.17 and later have it."""
LIMIT = 2**31 - 1
"""Bytes that one protobuf message can hold."""


def save_onnx(artifact: Artifact, path: str | Path) -> Path:
    """Writes the model as one ONNX file.

    Inputs are `input_ids` and `attention_mask` (int64, [batch, pos], the begin token first), the output is `logits`
    [batch, pos, d_logits]. The metadata entry `seme` holds the token table and the outputs.

    Raises:
        MissingExtraError: `onnx` is not installed.
        UsageError: The float type has no ONNX runtime, or the model is larger than one file can be.
        FolderError: The file cannot be written.
    """
    data = to_onnx(artifact).SerializeToString(deterministic=True)
    try:
        return replace_file(Path(path), data)
    except OSError as error:
        raise FolderError(f"cannot write `{path}`: {error.strerror or error}", hint="give another path") from error


def to_onnx(artifact: Artifact) -> Any:
    """The model as an `onnx.ModelProto`.

    Raises:
        MissingExtraError: `onnx` is not installed.
        UsageError: The float type has no ONNX runtime, or the model is larger than one file can be.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("making an ONNX file", "onnx") from error
    spec = artifact.spec
    if spec.dtype == "bfloat16":
        raise UsageError("cannot export bfloat16: ONNX runtimes do not compute in it", hint=NARROWER)
    if (spec.dtype, spec.architecture, spec.activation) == ("float64", "bert", "gelu"):
        raise UsageError("cannot export float64 with the exact GELU: onnxruntime has no float64 erf", hint=NARROWER)
    if sum(weight.numel() * weight.element_size() for weight in artifact.weights.values()) > LIMIT:
        raise UsageError("cannot export: the weights are larger than the 2 GB one ONNX file holds", hint="--to hf")
    build = _Build(artifact)
    build.model()
    helper, types = onnx.helper, onnx.TensorProto
    ids = [
        helper.make_tensor_value_info(name, types.INT64, ["batch", "pos"]) for name in ("input_ids", "attention_mask")
    ]
    float_type = helper.np_dtype_to_tensor_dtype(build.dtype)
    out = helper.make_tensor_value_info("logits", float_type, ["batch", "pos", spec.d_logits])
    # A model without blocks has no use for the constants of attention, and onnxruntime warns of what is not used.
    used = {name for node in build.nodes for name in node.input}
    tensors = [tensor for tensor in build.tensors if tensor.name in used]
    graph = helper.make_graph(build.nodes, "seme", ids, [out], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="seme", ir_version=9)
    helper.set_model_props(model, {"seme": json.dumps(_told(artifact), ensure_ascii=False)})
    onnx.checker.check_model(model)
    return model


def run_onnx(model: Any) -> Callable[[Tensor, Tensor], Tensor]:
    """Makes an `onnx.ModelProto` a function of ids and mask, run by onnxruntime on the CPU.

    Raises:
        MissingExtraError: `onnxruntime` is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError("running an ONNX model", "onnx") from error
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])

    def run(ids: Tensor, mask: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {"input_ids": ids.numpy(), "attention_mask": mask.numpy()})[0])

    return run


def _told(artifact: Artifact) -> dict[str, Any]:
    table = artifact.tokens
    return {
        "begin": table.begin,
        "pad": table.pad,
        "tokens": [to_json(value) for value in table.values],
        "outputs": [
            {
                "name": block.name,
                "kind": block.kind,
                "start": block.start,
                "labels": [to_json(label) for label in block.labels],
            }
            for block in artifact.outputs
        ],
    }


class _Build:
    """The nodes and tensors of one graph; a value is known by its name."""

    def __init__(self, artifact: Artifact):
        import onnx

        self.onnx = onnx
        self.spec = artifact.spec
        self.weights = artifact.weights
        self.dtype = np.dtype(artifact.spec.dtype)
        self.nodes: list[Any] = []
        self.tensors: list[Any] = []

    def node(self, operator: str, *inputs: str, out: str, **attributes: Any) -> str:
        self.nodes.append(self.onnx.helper.make_node(operator, list(inputs), [out], name=out, **attributes))
        return out

    def tensor(self, name: str, value: Any, dtype: Any = None) -> str:
        if isinstance(value, Tensor):
            value = value.detach().cpu().numpy()
        array = np.ascontiguousarray(np.asarray(value, dtype=dtype or self.dtype))
        self.tensors.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def whole(self, name: str, value: Any) -> str:
        return self.tensor(name, value, np.int64)

    def linear(self, x: str, weight: str, bias: str, out: str, matrix: Tensor, vector: Tensor) -> str:
        product = self.node("MatMul", x, self.tensor(weight, matrix), out=f"{out}.product")
        return self.node("Add", product, self.tensor(bias, vector), out=out)

    def norm(self, at: str, x: str, out: str) -> str:
        gain, bias = self.tensor(f"{at}.w", self.weights[f"{at}.w"]), self.tensor(f"{at}.b", self.weights[f"{at}.b"])
        if self.spec.dtype != "float64":
            return self.node("LayerNormalization", x, gain, bias, out=out, axis=-1, epsilon=self.spec.norm_eps)
        # The operator's epsilon is float32 and so, by its definition, are its sums: in float64 it is written out.
        mean = self.node("ReduceMean", x, "last_axis", out=f"{at}.mean")
        centred = self.node("Sub", x, mean, out=f"{at}.centred")
        square = self.node("Mul", centred, centred, out=f"{at}.square")
        variance = self.node("ReduceMean", square, "last_axis", out=f"{at}.variance")
        scale = self.node("Sqrt", self.node("Add", variance, "norm_eps", out=f"{at}.raised"), out=f"{at}.hook_scale")
        normalized = self.node("Div", centred, scale, out=f"{at}.hook_normalized")
        return self.node("Add", self.node("Mul", normalized, gain, out=f"{at}.gained"), bias, out=out)

    def model(self) -> None:
        spec, bert = self.spec, self.spec.architecture == "bert"
        self.constants()
        tokens = self.node("Gather", self.tensor("embed.W_E", self.weights["embed.W_E"]), "input_ids", out="hook_embed")
        table = self.tensor("pos_embed.W_pos", self.weights["pos_embed.W_pos"])
        places = self.node("Slice", table, "zero", "length", "zero", out="hook_pos_embed")
        x = self.node("Add", tokens, places, out="embedded")
        if bert:
            x = self.norm("embed.ln", x, "embed_ln.hook_out")
        for layer in range(spec.layers):
            x = self.block(f"blocks.{layer}", x, bert)
        if not bert:
            x = self.norm("ln_final", x, "ln_final.hook_out")
        self.linear(x, "unembed.W_U", "unembed.b_U", "logits", self.weights["unembed.W_U"], self.weights["unembed.b_U"])

    def constants(self) -> None:
        """The length, and which key each query may attend to: `allowed`, which spreads over [batch, head, q, k]."""
        spec = self.spec
        self.whole("zero", [0])
        self.whole("split", [0, 0, spec.heads, spec.d_head])
        self.whole("join", [0, 0, spec.heads * spec.d_head])
        # One entry per head: a single number would be fused into the product by onnxruntime, rounded to float32.
        self.tensor("scale", np.full((spec.heads, 1, 1), spec.d_head**-0.5))
        self.tensor("never", -np.inf)
        if spec.dtype == "float64":
            self.whole("last_axis", [-1])
            self.tensor("norm_eps", spec.norm_eps)
        self.node("Shape", "input_ids", out="length", start=1, end=2)
        axes = self.whole("mask_axes", [1, 2])
        given = self.node("Cast", "attention_mask", out="mask", to=self.onnx.TensorProto.BOOL)
        mask = self.node("Unsqueeze", given, axes, out="allowed" if spec.architecture == "bert" else "real_keys")
        if spec.architecture == "gpt2":
            end = self.node("Squeeze", "length", out="length_scalar")
            steps = self.node("Range", self.whole("start", 0), end, self.whole("step", 1), out="steps")
            queries = self.node("Unsqueeze", steps, self.whole("query_axis", [1]), out="queries")
            seen = self.node("LessOrEqual", steps, queries, out="seen")
            self.node("And", mask, seen, out="allowed")

    def block(self, at: str, x: str, bert: bool) -> str:
        if bert:
            summed = self.node("Add", x, self.attention(at, x), out=f"{at}.attn_sum")
            mid = self.norm(f"{at}.ln1", summed, f"{at}.hook_resid_mid")
            summed = self.node("Add", mid, self.mlp(at, mid), out=f"{at}.mlp_sum")
            return self.norm(f"{at}.ln2", summed, f"{at}.hook_resid_post")
        attended = self.attention(at, self.norm(f"{at}.ln1", x, f"{at}.ln1.hook_out"))
        mid = self.node("Add", x, attended, out=f"{at}.hook_resid_mid")
        added = self.mlp(at, self.norm(f"{at}.ln2", mid, f"{at}.ln2.hook_out"))
        return self.node("Add", mid, added, out=f"{at}.hook_resid_post")

    def attention(self, at: str, x: str) -> str:
        heads = {}
        for part, order in (("Q", [0, 2, 1, 3]), ("K", [0, 2, 3, 1]), ("V", [0, 2, 1, 3])):
            name = f"{at}.attn.W_{part}"
            matrix = self.weights[name].permute(1, 0, 2).flatten(1)
            vector = self.weights[f"{at}.attn.b_{part}"].flatten()
            flat = self.linear(x, name, f"{at}.attn.b_{part}", f"{at}.attn.{part}", matrix, vector)
            split = self.node("Reshape", flat, "split", out=f"{at}.attn.hook_{part.lower()}")
            heads[part] = self.node("Transpose", split, out=f"{at}.attn.{part}.heads", perm=order)
        raw = self.node("MatMul", heads["Q"], heads["K"], out=f"{at}.attn.products")
        scaled = self.node("Mul", raw, "scale", out=f"{at}.attn.scaled")
        scores = self.node("Where", "allowed", scaled, "never", out=f"{at}.attn.hook_attn_scores")
        pattern = self.node("Softmax", scores, out=f"{at}.attn.hook_pattern", axis=-1)
        mixed = self.node("MatMul", pattern, heads["V"], out=f"{at}.attn.mixed")
        z = self.node("Transpose", mixed, out=f"{at}.attn.hook_z", perm=[0, 2, 1, 3])
        joined = self.node("Reshape", z, "join", out=f"{at}.attn.joined")
        W_O, b_O = self.weights[f"{at}.attn.W_O"].flatten(0, 1), self.weights[f"{at}.attn.b_O"]
        return self.linear(joined, f"{at}.attn.W_O", f"{at}.attn.b_O", f"{at}.hook_attn_out", W_O, b_O)

    def mlp(self, at: str, x: str) -> str:
        w = {part: self.weights[f"{at}.mlp.{part}"] for part in ("W_in", "b_in", "W_out", "b_out")}
        names = {part: f"{at}.mlp.{part}" for part in w}
        pre = self.linear(x, names["W_in"], names["b_in"], f"{at}.mlp.hook_pre", w["W_in"], w["b_in"])
        post = self.activation(pre, f"{at}.mlp.hook_post")
        return self.linear(post, names["W_out"], names["b_out"], f"{at}.hook_mlp_out", w["W_out"], w["b_out"])

    def activation(self, x: str, out: str) -> str:
        if self.spec.activation == "relu":
            return self.node("Relu", x, out=out)
        if self.spec.architecture == "bert":
            return self.node("Gelu", x, out=out, approximate="none")
        if self.spec.dtype != "float64":
            return self.node("Gelu", x, out=out, approximate="tanh")
        # The operator's constants are float32; x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) is written out.
        half, one = self.tensor(f"{out}.half", 0.5), self.tensor(f"{out}.one", 1)
        slope, cubic = self.tensor(f"{out}.slope", (2 / np.pi) ** 0.5), self.tensor(f"{out}.cubic", 0.044715)
        square = self.node("Mul", x, x, out=f"{out}.square")
        bend = self.node("Mul", self.node("Mul", square, x, out=f"{out}.cube"), cubic, out=f"{out}.bend")
        inner = self.node("Mul", self.node("Add", x, bend, out=f"{out}.sum"), slope, out=f"{out}.inner")
        gate = self.node("Add", self.node("Tanh", inner, out=f"{out}.tanh"), one, out=f"{out}.gate")
        return self.node("Mul", self.node("Mul", x, half, out=f"{out}.halved"), gate, out=out)
