"""The RV32 machine's weights: made from source, or taken from the user's cache where this source made them before."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import numpy as np

import seme
from seme.compiler.trace import compile_trace
from seme.core.cache import cache_folder, note_use
from seme.core.errors import FolderError
from seme.exchange import load_artifact, save
from seme.machines.rv32.machine import rv32_program
from seme.model.artifact import Artifact

SOURCES = ("core", "ir", "lang", "model", "compiler", "exchange", "machines/rv32")
"""Rooms on whose source the weights depend."""


PREFIX = "rv32im-"
"""Of the folders of machines in the cache."""

KEPT = 2
"""Machines kept in the cache: two versions used in turn are each made once."""

LONGEST_FLOAT32 = 1 << 18
"""Tokens for which a machine in less than float64 is made: a score adds up 33 bits, of which each is 2^18 units."""


def rv32_artifact(
    *, digit_bits: int = 8, dtype: str = "float64", max_length: int | None = None, longest: int | None = None
) -> Artifact:
    """Makes the weights of the RV32 machine.

    Args:
        digit_bits: Bits of a digit: 8, 12 or 16.
        dtype: The float type the weights are proved for and kept in.
        max_length: Tokens for which position rows are written out.
        longest: Tokens of a trace up to which it is proved; without it 2^32 in float64, and in other types 2^18 or
            `max_length`, if that is more.

    Raises:
        NotProvedError: It cannot be proved in this float type at this length.
        UsageError: The digits have another size.
    """
    if dtype != "float64":
        longest = max(longest or LONGEST_FLOAT32, max_length or 0)
    program = rv32_program(digit_bits) if longest is None else rv32_program(digit_bits, longest)
    return compile_trace(program, dtype=dtype, max_length=max_length)


def cached_artifact(*, said: Callable[[str], None] = lambda text: None, cache: str | Path | None = None) -> Artifact:
    """The machine with digits of 8 bits in float64, made once per version of its source.

    Of other versions the one used last is kept, older ones are deleted. Another process may do the same at any time:
    folders come and go whole, and a machine that goes while it is read is made anew.

    Args:
        said: Called with a message where making it takes a while.
        cache: Folder for it; by default see `seme.core.cache`.

    Raises:
        UsageError: The cache folder cannot be written.
    """
    folder = cache_folder(root=cache) / f"{PREFIX}{fingerprint()}"
    if folder.is_dir():
        try:
            note_use(folder)
            return load_artifact(folder)
        except (FolderError, FileNotFoundError) as error:
            said(f"the machine in {folder} cannot be read: {error}")
    said(f"making the machine's weights, once; they will be in {folder}")
    artifact = rv32_artifact()
    save(artifact, folder)
    note_use(folder)
    _delete_old(folder.parent)
    return artifact


def _delete_old(cache: Path) -> None:
    """Deletes all machines but those used last, each renamed first, so that none is found in part."""
    used = []
    for folder in cache.glob(f"{PREFIX}*"):
        # Whatever is missing here, or cannot be deleted below, another process deletes, or somebody holds on to.
        with suppress(OSError):
            used += [(folder.stat().st_mtime_ns, folder)] * folder.is_dir()
    for _, folder in sorted(used)[:-KEPT]:
        with suppress(OSError), tempfile.TemporaryDirectory(dir=cache, prefix="deleting-") as away:
            os.replace(folder, Path(away) / folder.name)


def fingerprint() -> str:
    """Changes with whatever the weights depend on: the source of what makes them, and the version of the package."""
    digest = hashlib.sha256(f"{metadata.version('seme')} {np.__version__}".encode())
    root = Path(seme.__file__).parent
    for room in SOURCES:
        for path in sorted((root / room).rglob("*.py")):
            digest.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:20]
