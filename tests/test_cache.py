"""The cache folder: where it is, and what is deleted from it."""

import os
import time

import pytest

from seme.core.cache import YOUNG, cache_folder, forget_old, note_use
from seme.core.errors import UsageError


def test_the_cache_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.delenv("SEME_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder("part") == tmp_path / "seme" / "part"
    monkeypatch.setenv("SEME_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"
    assert cache_folder("part", root=tmp_path / "given") == tmp_path / "given" / "part"


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot make the cache folder"):
        cache_folder(root=tmp_path / "file" / "cache")


def test_files_used_longest_ago_are_deleted_first_and_recent_ones_never(tmp_path):
    ages = {"old": 3 * YOUNG, "older": 5 * YOUNG, "looked at": 9 * YOUNG, "young": YOUNG / 2}
    for name, age in ages.items():
        (tmp_path / name).write_bytes(b"." * 100)
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    note_use(tmp_path / "looked at")
    files = [*tmp_path.iterdir(), tmp_path / "deleted by another"]
    forget_old(files, 300)
    assert {path.name for path in tmp_path.iterdir()} == {"old", "looked at", "young"}
    forget_old(files, 0)
    assert {path.name for path in tmp_path.iterdir()} == {"looked at", "young"}
