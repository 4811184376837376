"""The tables of `seme show`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table

from seme.cli.folders import some
from seme.core.errors import UsageError
from seme.exchange.values import to_json
from seme.model.artifact import Artifact

FEW = 6
"""Names that are listed before the rest are only counted."""


def as_plain(artifact: Artifact, layer: int | None) -> dict[str, Any]:
    """Everything `seme show` tells, as plain JSON.

    Raises:
        UsageError: There is no such layer.
    """
    spec = artifact.spec
    if layer is not None and layer >= spec.layers:
        raise UsageError(f"there is no layer {layer}: the model has {spec.layers}", hint="layers count from 0")
    meaning = dict(artifact.meaning)
    for part in ("heads", "neurons"):
        if layer is not None and part in meaning:
            meaning[part] = [entry for entry in meaning[part] if entry["layer"] == layer]
    return {
        "spec": asdict(spec),
        "layer": layer,
        "tokens": [to_json(value) for value in artifact.tokens.values],
        "outputs": [
            {"name": block.name, "kind": block.kind, "labels": [to_json(label) for label in block.labels]}
            for block in artifact.outputs
        ],
        "meaning": meaning,
        "certificate": dict(artifact.certificate),
        "provenance": dict(artifact.provenance),
    }


def show(data: dict[str, Any], console: Console | None = None) -> None:
    """Prints the tables on stdout, or on the given console."""
    console = console or Console(highlight=False)
    for part in parts(data):
        console.print(part)


def parts(data: dict[str, Any]) -> Iterator[RenderableType]:
    """The paragraphs and tables, from top to bottom."""
    yield _shape(data)
    meaning, spec, only = data["meaning"], data["spec"], data["layer"]
    if not (meaning.get("spaces") or meaning.get("heads") or meaning.get("neurons")):
        yield "\nThis model has no meaning: nobody has named its directions, heads and neurons."
    elif only is None:
        yield _spaces(meaning.get("spaces", []))
    for layer in range(spec["layers"]) if only is None else [only]:
        heads = [head for head in meaning.get("heads", []) if head["layer"] == layer]
        banks = [bank for bank in meaning.get("neurons", []) if bank["layer"] == layer]
        if heads:
            yield _heads(layer, heads, spec["heads"])
        if banks:
            yield _banks(layer, banks, spec["d_mlp"])
        if meaning.get("heads") is not None and not heads and not banks:
            yield f"\n[bold]Layer {layer}[/bold] passes the stream on as it is."
    if only is None and data["certificate"]:
        yield from _certificate(data["certificate"])


def _shape(data: dict[str, Any]) -> str:
    spec = data["spec"]
    kind = {"bert": "BERT (bidirectional)", "gpt2": "GPT-2 (causal)"}[spec["architecture"]]
    outputs = ", ".join(f"`{escape(block['name'])}` ({_answers(block)})" for block in data["outputs"])
    name = data["provenance"].get("program")
    return (
        f"[bold]{escape(name) if name else 'A model'}[/bold]: {kind}, {some(spec['layers'], 'layer')}, "
        f"d_model {spec['d_model']}, {some(spec['heads'], 'head')} of {spec['d_head']}, d_mlp {spec['d_mlp']}, "
        f"{spec['activation']}, {spec['dtype']}\n"
        f"reads up to {spec['n_positions'] - 1} tokens of {len(data['tokens'])} kinds: "
        f"{escape(_few([_text(token) for token in data['tokens']]))}\ngives {outputs}"
    )


def _answers(block: dict[str, Any]) -> str:
    return "a number" if block["kind"] == "number" else some(len(block["labels"]), "label")


def _table(title: str, *columns: str) -> Table:
    look = {"title_justify": "left", "title_style": "bold", "box": box.SIMPLE_HEAD, "padding": (0, 1, 0, 0)}
    table = Table(title=f"\n{title}", pad_edge=False, show_edge=False, **look)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _spaces(spaces: list[dict[str, Any]]) -> Table:
    table = _table("What the residual stream holds", "directions", "space", "written by", "semes", "what for")
    if all(space["first_direction"] > 0 for space in spaces):
        table.add_row("0-1", "begin", "embedding", "begin", "marks the token put before every input")
    for space in spaces:
        first, size = space["first_direction"], 2 * len(space["semes"])
        writer = {"embed": "embedding", "attend": "heads", "neurons": "neurons"}.get(space["kind"], "a node")
        cells = (space["name"], writer, _few(space["semes"]), space["note"])
        table.add_row(_span(first, size), *map(escape, cells))
    return table


def _heads(layer: int, heads: list[dict[str, Any]], of: int) -> Table:
    """Heads that read and select alike, one after the other, share a row."""
    title = f"Layer {layer}, attention ({len(heads)} of {some(of, 'head')} in use)"
    table = _table(title, "head", "selects keys by", "query reads", "key reads", "moves", "to")
    for _, group in itertools.groupby(heads, key=lambda head: (head["reads"], head["predicate"])):
        alike = list(group)
        reads = alike[0]["reads"]
        cells = (
            alike[0]["predicate"],
            *(_few(reads[part]) or "nothing" for part in ("query", "key")),
            _few(reads["value"]) or "a constant",
            _grouped([name for head in alike for name in head["writes"]]),
        )
        table.add_row(f"{layer}.{_span(alike[0]['head'], len(alike))}", *map(escape, cells))
    return table


def _banks(layer: int, banks: list[dict[str, Any]], of: int) -> Table:
    title = f"Layer {layer}, neurons ({sum(bank['count'] for bank in banks)} of {of} in use)"
    table = _table(title, "neurons", "read", "write", "what for")
    for bank in banks:
        cells = (_few(bank["reads"]), _grouped(bank["writes"]), bank["note"])
        table.add_row(_span(bank["first"], bank["count"]), *map(escape, cells))
    return table


def _certificate(certificate: dict[str, Any]) -> Iterator[RenderableType]:
    if "types" not in certificate:
        yield f"\nCertificate: {escape(str(certificate))}"
        return
    reach = certificate.get("exact_up_to", {})
    title = f"What is proved of these weights, made for {certificate['dtype']} and length {certificate['length']}"
    table = _table(title, "cast to", "exact", "tightest bound", "of", "program reaches")
    for name, found in certificate["types"].items():
        worst = found["worst"][0] if found["worst"] else None
        held = f"{worst['bound']:.2g}, allowed {worst['limit']:.2g}" if worst else ""
        owner = f"{worst['what']} in `{worst['node']}`" if worst else ""
        proved = ("yes, in any order" if found.get("any_order") else "yes") if found["proved"] else "not proved"
        table.add_row(name, proved, held, escape(owner), str(reach.get(name, "not searched")))
    yield table


def _span(first: int, count: int) -> str:
    return str(first) if count == 1 else f"{first}-{first + count - 1}"


def _text(token: Any) -> str:
    return token if isinstance(token, str) else str(token)


def _few(names: list[str]) -> str:
    """The first names, and how many there are in all."""
    if len(names) <= FEW:
        return " ".join(names)
    return f"{' '.join(names[: FEW - 2])} ... {names[-1]} ({len(names)})"


def _grouped(writes: list[str]) -> str:
    """`space.seme` names, those of one space together."""
    spaces: dict[str, list[str]] = {}
    for name in writes:
        space, _, seme = name.rpartition(".")
        spaces.setdefault(space, []).append(seme)
    return ", ".join(f"{space} ({len(semes)} semes)" if len(semes) > 1 else space for space, semes in spaces.items())
