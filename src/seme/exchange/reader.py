"""A model folder back to an artifact, with a clear word for every way in which it can be broken."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from seme.core.errors import FolderError
from seme.exchange.hf_config import from_config
from seme.exchange.hf_names import TOKEN_TYPES, from_hf, hf_shapes
from seme.exchange.model import Model
from seme.exchange.values import from_json
from seme.exchange.writer import FORMAT, VERSION
from seme.model.artifact import Artifact, OutputBlock, PositionRule, Spec, TokenTable

_NEEDED = ("config.json", "model.safetensors", "meaning.json")


MAKE = "seme compile FILE.py -o DIR makes one of a program, seme machine rv32im|turing -o DIR a machine"


def load(path: str | Path, *, device: str | torch.device = "cpu") -> Model:
    """Reads a model folder.

    Args:
        path: A folder written by `save`, perhaps rewritten by `transformers` since.
        device: Where to run the model.

    Raises:
        FolderError: The folder is missing something, is damaged, or is not one of ours.
    """
    return Model(load_artifact(path), device)


def load_artifact(path: str | Path) -> Artifact:
    """Reads a model folder as an artifact.

    Raises:
        FolderError: The folder is missing something, is damaged, or is not one of ours.
    """
    path = Path(path)
    _check_present(path)
    config = _json(path / "config.json")
    stored = _json(path / "meaning.json")
    _check_format(path, stored)
    try:
        spec = from_config(config)
        tokens, outputs = _tokens(stored["tokens"]), tuple(_output(block) for block in stored["outputs"])
        _check_fit(spec, tokens, outputs)
        meaning = stored["meaning"]
    except (AttributeError, KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise FolderError(
            f"`{path}` is damaged: {_told(error)} (config.json, meaning.json)", hint="make the folder again"
        ) from error
    graph = path / "graph.txt"
    return Artifact(
        spec=spec,
        weights=_weights(path / "model.safetensors", spec),
        tokens=tokens,
        outputs=outputs,
        meaning=meaning,
        certificate=_json(path / "certificate.json", optional=True),
        provenance=_json(path / "provenance.json", optional=True),
        graph=_text(graph) if graph.is_file() else "",
        positions=_rule(path / "positions.safetensors", spec),
    )


def _check_present(path: Path) -> None:
    if not path.is_dir():
        what = "is a file" if path.exists() else "does not exist"
        raise FolderError(f"`{path}` {what}, expected a model folder", hint=MAKE)
    missing = [name for name in _NEEDED if not (path / name).is_file()]
    if not missing:
        return
    if missing == ["meaning.json"]:
        kind = _json(path / "config.json")
        names = kind.get("architectures") or [kind.get("model_type", "unknown")]
        raise FolderError(
            f"`{path}` is a foreign model ({names[0] if isinstance(names, list) else names}): it has no meaning.json, "
            "expected a folder written by seme",
            hint="load it with the library it was made for",
        )
    if len(missing) == len(_NEEDED):
        raise FolderError(
            f"`{path}` is not a model folder: it has no {', no '.join(missing)}", hint="is the path right?"
        )
    raise FolderError(f"`{path}` is incomplete: it has no {', no '.join(missing)}", hint="make the folder again")


def _check_format(path: Path, stored: dict[str, Any]) -> None:
    if stored.get("format") != FORMAT:
        raise FolderError(
            f"`{path}/meaning.json` has format {stored.get('format')!r}, expected {FORMAT!r}", hint="make it again"
        )
    if stored.get("version") != VERSION:
        raise FolderError(
            f"`{path}` has format version {stored.get('version')!r}, this release reads {VERSION}",
            hint="use the release that wrote it, or make it again",
        )


def _json(path: Path, *, optional: bool = False) -> dict[str, Any]:
    if optional and not path.is_file():
        return {}
    try:
        content = json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise FolderError(f"`{path}` is damaged: {error}", hint="make the folder again") from error
    if not isinstance(content, dict):
        raise FolderError(f"`{path}` is damaged: it holds no JSON object", hint="make the folder again")
    return content


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FolderError(f"cannot read `{path}`: {error}", hint="make the folder again") from error


def _tokens(stored: dict[str, Any]) -> TokenTable:
    return TokenTable(
        values=tuple(from_json(value) for value in stored["values"]),
        texts=tuple(stored["texts"]),
        begin=stored["begin"],
        pad=stored["pad"],
    )


def _output(stored: dict[str, Any]) -> OutputBlock:
    if stored["kind"] not in ("category", "number", "next"):
        raise ValueError(f"an output of kind {stored['kind']!r}")
    return OutputBlock(
        name=stored["name"],
        kind=stored["kind"],
        start=stored["start"],
        labels=tuple(from_json(label) for label in stored["labels"]),
        integers=stored["integers"],
        max_denominator=stored["max_denominator"],
        unit=Fraction(from_json(stored["unit"])),
        error=float(stored["error"]),
        stops=tuple(stored.get("stops", ())),
    )


def _check_fit(spec: Spec, tokens: TokenTable, outputs: tuple[OutputBlock, ...]) -> None:
    rows = len(tokens.values) + TokenTable.FIRST_ID
    if rows != spec.d_vocab or len(tokens.texts) != len(tokens.values):
        raise ValueError(f"the token table has {rows} rows, the model {spec.d_vocab}")
    at = 0
    for block in outputs:
        if block.start != at:
            raise ValueError(f"output {block.name} starts at logit {block.start}, expected {at}")
        at += block.width
    if at != spec.d_logits or not outputs:
        raise ValueError(f"the outputs take {at} logits, the model has {spec.d_logits}")


def _weights(path: Path, spec: Spec) -> dict[str, Tensor]:
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise FolderError(f"`{path}` is damaged: {error}", hint="make the folder again") from error
    expected = hf_shapes(spec)
    missing, foreign = sorted(set(expected) - set(tensors)), sorted(set(tensors) - set(expected))
    if missing or foreign:
        told = [f"{word} {', '.join(some[:3])}" for word, some in (("lacks", missing), ("has", foreign)) if some]
        raise FolderError(f"`{path}` does not fit config.json: it {' and '.join(told)}", hint="make the folder again")
    for name, shape in expected.items():
        tensor = tensors[name]
        kept = (
            "torch.float32"
            if str(tensor.dtype) == "torch.float32" and spec.dtype == "float64"
            else f"torch.{spec.dtype}"
        )
        if tuple(tensor.shape) != shape or str(tensor.dtype) != kept:
            raise FolderError(
                f"`{path}`: weight `{name}` is {tensor.dtype} {list(tensor.shape)}, "
                f"expected torch.{spec.dtype} {list(shape)}",
                hint="make the folder again",
            )
        if tensor.numel() and not torch.stack(torch.aminmax(tensor)).isfinite().all():  # NaN goes through both
            raise FolderError(f"`{path}`: weight `{name}` holds NaN or infinity", hint="make the folder again")
    if TOKEN_TYPES in tensors and tensors[TOKEN_TYPES].any():
        raise FolderError(
            f"`{path}`: the segment embedding is not zero, as it is in every model of ours", hint="make it again"
        )
    # Float64 weights are written as float32 where that loses nothing.
    return from_hf(spec, tensors)


def _rule(path: Path, spec: Spec) -> PositionRule | None:
    """How positions go on beyond the table, where the folder says so."""
    if not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as file:
            repeated, slope = file.get_tensor("repeated"), file.get_tensor("slope")
            longest = int((file.metadata() or {})["longest"])
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise FolderError(f"`{path}` is damaged: {_told(error)}", hint="make the folder again") from error
    if repeated.ndim != 2 or repeated.shape[1:] != (spec.d_model,) or slope.shape != (spec.d_model,):
        raise FolderError(
            f"`{path}` has shapes {list(repeated.shape)} and {list(slope.shape)}, "
            f"expected [period, {spec.d_model}] and [{spec.d_model}]",
            hint="make the folder again",
        )
    dtype = getattr(torch, spec.dtype)
    return PositionRule(repeated=repeated.to(dtype), slope=slope.to(dtype), longest=longest)


def _told(error: Exception) -> str:
    return f"there is no {error}" if isinstance(error, KeyError) else str(error)
