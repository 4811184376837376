"""What planning a model made, kept beside the compiled code: a second start plans nothing.

A record is found by a hash of everything a plan depends on: every weight, the model's sizes, its positions and outputs,
and the text of the modules that plan. It holds the C texts, the tables they read, and what `Sparse` says of the model;
arrays and JSON, nothing that runs when read. One that is damaged is no record.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

import seme.execute.sparse
import seme.execute.stream
import seme.model.artifact
from seme.core.cache import note_use
from seme.execute.sparse.build import kept_in
from seme.model.artifact import Artifact

MAGIC = b"seme-plan-1\n"
HASHED = len(MAGIC) + 32
WORDS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
"""Integers as wide as a float type: what is compared is bits, so -0 is not 0 here and NaN is itself."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kept:
    """What `Sparse` needs of a plan.

    Attributes:
        texts: The C files.
        tables: What its pointers point to, in order.
        rows: How many rows the embedding has.
        most: The most tokens, the first included.
        begin_alone: Whether the begin token may stand only first.
        heads: How many heads the report lists.
        report: What was recognised, as plain JSON.
    """

    texts: tuple[str, ...]
    tables: list[np.ndarray]
    rows: int
    most: int
    begin_alone: bool
    heads: int
    report: dict[str, Any]


def weights_digest(artifact: Artifact) -> bytes:
    """Hash of a model: weights, sizes, positions and outputs.

    Of a matrix that is mostly zero, where the rest stands and what it is: as much as the matrix, and ten times sooner.
    """
    parts = dict(artifact.weights)
    about: list[Any] = [asdict(artifact.spec), [(b.kind, b.start, b.width, b.stops) for b in artifact.outputs]]
    if artifact.positions is not None:
        parts |= {"positions.repeated": artifact.positions.repeated, "positions.slope": artifact.positions.slope}
        about.append(artifact.positions.longest)
    out = hashlib.sha256(repr(about).encode())
    for name, weight in sorted(parts.items()):
        words = weight.detach().cpu().contiguous().reshape(-1).view(WORDS[weight.element_size()]).numpy()
        where = np.flatnonzero(words != 0)
        listed = 2 * len(where) < len(words)
        out.update(f"\n{name} {tuple(weight.shape)} {weight.dtype} {len(where) if listed else 'all'}\n".encode())
        for part in (where.astype(np.int64), words[where]) if listed else (words,):
            out.update(part.data)
    return out.digest()


@cache
def planner_digest() -> bytes:
    """Hash of the modules that plan, and of the libraries they calculate with."""
    rooms = Path(str(seme.execute.sparse.__file__)).parent
    beside = [Path(str(module.__file__)) for module in (seme.execute.stream, seme.model.artifact)]
    out = hashlib.sha256(" ".join(version(name) for name in ("numpy", "scipy", "torch")).encode())
    for source in [*sorted(path for path in rooms.iterdir() if path.suffix in (".py", ".c")), *beside]:
        text = source.read_bytes()
        out.update(f"\n{source.name} {len(text)}\n".encode())
        out.update(text)
    return out.digest()


def read_kept(weights: bytes) -> Kept | None:
    """What was kept for a model of this digest; None where nothing is, or where it is damaged."""
    at = _place(weights)
    try:
        data = at.read_bytes()
    except OSError:
        return None
    note_use(at)
    if not data.startswith(MAGIC) or hashlib.sha256(data[HASHED:]).digest() != data[len(MAGIC) : HASHED]:
        return None
    with np.load(io.BytesIO(data[HASHED:]), allow_pickle=False) as stored:
        about = json.loads(stored["about"].tobytes())
        tables = [stored[f"arr_{at}"] for at in range(about.pop("tables"))]
    return Kept(tables=tables, texts=tuple(about.pop("texts")), **about)


def write_kept(weights: bytes, kept: Kept) -> None:
    """Keeps it, whole or not at all; where nothing can be written, the next start plans again."""
    about = {name: getattr(kept, name) for name in ("texts", "rows", "most", "begin_alone", "heads", "report")}
    about["tables"] = len(kept.tables)
    body = io.BytesIO()
    np.savez(body, *kept.tables, about=np.frombuffer(json.dumps(about).encode(), dtype=np.uint8))
    at = _place(weights)
    try:
        with tempfile.NamedTemporaryFile(dir=at.parent, prefix="keeping-", delete=False) as part:
            part.write(MAGIC + hashlib.sha256(body.getbuffer()).digest() + body.getvalue())
        os.replace(part.name, at)
    except OSError:
        return


def _place(weights: bytes) -> Path:
    return kept_in() / f"{hashlib.sha256(weights + planner_digest()).hexdigest()[:32]}.plan"
