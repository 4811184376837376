"""Agreement of spaces on planted rotations, its null, and the mean decomposition."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seme.read.checkpoints import open_checkpoint
from seme.read.nodes import REDRAWN, measure_spaces, redrawn
from seme.read.spaces import Node, agreement, decompose, measure_space, nuclear_norm, same_basis
from seme.read.transformer import transformer_of
from seme.read.verdicts import space_verdict
from tests.read.models import LENGTH, VOCABULARY, write_model
from tests.read.planted import frame

PLACES = 300


def values(seed: int, width: int = 24) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((PLACES, width)) * np.linspace(2, 0.2, width)


def test_the_same_space_a_rotated_one_and_an_unrelated_one_are_told_apart():
    own = values(0)
    nodes = [
        Node(name="own", values=own),
        Node(name="same", values=own + 5),
        Node(name="rotated", values=own @ frame(0, 24, 24)),
        Node(name="unrelated", values=values(1)),
        Node(name="wider", values=np.hstack([own, np.zeros((PLACES, 8))]) @ frame(1, 32, 32)),
        Node(name="widest", values=own @ frame(2, 24, 400).T),
    ]
    found = agreement(nodes)
    assert found.same_basis[0, 1] == pytest.approx(1, abs=1e-3)
    assert abs(found.same_basis[0, 2]) < 0.3
    assert found.best_rotation[0, 2] == pytest.approx(1, abs=1e-3)
    assert found.best_rotation[0, 4] == pytest.approx(1, abs=1e-3)
    assert found.best_rotation[0, 5] == pytest.approx(1, abs=1e-3)
    assert np.isnan(found.same_basis[0, 4])
    assert found.best_rotation[0, 3] == pytest.approx(found.null_rotation[0, 3], abs=0.1)
    assert found.best_rotation[0, 3] < 0.5


def test_unrelated_nodes_are_rarely_said_to_agree():
    """The false-positive rates of both nulls; a shared basis and a rotated one are the controls."""
    rng, beyond, outside, trials = np.random.default_rng(7), 0, 0, 0
    for _ in range(12):
        nodes = [Node(name=str(i), values=rng.standard_normal((80, 12)) * rng.uniform(0.1, 2, 12)) for i in range(6)]
        found = agreement(nodes, seed=int(rng.integers(1 << 30)))
        above = np.triu_indices(6, 1)
        beyond += int((np.abs(found.same_basis) > 1.96 * found.null_basis_deviation)[above].sum())
        ratio = (found.best_rotation / found.null_rotation)[above]
        outside += int(((ratio < found.null_rotation_range[0]) | (ratio > found.null_rotation_range[1])).sum())
        trials += len(ratio)
    assert 0.02 < beyond / trials < 0.09
    assert 0.02 < outside / trials < 0.12
    own = values(0)
    found = agreement([Node(name="own", values=own), Node(name="rotated", values=own @ frame(0, 24, 24))])
    assert found.best_rotation[0, 1] / found.null_rotation[0, 1] > 1.5 * found.null_rotation_range[1]


def test_the_deviation_of_the_null_is_that_of_many_orders_and_alike_for_wide_nodes():
    rng = np.random.default_rng(0)
    narrow, wide = values(0)[:40], rng.standard_normal((40, 60))
    other, wider = values(1)[:40] + narrow, wide + rng.standard_normal((40, 60))
    for x, y in ((narrow, other), (wide, wider)):
        found = agreement([Node(name="x", values=x), Node(name="y", values=y)])
        units = [each - each.mean(axis=0) for each in (x, y)]
        units = [each / np.linalg.norm(each) for each in units]
        drawn = [float(np.vdot(units[0][rng.permutation(40)], units[1])) for _ in range(2000)]
        assert found.null_basis_deviation[0, 1] == pytest.approx(np.std(drawn), rel=0.08)


def test_nuclear_norm_is_the_sum_of_singular_values():
    matrix = values(3)[:40]
    assert nuclear_norm(matrix) == pytest.approx(np.linalg.svd(matrix, compute_uv=False).sum())


def test_a_constant_node_agrees_with_nothing():
    nodes = [Node(name="constant", values=np.ones((PLACES, 4))), Node(name="own", values=values(0))]
    assert agreement(nodes).best_rotation[0, 1] == 0
    assert measure_space(nodes[0]).participation_ratio == 0


def test_noise_has_no_position_part_once_corrected():
    shares = [decompose("noise", np.random.default_rng(seed).standard_normal((12, 20, 8))) for seed in range(30)]
    corrected = np.array([each.position for each in shares])
    assert abs(corrected.mean()) < 3 * corrected.std() / np.sqrt(len(corrected)) + 1e-3
    assert np.mean([each.position_uncorrected for each in shares]) > 0.05, "the correction must have work to do"


def test_planted_shares_are_found():
    rng = np.random.default_rng(0)
    position, context = rng.standard_normal((1, 40, 16)), rng.standard_normal((50, 1, 16))
    cells = 2 * position + context + rng.standard_normal((50, 40, 16))
    found = decompose("planted", cells)
    assert (found.position, found.context, found.residual) == pytest.approx((4 / 6, 1 / 6, 1 / 6), abs=0.06)


def test_untrained_weights_tie_the_stream_as_much_as_weights_in_random_order(tmp_path):
    """A stream tied by skip connections alone is told from one that training tied (MiniLM)."""
    write_model("gpt2", tmp_path)
    model = transformer_of(open_checkpoint(str(tmp_path)))
    tokens = torch.randint(3, VOCABULARY, (24, LENGTH), generator=torch.Generator().manual_seed(0))
    report = measure_spaces(model, tokens)
    wired = [each.stream for each in report.tie_redrawn]
    assert len(wired) == REDRAWN
    assert max(wired) - min(wired) < 0.1
    assert report.tie.stream == pytest.approx(np.mean(wired), abs=0.1)
    assert space_verdict(report.agreement, report.tie, report.tie_redrawn).answer.startswith("no more")


def test_redrawn_weights_are_the_same_entries_elsewhere(tmp_path):
    write_model("bert", tmp_path)
    model = transformer_of(open_checkpoint(str(tmp_path)))
    tokens = torch.tensor([[3, 4, 5, 3]])
    other = redrawn(model, tokens, seed=1)
    for name in ("0.q_w", "1.down_b", "pos"):
        own, changed = model.weights[name], other.weights[name]
        assert torch.equal(own.flatten().sort().values, changed.flatten().sort().values)
        assert not torch.equal(own, changed)
    assert torch.equal(other.weights["tok"][6:], model.weights["tok"][6:])
    assert not torch.equal(other.weights["tok"][3:6], model.weights["tok"][3:6])
    assert torch.equal(redrawn(model, tokens, seed=1).weights["pos"], other.weights["pos"])


def test_same_basis_alone_is_that_of_the_agreement():
    rng = np.random.default_rng(0)
    made = [Node(name=str(width), values=rng.standard_normal((50, width))) for width in (4, 6, 4)]
    np.testing.assert_allclose(same_basis(made), agreement(made).same_basis, atol=1e-4)
