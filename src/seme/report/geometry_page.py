"""The page of a reading: one HTML file that needs no network."""

from __future__ import annotations

import html
import json
from importlib import resources
from typing import Any

from seme.core.errors import MissingExtraError
from seme.read.attention import TERMS
from seme.read.run import Reading

NUMBERS = (
    ("position.all_rows.participation_ratio", "participation ratio, all rows"),
    ("position.without_row0.participation_ratio", "participation ratio without row 0"),
    ("position.{judged}.explained_variance.2", "variance in three components"),
    ("position.{judged}.against.random_walk.3.null", "the same of a random walk"),
    ("position.{judged}.helix_score.value", "helix score"),
    ("position.{judged}.ring_score.value", "best ring score"),
    ("position.{judged}.toeplitz.value", "Toeplitz R²"),
    ("tokens.energy_top_k.value", "token energy in the top position directions"),
    ("tokens.energy_top_k.null", "the same in random directions"),
    ("tokens.cosine_of_means", "cosine of mean token and mean position"),
    ("tokens.readout.position_r2.value", "position read back from the sum, R²"),
    ("tokens.readout.position_r2.null", "the same with rotated positions"),
    ("tokens.readout.token_identity", "tokens recognised in the sum"),
    ("causal.baseline", "loss of the untouched model (0 without a language-model head)"),
)
"""Figures shown as numbers: path in the JSON, what it says. `{judged}` stands for the table that verdicts use."""


JUDGED = {"all_rows": "all rows", "without_row0": "without row 0, whose norm stands apart"}
"""Words for the table that verdicts, numbers and pictures use."""


def page(reading: Reading) -> str:
    """Draws a reading as one self-contained HTML page.

    Args:
        reading: The reading.

    Returns:
        The page's text.

    Raises:
        MissingExtraError: If plotly is not installed.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise MissingExtraError("the page of a reading", "report") from error
    data = reading.plain()
    files = resources.files("seme.report")
    content = {"reading": _for_pictures(data), "pictures": reading.pictures, "terms": list(TERMS)}
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f"<title>{html.escape(reading.name)}: where it keeps things</title>",
            '<link rel="icon" href="data:,">',
            f"<style>{(files / 'geometry.css').read_text(encoding='utf-8')}</style>",
            f"<script>{get_plotlyjs()}</script></head><body>",
            f"<h1>{html.escape(reading.name)} <small>{html.escape(reading.family)}</small></h1>",
            f"<p>{html.escape(reading.text)}</p>",
            _verdicts(data),
            _numbers(data),
            _sections(reading),
            _notes(data),
            f'<script type="application/json" id="data">{_embedded(content)}</script>',
            f"<script>{(files / 'geometry.js').read_text(encoding='utf-8')}</script>",
            "</body></html>",
        ]
    )


def numbers(data: dict[str, Any]) -> list[tuple[str, str]]:
    """Gives path and words of the figures of one reading; those of positions are of the table that verdicts use."""
    judged = data["position"]["judged"] if data["position"] else "all_rows"
    return [(path.replace("{judged}", judged), words) for path, words in NUMBERS]


def figure(data: dict[str, Any], path: str) -> float | None:
    """Gives the number at a dotted path of the JSON, or None if it was not measured.

    >>> figure({"a": {"b": [1.0, 2.0]}}, "a.b.1")
    2.0
    """
    at: Any = data
    for name in path.split("."):
        if at is None:
            return None
        if isinstance(at, list):
            at = dict(enumerate(at)).get(int(name))
            continue
        at = at.get(name)
    return at


def shown(value: float) -> str:
    """Writes a number as the page shows it: four significant digits."""
    return f"{value:.4g}"


def _embedded(content: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(content).replace("<", "\\u003c")


def _for_pictures(data: dict[str, Any]) -> dict[str, Any]:
    """What the pictures need, without the tables that are drawn from `pictures`."""
    kept = {name: data[name] for name in ("heads", "causal", "spaces")}
    position = data["position"]
    if position is None:
        return {**kept, "position": None}
    wanted = ("rows", "explained_variance", "against", "bands", "spectrum", "similarity", "sinusoidal")
    tables = {name: {key: position[name][key] for key in wanted} for name in ("all_rows", "without_row0")}
    return {**kept, "position": {**tables, "norms": position["norms"], "judged": position["judged"]}}


def _verdicts(data: dict[str, Any]) -> str:
    rows = [
        f"<tr><th>{html.escape(each['claim'])}</th><td><b>{html.escape(each['answer'])}</b><br>"
        f"{html.escape(each['because'])}<br><i>{html.escape(each['unless'])}</i></td></tr>"
        for each in data["verdicts"]
    ]
    return f'<h2>Verdicts</h2><table id="verdicts">{"".join(rows)}</table>'


def _numbers(data: dict[str, Any]) -> str:
    rows = []
    for path, words in numbers(data):
        value = figure(data, path)
        if value is not None:
            rows.append(f'<tr><th>{words}</th><td data-path="{path}">{shown(value)}</td></tr>')
    position = data["position"]
    said = (
        f"<p>Positions: {JUDGED[position['judged']]}, here, in the pictures and in the verdicts.</p>"
        if position
        else ""
    )
    return f"<h2>Numbers</h2>{said}<table>{''.join(rows)}</table>"


def _notes(data: dict[str, Any]) -> str:
    lines = "".join(f"<li>{html.escape(note)}</li>" for note in data["notes"])
    return f"<h2>Notes</h2><ul>{lines}<li>Intervals: {html.escape(data['intervals'])}.</li></ul>"


def _sections(reading: Reading) -> str:
    """The places pictures are drawn into; only those that apply."""
    parts = []
    if "cloud" in reading.pictures:
        parts.append(
            "<h2>Positions and tokens</h2><p>Position rows as a line, tokens as a cloud, in two "
            "components of the "
            'positions. <label>across <select id="across"></select></label> '
            '<label>up <select id="up"></select>'
            '</label> <button id="rotate">rotate</button> <span id="rotated">tokens as they are</span></p>'
            '<div id="ring" class="square"></div><p><input type="range" id="scrub" min="0" value="0"> '
            'position <output id="at">0</output></p>'
        )
    if reading.all_rows is not None:
        parts.append(
            '<h2>Spectrum</h2><div id="spectrum"></div><h2>Variance and nulls</h2><div id="variance"></div>'
            '<h2>Similarity against distance</h2><div id="similarity"></div>'
        )
    if reading.causal is not None:
        parts.append('<h2>Does it matter</h2><div id="rank"></div><div id="effects"></div>')
    if reading.heads:
        parts.append(
            "<h2>Attention, head by head</h2><p>Shares of the nine terms; a click on a bar opens the "
            "maps that sum "
            'to its scores.</p><div id="heads"></div><h3 id="opened"></h3><div id="maps"></div>'
        )
    if reading.spaces is not None:
        parts.append(
            '<h2>Spaces</h2><div id="parts"></div><p><select id="agreement"></select> nodes '
            '<select id="nodes">'
            '</select></p><div id="matrix" class="square"></div>'
        )
    return "".join(parts)
