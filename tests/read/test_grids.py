"""Grids: planted two-dimensional positions against cells in random order."""

from __future__ import annotations

import numpy as np
import pytest

from seme.core.errors import InputError
from seme.read.grids import measure_grid
from seme.read.positions import sinusoidal


def test_a_planted_grid_is_found_and_a_shuffled_one_is_not():
    axis = sinusoidal(6, 16)
    rows, columns = np.divmod(np.arange(36), 6)
    table = np.hstack([axis[rows], axis[columns]])
    assert measure_grid(table).value > 0.9
    assert measure_grid(table).p_above == pytest.approx(1 / 40)
    assert measure_grid(np.random.default_rng(0).permutation(table)).p_above > 0.05


def test_cells_that_know_nothing_of_their_place_are_rarely_called_a_grid():
    tables = (np.random.default_rng(seed).standard_normal((25, 12)) for seed in range(100))
    hits = sum(measure_grid(table, seed=seed, draws=19).p_above <= 0.05 for seed, table in enumerate(tables))
    assert hits <= 12, "at a true rate of .05, more than 12 hits of 100 have a chance under .002"


def test_rows_that_fill_no_square_are_refused():
    with pytest.raises(InputError, match="square"):
        measure_grid(np.ones((17, 4)))
