"""Time and peak memory of the measures, each in a process of its own; prints JSON.

`python benchmarks/read.py` measures parts 1 and 2 on GPT-2-small's shape with random weights, next to a plain
float64 product over the same vocabulary as the baseline of this machine. `--large` adds 256,000 x 4,096 in
float16. It asserts nothing about time.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SHAPES = {"gpt2-small": (50_257, 768, 1_024, np.float32), "large": (256_000, 4_096, 2_048, np.float16)}


def write_tables(path: Path, vocabulary: int, width: int, rows: int, dtype: type) -> None:
    """Writes random tables as safetensors, a block at a time so that writing needs little memory."""
    size = np.dtype(dtype).itemsize
    names = {np.float32: "F32", np.float16: "F16"}
    tables = {"tok": vocabulary, "pos": rows}
    header, at = {}, 0
    for name, count in tables.items():
        end = at + count * width * size
        header[name] = {"dtype": names[dtype], "shape": [count, width], "data_offsets": [at, end]}
        at = end
    words = json.dumps(header).encode()
    words += b" " * (-len(words) % 8)
    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        file.write(len(words).to_bytes(8, "little") + words)
        for count in tables.values():
            for start in range(0, count, 4096):
                block = rng.standard_normal((min(4096, count - start), width), dtype=np.float32)
                file.write((0.02 * block).astype(dtype).tobytes())


def measure(path: Path) -> dict[str, float]:
    """Reads the tables of a file and gives seconds and peak memory of this process."""
    from seme.read.run import Settings, read

    began, cpu = time.perf_counter(), time.process_time()
    reading = read(str(path), position_key="pos", token_key="tok", settings=Settings(quick=True))
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    assert reading.tokens is not None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"seconds": seconds, "cpu_seconds": cpu, "peak_gib": peak}


def baseline(vocabulary: int, width: int) -> float:
    """Seconds of one float64 second-moment product over the vocabulary."""
    block = np.random.default_rng(0).standard_normal((4096, width))
    began = time.perf_counter()
    for _ in range(-(-vocabulary // 4096)):
        block.T @ block
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="also 256,000 x 4,096 in float16 (2.2 GB on disk)")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        print(json.dumps(measure(chosen.child)))
        return
    found = {}
    for name in ("gpt2-small", *(["large"] if chosen.large else [])):
        vocabulary, width, rows, dtype = SHAPES[name]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tables.safetensors"
            write_tables(path, vocabulary, width, rows, dtype)
            command = [sys.executable, __file__, "--child", str(path)]
            environment = {
                **os.environ,
                "OMP_NUM_THREADS": "1",
                "OPENBLAS_NUM_THREADS": "1",
                "MKL_NUM_THREADS": "1",
            }
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            found[name] = {**json.loads(done.stdout), "baseline_seconds": baseline(vocabulary, width)}
    print(json.dumps({"benchmark": "read", "threads": 1, "results": found}, indent=2))


if __name__ == "__main__":
    main()
