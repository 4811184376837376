"""The page and the table of `seme linearity`."""

from __future__ import annotations

import html
import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from seme.core.errors import MissingExtraError
from seme.report.writing import write_whole

COLUMNS = (
    ("taylor_gap", "Taylor gap"),
    ("trajectory_gap", "trajectory gap"),
    ("kernel_drift", "kernel drift"),
    ("weight_movement", "weights moved"),
    ("cka", "CKA"),
    ("readout_share", "readout"),
    ("r2", "R2"),
    ("taylor_r2", "Taylor R2"),
)
STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1080px;margin:2rem auto;padding:0 1rem;color:#1c2430}
table{border-collapse:collapse;width:100%;font-size:13px;display:block;overflow-x:auto}
td,th{padding:.25rem .5rem;border-bottom:1px solid #d8dde5;text-align:right;white-space:nowrap}
td:nth-child(-n+4),th:nth-child(-n+4){text-align:left}
.LINEAR{color:#0b6e4f}.NONLINEAR{color:#a4243b}.UNLEARNED{color:#6b7280}.RANDOM{color:#8a5a00}
.plot{margin:1.5rem 0}h2{margin-top:2.5rem}
"""


def as_text(result: dict[str, Any], as_json: bool) -> str:
    """The result for a terminal: JSON, or one line per setting and slope."""
    if as_json:
        return json.dumps(result, allow_nan=False)
    if "checkpoints" in result:
        row = result["runs"][0]
        names = ("verdict", "function_change", "taylor_gap", "kernel_drift", "weight_movement")
        return "\n".join(f"{name:16} {_number(row[name])}" for name in names)
    lines = []
    for row in result["runs"]:
        where = f"{row['task']} {row['model']} {row['activation']} {row['parametrization']} {row['width']}"
        decay = row["setting"]["weight_decay"]
        where += f" decay {decay:g}" if decay else ""
        shown = "  ".join(f"{title} {_estimate(row[name])}" for name, title in COLUMNS[:3])
        lines.append(f"{where:38} {row['verdict']:15} {shown}")
        if "accuracy" in row:
            lines.append(f"{'':38} {_events(row)}")
    for slope in result["slopes"]:
        expected = f"  (expected {slope['expected']})" if slope["expected"] else ""
        lines.append(f"slope with width, {slope['activation']}: {_estimate(slope['slope'])}{expected}")
    return "\n".join(lines)


def _events(row: dict[str, Any]) -> str:
    """When each event came, by seed: it tells leaving the linear regime from learning."""
    words = {"left_linear_regime": "left the linear regime", "memorised": "memorised", "generalised": "generalised"}
    shown = (
        f"{words[name]} {', '.join('never' if step is None else str(step) for step in steps)}"
        for name, steps in row["events"].items()
    )
    return f"accuracy {_estimate(row['accuracy'])} on unseen inputs; step (by seed): {'; '.join(shown)}"


def _number(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _estimate(value: dict[str, Any]) -> str:
    if value["value"] is None:
        return "-"
    text = f"{value['value']:.3g}"
    if value["interval"] is None:
        return text
    return f"{text} [{value['interval'][0]:.3g}, {value['interval'][1]:.3g}]"


def write_page(result: dict[str, Any], surfaces: Sequence[dict[str, Any]], path: Path) -> None:
    """Writes one HTML file that needs no network: a table, the pictures, and the JSON they are drawn from.

    Args:
        result: From `studies.linearity.summary`, or of two checkpoints.
        surfaces: From `studies.linearity.surfaces`; may be empty.
        path: Where to write.

    Raises:
        MissingExtraError: plotly is not installed.
        FolderError: The file cannot be written.
    """
    try:
        graph = importlib.import_module("plotly.graph_objects")
        script = importlib.import_module("plotly.offline").get_plotlyjs()
    except ModuleNotFoundError as error:
        raise MissingExtraError("the page", "report") from error
    figures = _figures(graph, result, surfaces)
    plots = "\n".join(
        f'<h2>{title}</h2><div class="plot" id="{name}">'
        + figure.to_html(full_html=False, include_plotlyjs=False, div_id=f"{name}-plot")
        + "</div>"
        for name, title, figure in figures
    )
    data = json.dumps(result, allow_nan=False).replace("</", "<\\/")
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<link rel="icon" href="data:,"><title>Linear in its weights?</title>'
        f"<style>{STYLE}</style><script>{script}</script></head><body>"
        "<h1>Was the network linear in its weights while it trained?</h1>"
        f"{_table(result)}{plots}"
        f'<script type="application/json" id="data">{data}</script></body></html>'
    )
    write_whole(path, page)


def _table(result: dict[str, Any]) -> str:
    if "checkpoints" in result:
        row = result["runs"][0]
        names = [name for name, value in row.items() if isinstance(value, float | str)]
        cells = "".join(
            f'<tr><td>{name}</td><td data-name="{name}">{html.escape(_number(row[name]))}</td></tr>' for name in names
        )
        return f'<table id="runs">{cells}</table>'
    head = "".join(f"<th>{name}</th>" for name in ("activation", "width", "model", "verdict", *(t for _, t in COLUMNS)))
    body = []
    for row in result["runs"]:
        cells = [f"<td>{html.escape(str(row[name]))}</td>" for name in ("activation", "width", "model")]
        cells.append(f'<td class="{row["verdict"].split()[0]}">{row["verdict"]}</td>')
        cells += [f'<td data-name="{name}">{_estimate(row[name])}</td>' for name, _ in COLUMNS]
        body.append(f"<tr>{''.join(cells)}</tr>")
    return (
        f"<p>{len(result['runs'])} settings; mean over seeds [95% interval].</p>"
        f'<table id="runs"><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table>{_slopes(result)}'
    )


def _slopes(result: dict[str, Any]) -> str:
    """The fitted slopes of the Taylor gap, beside which the pictures' guides are drawn."""
    if not result["slopes"]:
        return ""
    head = "".join(f"<th>{name}</th>" for name in ("activation", "weight decay", "widths", "slope", "expected"))
    body = []
    for slope in result["slopes"]:
        widths = ", ".join(str(width) for width in slope["widths"])
        cells = (slope["activation"], f"{slope['setting']['weight_decay']:g}", widths)
        body.append(
            f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}"
            f'<td data-name="slope">{_estimate(slope["slope"])}</td><td>{slope["expected"] or ""}</td></tr>'
        )
    return (
        "<p>Slope of log Taylor gap against log width, fitted for every seed; mean [95% interval].</p>"
        f'<table id="slopes"><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table>'
    )


Figures = list[tuple[str, str, Any]]


def _figures(graph: ModuleType, result: dict[str, Any], surfaces: Sequence[dict[str, Any]]) -> Figures:
    if "checkpoints" in result:
        return [("shares", "Trace of the kernel by parameter", _shares(graph, result))]
    found = [
        ("gap", "Taylor gap against width", _gaps(graph, result)),
        (
            "alignment",
            "Similar activations do not show linearity: CKA against Taylor R2",
            _cka(graph, result),
        ),
        ("velocity", "Kernel velocity over time", _velocity(graph, result)),
        ("shares", "Trace of the kernel by parameter", _shares(graph, result)),
    ]
    if any(row["activation"].startswith("kmax") for row in result["runs"]):
        found.insert(1, ("kn", "Taylor gap over k and n", _over_k(graph, result)))
    found += [
        (
            "surfaces",
            "x1 x2: target, network, its Taylor model, and the linearly trained one",
            _surfaces(graph, s),
        )
        for s in surfaces
    ]
    return found


def _families(result: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    families: dict[str, list[dict[str, Any]]] = {}
    for row in result["runs"]:
        decay = row["setting"]["weight_decay"]
        name = f"{row['activation']}, weight decay {decay:g}" if decay else row["activation"]
        families.setdefault(name, []).append(row)
    return families


def _gaps(graph: ModuleType, result: dict[str, Any]):
    figure = graph.Figure()
    for name, rows in _families(result).items():
        rows = sorted(rows, key=lambda row: row["width"])
        half = [
            row["taylor_gap"]["interval"][1] - row["taylor_gap"]["value"] if row["taylor_gap"]["interval"] else 0.0
            for row in rows
        ]
        widths, gaps = [row["width"] for row in rows], [row["taylor_gap"]["value"] for row in rows]
        figure.add_scatter(x=widths, y=gaps, error_y={"type": "data", "array": half}, name=name)
    widths = sorted({row["width"] for row in result["runs"]})
    top = max((row["taylor_gap"]["value"] or 0.0) for row in result["runs"]) or 1.0
    for slope, title in ((-0.5, "slope -1/2"), (-0.75, "slope -3/4"), (-1.0, "slope -1")):
        guide = [top * (width / widths[0]) ** slope for width in widths]
        line = {"dash": "dot", "color": "#9aa3b0"}
        figure.add_scatter(x=widths, y=guide, name=title, mode="lines", line=line)
    figure.update_xaxes(type="log", title="width")
    figure.update_yaxes(type="log", title="Taylor gap")
    return figure


def _over_k(graph: ModuleType, result: dict[str, Any]):
    rows = [row for row in result["runs"] if row["activation"].startswith("kmax")]
    names, widths = sorted({row["activation"] for row in rows}), sorted({row["width"] for row in rows})
    gaps = {(row["activation"], row["width"]): row["taylor_gap"]["value"] for row in rows}
    table = [[gaps.get((name, width)) for width in widths] for name in names]
    figure = graph.Figure(graph.Heatmap(x=[str(w) for w in widths], y=names, z=table, texttemplate="%{z:.3g}"))
    figure.update_xaxes(title="n (width)", type="category")
    figure.update_yaxes(title="k")
    return figure


def _cka(graph: ModuleType, result: dict[str, Any]):
    figure = graph.Figure()
    for name, rows in _families(result).items():
        figure.add_scatter(
            x=[row["cka"]["value"] for row in rows],
            y=[row["taylor_r2"]["value"] for row in rows],
            text=[f"width {row['width']}" for row in rows],
            mode="markers",
            name=name,
        )
    figure.update_xaxes(title="CKA of hidden activations before and after")
    figure.update_yaxes(title="R2 of the Taylor model")
    return figure


def _velocity(graph: ModuleType, result: dict[str, Any]):
    figure = graph.Figure()
    for row in result["runs"]:
        points = [point for point in row["history"] if point["step"] > 0]
        figure.add_scatter(
            x=[point["step"] for point in points],
            y=[point["kernel_velocity"] for point in points],
            name=f"{row['activation']} {row['width']}",
        )
    figure.update_xaxes(type="log", title="step")
    figure.update_yaxes(type="log", title="1 - cos(K, K before), per step", exponentformat="power")
    return figure


def _shares(graph: ModuleType, result: dict[str, Any]):
    figure = graph.Figure()
    labels = [f"{row['activation']} {row['width']}" if "width" in row else "before" for row in result["runs"]]
    names = sorted({name for row in result["runs"] for name in row["trace_shares"]})
    for name in names:
        figure.add_bar(x=labels, y=[row["trace_shares"].get(name, 0.0) for row in result["runs"]], name=name)
    figure.update_layout(barmode="stack")
    figure.update_yaxes(title="share of the trace")
    return figure


def _surfaces(graph: ModuleType, surfaces: dict[str, Any]):
    subplots = importlib.import_module("plotly.subplots")
    names = ("target", "network", "taylor", "linear")
    titles = ("target", "network", "its Taylor model", "trained linearly")
    scenes = [[{"type": "surface"} for _ in names]]
    figure = subplots.make_subplots(1, 4, specs=scenes, subplot_titles=titles, horizontal_spacing=0.01)
    for column, name in enumerate(names, 1):
        figure.add_trace(
            graph.Surface(
                x=surfaces["axis"],
                y=surfaces["axis"],
                z=surfaces[name],
                name=name,
                cmin=-3,
                cmax=3,
                showscale=column == 4,
            ),
            row=1,
            col=column,
        )
    axes = {"xaxis_title": "x1", "yaxis_title": "x2", "zaxis": {"title": "f", "range": [-3.5, 3.5]}}
    figure.update_scenes(**axes, camera_eye={"x": 1.6, "y": -1.6, "z": 1.1})
    figure.update_layout(height=360, margin={"l": 0, "r": 0, "b": 0})
    return figure
