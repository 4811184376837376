"""C on this machine: what a program must print, from another processor and another C library."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

SAME_MEANING = ("-O2", "-fwrapv", "-fno-sanitize=undefined", "-UNDEBUG")
"""What the machine's compiler is given too, so that overflow means the same."""


def run_natively(source: Path, folder: Path, stdin: bytes = b"", cflags: Sequence[str] = ()) -> tuple[bytes, int]:
    """Compiles for this machine and runs; gives the output and the exit code."""
    binary = folder / f"{source.stem}.native"
    command = [sys.executable, "-m", "ziglang", "cc", *SAME_MEANING, *cflags, "-o", str(binary), str(source), "-lm"]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    done = subprocess.run([str(binary)], input=stdin, capture_output=True, timeout=60, check=False)
    return done.stdout, done.returncode
