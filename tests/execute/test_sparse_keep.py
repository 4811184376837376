"""What planning made is read back for the same weights, and for no others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from execute.sparse_artifacts import memory, random_artifact
from seme.execute.sparse import Sparse, keep, stream
from seme.execute.stream import DenseStream
from seme.model.artifact import Artifact, PositionRule


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SEME_CACHE", str(tmp_path))
    return tmp_path / "sparse"


def with_weight(artifact: Artifact, name: str, weight: torch.Tensor) -> Artifact:
    return replace(artifact, weights={**artifact.weights, name: weight})


def test_a_second_start_plans_nothing_and_chooses_the_same(monkeypatch):
    artifact = memory()
    first = Sparse(artifact)
    monkeypatch.setattr(stream, "plan", lambda _: pytest.fail("planned again"))
    second = Sparse(artifact)
    assert (first.report["planned"], second.report["planned"]) == ("anew", "read back")
    told = [
        {k: v for k, v in s.report.items() if not k.startswith(("seconds", "planned", "cached"))}
        for s in (first, second)
    ]
    assert told[0] == told[1]
    assert first.digest == second.digest
    prompt = [0, *np.random.default_rng(1).integers(2, first.rows, 40).tolist()]
    expected = DenseStream(artifact).feed(prompt).tolist()
    assert second.stream().feed(prompt).tolist() == first.stream().feed(prompt).tolist() == expected


@pytest.mark.parametrize("make", [memory, lambda: random_artifact(0)], ids=["mostly zero", "no zeros"])
def test_every_weight_is_in_the_digest_by_its_bits_and_its_place(make):
    artifact = make()
    base = keep.weights_digest(artifact)
    assert base == keep.weights_digest(make())
    for name, weight in artifact.weights.items():
        flat = weight.reshape(-1)
        for at in {0, flat.numel() // 2, flat.numel() - 1} if flat.numel() else set():
            near = flat.clone()
            near[at] = torch.nextafter(near[at], torch.tensor(torch.inf, dtype=near.dtype))
            assert keep.weights_digest(with_weight(artifact, name, near.reshape(weight.shape))) != base, name
        moved = weight.reshape(-1).roll(1).reshape(weight.shape)
        if not torch.equal(moved, weight):
            assert keep.weights_digest(with_weight(artifact, name, moved)) != base, name


def test_outputs_and_positions_are_in_the_digest():
    artifact = memory()
    base = keep.weights_digest(artifact)
    block = replace(artifact.outputs[0], stops=(len(artifact.outputs[0].labels) - 1,))
    assert block.stops != artifact.outputs[0].stops
    assert keep.weights_digest(replace(artifact, outputs=(block,))) != base
    wide = artifact.spec.d_model
    rule = PositionRule(repeated=torch.zeros(1, wide).double(), slope=torch.zeros(wide).double(), longest=1000)
    one, other = (replace(artifact, positions=replace(rule, longest=longest)) for longest in (1000, 1001))
    assert len({base, keep.weights_digest(one), keep.weights_digest(other)}) == 3


def test_another_weight_is_planned_anew():
    artifact = memory()
    Sparse(artifact)
    name = "blocks.0.mlp.W_in"
    other = with_weight(artifact, name, artifact.weights[name] * 2)
    assert Sparse(other).report["planned"] == "anew"
    assert Sparse(artifact).report["planned"] == "read back"


def test_other_code_plans_anew(monkeypatch):
    artifact = memory()
    Sparse(artifact)
    monkeypatch.setattr(keep, "planner_digest", lambda: b"other code")
    assert Sparse(artifact).report["planned"] == "anew"


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "foreign"])
def test_a_damaged_record_is_planned_anew_and_mended(folder, damage):
    artifact = memory()
    Sparse(artifact)
    (record,) = folder.glob("*.plan")
    data = record.read_bytes()
    flipped = data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]
    record.write_bytes({"cut": data[:-7], "flipped": flipped, "emptied": b"", "foreign": b"x" * len(data)}[damage])
    assert Sparse(artifact).report["planned"] == "anew"
    assert Sparse(artifact).report["planned"] == "read back"


def test_what_cannot_be_kept_is_not_there_and_is_no_error(monkeypatch):
    monkeypatch.setattr(keep.os, "replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    kept = stream._planned(memory())
    keep.write_kept(b"weights", kept)
    assert keep.read_kept(b"weights") is None
