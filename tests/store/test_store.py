import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seme.core.errors import FolderError, UsageError
from seme.store import Store, canonical_json, content_key

CONFIGURATION = {"width": 64, "activation": "relu", "seed": 0}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results.db"


def test_a_result_comes_back_under_an_equal_configuration_and_no_other(path):
    with Store(path) as store:
        store.put("gap", CONFIGURATION, {"gap": 0.125}, seconds=2.0)
    with Store(path) as store:
        run = store.get("gap", dict(reversed(CONFIGURATION.items())))
        assert run is not None
        assert run.result == {"gap": 0.125}
        assert run.configuration == CONFIGURATION
        assert run.seconds == 2.0
        assert store.get("gap", CONFIGURATION | {"seed": 1}) is None
        assert store.get("other", CONFIGURATION) is None


def test_the_key_is_a_plain_sha256_that_never_changes():
    assert content_key("gap", {"a": 1}) == "5805ac7bb6071d92edfb96f6c633eb5d627e301f7db72c82c69251be6717d6e2"


def test_tuples_and_lists_hash_alike_but_one_and_one_point_zero_do_not():
    assert content_key("s", {"a": (1, 2)}) == content_key("s", {"a": [1, 2]})
    assert content_key("s", {"a": 1}) != content_key("s", {"a": 1.0})


@pytest.mark.parametrize("value", [{"a": float("nan")}, {"a": float("inf")}, {"a": {1, 2}}, {(1, 2): 3}])
def test_what_is_not_plain_json_is_refused(value):
    with pytest.raises(UsageError, match="plain JSON"):
        canonical_json(value)


def test_the_first_result_of_a_configuration_stays():
    with Store(":memory:") as store:
        store.put("gap", CONFIGURATION, {"gap": 1}, seconds=0.0)
        assert store.put("gap", CONFIGURATION, {"gap": 2}, seconds=0.0).result == {"gap": 1}
        assert len(store.runs()) == 1


def test_runs_are_listed_by_study():
    with Store(":memory:") as store:
        store.put("one", CONFIGURATION, {}, seconds=0.0)
        store.put("two", CONFIGURATION, {}, seconds=0.0)
        assert [run.study for run in store.runs("two")] == ["two"]
        assert len(store.runs()) == 2


def test_a_leased_run_is_done_by_one_owner_only(path):
    with Store(path) as first, Store(path) as second:
        assert first.lease("gap", CONFIGURATION)
        assert first.lease("gap", CONFIGURATION)
        assert not second.lease("gap", CONFIGURATION)
        first.release("gap", CONFIGURATION)
        assert second.lease("gap", CONFIGURATION)
        second.put("gap", CONFIGURATION, {}, seconds=0.0)
        assert not first.lease("gap", CONFIGURATION)


def test_a_lease_that_expired_may_be_taken(path):
    with Store(path) as first, Store(path) as second:
        assert first.lease("gap", CONFIGURATION, seconds=-1.0)
        assert second.lease("gap", CONFIGURATION)


def test_the_lease_of_a_killed_process_may_be_taken(path):
    take_and_die = (
        "import os, sys; from seme.store import Store\n"
        "store = Store(sys.argv[1]); assert store.lease('gap', {'a': 1}); os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", take_and_die, str(path)], check=False)
    assert done.returncode == 9
    with Store(path) as store:
        assert store.lease("gap", {"a": 1})


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")
def test_the_lease_of_a_dead_process_may_be_taken_where_its_number_is_in_use_or_it_was_not_reaped(path):
    hold = (
        "import sys; from seme.store import Store\n"
        "store = Store(sys.argv[1]); assert store.lease('gap', {'a': 1}); print(flush=True); sys.stdin.read()"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", hold, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    owner.stdout.readline()
    with Store(path) as store:
        assert not store.lease("gap", {"a": 1})
        assert store.holder("gap", {"a": 1}) == f"process {owner.pid} on {os.uname().nodename}"
        owner.kill()
        while Path(f"/proc/{owner.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            time.sleep(0.01)
        assert store.lease("gap", {"a": 1})  # a zombie: it still has its number
        assert store.holder("gap", {"a": 1}) is None
        owner.communicate()
        database = sqlite3.connect(path)
        earlier = f"{os.uname().nodename}:{os.getpid()}:1:00000000"  # our number, another time
        database.execute("update leases set owner = ?", (earlier,))
        database.commit()
        database.close()
        assert store.lease("gap", {"a": 1})


def test_four_writers_lose_and_double_nothing(path):
    script = (
        "import sys; from seme.store import Store\n"
        "store, done = Store(sys.argv[1]), 0\n"
        "for n in range(40):\n"
        "    if store.lease('gap', {'n': n}):\n"
        "        store.put('gap', {'n': n}, {'n': n}, seconds=0.0); done += 1\n"
        "print(done)"
    )
    workers = [
        subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    done = [int(worker.communicate()[0]) for worker in workers]
    assert sum(done) == 40
    with Store(path) as store:
        assert sorted(run.result["n"] for run in store.runs()) == list(range(40))


def test_the_file_is_plain_sqlite_with_json_columns(path):
    with Store(path) as store:
        store.put("gap", CONFIGURATION, {"gap": 0.125}, seconds=2.0)
    database = sqlite3.connect(path)
    row = database.execute(
        "select configuration ->> 'width', result ->> 'gap' from runs where study = 'gap'"
    ).fetchone()
    database.close()
    assert row == (64, 0.125)


def test_a_file_that_is_no_store_is_refused(tmp_path):
    with pytest.raises(FolderError, match="results store"):
        Store(tmp_path / "none" / "results.db")
    assert not (tmp_path / "none").exists()
    text = tmp_path / "notes.txt"
    text.write_text("not a database, only a note that is long enough to be looked at" * 20)
    with pytest.raises(FolderError, match="results store"):
        Store(text)
    newer = tmp_path / "newer.db"
    database = sqlite3.connect(newer)
    database.execute("pragma user_version = 99")
    database.close()
    with pytest.raises(FolderError, match="schema 99"):
        Store(newer)


def test_a_closed_store_says_so():
    store = Store(":memory:")
    store.close()
    with pytest.raises(FolderError, match="closed"):
        store.runs()


def test_the_store_does_not_load_torch():
    code = "import sys, seme.store; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
