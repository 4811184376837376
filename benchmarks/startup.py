"""What a user waits for before anything happens: the import, the help page, and a saved model's first answer."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.machine import ROOT, examples, one_thread, seconds

TARGETS = {"import seme": 0.2, "seme --help": 0.3, "seme run DIR": 3.0}

REPEATS = 5


def measure() -> dict[str, Any]:
    one_thread()
    import seme

    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "reverse"
        seme.compile(examples()["reverse"]).save(folder)
        command = [sys.executable, "-m", "seme"] if _has_main() else [sys.executable, "-c", _RUN_MAIN]
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "import seme": [sys.executable, "-c", "import seme"],
            "seme --help": [*command, "--help"],
            "seme run DIR": [*command, "run", str(folder), "hello"],
        }
        out = {}
        for name, words in commands.items():
            before = _children()
            taken = seconds(lambda words=words: _run(words), repeats=REPEATS)
            used = (_children() - before) / REPEATS
            out[name] = {"seconds": round(taken, 3), "core_seconds": round(used, 3), "target": TARGETS.get(name)}
    return out


_RUN_MAIN = "from seme.cli import main; main()"


def _children() -> float:
    """Processor time of all processes started so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _has_main() -> bool:
    import importlib.util

    return importlib.util.find_spec("seme.__main__") is not None


def _run(words: list[str]) -> None:
    subprocess.run(words, check=True, capture_output=True, cwd=ROOT)
