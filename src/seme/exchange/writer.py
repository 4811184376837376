"""An artifact to an ordinary Hugging Face folder, written without `transformers`.

The same artifact gives the same bytes on every machine: no time stamps, keys in a fixed order. Nothing half-written
is ever seen under the asked name: the folder is made beside it and renamed.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from seme.core.errors import FolderError, UsageError
from seme.exchange.hf_config import DTYPES, label_texts, to_config, to_generation_config
from seme.exchange.hf_names import to_hf
from seme.exchange.tokenizer import tokenizer_files
from seme.exchange.values import to_json
from seme.model.artifact import Artifact, PositionRule
from seme.model.names import shapes

FORMAT = "seme-model"
VERSION = 1
FILES = (
    "config.json",
    "generation_config.json",
    "positions.safetensors",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "meaning.json",
    "certificate.json",
    "graph.txt",
    "provenance.json",
)


def save(artifact: Artifact, path: str | Path) -> Path:
    """Writes a model folder.

    Args:
        artifact: The model.
        path: The folder. A model folder of ours in its place is replaced; anything else is left alone.

    Returns:
        The folder's path.

    Raises:
        FolderError: There is something else at this path, or it cannot be written.
        UsageError: The artifact cannot be written: wrong shapes, weights that are not finite, equal texts.
    """
    path = Path(path)
    _check_artifact(artifact)
    _check_replaceable(path)
    texts = _texts(artifact)
    tensors = _narrowed(to_hf(artifact.spec, artifact.weights))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        try:
            for name, text in texts.items():
                (made / name).write_text(text, encoding="utf-8", newline="\n")
            # `transformers` refuses a file that does not say which library's layout it has.
            save_file(tensors, made / "model.safetensors", metadata={"format": "pt"})
            if artifact.positions is not None:
                _save_rule(artifact.positions, made / "positions.safetensors")
            made.chmod(0o777 & ~_umask())
            _put_in_place(made, path)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        raise FolderError(f"cannot write `{path}`: {error.strerror or error}", hint="give another folder") from error
    return path


def _texts(artifact: Artifact) -> dict[str, str]:
    table = artifact.tokens
    meaning = {
        "format": FORMAT,
        "version": VERSION,
        "tokens": {
            "values": [to_json(value) for value in table.values],
            "texts": list(table.texts),
            "begin": table.begin,
            "pad": table.pad,
        },
        "outputs": [
            {
                "name": block.name,
                "kind": block.kind,
                "start": block.start,
                "width": block.width,
                "labels": [to_json(label) for label in block.labels],
                "integers": block.integers,
                "max_denominator": block.max_denominator,
                "unit": to_json(block.unit),
                "error": block.error,
                "stops": list(block.stops),
            }
            for block in artifact.outputs
        ],
        "meaning": artifact.meaning,
    }
    files: dict[str, Mapping[str, Any]] = {
        "config.json": to_config(artifact),
        **tokenizer_files(table, artifact.spec.n_positions),
        "meaning.json": meaning,
        "certificate.json": artifact.certificate,
        "provenance.json": artifact.provenance,
    }
    if artifact.spec.continues:
        files["generation_config.json"] = to_generation_config(artifact)
    texts = {}
    for name, content in files.items():
        try:
            texts[name] = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        except (TypeError, ValueError) as error:
            raise UsageError(f"cannot write {name}: {error}", hint="it must hold plain JSON") from error
    return texts | {"graph.txt": artifact.graph}


def _narrowed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Float64 weights as float32 where that loses nothing, which halves the file; config.json says what they run in."""
    if any(tensor.dtype != torch.float64 for tensor in tensors.values()):
        return tensors
    narrow = {name: tensor.to(torch.float32) for name, tensor in tensors.items()}
    if all(torch.equal(narrow[name].to(torch.float64), tensor) for name, tensor in tensors.items()):
        return narrow
    return tensors


def _save_rule(rule: PositionRule, path: Path) -> None:
    tensors = {"repeated": rule.repeated.cpu().contiguous(), "slope": rule.slope.cpu().contiguous()}
    save_file(tensors, path, metadata={"longest": str(rule.longest)})


def _check_artifact(artifact: Artifact) -> None:
    spec = artifact.spec
    if spec.dtype not in DTYPES or spec.d_model != spec.heads * spec.d_head:
        raise UsageError(
            f"cannot save: dtype {spec.dtype}, d_model {spec.d_model}, {spec.heads} heads of {spec.d_head}",
            hint="d_model must be heads * d_head, dtype a float type",
        )
    expected = shapes(spec)
    if set(expected) != set(artifact.weights):
        odd = sorted(set(expected) ^ set(artifact.weights))
        raise UsageError(f"cannot save: missing or unexpected weights {', '.join(odd[:5])}", hint="see model.names")
    for name, shape in expected.items():
        weight = artifact.weights[name]
        if tuple(weight.shape) != shape or str(weight.dtype) != f"torch.{spec.dtype}":
            raise UsageError(
                f"cannot save: weight `{name}` is {weight.dtype} {list(weight.shape)}, "
                f"expected torch.{spec.dtype} {list(shape)}",
                hint="see model.names",
            )
        if not weight.isfinite().all():
            raise UsageError(f"cannot save: weight `{name}` holds NaN or infinity", hint="use a wider float type")
    at = 0
    for block in artifact.outputs:
        if block.start != at or block.width < 1:
            raise UsageError(f"cannot save: output `{block.name}` starts at logit {block.start}, expected {at}")
        at += block.width
    if spec.continues and artifact.weights["unembed.b_U"].any():
        raise UsageError("cannot save: a language model's unembedding has no bias, this one has")
    texts = label_texts(artifact.outputs)
    if at != spec.d_logits:
        raise UsageError(f"cannot save: the outputs take {at} logits, expected {spec.d_logits}")
    if len(set(texts)) < len(texts):
        twice = next(text for text in texts if texts.count(text) > 1)
        raise UsageError(f"cannot save: two logits are labelled {twice!r}", hint="give each label a text of its own")
    values, named = len(artifact.tokens.values), len(artifact.tokens.texts)
    if values != named or values + artifact.tokens.FIRST_ID != spec.d_vocab:
        raise UsageError(f"cannot save: {values} tokens, {named} texts, {spec.d_vocab} rows (two for begin and pad)")


def _check_replaceable(path: Path) -> None:
    if not path.exists() and not path.is_symlink():
        return
    if not path.is_dir() or path.is_symlink():
        raise FolderError(f"`{path}` is there and is not a folder", hint="give another name")
    others = sorted(entry.name for entry in path.iterdir() if entry.name not in FILES)
    if others or (any(path.iterdir()) and not (path / "meaning.json").is_file()):
        raise FolderError(
            f"`{path}` holds something else than a model of ours: "
            f"{', '.join(others[:5]) or 'there is no meaning.json'}; it is left as it is",
            hint="give another folder, or move what is in it",
        )


def _put_in_place(made: Path, path: Path) -> None:
    if path.exists():
        old = Path(tempfile.mkdtemp(prefix=f".{path.name}.old.", dir=path.parent))
        os.rename(path, old)
        try:
            os.rename(made, path)
        except OSError:
            os.rename(old, path)
            raise
        shutil.rmtree(old)
    else:
        os.rename(made, path)


def replace_file(path: Path, data: bytes) -> Path:
    """Writes a file beside its place and moves it there, so that it is never seen half-written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, made = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(made, 0o666 & ~_umask())
        os.replace(made, path)
    finally:
        Path(made).unlink(missing_ok=True)
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
