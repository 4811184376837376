"""The user's cache folder: what can be made again, and is not kept for ever."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import platformdirs

from seme.core.errors import UsageError

YOUNG = 3600.0
"""Seconds in which nothing is deleted that somebody has just looked at and may be about to load."""


def cache_folder(part: str = "", *, root: str | os.PathLike[str] | None = None) -> Path:
    """A folder of the cache, made if need be.

    Args:
        part: Its name within the cache.
        root: The cache; by default SEME_CACHE, or `seme` where the platform keeps such (XDG_CACHE_HOME).

    Raises:
        UsageError: It cannot be made.
    """
    base = root or os.environ.get("SEME_CACHE") or platformdirs.user_cache_path("seme", appauthor=False)
    folder = Path(base) / part
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot make the cache folder `{folder}`: {error.strerror or error}",
            hint="set SEME_CACHE to a folder that can be written",
        ) from error
    return folder


def note_use(path: Path) -> None:
    """Makes it the one used last, where it is there and may be touched."""
    now = time.time_ns()
    with suppress(OSError):
        os.utime(path, ns=(now, now))


def forget_old(files: Iterable[Path], most_bytes: int) -> None:
    """Deletes files used longest ago until the rest is no larger than this; never one used within the last hour.

    Another process may do the same at any time: what is missing, or cannot be deleted, is passed over.
    """
    found = []
    for path in files:
        with suppress(OSError):
            about = path.stat()
            found.append((about.st_mtime, about.st_size, path))
    total = sum(size for _, size, _ in found)
    for used, size, path in sorted(found):
        if total <= most_bytes or time.time() - used < YOUNG:
            return
        with suppress(OSError):
            path.unlink()
            total -= size


__all__ = ["cache_folder", "forget_old", "note_use"]
