"""Verdicts on planted tables say what was planted."""

from __future__ import annotations

import numpy as np
import pytest

from seme.read.moments import token_moments
from seme.read.nulls import random_walk
from seme.read.positions import measure_positions
from seme.read.readout import measure_readout
from seme.read.tokens import measure_tokens
from seme.read.verdicts import position_verdicts, token_verdicts
from tests.read.conftest import ROWS, WIDTH, frame, helix_table, planted_pair


def answers(verdicts) -> dict[str, str]:
    assert all(verdict.because and verdict.unless for verdict in verdicts)
    return {verdict.claim: verdict.answer for verdict in verdicts}


def two_rings() -> np.ndarray:
    t = np.arange(ROWS) * 2 * np.pi / ROWS
    curve = [wave(turns * t) for turns in (5, 17) for wave in (np.cos, np.sin)]
    noise = np.random.default_rng(0).standard_normal((ROWS, WIDTH))
    return np.stack(curve, axis=1) @ frame(0, 4).T + 0.005 * noise


@pytest.mark.parametrize(
    ("table", "shape", "lower"),
    [
        (helix_table(), "helix", "yes"),
        (two_rings(), "rings", "no"),
        (random_walk(np.random.default_rng(4), ROWS, WIDTH), "neither", "no"),
        (np.random.default_rng(0).standard_normal((ROWS, WIDTH)), "neither", "no, higher-dimensional"),
    ],
)
def test_the_shape_of_positions_is_named(table, shape, lower):
    found = answers(position_verdicts(measure_positions(table)))
    assert found["helix, rings or neither"] == shape
    assert found["lower-dimensional than a smooth curve"].startswith(lower)


@pytest.mark.parametrize(
    ("overlap", "avoids", "loses"),
    [(False, "yes", "yes"), (True, "no, it seeks", "no: ")],
)
def test_shared_and_separate_subspaces_are_told_apart(overlap, avoids, loses):
    tokens, positions = planted_pair(overlap)
    moments = token_moments(tokens)
    report = measure_tokens(tokens, positions, moments=moments)
    found = answers(token_verdicts(report, measure_readout(tokens, positions, moments)))
    assert found["avoids token directions"].startswith(avoids)
    assert found["adding loses nothing here"].startswith(loses)


def test_positions_of_which_two_are_alike_still_lose_what_the_sum_loses():
    tokens, positions = planted_pair(overlap=True)
    positions[-1] = positions[-2]
    moments = token_moments(tokens)
    found = answers(
        token_verdicts(measure_tokens(tokens, positions, moments=moments), measure_readout(tokens, positions, moments))
    )
    assert "of the position's variance" in found["adding loses nothing here"]
