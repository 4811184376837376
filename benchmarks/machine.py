"""What the figures were measured on, and how."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def describe() -> dict[str, Any]:
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": list(os.getloadavg()),
        "threads": 1,
        "python": platform.python_version(),
        "torch": importlib.metadata.version("torch"),
        "peer": "tracr" if peer() else None,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")


def one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def examples() -> dict[str, Any]:
    """Every example program by name."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    catalogue = importlib.import_module("examples.catalogue")
    return {listed.name: listed.program for listed in catalogue.PROGRAMS}


def seconds(work: Callable[[], Any], repeats: int = 3) -> float:
    """The least of several measurements: the rest is what else the machine was doing."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def peer() -> ModuleType | None:
    """Tracr, where it is installed."""
    try:
        return importlib.import_module("tracr.compiler.compiling")
    except ImportError:
        return None
