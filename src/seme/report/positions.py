"""The page of the positions study."""

from __future__ import annotations

import html as escaping
from collections.abc import Sequence
from typing import Any

from seme.core.errors import MissingExtraError
from seme.studies.positions_summary import REGIMES, as_text


def page(rows: Sequence[dict[str, Any]]) -> str:
    """Draws differences with intervals and the table as a self-contained page.

    Raises:
        MissingExtraError: If plotly is not installed.
    """
    try:
        from plotly import graph_objects
        from plotly.io import to_html
    except ImportError as error:
        raise MissingExtraError("the page of a study", "report") from error
    parts = []
    for regime in REGIMES:
        figure = graph_objects.Figure()
        for scale in sorted({row["scale"] for row in rows}):
            chosen = [row for row in rows if row["regime"] == regime and row["scale"] == scale]
            ends = [row["difference"]["interval"] or [row["difference"]["mean"]] * 2 for row in chosen]
            means = [row["difference"]["mean"] for row in chosen]
            above = [high - mean for (_, high), mean in zip(ends, means, strict=True)]
            below = [mean - low for (low, _), mean in zip(ends, means, strict=True)]
            figure.add_scatter(
                x=[row["arm"] for row in chosen],
                y=means,
                mode="markers",
                name=f"initial scale {scale}",
                error_y={"type": "data", "symmetric": False, "array": above, "arrayminus": below},
            )
        figure.update_layout(
            title=regime.replace("_", " "), yaxis_title="loss less that of `added` (nats per character)"
        )
        parts.append(to_html(figure, full_html=False, include_plotlyjs=not parts))
    table = escaping.escape(as_text(rows))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>How positions enter</title>'
        '<link rel="icon" href="data:,"><style>pre { overflow-x: auto; }</style></head><body>'
        "<h1>How positions enter</h1>"
        f'{"".join(parts)}<pre id="table">{table}</pre></body></html>'
    )
