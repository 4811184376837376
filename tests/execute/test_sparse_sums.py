"""Sums that directions have in common: the same numbers in fewer terms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from execute.sparse_artifacts import Builder, controlled, gated
from seme.execute.sparse import Sparse, sums
from seme.execute.sparse.neurons import NeuronPlan
from seme.execute.sparse.plan import plan
from seme.execute.sparse.sums import Row, with_sums
from seme.execute.stream import DenseStream
from seme.model.artifact import Artifact

FIRST = 12
ROUNDED = 1e-12
"""What ratios of weights, multiplied back, may be off by: some last bits."""


@pytest.fixture(scope="module", autouse=True)
def _compiled(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEME_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def rows_of(weights: list[float]) -> st.SearchStrategy[list[Row]]:
    row = st.dictionaries(st.integers(0, FIRST - 1), st.sampled_from(weights), max_size=FIRST)
    return st.lists(row, max_size=20)


def added_out(row: Row, made: list[Row]) -> Row:
    """A row without sums; no term comes twice."""
    out: Row = {}
    for number, weight in row.items():
        parts = added_out(made[number - FIRST], made) if number >= FIRST else {number: 1.0}
        assert not out.keys() & parts.keys()
        out |= {part: weight * share for part, share in parts.items()}
    return out


@given(rows_of([-16.0, -1.0, -0.5, 0.25, 1.0, 2.0]))
def test_rows_with_sums_added_out_are_the_rows(rows):
    before = [dict(row) for row in rows]
    made, left = with_sums(rows, FIRST)
    assert rows == before
    assert [added_out(row, made) for row in left] == rows
    for at, inner in enumerate(made):
        assert all(number < FIRST + at for number in inner)
    for at, inner in enumerate(made):
        readers = sum(FIRST + at in row for row in [*made, *left])
        assert len(inner) * readers > len(inner) + readers
    assert sum(map(len, [*made, *left])) <= sum(map(len, rows))


@given(rows_of([-3.0, 1 / 3, 0.7, 1.0, 7.0]))
def test_weights_that_divide_to_no_float_are_off_by_last_bits(rows):
    made, left = with_sums(rows, FIRST)
    for row, expected in zip(left, rows, strict=True):
        out = added_out(row, made)
        assert out.keys() == expected.keys()
        assert all(out[number] == pytest.approx(expected[number], rel=ROUNDED, abs=0) for number in expected)


@given(rows_of([-27.0, -1.0, 1.0, 3.0, 9.0]))
def test_of_weights_that_are_multiples_sums_have_whole_weights(rows):
    made, left = with_sums(rows, FIRST)
    assert all(weight.is_integer() for row in [*made, *left] for weight in row.values())
    assert [added_out(row, made) for row in left] == rows


@given(
    st.sets(st.integers(0, FIRST - 1), min_size=3), st.lists(st.sampled_from([-2.0, 1.0, 3.0]), min_size=2, max_size=9)
)
def test_what_all_rows_have_in_one_proportion_is_one_sum(common, factors):
    rows = [{number: factor * (1 + number) for number in common} for factor in factors]
    made, left = with_sums(rows, FIRST)
    assert [set(inner) for inner in made] == [common]
    assert all(set(row) == {FIRST} for row in left)


def test_a_sum_may_read_a_sum():
    wide, narrow = {0: 1.0, 1: 1.0, 2: 1.0, 3: 1.0}, {0: 1.0, 1: 1.0}
    rows = [wide | {4 + at: 1.0} for at in range(3)] + [narrow | {7 + at: 1.0} for at in range(4)]
    made, left = with_sums(rows, FIRST)
    assert made == [narrow, {2: 1.0, 3: 1.0, FIRST: 1.0}]
    assert left == [{4 + at: 1.0, FIRST + 1: 1.0} for at in range(3)] + [{7 + at: 1.0, FIRST: 1.0} for at in range(4)]


def test_of_more_pairs_than_are_looked_at_the_longest_rows_are_left_as_they_are(monkeypatch):
    short, long = {0: 1.0, 1: 1.0, 2: 1.0}, dict.fromkeys(range(3, 9), 1.0)
    rows = [long, short, long, short]
    monkeypatch.setattr(sums, "MOST_PAIRS", 6)
    assert with_sums(rows, FIRST) == ([short], [long, {FIRST: 1.0}, long, {FIRST: 1.0}])
    monkeypatch.setattr(sums, "MOST_PAIRS", 5)
    assert with_sums(rows, FIRST) == ([], rows)


def directions(neurons: NeuronPlan) -> list[Row]:
    """What every ridge reads, bundles added out."""
    width = neurons.bundles.matrix.shape[1] - len(neurons.bundles)
    made: list[Row] = []
    for row in range(len(neurons.bundles)):
        made.append(_whole(dict(neurons.bundles.terms(row)), made, width))
    return [_whole(dict(ridge.direction.terms(0)), made, width) for ridge in neurons.ridges]


def _whole(row: Row, made: list[Row], width: int) -> Row:
    out = {number: weight for number, weight in row.items() if number < width}
    for number, weight in row.items():
        if number >= width:
            out |= {part: weight * share for part, share in made[number - width].items()}
    return out


@pytest.mark.parametrize("artifact", [controlled(1), gated(1, both=True)], ids=["controlled", "gated"])
def test_a_plan_reads_the_same_with_and_without_sums(monkeypatch, artifact):
    with_them = [block.neurons for block in plan(artifact).blocks]
    monkeypatch.setattr(sums, "MOST_PAIRS", 0)
    without = [block.neurons for block in plan(artifact).blocks]
    assert not any(len(neurons.bundles) for neurons in without)
    for neurons, raw in zip(with_them, without, strict=True):
        assert directions(neurons) == directions(raw)
        assert neurons.feeds().tolist() == raw.feeds().tolist()
    last, raw = with_them[-1], without[-1]
    assert last.nonzeros < raw.nonzeros
    assert len(last.bundles) > 1


def sharing(seed: int) -> Artifact:
    """Neurons that read two bits or four of which these are two, and each a bit of its own."""
    draws = np.random.default_rng(seed)
    bits, outs = [f"b{i}" for i in range(11)], [f"o{i}" for i in range(4)]
    b = Builder([*bits, *outs], 66, layers=1, heads=2, neurons=7)
    for row in range(2, 66):
        b.embed(row, {bit: float(draws.integers(0, 2)) for bit in bits})
    for at in range(7):
        common = bits[:4] if at < 3 else bits[:2]
        write = {out: float(draws.integers(-3, 4)) for out in outs}
        b.neuron(0, dict.fromkeys([*common, bits[4 + at]], 1.0) | {"1": -1.0}, write)
    for row in range(2, 66):
        form = {name: float(draws.integers(-9, 10)) for name in [*outs, *bits]}
        b.weights["unembed.W_U"][:, row] = b.reading(form)[0]
        b.weights["unembed.b_U"][row] = draws.normal()
    b.never(0)
    b.never(1)
    return b.artifact()


@pytest.mark.parametrize("seed", range(3))
def test_a_model_whose_sums_read_sums_agrees(seed):
    artifact = sharing(seed)
    bundles = plan(artifact).blocks[0].neurons.bundles
    width = bundles.matrix.shape[1] - len(bundles)
    assert (bundles.matrix.indices >= width).any()
    dense, fast = DenseStream(artifact), Sparse(artifact).stream()
    prompt = [0, *np.random.default_rng(seed).permutation(np.arange(2, 66)).tolist()]
    assert fast.feed(prompt).tolist() == dense.feed(prompt).tolist()
    assert fast.run(60).tolist() == dense.run(60).tolist()
