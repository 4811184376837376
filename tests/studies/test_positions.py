"""The study of how positions enter: matched sizes, resuming, and a summary that tells a planted
difference."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from seme.cli.commands.study import command
from seme.core.errors import UsageError
from seme.store import Run, Store
from seme.studies import positions
from seme.studies.position_arms import ARMS, Sizes, Small, count_parameters, matched, step_flops
from seme.studies.positions import SMOKE, Plan, configuration, evaluate, run_study, text_splits, train, truncated
from seme.studies.positions_summary import as_text, summarise

SIZES = Sizes(vocabulary=90, context=64, d_model=64, layers=2, heads=4, d_mlp=256)
TINY = Plan(
    arms=("added", "rank-3-trained", "none"), scales=(0.1,), seeds=2, steps=3, tune_steps=2,
    rates=(1e-3, 3e-3), batch=2, sizes=(16, 16, 1, 2, 16),
)  # fmt: skip


@pytest.mark.parametrize("arm", ARMS)
def test_arms_have_equal_parameters(arm):
    sizes = matched(arm, SIZES)
    assert count_parameters(arm, sizes) == pytest.approx(count_parameters("added", SIZES), rel=0.002)
    assert step_flops(arm, sizes, 8) == pytest.approx(step_flops("added", SIZES, 8), rel=0.1)


def test_constant_maps_are_not_trained_and_learned_ones_are():
    names = {
        arm: {name for name, _ in Small(arm, SIZES, 0.02, torch.eye(3, 64)).named_parameters()}
        for arm in ("rank-3-random", "rank-3-trained", "rank-3-learned")
    }
    assert "positions.map" not in names["rank-3-random"] | names["rank-3-trained"]
    assert "positions.map" in names["rank-3-learned"]


def test_paired_seeds_start_with_the_same_attention():
    one, other = Small("added", SIZES, 0.02, seed=3), Small("none", matched("none", SIZES), 0.02, seed=3)
    assert torch.equal(one.blocks[1].qkv.weight, other.blocks[1].qkv.weight)
    assert not torch.equal(one.blocks[1].qkv.weight, Small("added", SIZES, 0.02, seed=4).blocks[1].qkv.weight)


def test_a_model_without_positions_cannot_tell_an_order_that_the_full_one_can():
    tokens = torch.randint(0, 90, (1, 8))
    swapped = tokens[:, [1, 0, *range(2, 8)]]
    none = Small("none", matched("none", SIZES), 0.5, seed=0)
    none.blocks = none.blocks[:1]
    full = Small("added", SIZES, 0.5, seed=0)
    full.blocks = full.blocks[:1]
    assert torch.allclose(none(tokens)[0, -1], none(swapped)[0, -1], atol=1e-5)
    assert not torch.allclose(full(tokens)[0, -1], full(swapped)[0, -1], atol=1e-3)


def test_the_splits_are_apart_and_in_one_alphabet():
    alphabet, splits = text_splits()
    assert sum(len(part) for part in splits.values()) > 400_000
    assert max(part.max() for part in splits.values()) < len(alphabet)


def test_training_lowers_the_loss_below_chance():
    plan = Plan(steps=60, batch=16, sizes=(32, 32, 1, 2, 64))
    result = train(configuration(plan, "added", 0.1, 0, 1e-2, trial=False))
    assert result["losses"]["equal_parameters"] < 0.75 * np.log(len(text_splits()[0]))
    assert result["moved"] > 0


def test_a_study_resumes_and_repeats_nothing(tmp_path, monkeypatch):
    calls = []
    real = positions.train
    monkeypatch.setattr(positions, "train", lambda *job: calls.append(job) or real(*job))
    with Store(tmp_path / "s.db") as store:
        first = run_study(TINY, store)
        count = len(calls)
        assert run_study(TINY, store) == first
    assert len(calls) == count
    assert len(first) == len(TINY.arms) * TINY.seeds
    trained = [job for job in calls if job[0]["arm"] == "rank-3-trained"]
    assert all(np.shape(directions) == (3, 16) for _, directions in trained)


def test_two_processes_on_one_store_do_no_run_twice(tmp_path, monkeypatch):
    """Another live owner holds the lease of one run: the study does all others, waits, and takes its result."""
    plan = replace(TINY, arms=("added", "none"), rates=(1e-3,))
    theirs = configuration(plan, "added", 0.1, 1, 1e-3, trial=False)
    calls = []
    monkeypatch.setattr(positions, "train", lambda *job: calls.append(job[0]) or {"losses": {}, "components": [[0.0]]})
    with Store(tmp_path / "s.db") as other:
        assert other.lease(positions.STUDY, theirs)

        def study() -> tuple[Run, ...]:
            with Store(tmp_path / "s.db") as store:
                return run_study(plan, store)

        with ThreadPoolExecutor(1) as threads:
            found = threads.submit(study)
            time.sleep(1)
            assert not found.done()
            other.put(positions.STUDY, theirs, {"losses": {"mine": 1.0}, "components": [[0.0]]}, seconds=1)
            runs = found.result(timeout=30)
    assert theirs not in calls
    assert len(calls) == len(runs) - 1 == 3


def test_truncating_a_table_of_rank_8_to_8_changes_nothing_and_to_3_does():
    alphabet, splits = text_splits()
    sizes = replace(SIZES, vocabulary=len(alphabet))
    model, rng = Small("added", sizes, 0.1, seed=0), np.random.default_rng(0)
    flat = rng.standard_normal((64, 8)) @ rng.standard_normal((8, 64))
    model.positions.rows.data = torch.from_numpy(flat - flat.mean(axis=0)).float()
    before, whole = evaluate(model, splits["test"], 64), model.positions.rows.detach().clone()
    found = truncated(model, splits["test"], 64)
    assert found["8"] == pytest.approx(before, abs=1e-5)
    assert abs(found["3"] - before) > 1e-3
    assert torch.equal(model.positions.rows, whole)
    config = configuration(replace(TINY, steps=2), "none", 0.1, 0, 1e-3, trial=False)
    assert train(config)["truncated"] is None


def _run(arm: str, seed: int, loss: float) -> Run:
    both = {"equal_parameters": loss, "equal_compute": loss}
    result = {
        "losses": both, "parameters": 1, "flops": both, "steps": both, "moved": 0.1, "geometry": None,
        "components": None,
    }  # fmt: skip
    settings = {"arm": arm, "seed": seed, "scale": 0.1, "rate": 0.01}
    return Run(key=f"{arm}{seed}", study="positions", configuration=settings, result=result, seconds=1, finished="")


def test_the_summary_pairs_seeds_and_marks_positions_that_did_not_move():
    noise = [0.0, 0.5, -0.3, 0.2, 0.1]
    runs = [_run("added", seed, 2 + each) for seed, each in enumerate(noise)]
    runs += [_run("none", seed, 2.1 + each + 0.001 * seed) for seed, each in enumerate(noise)]
    row = next(row for row in summarise(runs) if row["arm"] == "none")
    low, high = row["difference"]["interval"]
    assert 0.09 < low < high < 0.11, "pairing must remove what seeds share"
    assert row["loss"]["interval"][1] - row["loss"]["interval"][0] > 0.3
    assert row["left_initial_state"] is False
    assert "have not left" in as_text(summarise(runs))


def test_the_table_shows_geometry_and_what_truncation_costs_and_takes_unfinished_studies():
    shape = {
        "three_components": 0.5, "participation_ratio": 4.0, "ring": [0.25, 0.5], "helix": [0.125, 0.5],
        "toeplitz": 0.9, "token_energy": [0.1, 0.4, 0.01], "mean_abs_cos": [0.1, 0.1, 0.5],
    }  # fmt: skip
    runs = [_run("added", seed, 2.0) for seed in range(3)]
    for seed, run in enumerate(runs):
        run.result.update({"geometry": shape, "truncated": {"0": 3.0, "3": 2.5 + 0.1 * seed}})
    runs.append(_run("none", 2, 2.5))
    row = next(row for row in summarise(runs) if row["arm"] == "added")
    assert row["truncated"]["0"]["mean"] == pytest.approx(1.0)
    assert row["truncated"]["3"]["interval"][0] < 0.6 < row["truncated"]["3"]["interval"][1]
    assert row["geometry"]["helix"] == {"value": 0.125, "p_above": 0.5}
    assert row["geometry"]["token_energy"] == pytest.approx({"value": 0.1, "null": 0.4, "p_below": 0.01})
    text = as_text(summarise(runs))
    assert "0.50   4.0  0.25  0.12   0.25" in text
    assert "`added` at scale 0.1 with only k components of its trained table: 0: +1.0000, 3: +0.6000 (" in text
    assert summarise([_run("none", 0, 2.0)]) == [], "an arm is shown once its pair is there"


def test_smoke_runs_every_arm_and_writes_table_and_page(tmp_path):
    page, store = tmp_path / "p.html", str(tmp_path / "s.db")
    asked = ["positions", "--smoke", "--json", "--store", store, "--html", str(page)]
    result = CliRunner().invoke(command, asked, catch_exceptions=False)
    rows = json.loads(result.stdout)["rows"]
    assert {row["arm"] for row in rows} == set(ARMS)
    assert {row["seeds"] for row in rows} == {SMOKE.seeds}
    assert page.stat().st_size > 1e6
    words = CliRunner().invoke(command, asked[:2] + asked[3:5], catch_exceptions=False).stdout
    assert "equal_compute" in words


def test_arms_that_do_not_exist_are_named():
    with pytest.raises(UsageError, match="no arm"):
        Small("sideways", SIZES, 0.1)
    with pytest.raises(UsageError, match="needs 3 directions"):
        Small("rank-3-trained", SIZES, 0.1)


@pytest.mark.parametrize(
    ("asked", "words"), [(["--seeds", "1"], "another seed's model"), (["--steps", "0"], "at least 1")]
)
def test_counts_that_make_no_study_are_refused(asked, words, tmp_path):
    with pytest.raises(UsageError, match=words):
        CliRunner().invoke(command, ["positions", *asked, "--store", str(tmp_path / "s.db")], catch_exceptions=False)
    assert not list(tmp_path.iterdir())
