"""The position matrix on planted tables, on null tables, and on MiniLM."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors import safe_open

from seme.core.errors import InputError, UsageError
from seme.read.nulls import random_walk, rotated_rows, shuffled_increments
from seme.read.positions import diagonal_means, measure_positions, row_norms, sinusoidal, toeplitz_r2
from seme.read.rings import ring
from seme.read.spectra import components, leading_shares, participation_ratio
from tests.read.planted import ROWS, WIDTH, frame, helix_table

TRIALS = 40
"""Null tables per false-positive check; at a true rate of .05 more than 6 hits have a chance under .02."""

MAX_HITS = 6


@pytest.fixture(scope="module")
def minilm_positions(minilm):
    with safe_open(minilm / "model.safetensors", "np") as file:
        return file.get_tensor("embeddings.position_embeddings.weight")


def test_a_planted_helix_is_found_and_beats_its_null():
    report = measure_positions(helix_table(), draws=19)
    assert report.explained_variance[2] > 0.99
    assert report.helix_score.value > 0.75
    assert report.helix_score.p_above == pytest.approx(0.05)
    assert report.rings[0].period == pytest.approx(16, rel=0.05)


def test_a_helix_with_its_rows_shuffled_is_no_helix():
    rows = np.random.default_rng(1).permutation(helix_table())
    report = measure_positions(rows, draws=19)
    assert report.explained_variance[2] > 0.99
    assert report.helix_score.value < 0.1
    assert report.toeplitz.p_above > 0.05
    assert not report.bands


def test_a_ring_of_exactly_one_turn_closes_and_an_arc_does_not():
    for count in range(4, 200):
        t = np.arange(count) * 2 * np.pi / count
        assert ring(np.cos(t), np.sin(t)).score > 0.99, count
        assert ring(np.cos(0.9 * t), np.sin(0.9 * t)).score == 0, count


def test_a_random_walk_holds_six_over_pi_squared_in_its_first_component():
    explained = components(random_walk(np.random.default_rng(0), 400, 2000), 3).explained
    assert explained == pytest.approx([0.608, 0.760, 0.827], abs=0.01)


def test_toeplitz_r2_is_what_its_definition_gives():
    table = helix_table(noise=3.0)[:20]
    gram = table @ table.T
    upper = np.triu_indices(20, 1)
    model = np.array([np.diagonal(gram, offset).mean() for offset in range(20)])
    around = ((gram[upper] - model[upper[1] - upper[0]]) ** 2).sum()
    expected = 1 - around / ((gram[upper] - gram[upper].mean()) ** 2).sum()
    assert toeplitz_r2(gram) == pytest.approx(expected)
    assert diagonal_means(gram) == pytest.approx(model)


def test_sinusoidal_positions_depend_on_distance_only():
    table = sinusoidal(64, 32)
    assert toeplitz_r2(table @ table.T) == pytest.approx(1.0, abs=1e-9)
    assert measure_positions(table, draws=5).similarity == pytest.approx(measure_positions(table, draws=5).sinusoidal)


@pytest.mark.parametrize("kind", ["walk", "independent"])
def test_structureless_tables_are_rarely_called_structured(kind):
    names = ("ring", "helix", "toeplitz", "toeplitz of cosines", "variance", "band", "planarity")
    hits = dict.fromkeys(names, 0)
    for seed in range(TRIALS):
        rng = np.random.default_rng(1000 + seed)
        walk = random_walk(rng, 48, 32) @ np.diag(np.linspace(1, 2, 32))
        table = walk if kind == "walk" else rng.standard_normal((48, 32))
        report = measure_positions(table, seed=seed, draws=19)
        null = "shuffled_increments" if kind == "walk" else "rotated_rows"
        hits["ring"] += report.ring_score.p_above <= 0.05
        hits["helix"] += report.helix_score.p_above <= 0.05
        hits["variance"] += report.against[null][3].p_above <= 0.05
        hits["band"] += kind == "independent" and len(report.bands) > 0
        hits["toeplitz"] += kind == "independent" and report.toeplitz.p_above <= 0.05
        hits["toeplitz of cosines"] += kind == "independent" and report.toeplitz_cosine.p_above <= 0.05
        hits["planarity"] += kind == "walk" and any(band.planarity.p_above <= 0.05 for band in report.bands[:1])
    assert max(hits.values()) <= MAX_HITS, hits


def test_minilm_without_row_0_has_the_published_variances_and_rings(minilm_positions):
    norms = row_norms(minilm_positions)
    assert norms.outliers == (0,)
    assert norms.norms[0] == pytest.approx(2.36, abs=0.01)
    report = measure_positions(minilm_positions[1:], draws=39)
    found = [report.explained_variance[k - 1] for k in (1, 2, 3, 5, 10)]
    assert found == pytest.approx([0.130, 0.258, 0.363, 0.543, 0.933], abs=5e-4)
    periods = [band.period for band in report.bands]
    for expected in (500, 55, 18, 6):
        assert min(abs(period / expected - 1) for period in periods) < 0.1
    assert report.helix_score.p_above > 0.05
    assert report.ring_score.p_above <= 0.05


def test_nulls_keep_what_they_promise():
    rng, table = np.random.default_rng(0), helix_table()
    assert np.linalg.norm(rotated_rows(rng, table), axis=1) == pytest.approx(np.linalg.norm(table, axis=1))
    steps = np.linalg.norm(np.diff(shuffled_increments(rng, table), axis=0), axis=1)
    assert np.sort(steps) == pytest.approx(np.sort(np.linalg.norm(np.diff(table, axis=0), axis=1)))


def test_lanczos_and_full_decomposition_agree():
    table = random_walk(np.random.default_rng(3), 700, 400)
    values = table - table.mean(axis=0)
    full = np.linalg.svd(values, compute_uv=False) ** 2
    assert components(table, 10).variance == pytest.approx(full[:10], rel=1e-8)
    wide = random_walk(np.random.default_rng(3), 400, 700)
    wide_full = np.linalg.svd(wide - wide.mean(axis=0), compute_uv=False) ** 2
    assert components(wide, 10).variance == pytest.approx(wide_full[:10], rel=1e-8)


def test_participation_ratio_counts_equal_directions():
    flat = np.vstack([frame(0, 5).T, -frame(0, 5).T])
    assert participation_ratio(flat) == pytest.approx(5)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (np.ones((3, 8)), "at least 4"),
        (np.zeros((8, 8)), "every entry is zero"),
        (np.full((8, 8), np.nan), "NaN or infinity"),
        (np.ones((2, 8, 8)), "expected two axes"),
    ],
)
def test_tables_that_cannot_be_measured_are_named(table, words):
    with pytest.raises(InputError, match=words):
        measure_positions(table)


def test_more_components_than_the_rank_are_refused():
    with pytest.raises(UsageError, match="cannot take 9 components"):
        components(np.ones((8, WIDTH)), 9)


def test_a_constant_table_is_measured_without_dividing_by_zero():
    report = measure_positions(np.ones((ROWS, 8)), draws=3)
    assert report.participation_ratio == 0
    assert report.ring_score.value == 0


def test_shares_of_null_draws_are_those_of_components():
    rng = np.random.default_rng(3)
    for table in (random_walk(rng, 400, 350), rng.standard_normal((400, 350)), 1e3 + random_walk(rng, 330, 500)):
        assert np.abs(leading_shares(table, 10) - components(table, 10).explained).max() < 2e-6
