import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from seme.core.errors import DivergedError, MissingExtraError, TooLargeError, UsageError
from seme.store import Store
from seme.studies.linearity import run_one, study, surfaces
from seme.studies.runners import InProcess, OnRay, Processes, make_runner
from seme.studies.settings import Setting, grid, make
from seme.studies.sweep import sweep

TINY = {"seeds": 2, "widths": (8, 16), "activations": ("gelu",), "steps": 30}


def count(configuration):
    """A job that leaves a file every time it is run, and kills its worker the first time it is told to."""
    folder = Path(configuration["folder"])
    (folder / f"run-{configuration['n']}-{os.getpid()}-{time.time_ns()}").touch()
    if configuration["n"] == configuration.get("kill") and not (folder / "killed").exists():
        (folder / "killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if configuration["n"] == configuration.get("diverge"):
        raise DivergedError("the loss is nan after 3 steps", hint="use a smaller rate")
    time.sleep(0.02)
    return {"n": configuration["n"]}


def jobs(tmp_path, number, **more):
    return [{"n": n, "folder": str(tmp_path), **more} for n in range(number)]


def times_run(tmp_path, n):
    return len(list(tmp_path.glob(f"run-{n}-*")))


def test_a_sweep_runs_every_configuration_once_and_resumes_without_repeating(tmp_path):
    seen = []
    with Store(tmp_path / "runs.db") as store:
        sweep("s", jobs(tmp_path, 2) * 2, store, InProcess(count))
        runs = sweep("s", jobs(tmp_path, 4), store, InProcess(count), lambda done, of: seen.append((done, of)))
    assert [run.result["n"] for run in runs] == [0, 1, 2, 3]
    assert [times_run(tmp_path, n) for n in range(4)] == [1, 1, 1, 1]
    assert seen == [(2, 4), (3, 4), (4, 4)]


def test_a_failed_run_is_reported_after_the_others_are_stored_and_may_be_tried_again(tmp_path):
    with Store(tmp_path / "runs.db") as store:
        with pytest.raises(DivergedError, match="3 steps") as failed:
            sweep("s", jobs(tmp_path, 3, diverge=0), store, Processes(count, 2))
        assert failed.value.hint == "use a smaller rate"
        assert len(store.runs("s")) == 2
        assert store.lease("s", jobs(tmp_path, 1, diverge=0)[0])


def test_a_killed_sweep_continues_where_it_stopped(tmp_path):
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_linearity import count, jobs\n"
        "from pathlib import Path; from seme.store import Store\n"
        "from seme.studies.runners import InProcess; from seme.studies.sweep import sweep\n"
        "folder = Path(sys.argv[2])\n"
        "sweep('s', jobs(folder, 6, kill=3), Store(folder / 'runs.db'), InProcess(count))"
    )
    arguments = [sys.executable, "-c", script, str(Path(__file__).parent), str(tmp_path)]
    assert subprocess.run(arguments, check=False).returncode == -signal.SIGKILL
    with Store(tmp_path / "runs.db") as store:
        assert len(store.runs("s")) == 3
        runs = sweep("s", jobs(tmp_path, 6, kill=3), store, InProcess(count))
    assert [run.result["n"] for run in runs] == list(range(6))
    assert [times_run(tmp_path, n) for n in range(6)] == [1, 1, 1, 2, 1, 1]


def test_a_killed_worker_process_is_reported_and_the_next_sweep_goes_on(tmp_path):
    with Store(tmp_path / "runs.db") as store:
        with pytest.raises(TooLargeError, match="killed"):
            sweep("s", jobs(tmp_path, 4, kill=2), store, Processes(count, 1))
        finished = len(store.runs("s"))
        assert 0 < finished < 4
        assert len(sweep("s", jobs(tmp_path, 4, kill=2), store, InProcess(count))) == 4
    assert times_run(tmp_path, 0) == 1


def alive(process):
    """Whether a process runs (one that ended but was not waited for does not)."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")
def test_workers_end_when_their_sweep_is_killed(tmp_path):
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_linearity import count, jobs\n"
        "from pathlib import Path; from seme.store import Store\n"
        "from seme.studies.runners import Processes; from seme.studies.sweep import sweep\n"
        "folder = Path(sys.argv[2])\n"
        "if __name__ == '__main__':\n"
        "    sweep('s', jobs(folder, 100_000), Store(folder / 'runs.db'), Processes(count, 2))"
    )
    (tmp_path / "script.py").write_text(script)
    arguments = [sys.executable, str(tmp_path / "script.py"), str(Path(__file__).parent), str(tmp_path)]
    owner = subprocess.Popen(arguments)
    workers = set()
    while len(workers) < 2:
        assert owner.poll() is None
        workers = {int(file.name.split("-")[2]) for file in tmp_path.glob("run-*")}
        time.sleep(0.1)
    owner.kill()
    owner.wait()
    for _ in range(300):
        if not any(alive(worker) for worker in workers):
            return
        time.sleep(0.1)
    raise AssertionError(f"workers {workers} outlived their sweep")


def test_two_sweeps_over_one_store_share_the_work(tmp_path):
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_linearity import count, jobs\n"
        "from pathlib import Path; from seme.store import Store\n"
        "from seme.studies.runners import InProcess; from seme.studies.sweep import sweep\n"
        "folder = Path(sys.argv[2])\n"
        "print(len(sweep('s', jobs(folder, 30), Store(folder / 'runs.db'), InProcess(count))))"
    )
    arguments = [sys.executable, "-c", script, str(Path(__file__).parent), str(tmp_path)]
    both = [subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [int(one.communicate()[0]) for one in both] == [30, 30]
    assert [times_run(tmp_path, n) for n in range(30)] == [1] * 30


def test_a_sweep_that_waits_for_another_says_so_once(tmp_path):
    said = []
    with Store(tmp_path / "runs.db") as store, Store(tmp_path / "runs.db") as other:
        last = jobs(tmp_path, 2)[1]
        assert other.lease("s", last)

        def notice(text):
            said.append(text)
            other.put("s", last, {"n": 1}, seconds=0.0)

        runs = sweep("s", jobs(tmp_path, 2), store, InProcess(count), notice=notice)
    assert [run.result["n"] for run in runs] == [0, 1]
    assert times_run(tmp_path, 1) == 0
    assert len(said) == 1
    assert f"waiting for 1 run that process {os.getpid()} on" in said[0]


@pytest.mark.filterwarnings("ignore")  # Ray's own: deprecated settings, unclosed sockets
def test_a_ray_cluster_loses_and_doubles_nothing_when_a_worker_is_killed(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))  # where workers find `count`
    with Store(tmp_path / "runs.db") as store:
        runs = sweep("s", jobs(tmp_path, 8, kill=3), store, OnRay(count))
        assert [run.result["n"] for run in runs] == list(range(8))
        assert len(store.runs("s")) == 8
    assert (tmp_path / "killed").exists()
    assert times_run(tmp_path, 3) == 2
    assert [times_run(tmp_path, n) for n in (0, 1, 2, 4, 5, 6, 7)] == [1] * 7


def test_without_ray_the_runner_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match="ray runner") as missing:
        make_runner("ray", count)
    assert missing.value.exit_code == 3
    assert "seme[ray]" in missing.value.hint
    with pytest.raises(UsageError, match="runner"):
        make_runner("none", count)


def test_a_cluster_that_cannot_be_reached_is_a_clear_error(monkeypatch):
    def refuse(**options):
        raise ConnectionError("no cluster at 192.0.2.1:6379")

    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(is_initialized=lambda: False, init=refuse))
    with pytest.raises(UsageError, match=r"Ray: no cluster at 192\.0\.2\.1") as refused:
        make_runner("ray", count)
    assert "RAY_ADDRESS" in refused.value.hint


def test_a_study_gives_verdicts_intervals_and_slopes_as_plain_json(tmp_path):
    with Store(tmp_path / "runs.db") as store:
        result = study(grid(**TINY), store, workers=1)
        again = study(grid(**TINY), store, workers=1)
    assert again == result
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert [row["width"] for row in result["runs"]] == [8, 16]
    for row in result["runs"]:
        assert row["seeds"] == [0, 1]
        low, high = row["taylor_gap"]["interval"]
        assert low <= row["taylor_gap"]["value"] <= high
        assert row["taylor_gap"]["value"] == pytest.approx(sum(row["gaps"]) / 2)
        assert sum(row["trace_shares"].values()) == pytest.approx(1.0)
        assert row["verdict"] in ("UNLEARNED", "NONLINEAR", "LINEAR", "RANDOM FEATURES")
    assert result["slopes"][0]["widths"] == [8, 16]


@pytest.mark.parametrize("task", ["product-bits", "product-tokens", "modular", "sine", "text"])
def test_every_task_runs_with_a_perceptron(task):
    report = run_one(Setting(task=task, width=8, steps=3).configuration(0))
    assert report["checkpoints"][-1]["step"] == 3


@pytest.mark.parametrize("task", ["product-tokens", "modular", "text"])
def test_every_token_task_runs_with_a_transformer(task):
    report = run_one(Setting(task=task, model="transformer", width=8, steps=2).configuration(0))
    assert report["checkpoints"][-1]["step"] == 2


def test_the_size_of_a_task_is_a_setting():
    shares = run_one(Setting(task="modular", width=8, steps=1, size=5).configuration(0))
    assert shares["parameters"] == 8 * (2 * 5 + 1) + 8 * 5


def test_options_left_out_are_not_part_of_the_key_and_those_given_are():
    plain, shared = (Setting(task="modular", share=share).configuration(0) for share in (None, 0.7))
    assert "share" not in plain
    assert shared["share"] == 0.7
    assert len(make(shared)[1].train_x) == round(0.7 * 13**2) != len(make(plain)[1].train_x)


def test_heads_grow_with_the_width_where_their_own_width_is_given():
    for width, head_width, heads in ((16, None, 4), (16, 4, 4), (32, 4, 8)):
        setting = Setting(model="transformer", task="product-tokens", width=width, head_width=head_width)
        assert make(setting.configuration(0))[0].blocks[0].heads == heads


def test_events_tell_leaving_the_linear_regime_memorising_and_generalising(tmp_path):
    with Store(tmp_path / "runs.db") as store:
        configurations = grid(
            1,
            (64,),
            ("square",),
            task="modular",
            size=5,
            steps=128,
            stop=0.0,
            per_doubling=2,
            parametrization="mean-field",
        )
        row = study(configurations, store, workers=1)["runs"][0]
    steps = [point["step"] for point in row["history"]]
    assert steps == [0, 1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91, 128]
    first = row["events"]["memorised"][0]
    at = steps.index(first)
    assert row["history"][at]["train_accuracy"] >= 0.95 > row["history"][at - 1]["train_accuracy"]
    assert row["events"]["left_linear_regime"][0] in steps
    assert row["events"]["generalised"] == [None]
    assert row["accuracy"]["value"] < 0.95 <= row["train_accuracy"]["value"]


def test_the_text_is_part_of_the_key():
    one, other = (Setting(task="text", data=text).configuration(0) for text in ("a" * 99, "b" * 99))
    assert one["text_hash"] != other["text_hash"]


def test_runs_of_one_configuration_are_equal_in_another_process():
    configuration = Setting(width=8, steps=5).configuration(0)
    runner = Processes(run_one, 1)
    runner.submit(configuration)
    outcome = runner.next()
    runner.close()
    assert outcome.result is not None
    gaps = (
        outcome.result["checkpoints"][-1]["taylor_gap"],
        run_one(configuration)["checkpoints"][-1]["taylor_gap"],
    )
    assert gaps[0] == pytest.approx(gaps[1], rel=1e-4)


@pytest.mark.parametrize(
    "wrong",
    [{"task": "none"}, {"model": "none"}, {"activation": "none"}, {"width": 0}, {"optimiser": "none"},
     {"parametrization": "none"}, {"model": "transformer", "task": "product"},
     {"size": 5}, {"size": 1, "task": "modular"}, {"share": 0.5}, {"share": 1.0, "task": "modular"},
     {"head_width": 4}, {"embedding": "ordered"}, {"per_doubling": 0},
     {"model": "transformer", "task": "product-tokens", "width": 8, "head_width": 3},
     {"model": "transformer", "task": "product-tokens", "embedding": "none"},
     {"model": "transformer", "task": "modular", "embedding": "ordered"}],
)  # fmt: skip
def test_settings_that_do_not_exist_are_refused(wrong):
    with pytest.raises(UsageError):
        Setting(**wrong)
    with pytest.raises(UsageError, match="seed"):
        grid(seeds=0, widths=[1], activations=["relu"])


def test_surfaces_show_that_network_and_taylor_model_part_where_the_gap_is_large():
    wide, narrow = (surfaces(Setting(width=width, activation="gelu").configuration(0), points=9) for width in (512, 8))

    def apart(found):
        network, taylor = torch.tensor(found["network"]), torch.tensor(found["taylor"])
        return float((network - taylor).norm() / network.norm())

    assert apart(wide) < 0.1 < apart(narrow)
    assert wide["target"][0][0] == pytest.approx(3.0, abs=1e-4)


def seme(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-c", "from seme.cli import main; main()", "linearity", *arguments],
        capture_output=True, text=True, cwd=cwd, check=False,
    )  # fmt: skip


def test_the_command_prints_json_on_stdout_and_keeps_its_runs(tmp_path):
    options = ["--width", "8", "--activation", "gelu", "--seeds", "1", "--steps", "10", "--workers", "1"]
    done = seme(*options, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["schema"] == 1
    assert result["runs"][0]["width"] == 8
    with Store(tmp_path / "seme.db") as store:
        assert len(store.runs("linearity")) == 1
    assert "gelu" in seme(*options, "--quiet", cwd=tmp_path).stdout


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--width", "x"], 2, "numbers separated by commas"),
        (["--task", "none"], 2, "no task"),
        (["--checkpoint-before", "a"], 2, "together"),
        (["--html", "none/page.html"], 2, "its folder does not exist"),
        (["--store", "none/runs.db"], 2, "its folder does not exist"),
        (["--workers", "-1"], 2, "expected at least 1"),
        (["--workers", "0"], 2, "expected at least 1"),
        (["--alpha", "0"], 2, "alpha 0.0: expected a finite number above 0"),
        (["--alpha", "nan"], 2, "alpha nan"),
        (["--rate", "nan"], 2, "rate nan: expected a finite number above 0"),
        (["--weight-decay", "0,-1"], 2, "weight decay -1.0"),
        (["--stop", "2"], 2, "stop 2.0"),
        (["--task", "text", "--data", "none.txt"], 4, "cannot read"),
        (
            ["--rate", "1e9", "--width", "8", "--seeds", "1", "--activation", "gelu", "--workers", "1"],
            1,
            "diverged",
        ),
    ],
)
def test_the_command_says_what_is_wrong(arguments, status, words, tmp_path):
    done = seme(*arguments, cwd=tmp_path)
    assert done.returncode == status
    assert words in done.stderr
    assert not done.stdout
