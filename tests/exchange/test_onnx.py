import json

import onnx
import pytest
import torch

from seme.core.errors import FolderError, UsageError
from seme.exchange.onnx import run_onnx, save_onnx, to_onnx
from seme.execute import Dense
from support.models import fraction_of_a, previous_token, random_artifact

AGREEMENT = {"float16": 2e-2, "float32": 1e-4, "float64": 1e-12}
"""Logits of up to 60, in two orders of summation."""

MEAN_OF_ZERO = 1e-7
"""A mean of 40 numbers of size one that sum to zero need not be 0 in float32."""

IDS = torch.tensor([[0, 2, 3, 4, 5], [0, 3, 2, 1, 1]])
MASK = torch.tensor([[1] * 5, [1, 1, 1, 0, 0]])


@pytest.mark.parametrize("architecture", ["bert", "gpt2"])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("identity_norms", [False, True])
def test_onnxruntime_gives_the_same_logits(architecture, activation, dtype, identity_norms):
    if (dtype, identity_norms) == ("float16", True) or (dtype, architecture, activation) == ("float64", "bert", "gelu"):
        return  # 2^40 is no float16; float64 erf is refused, as a test below says
    artifact = random_artifact(architecture, activation=activation, dtype=dtype, identity_norms=identity_norms)
    run, ours = run_onnx(to_onnx(artifact)), Dense(artifact)
    for ids, mask in ((IDS, MASK), (IDS.flip(0), MASK.flip(0)), (IDS[:1, :2], MASK[:1, :2]), (IDS[:, :1], MASK[:, :1])):
        real = mask.bool()
        difference = (run(ids, mask)[real] - ours.run_ids(ids, real)[real]).abs().max()
        assert difference < AGREEMENT[dtype]


@pytest.mark.parametrize("architecture", ["bert", "gpt2"])
def test_models_made_by_hand_are_computed_there(architecture):
    artifact = previous_token(architecture)
    got = run_onnx(to_onnx(artifact))(IDS[:1, :4], MASK[:1, :4])[0]
    assert (got - torch.eye(4)[[3, 3, 0, 1]]).abs().max() < MEAN_OF_ZERO
    fractions = fraction_of_a(architecture, "float64")
    got = run_onnx(to_onnx(fractions))(IDS[:1, :4], MASK[:1, :4])
    assert (got - Dense(fractions).run_ids(IDS[:1, :4])).abs().max() < AGREEMENT["float64"]


def test_the_file_is_checked_deterministic_and_tells_its_labels(tmp_path):
    one, two = (save_onnx(previous_token(), tmp_path / name).read_bytes() for name in ("a.onnx", "b.onnx"))
    assert one == two
    model = onnx.load(tmp_path / "a.onnx")
    onnx.checker.check_model(model, full_check=True)
    told = json.loads({entry.key: entry.value for entry in model.metadata_props}["seme"])
    assert told["tokens"] == ["a", "b", "c"]
    assert told["outputs"][0]["labels"] == ["a", "b", "c", None]


def test_what_no_runtime_computes_is_refused(tmp_path):
    with pytest.raises(UsageError, match="bfloat16"):
        to_onnx(random_artifact(dtype="bfloat16"))
    with pytest.raises(UsageError, match="erf"):
        to_onnx(random_artifact("bert", activation="gelu", dtype="float64"))
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderError, match="cannot write"):
        save_onnx(previous_token(), tmp_path / "file" / "model.onnx")
