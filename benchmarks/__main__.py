"""`python -m benchmarks [compile|large|check|startup|sparse|turing|rv32 ...]`."""

from __future__ import annotations

import importlib
import json
import os
import sys

NAMES = ("startup", "compile", "large", "check", "sparse", "turing", "rv32")


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"unknown benchmark {unknown[0]!r}, expected some of: {' '.join(NAMES)}", file=sys.stderr)
        return 2
    for threads in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[threads] = "1"
    measured = {}
    for name in names or NAMES:
        print(f"measuring {name} ...", file=sys.stderr)
        measured[name] = importlib.import_module(f"benchmarks.{name}").measure()
    machine = importlib.import_module("benchmarks.machine").describe()
    print(json.dumps({"schema": 1, "machine": machine, "benchmarks": measured}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
