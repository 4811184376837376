"""The main pictures of a reading as PNG, for print."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np

from seme.core.errors import MissingExtraError
from seme.read.attention import TERMS
from seme.read.run import Reading

DPI = 200


def pictures(reading: Reading) -> dict[str, bytes]:
    """Draws ring, spectrum, heads, rank and space pictures, those that apply.

    Args:
        reading: The reading.

    Returns:
        Name -> content of a PNG file.

    Raises:
        MissingExtraError: If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("pictures as PNG", "report") from error
    drawings = {
        "ring": (_ring, "cloud" in reading.pictures),
        "spectrum": (_spectrum, reading.without_row0 is not None),
        "heads": (_heads, bool(reading.heads)),
        "rank": (_rank, reading.causal is not None),
        "spaces": (_spaces, reading.spaces is not None),
    }
    drawn = {}
    for name, (draw, applies) in drawings.items():
        if applies:
            figure = Figure(figsize=(6.4, 4.8), layout="constrained")
            draw(reading, figure.subplots())
            content = BytesIO()
            figure.savefig(content, format="png", dpi=DPI)
            drawn[name] = content.getvalue()
    return drawn


def _ring(reading: Reading, axes: Any) -> None:
    cloud = reading.pictures["cloud"]
    tokens, positions = np.array(cloud["tokens"]), np.array(cloud["positions"])
    axes.scatter(tokens[:, 0], tokens[:, 1], s=3, color="#bbb", label="tokens")
    axes.plot(positions[:, 0], positions[:, 1], lw=0.7, marker=".", ms=2, label="positions")
    axes.set(xlabel="component 1", ylabel="component 2", aspect="equal")
    axes.legend()


def _spectrum(reading: Reading, axes: Any) -> None:
    report = reading.all_rows if reading.judged == "all_rows" else reading.without_row0
    assert report is not None
    axes.loglog(report.rows / np.arange(1, len(report.spectrum) + 1), report.spectrum)
    for band in report.bands:
        axes.axvspan(band.shortest * 0.98, band.longest * 1.02, color="tab:red", alpha=0.15)
    axes.set(xlabel="period in tokens", ylabel="share of variance")


def _heads(reading: Reading, axes: Any) -> None:
    places, bottom = np.arange(len(reading.heads)), np.zeros(len(reading.heads))
    for term in TERMS:
        share = np.maximum(0, [head.shares[term] for head in reading.heads])
        axes.bar(places, share, bottom=bottom, label=term)
        bottom += share
    axes.set(xlabel="head, layer by layer", ylabel="share of the score's variance (negative parts cut)")
    axes.legend(fontsize=6, ncols=3)


def _rank(reading: Reading, axes: Any) -> None:
    report = reading.causal
    assert report is not None
    for change in ("truncate", "remove_top", "remove_random"):
        found = [each for each in report.effects if each.change == change]
        costs = np.array([each.cost for each in found])
        ends = np.abs(np.array([each.interval for each in found]).T - costs)
        amounts = np.array([each.amount for each in found], dtype=float)
        axes.errorbar(amounts, costs, yerr=ends, marker="o", label=change)
    axes.set(xlabel="components", ylabel=f"change of {report.measure}", xscale="symlog")
    axes.legend()


def _spaces(reading: Reading, axes: Any) -> None:
    assert reading.spaces is not None
    found = reading.spaces.agreement
    keep = [index for index, name in enumerate(found.names) if ".attn." not in name]
    image = axes.imshow(found.same_basis[np.ix_(keep, keep)], vmin=-1, vmax=1, cmap="RdBu")
    names = [found.names[index] for index in keep]
    axes.set_xticks(range(len(keep)), names, rotation=90, fontsize=5)
    axes.set_yticks(range(len(keep)), names, fontsize=5)
    axes.figure.colorbar(image)
