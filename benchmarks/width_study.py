"""The width study: perceptrons and transformers that learn a product, five seeds; prints a Markdown table.

`python benchmarks/width_study.py` runs it in full (resumable: finished runs are in the store it names);
`--seeds 1 --quick` is the reduced one.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from seme.store import Store
from seme.studies.linearity import study
from seme.studies.settings import grid


def name(row: dict) -> str:
    """What is not the same everywhere."""
    setting = row["setting"]
    words = [row["activation"], f"alpha {setting['alpha']:g}" if setting["alpha"] != 1 else ""]
    if row["model"] == "transformer":
        words = ["transformer", setting.get("embedding", "random") + " tokens"]
        words.append(f"heads of {setting['head_width']}" if "head_width" in setting else "four heads")
    return ", ".join(word for word in words if word)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="without the largest widths")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--store", type=Path, default=Path("width-study.db"))
    options = parser.parse_args()
    largest = 1 if options.quick else 2
    widths, sizes = (64, 256, 1024, 4096)[: 2 + largest], (16, 32, 64, 128)[: 2 + largest]
    configurations = grid(options.seeds, widths, ("relu", "gelu", "exp", "kmax:8", "kmax-shifted:8"))
    # Hard k-max jumps where its choice changes. Only a small output scale makes the jumps small enough to learn by;
    # gelu at the same scale is the control.
    configurations += grid(options.seeds, widths, ("gelu", "kmax:8"), alpha=0.1)
    # Four heads and unrelated tokens; tokens that tell their number; and then heads that grow with the width.
    for more in ({}, {"embedding": "ordered"}, {"embedding": "ordered", "head_width": 4}):
        configurations += grid(options.seeds, sizes, ("gelu",), model="transformer", task="product-tokens", **more)
    began = time.perf_counter()
    with Store(options.store) as store:
        result = study(configurations, store, workers=options.workers)
    print("| network | width | Taylor gap | interval | drift | CKA | R2 | unseen R2 | verdict | s per run |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for row in result["runs"]:
        interval = row["taylor_gap"]["interval"]
        shown = "-" if interval is None else f"{interval[0]:.3g} to {interval[1]:.3g}"
        numbers = " | ".join(f"{row[n]['value']:.3g}" for n in ("kernel_drift", "cka", "r2", "probe_r2"))
        print(
            f"| {name(row)} | {row['width']} | {row['taylor_gap']['value']:.3g} "
            f"| {shown} | {numbers} | {row['verdict']} | {row['seconds'] / len(row['seeds']):.1f} |"
        )
    for slope in result["slopes"]:
        found = slope["slope"]
        interval = "" if found["interval"] is None else " [{:.3g}, {:.3g}]".format(*found["interval"])
        print(f"\nslope, {name(slope)}: {found['value']:.3g}{interval}")
    seconds = sum(row["seconds"] for row in result["runs"])
    print(f"\n{time.perf_counter() - began:.0f} s of wall time now, {seconds:.0f} s of computing in all")


if __name__ == "__main__":
    main()
