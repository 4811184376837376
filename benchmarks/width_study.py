"""The width study: perceptrons of four activations and transformers, five seeds; prints a Markdown table.

`python benchmarks/width_study.py` runs it in full (resumable: finished runs are in the store it names);
`--seeds 1 --quick` is the reduced one.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from seme.store import Store
from seme.studies.linearity import grid, study


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="without the largest widths")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--store", type=Path, default=Path("width-study.db"))
    options = parser.parse_args()
    largest = 1 if options.quick else 2
    widths, sizes = (64, 256, 1024, 4096)[: 2 + largest], (16, 32, 64, 128)[: 2 + largest]
    configurations = grid(options.seeds, widths, ("relu", "gelu", "exp", "kmax:8"))
    configurations += grid(options.seeds, sizes, ("gelu",), model="transformer", task="product-tokens")
    began = time.perf_counter()
    with Store(options.store) as store:
        result = study(configurations, store, workers=options.workers)
    print("| model | activation | width | Taylor gap | interval | drift | CKA | R2 | verdict | s per run |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for row in result["runs"]:
        interval = row["taylor_gap"]["interval"]
        shown = "-" if interval is None else f"{interval[0]:.3g} to {interval[1]:.3g}"
        numbers = " | ".join(f"{row[name]['value']:.3g}" for name in ("kernel_drift", "cka", "r2"))
        print(
            f"| {row['model']} | {row['activation']} | {row['width']} | {row['taylor_gap']['value']:.3g} "
            f"| {shown} | {numbers} | {row['verdict']} | {row['seconds'] / len(row['seeds']):.1f} |"
        )
    for slope in result["slopes"]:
        print(f"\nslope, {slope['model']} {slope['activation']}: {slope['slope']}")
    seconds = sum(row["seconds"] for row in result["runs"])
    print(f"\n{time.perf_counter() - began:.0f} s of wall time now, {seconds:.0f} s of computing in all")


if __name__ == "__main__":
    main()
