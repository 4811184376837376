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
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from seme.core.errors import MissingExtraError

FLAGS = ("-O2", "-shared", "-fPIC", "-nostdlib", "-mcpu=native", "-fno-sanitize=undefined", "-fvisibility=hidden")
"""No library is linked: malloc, exp and their kind are those of the running process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """A loaded library.

    Attributes:
        handle: Its functions.
        digest: Hash of the text it was made from.
        cached: Whether it had been compiled before.
    """

    handle: ctypes.CDLL
    digest: str
    cached: bool


def build(text: str) -> Library:
    """Compiles a C text, or finds it compiled, and loads it.

    Raises:
        MissingExtraError: The compiler is not installed.
    """
    digest = hashlib.sha256(text.encode()).hexdigest()
    made_with = "\n".join([digest, _compiler(), *FLAGS, _processor()])
    name = hashlib.sha256(made_with.encode()).hexdigest()[:32]
    at = cache_folder() / f"{name}.so"
    cached = at.is_file()
    if not cached:
        _compile(text, at)
    return Library(handle=ctypes.CDLL(str(at)), digest=digest, cached=cached)


def cache_folder() -> Path:
    """Where compiled models are kept: SEME_CACHE, or the platform's place for such."""
    given = os.environ.get("SEME_CACHE")
    home = Path.home()
    if given:
        base = Path(given)
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches" / "seme"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "seme" / "cache"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "seme"
    folder = base / "sparse"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        usable = os.access(folder, os.W_OK)
    except OSError:
        usable = False
    return folder if usable else Path(tempfile.mkdtemp(prefix="seme-sparse-"))


def _compiler() -> str:
    """The compiler's version.

    Raises:
        MissingExtraError: It is not installed.
    """
    if find_spec("ziglang") is None:
        raise MissingExtraError("the sparse executor compiles the model to machine code, which", "machines")
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


def _compile(text: str, at: Path) -> None:
    """Writes the library whole or not at all: others may be making the same one."""
    with tempfile.TemporaryDirectory(dir=at.parent, prefix="making-") as folder:
        source, made = Path(folder) / "model.c", Path(folder) / at.name
        source.write_text(text)
        command = [sys.executable, "-m", "ziglang", "cc", *FLAGS, "-o", str(made), str(source)]
        done = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, "ZIG_LOCAL_CACHE_DIR": folder}
        )
        if done.returncode:
            raise RuntimeError(f"generated C does not compile: {done.stderr[-2000:]}")
        os.replace(made, at)
