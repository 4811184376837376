"""Files written in one move."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from seme.core.errors import FolderError, UsageError


def check_folder(*targets: Path | None) -> None:
    """Refuses, before the work is done, files whose folder does not exist.

    Raises:
        UsageError: If one does not.
    """
    for target in targets:
        if target is not None and not target.parent.is_dir():
            raise UsageError(f"cannot write `{target}`: its folder does not exist", hint="make the folder first")


def write_whole(target: Path, content: str | bytes) -> None:
    """Writes a file in one move, so that an interruption leaves the old one or none.

    Raises:
        FolderError: If it cannot be written.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        part.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        os.replace(part, target)
    except OSError as error:
        raise FolderError(f"cannot write `{target}`: {error}", hint="name another file") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
