from __future__ import annotations

import ctypes
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from execute.sparse_artifacts import Builder, memory
from seme.execute.sparse import Sparse
from seme.execute.sparse.build import build
from seme.execute.sparse.fold import Forms
from seme.execute.sparse.generate import generate
from seme.execute.sparse.logits import MOST_SUMS, LogitPlan, LogitTree, plan_logits, tree
from seme.execute.sparse.plan import plan
from seme.execute.stream import DenseStream

FIRST = 2
NEVER = -1e300
WRAPPER = """
exported i64 tried(const double *sums, const double *bias, const void *weights, const i64 *starts, i64 before,
                   i64 levels, i64 count, i64 whole, double *ahead) {
  const logit_tree in = {bias, weights, starts, before, levels, count, whole};
  return largest_of_sums(sums, &in, ahead);
}
"""
ROUNDING = 1e-9
"""Of sums of twenty products of numbers drawn with deviation 1: far more than float64 rounds away."""


@pytest.fixture(scope="module")
def looked(tmp_path_factory):
    """(tree, sums) -> the row that the compiled code chooses, and its lead."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEME_CACHE", str(tmp_path_factory.mktemp("cache")))
        texts = [
            re.sub(r"#define MOST_SUMS \d+", f"#define MOST_SUMS {MOST_SUMS}", text)
            for text in generate(plan(memory())).texts
        ]
        library = build([texts[0] + WRAPPER, *texts[1:]])
    tried = library.handle.tried
    tried.restype = ctypes.c_int64
    tried.argtypes = [ctypes.c_void_p] * 4 + [ctypes.c_int64] * 4 + [ctypes.c_void_p]

    def look(made: LogitTree, sums: np.ndarray) -> tuple[int, float]:
        ahead, sums = ctypes.c_double(), np.ascontiguousarray(sums, dtype=np.float64)
        tables = [np.ascontiguousarray(t) for t in (made.bias, made.weights, made.starts.astype(np.int64))]
        sizes = (made.before, len(made.starts), len(sums), int(made.weights.dtype == np.int16))
        row = tried(sums.ctypes.data, *(t.ctypes.data for t in tables), *sizes, ctypes.byref(ahead))
        return row, ahead.value

    return look


def drawn(seed: int, rows: int, count: int, kind: str) -> LogitPlan:
    """Random logits; the begin token's and padding's are far below, as compiled models have them."""
    draws = np.random.default_rng(seed)
    weights = {
        "whole": draws.integers(-3, 4, (count, rows)).astype(float),
        "sparse": draws.integers(-3, 4, (count, rows)) * (draws.random((count, rows)) < 0.2).astype(float),
        "quarters": draws.integers(-9, 10, (count, rows)) / 4.0,
        "large": draws.integers(-9, 10, (count, rows)) * 65536.0,
        "normal": draws.normal(size=(count, rows)),
    }[kind]
    bias = draws.normal(size=rows) if kind == "normal" else draws.integers(-2, 3, rows) / 2.0
    bias[: FIRST if rows > FIRST else 0] = NEVER
    matrix = sparse.csr_array((count, 1))
    return LogitPlan(sums=Forms(matrix=matrix, bias=np.zeros(count)), rows=weights, bias=bias)


def defined(plan: LogitPlan, sums: np.ndarray) -> tuple[int, float]:
    """The definition: every row multiplied out; the first of the largest, and its lead on all others."""
    logits = plan.bias + sums @ plan.rows
    row = int(logits.argmax())
    return row, float(logits[row] - np.delete(logits, row).max(initial=-np.inf))


def drawn_sums(seed: int, count: int, kind: str) -> np.ndarray:
    draws = np.random.default_rng(seed)
    if kind == "normal":
        return draws.normal(size=count)
    return draws.integers(-4, 5, count) * (draws.random(count) < 0.7).astype(float)


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.one_of(st.integers(1, 70), st.integers(1, 3000)),
    count=st.integers(1, 20),
    kind=st.sampled_from(["whole", "sparse", "quarters", "large"]),
)
def test_the_tree_chooses_the_first_of_the_largest_with_its_lead_as_all_rows_multiplied_out_do(
    looked, seed, rows, count, kind
):
    made = drawn(seed, rows, count, kind)
    for draw in range(10):
        sums = drawn_sums(seed + draw, count, kind)
        assert looked(tree(made), sums) == defined(made, sums)


@pytest.mark.parametrize("seed", range(20))
def test_with_any_weights_and_sums_the_tree_agrees_up_to_rounding(looked, seed):
    made = drawn(seed, 1500, 20, "normal")
    for draw in range(10):
        sums = drawn_sums(100 * seed + draw, 20, "normal")
        row, ahead = looked(tree(made), sums)
        best, lead = defined(made, sums)
        assert row == best or lead < ROUNDING
        assert abs(ahead - lead) < ROUNDING


@pytest.mark.parametrize("rows", [4, 8, 64, 65, 5000])
def test_of_rows_that_are_all_alike_the_first_that_may_be_is_chosen_and_leads_by_nothing(looked, rows):
    made = drawn(0, rows, 4, "whole")
    made.bias[FIRST:] = 0.0
    assert looked(tree(made), np.zeros(4)) == (FIRST, 0.0)


def test_a_single_row_leads_by_everything(looked):
    assert looked(tree(drawn(1, 1, 3, "whole")), np.ones(3)) == (0, np.inf)


def test_bounds_that_are_too_low_are_noticed(looked):
    # the control: a part is passed over that has the best row
    made = drawn(5, 3000, 6, "whole")
    right = tree(made)
    inner = int(right.starts[1]) * 8 * 6
    wrong = right.weights.copy()
    wrong[inner:] //= 2
    worse = LogitTree(before=right.before, starts=right.starts, bias=right.bias, weights=wrong)
    draws = [drawn_sums(draw, 6, "whole") for draw in range(50)]
    assert all(looked(right, sums) == defined(made, sums) for sums in draws)
    assert any(looked(worse, sums) != defined(made, sums) for sums in draws)


def test_sums_of_bits_are_moved_so_that_rows_have_one_bias_and_logits_are_the_same():
    bits, kinds = 9, 3
    value, kind = np.divmod(np.arange(kinds << bits), 1 << bits)[::-1]
    own = np.stack([*(value >> bit & 1 for bit in range(bits)), *(kind == k for k in range(kinds))]).astype(float)
    own = np.pad(own, ((0, 0), (FIRST, 0)))
    bias = -own.sum(axis=0)
    bias[:FIRST] = -(2.0**25)
    forms = Forms(matrix=sparse.csr_array(np.append(2 * own.T, np.zeros((own.shape[1], 1)), axis=1)), bias=bias)
    found = plan_logits(forms)
    assert found is not None
    assert (found.sums.bias[:bits] == -1).all()
    assert len(np.unique(found.bias[FIRST:])) == 1
    features = np.append(np.random.default_rng(3).integers(-2, 3, len(own)), 0.0)
    assert np.array_equal(found.sums.at(features) @ found.rows + found.bias, forms.at(features))


def test_a_sum_that_would_be_moved_far_stays_since_a_choice_may_hang_on_what_is_rounded_away(tmp_path, monkeypatch):
    monkeypatch.setenv("SEME_CACHE", str(tmp_path))
    far, near, rows = 2.0**40, 1e-5, 16
    b = Builder(["one", "other"], rows + FIRST, layers=1, heads=2, neurons=1)
    b.embed(2, {"one": 2 * near, "other": near})
    b.embed(3, {"one": near, "other": 2 * near})
    for row in range(FIRST, rows + FIRST):
        b.weights["unembed.W_U"][:, row] = b.reading({"one": float(row & 1), "other": float(row == 4)})[0]
        b.weights["unembed.b_U"][row] = 0.0 if row in (4, 7) else -5 - far * (row & 1)
    b.never(0)
    b.never(1)
    artifact = b.artifact()
    assert DenseStream(artifact).feed([0, 2, 3]).tolist()[1:] == [7, 4]
    assert Sparse(artifact).stream().feed([0, 2, 3]).tolist()[1:] == [7, 4]
