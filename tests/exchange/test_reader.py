import pytest
import torch

from seme.exchange import load, save
from support.models import random_artifact


@pytest.mark.parametrize("architecture", ["bert", "gpt2"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_what_is_saved_is_what_is_loaded(tmp_path, architecture, dtype):
    artifact = random_artifact(architecture, dtype=dtype)
    save(artifact, tmp_path / "m")
    back = load(tmp_path / "m").artifact
    for name in ("spec", "tokens", "outputs", "meaning", "certificate", "provenance", "graph"):
        assert getattr(back, name) == getattr(artifact, name)
    assert list(back.weights) == list(artifact.weights)
    assert all(torch.equal(back.weights[name], weight) for name, weight in artifact.weights.items())
