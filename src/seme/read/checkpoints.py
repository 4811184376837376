"""Opens a checkpoint: its tables, and for known families what is needed to run it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from seme.core.errors import FolderError, MissingExtraError, UsageError
from seme.read.families import FACTORISED, TOKEN_NAMES, Family, family_of, scheme_without_table
from seme.read.files import Entry, Weights, open_weights, weight_file
from seme.read.rows import Rows

TABLE_NAMES = ("wpe", "wte", "pos", "tok", "positions", "tokens", "shared")
"""Names of tables of tokens or positions that do not say `embed`."""

CENTRED = 1e-5
"""Row means under this share of the rows' size in both tables mean that they were centred when the file
was written; trained tables of width d have means near 1 / sqrt(d) of it, .04 at 768."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A checkpoint opened for reading.

    Attributes:
        path: Where it was found.
        family: Its family, or None.
        config: Content of config.json, or empty.
        weights: All tensors by name.
        prefix: What stands before the family's names.
        positions: Position table in use (reserved rows cut off), or None where there is none to measure.
        added: What is added to tokens, position by position: `positions`, or a table that is there but says
            nothing of positions (zeros, equal rows).
        no_positions: Why there is none to measure, or "".
        tokens: Token table, streamed, in the width of the positions; or None.
        notes: What was found out of the ordinary, in words.
    """

    path: Path
    family: Family | None
    config: Mapping[str, Any]
    weights: Weights
    prefix: str
    positions: Float[np.ndarray, "pos d_model"] | None
    added: Float[np.ndarray, "pos d_model"] | None
    no_positions: str
    tokens: Rows | None
    notes: tuple[str, ...]


def open_checkpoint(name: str, *, position_key: str = "", token_key: str = "") -> Checkpoint:
    """Opens a model folder, a weights file, or (where a network is there) a hub name.

    Args:
        name: Path or hub name.
        position_key: Name of the position table, for files of no known family.
        token_key: Name of the token table, likewise.

    Returns:
        The checkpoint; only the position table has been read.

    Raises:
        FolderError: If nothing readable is there.
        UsageError: If a named tensor does not exist.
    """
    path = Path(name)
    if not path.exists():
        path = _from_hub(name)
    config = _config(path) if path.is_dir() else {}
    weights = open_weights(weight_file(path) if path.is_dir() else path)
    names = tuple(weights)
    family = family_of(config, names)
    position_name = _named(weights, position_key) or (_ending(names, family.position) if family else "")
    token_name = _named(weights, token_key) or _token_name(names, family)
    prefix = position_name[: -len(family.position)] if family and not position_key else ""
    opened = Checkpoint(
        path=path,
        family=family,
        config=config,
        weights=weights,
        prefix=prefix,
        positions=None,
        added=None,
        no_positions="",
        tokens=weights[token_name].rows() if token_name else None,
        notes=(),
    )
    if not position_name and not token_name:
        raise FolderError(
            f"cannot find a table of positions or tokens in `{path}`: {len(names)} tensors, the first is "
            f"`{min(names, default='')}`",
            hint="name them with --position-key and --token-key",
        )
    opened = _with_positions(opened, position_name, named=bool(position_key))
    return _with_notes(_projected(opened))


def _from_hub(name: str) -> Path:
    if name.startswith((".", "/")) or name.count("/") > 1 or not name:
        raise FolderError(f"cannot find `{name}`: no such file or folder", hint="check the path")
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled
    except ImportError as error:
        raise MissingExtraError(f"fetching `{name}` from the hub", "hf") from error
    try:
        patterns = ["*.json", "*.safetensors", "*.bin", "*.txt"]
        return Path(snapshot_download(name, allow_patterns=patterns))
    except (LocalEntryNotFoundError, OfflineModeIsEnabled, HfHubHTTPError, OSError, ValueError) as error:
        raise FolderError(
            f"cannot open `{name}`: it is no local path and the hub did not give it ({type(error).__name__})",
            hint="check the path; for a hub name, check the network and HF_HUB_OFFLINE",
        ) from error


def _config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FolderError(f"cannot read `{path}`: {error}", hint="the file is damaged; fetch it again") from error
    if not isinstance(content, dict):
        raise FolderError(
            f"cannot read `{path}`: got {type(content).__name__}, expected names and values",
            hint="it is no model configuration; fetch it again",
        )
    return content


def _named(weights: Weights, key: str) -> str:
    if key and key not in weights:
        raise UsageError(
            f"there is no tensor `{key}` among the {len(weights)} of this file",
            hint=f"candidates: {', '.join(_tables_like(weights, key)[:6])}",
        )
    return key


def _tables_like(weights: Weights, key: str) -> list[str]:
    """Names of tensors that may be meant: those that hold the name, then tables by their names, or all if none are."""

    def asked(name: str) -> bool:
        return name.endswith(key) or key.lower() in name.lower().split(".")

    tables = [name for name, entry in weights.items() if len(entry.shape) >= 2 and _is_table_name(name)]
    return [*filter(asked, weights), *(name for name in tables if not asked(name))] or list(weights)


def _is_table_name(name: str) -> bool:
    """Whether a tensor's name is one that tables of tokens or positions have."""
    last = name.removesuffix(".weight").rsplit(".", 1)[-1].lower()
    return last in TABLE_NAMES or "embed" in last


def _position_candidates(weights: Weights) -> list[str]:
    """Two-dimensional tensors whose names say that they are positions."""
    marks = ("wpe", "pos")
    return [
        name
        for name, entry in weights.items()
        if len(entry.shape) == 2 and _is_table_name(name) and any(mark in name.lower() for mark in marks)
    ]


def _ending(names: tuple[str, ...], ending: str) -> str:
    found = sorted((name for name in names if ending and name.endswith(ending)), key=len)
    return found[0] if found else ""


def _token_name(names: tuple[str, ...], family: Family | None) -> str:
    if family:
        return _ending(names, family.token)
    return next((found for ending in TOKEN_NAMES if (found := _ending(names, ending))), "")


def _with_positions(opened: Checkpoint, name: str, *, named: bool) -> Checkpoint:
    """Reads the position table, unless the model adds none."""
    names = tuple(opened.weights)
    scheme = None if named else scheme_without_table(opened.config, names)
    if scheme:
        return replace(opened, no_positions=f"no additive position table: the model uses {scheme} positions")
    if not name:
        factors = [each for each in names if any(mark in each for mark in FACTORISED)]
        if factors:
            why = f"no single position table: positions are factorised ({', '.join(factors[:3])})"
            return replace(opened, no_positions=f"{why}; their sum depends on the input's layout")
        return replace(opened, no_positions=_unknown(opened))
    rows = _table(opened.weights[name], name)
    table = rows.read(0, rows.shape[0]).astype(np.float64)
    offset = opened.family.offset if opened.family and not named else 0
    notes = opened.notes
    if offset:
        notes = (*notes, f"the first {offset} rows of the position table are reserved and left out")
        table = table[offset:]
    silent = _says_nothing(table)
    if silent:
        why = f"no additive position table: {silent.format(name)}"
        return replace(opened, added=table, no_positions=why, notes=notes)
    return replace(opened, positions=table, added=table, notes=notes)


def _unknown(opened: Checkpoint) -> str:
    """Why no position table is measured where none was named and the family names none."""
    found = _position_candidates(opened.weights)
    if not found:
        return "no additive position table was found"
    kind = opened.config.get("model_type")
    family = f"unknown family ({kind})" if kind else "unknown family"
    return (
        f"{family}: no position table was read; candidates: {', '.join(found[:4])}; name one with --position-key, and "
        "its tokens with --token-key"
    )


def _says_nothing(table: np.ndarray) -> str:
    """Why a table that is there tells no position from another, or ""; row 0 may hold a begin token's mark."""
    if not table.any():
        return "`{}` is all zeros"
    if len(table) > 1 and not np.ptp(table, axis=0).any():
        return "every row of `{}` is the same"
    if len(table) > 2 and not np.ptp(table[1:], axis=0).any():
        return "every row of `{}` but the first is the same"
    return ""


def _table(entry: Entry, name: str) -> Rows:
    if len([side for side in entry.shape if side != 1]) > 2:
        raise FolderError(
            f"cannot use `{name}` of shape {entry.shape} as a position table: it has two axes of positions",
            hint="flatten it to one row per position and name the result with --position-key",
        )
    return entry.rows()


def _projected(opened: Checkpoint) -> Checkpoint:
    """Brings tokens of another width into the residual stream by the model's own projection."""
    tokens, table = opened.tokens, opened.positions
    if tokens is None or table is None or tokens.shape[1] == table.shape[1]:
        return opened
    name = opened.prefix + opened.family.top.get("project_in", "\0") if opened.family else ""
    if name not in opened.weights:
        return opened
    matrix = opened.weights[name].tensor().numpy()
    narrow = tokens
    wide = Rows(
        shape=(narrow.shape[0], matrix.shape[0]),
        read=lambda start, stop: narrow.read(start, stop) @ matrix.T,
        half=False,
    )
    note = f"tokens of width {narrow.shape[1]} are measured after the model's own projection to {wide.shape[1]}"
    return replace(opened, tokens=wide, notes=(*opened.notes, note))


def _with_notes(opened: Checkpoint) -> Checkpoint:
    notes = list(opened.notes)
    if opened.family and opened.family.name == "ViT" and opened.positions is not None:
        side = round(np.sqrt(len(opened.positions) - 1))
        if side * side == len(opened.positions) - 1:
            notes.append(f"positions lie on a {side} x {side} grid after one class row; distances are along the raster")
    if opened.positions is not None and _is_centred(opened.positions) and opened.tokens is not None:
        sample = opened.tokens.read(0, min(256, opened.tokens.shape[0]))
        if _is_centred(sample):
            notes.append(
                "rows of both tables have mean zero: the weights were centred (folded) when written, or are balanced; "
                "raw and centred measures then differ less than in the model as trained"
            )
    if norms_folded(opened):
        notes.append(
            "there are no layer norm gains: they were folded into the matrices when written; run with gains of one"
        )
    elif _norms_idle(opened):
        notes.append(
            "every layer norm has gain 1 and bias 0 while other biases are not 0: the norms were folded into the "
            "matrices when written, so queries and keys carry them"
        )
    if opened.tokens is not None and opened.positions is not None:
        ours, theirs = opened.tokens.shape[1], opened.positions.shape[1]
        if ours != theirs:
            notes.append(f"tokens have width {ours}, positions {theirs}: they are not compared")
    return replace(opened, notes=tuple(notes))


def norms_folded(opened: Checkpoint) -> bool:
    """Whether a family with norms before its sublayers has none in the file, in no layer: they were folded away."""
    family = opened.family
    if family is None or not family.pre_norm or not family.layer:
        return False
    marks = [family.layer[name].split("{i}")[1] for name in ("norm1_w", "norm2_w")]
    return not any(name.endswith(mark) for name in opened.weights for mark in marks)


def _norms_idle(opened: Checkpoint) -> bool:
    """Whether all layer norms do nothing but normalise although the model is trained (other biases are not 0)."""
    family, index, biases = opened.family, 0, 0.0
    if family is None or not family.layer:
        return False
    while opened.prefix + family.layer["norm1_w"].format(i=index) in opened.weights:
        for ours in ("norm1", "norm2"):
            for kind, idle in (("w", 1.0), ("b", 0.0)):
                name = opened.prefix + family.layer[f"{ours}_{kind}"].format(i=index)
                if name in opened.weights and bool((opened.weights[name].tensor() != idle).any()):
                    return False
        for ours in ("o_b", "up_b", "down_b"):
            name = opened.prefix + family.layer[ours].format(i=index)
            biases += float(opened.weights[name].tensor().abs().sum()) if name in opened.weights else 0.0
        index += 1
    return index > 0 and biases > 0


def _is_centred(table: np.ndarray) -> bool:
    values = np.asarray(table, dtype=np.float64)
    size = np.abs(values).mean()
    return bool(size > 0 and np.abs(values.mean(axis=1)).max() < CENTRED * size)
