"""Tokens against positions on planted subspaces, on nulls, and on MiniLM."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors import safe_open

from seme.core.errors import InputError, UsageError
from seme.read.moments import token_moments
from seme.read.nulls import random_frame
from seme.read.readout import measure_readout
from seme.read.rows import Rows
from seme.read.tokens import measure_tokens
from tests.read.planted import VOCABULARY, planted_pair


def test_planted_orthogonal_subspaces_are_found():
    report = measure_tokens(*planted_pair(overlap=False))
    assert report.energy_top_k.value < 1e-3
    assert report.energy_top_k.p_below == pytest.approx(0.01)
    assert report.principal_angles[3].value < 0.02


def test_planted_overlapping_subspaces_are_found():
    report = measure_tokens(*planted_pair(overlap=True))
    assert report.energy_top_k.value == pytest.approx(3 / 8, abs=0.05)
    assert report.energy_top_k.p_above == pytest.approx(0.01)


def test_overlap_costs_the_position_and_orthogonality_saves_it():
    readings = {}
    for overlap in (False, True):
        tokens, positions = planted_pair(overlap)
        readings[overlap] = measure_readout(tokens, positions, token_moments(tokens))
    assert readings[False].position_r2.value > 0.999
    assert readings[True].position_r2.value < 0.9


def test_concatenation_keeps_a_position_whole_whose_row_stands_twice():
    tokens, positions = planted_pair(overlap=True)
    positions[-1] = positions[-2]
    reading = measure_readout(tokens, positions, token_moments(tokens), draws=3)
    beside = reading.concatenated
    assert (beside.position_r2, beside.token_identity) == (1, 1)
    assert reading.position_r2.value < 0.9
    design = np.hstack([positions, np.ones((len(positions), 1))])
    index = np.arange(len(positions))
    fitted = design @ np.linalg.lstsq(design, index, rcond=None)[0]
    assert beside.index_r2 == pytest.approx(1 - ((index - fitted) ** 2).sum() / ((index - index.mean()) ** 2).sum())
    assert beside.index_r2 >= reading.index_r2.value
    one_length = positions / np.linalg.norm(positions, axis=1, keepdims=True)
    one_length[-1] = -one_length[-1]
    found = measure_readout(tokens, one_length, token_moments(tokens), draws=3).concatenated
    assert found.index_by_dot == 1 > beside.index_by_dot


def test_the_closed_form_readout_is_what_least_squares_gets():
    tokens, positions = planted_pair(overlap=True)
    rng = np.random.default_rng(0)
    which, where = rng.integers(0, len(tokens), 40000), rng.integers(0, len(positions), 40000)
    sums = tokens[which] + positions[where]
    design = np.hstack([sums, np.ones((len(sums), 1))])
    target = positions[where]
    fitted = design @ np.linalg.lstsq(design, target, rcond=None)[0]
    r2 = 1 - ((target - fitted) ** 2).sum() / ((target - target.mean(axis=0)) ** 2).sum()
    closed = measure_readout(tokens, positions, token_moments(tokens)).position_r2.value
    assert closed == pytest.approx(r2, abs=0.01)


def test_reading_back_uses_every_direction_of_the_positions():
    rng = np.random.default_rng(3)
    tokens, positions = rng.standard_normal((200, 90)) * np.linspace(0.2, 3, 90), rng.standard_normal((130, 90))
    tokens /= np.linalg.norm(tokens, axis=1, keepdims=True) / 10
    which, where = (grid.ravel() for grid in np.meshgrid(np.arange(200), np.arange(130)))
    sums = tokens[which] + positions[where]
    design = np.hstack([sums, np.ones((len(sums), 1))])
    r2 = []
    for target in (positions[where], where[:, None]):
        fitted = design @ np.linalg.lstsq(design, target, rcond=None)[0]
        r2.append(1 - ((target - fitted) ** 2).sum() / ((target - target.mean(axis=0)) ** 2).sum())
    reading = measure_readout(tokens, positions, token_moments(tokens), draws=3)
    assert (reading.position_r2.value, reading.index_r2.value) == pytest.approx(r2, abs=1e-6)


def test_random_orientations_are_rarely_called_special():
    tokens, positions = planted_pair(overlap=False)
    rng, trials = np.random.default_rng(5), 60
    moments, hits = token_moments(tokens), {}
    for seed in range(trials):
        turned = positions @ random_frame(rng, positions.shape[1], positions.shape[1])
        report = measure_tokens(tokens, turned, moments=moments, seed=seed, draws=39)
        reading = measure_readout(tokens, turned, moments, seed=seed)
        found = {
            "energy": report.energy_top_k,
            "raw energy": report.energy_by_k_raw[3],
            "block": report.position_energy_by_block[0].energy,
            "angles": report.principal_angles[3],
            "cosine": report.mean_abs_cosine,
            "centred cosine": report.mean_abs_cosine_centred,
            "position": reading.position_r2,
            "matched": reading.position_r2_matched,
            "index": reading.index_r2,
            "dot": reading.index_by_dot,
        }
        for name, each in found.items():
            hits[name] = hits.get(name, 0) + (min(each.p_below, each.p_above) <= 0.025)
    assert max(hits.values()) <= 8, f"two-sided level .05: over 8 of 60 has a chance under .01 each: {hits}"


def test_streamed_moments_equal_numpy_and_leave_out_untrained_rows():
    tokens, _ = planted_pair(overlap=False)
    tokens /= np.linalg.norm(tokens, axis=1, keepdims=True)
    tokens[10:20] *= 0.01
    whole = token_moments(tokens)
    parts = Rows(shape=tokens.shape, read=lambda start, stop: tokens[start:stop])
    used = np.delete(tokens, slice(10, 20), axis=0)
    for moments in (whole, token_moments(parts)):
        assert moments.count == VOCABULARY - 10
        assert moments.mean == pytest.approx(used.mean(axis=0))
        assert moments.scatter == pytest.approx(np.cov(used.T, bias=True) * len(used))


def test_sixteen_bit_tables_give_the_same_moments_to_their_precision():
    tokens = planted_pair(overlap=True)[0].astype(np.float16)
    exact = token_moments(tokens.astype(np.float64))
    assert token_moments(tokens).scatter == pytest.approx(exact.scatter, rel=1e-4, abs=1e-3)


def test_minilm_matches_the_published_figures(minilm):
    with safe_open(minilm / "model.safetensors", "np") as file:
        positions = file.get_tensor("embeddings.position_embeddings.weight")[1:]
        tokens = file.get_tensor("embeddings.word_embeddings.weight")
    report = measure_tokens(tokens, positions, draws=39)
    assert report.energy_top_k.value == pytest.approx(0.0005, abs=5e-5)
    assert report.energy_top_k.null == pytest.approx(3 / 384, rel=0.05)
    assert report.left_out_norm == pytest.approx(0.455, abs=0.005)
    lowest = {block.directions: block.energy.value for block in report.position_energy_by_block[:3]}
    assert (lowest[10], lowest[20]) == pytest.approx((0.74, 0.95), abs=0.005)
    reading = measure_readout(tokens, positions, token_moments(tokens), draws=9)
    assert reading.token_identity == reading.token_identity_rotated == 1.0
    assert reading.position_r2.value == pytest.approx(0.9555, abs=2e-4)
    assert reading.position_r2.value > reading.position_r2.null_interval[1]


def test_minilms_published_readout_is_the_largest_dot_product_with_row_0(minilm):
    """R^2 .53 against .07 of rotated positions, as published: row 0, five times as long, wins too often."""
    with safe_open(minilm / "model.safetensors", "np") as file:
        positions = file.get_tensor("embeddings.position_embeddings.weight")
        tokens = file.get_tensor("embeddings.word_embeddings.weight")
    moments = token_moments(tokens)
    every, without = (measure_readout(tokens, table, moments, draws=19) for table in (positions, positions[1:]))
    assert every.index_by_dot.value == pytest.approx(0.53, abs=0.15)
    low, high = every.index_by_dot.null_interval
    assert low < 0.07 < high
    assert without.index_by_dot.value > 0.95
    assert without.index_by_dot.null > 0.8


def test_widths_that_differ_and_impossible_k_are_refused():
    tokens, positions = planted_pair(overlap=False)
    with pytest.raises(InputError, match="token rows have width 48, position rows 47"):
        measure_tokens(tokens, positions[:, :47])
    with pytest.raises(UsageError, match="rank 4"):
        measure_tokens(tokens, positions, k=49)


@pytest.mark.parametrize(("value", "words"), [(np.nan, "NaN or infinity"), (1.0, "position rows are the same")])
def test_positions_that_cannot_be_compared_are_named(value, words):
    tokens, positions = planted_pair(overlap=False)
    with pytest.raises(InputError, match=words):
        measure_tokens(tokens, np.full_like(positions, value))


@pytest.mark.parametrize(("value", "words"), [(np.inf, "NaN or infinity"), (0.0, "every entry is zero")])
def test_token_tables_that_cannot_be_measured_are_named(value, words):
    with pytest.raises(InputError, match=words):
        token_moments(np.full((10, 4), value))
