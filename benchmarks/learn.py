"""Time and peak memory of kernels, and of the Jacobian contraction beside them; prints JSON, asserts nothing.

The library's own bound on memory is measured, and a tight one beside it where that takes several blocks.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from itertools import pairwise

import torch
from torch import nn

from seme.learn import Transformer, ntk
from seme.learn.ntk import DEFAULT_MEMORY

CASES = ("perceptron-1", "perceptron-10", "transformer")
TIGHT = 1 << 28


def perceptron(outputs: int) -> nn.Module:
    sizes = [64, 512, 512, 512]
    layers = [m for a, b in pairwise(sizes) for m in (nn.Linear(a, b), nn.GELU())]
    return nn.Sequential(*layers, nn.Linear(512, outputs))


def case(name: str) -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(0)
    if name == "transformer":
        model = Transformer(vocabulary=64, length=32, width=128, depth=2, heads=4)
        return model, torch.randint(0, 64, (128, 32))
    return perceptron(int(name.rpartition("-")[2])), torch.randn(256, 64)


def peak() -> float:
    """Highest memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(name: str, method: str, memory: int) -> dict[str, float]:
    torch.set_num_threads(1)
    model, x = case(name)
    ntk(model, None, x[:2], method="structured")
    with torch.no_grad():
        model(x)
    above, times, used = peak(), [], []
    for _ in range(3):
        began, before = time.perf_counter(), time.process_time()
        ntk(model, None, x, method=method, memory=memory)
        times.append(time.perf_counter() - began)
        used.append(time.process_time() - before)
    return {
        "seconds": min(times),
        "seconds_worst": max(times),
        "processor_seconds": min(used),  # what it takes on an idle core
        "megabytes_above_model": peak() - above,
    }


def main() -> None:
    if len(sys.argv) == 4:
        print(json.dumps(measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
        return
    rows = {}
    cases = [(name, "structured", DEFAULT_MEMORY) for name in CASES]
    # The baseline is measured where it fits in memory: elsewhere its blocks take many minutes.
    for name, method, memory in [*cases, ("transformer", "structured", TIGHT), ("perceptron-1", "jacobian", TIGHT)]:
        command = [sys.executable, __file__, name, method, str(memory)]
        rows[f"{name} {method} {memory >> 20} MB"] = json.loads(
            subprocess.check_output(command)
        )  # own process: own peak
    print(json.dumps({"schema": 1, "learn": rows}, indent=1))


if __name__ == "__main__":
    main()
