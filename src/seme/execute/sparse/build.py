"""C to a loaded library, through the `ziglang` package; compiled once per text, compiler and processor."""

from __future__ import annotations

import ctypes
import hashlib
import importlib.metadata
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from seme.core.cache import cache_folder, forget_old, note_use
from seme.core.errors import MissingExtraError, UsageError

FLAGS = ("-O2", "-shared", "-fPIC", "-nostdlib", "-mcpu=native", "-fno-sanitize=undefined", "-fvisibility=hidden")
"""No library is linked: malloc, exp and their kind are those of the running process."""

MOST_KEPT = 1 << 30
"""Bytes of compiled models and of what planning made, beyond which those used longest ago are deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """A loaded library.

    Attributes:
        handle: Its functions.
        digest: Hash of the texts it was made from.
        cached: Whether it had been compiled before.
    """

    handle: ctypes.CDLL
    digest: str
    cached: bool


def build(texts: Sequence[str]) -> Library:
    """Compiles C texts into one library, or finds them compiled, and loads it.

    Raises:
        MissingExtraError: The compiler is not installed.
    """
    digest = hashlib.sha256("\f".join(texts).encode()).hexdigest()
    made_with = "\n".join([digest, _compiler(), *FLAGS, _processor()])
    name = hashlib.sha256(made_with.encode()).hexdigest()[:32]
    at = kept_in() / f"{name}.so"
    note_use(at)
    cached = at.is_file()
    if not cached:
        _compile(texts, at)
        forget_old([*at.parent.glob("*.so"), *at.parent.glob("*.plan")], MOST_KEPT)
    return Library(handle=ctypes.CDLL(str(at)), digest=digest, cached=cached)


def kept_in() -> Path:
    """Where compiled models are kept; a new folder for this process alone where the cache cannot be written."""
    try:
        folder = cache_folder("sparse")
        if os.access(folder, os.W_OK):
            return folder
    except UsageError:
        pass
    return Path(tempfile.mkdtemp(prefix="seme-sparse-"))


def _compiler() -> str:
    """The compiler's version.

    Raises:
        MissingExtraError: It is not installed.
    """
    if find_spec("ziglang") is None:
        raise MissingExtraError(
            "the sparse executor compiles the model to machine code, which",
            "machines",
            instead="use --engine dense, which is slower",
        )
    return importlib.metadata.version("ziglang")


def _processor() -> str:
    """What code made for this processor depends on."""
    about = [platform.system(), platform.machine(), platform.processor()]
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        about += sorted({line for line in lines if line.startswith(("flags", "model name", "Features"))})
    except OSError:
        pass
    return "\n".join(about)


def _compile(texts: Sequence[str], at: Path) -> None:
    """Writes the library whole or not at all: others may be making the same one."""
    with tempfile.TemporaryDirectory(dir=at.parent, prefix="making-") as folder:
        made, sources = Path(folder) / at.name, []
        for number, text in enumerate(texts):
            sources.append(str(Path(folder) / f"model{number}.c"))
            Path(sources[-1]).write_text(text)
        command = [sys.executable, "-m", "ziglang", "cc", *FLAGS, "-o", str(made), *sources]
        done = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, "ZIG_LOCAL_CACHE_DIR": folder}
        )
        if done.returncode:
            raise RuntimeError(f"generated C does not compile: {done.stderr[-2000:]}")
        os.replace(made, at)
