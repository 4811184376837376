"""Reads a checkpoint: opens it, runs the measures that apply, and gives one report.

The report's `plain` form is what `seme read --json` prints and what the page is drawn from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seme.core.errors import UsageError
from seme.core.plain import plain
from seme.read.attention import Head
from seme.read.causal import CausalReport, count_runs, measure_effects
from seme.read.checkpoints import Checkpoint, open_checkpoint
from seme.read.grids import grid_side, measure_grid
from seme.read.heads import MAP_LENGTH, measure_heads
from seme.read.moments import TokenMoments, token_moments
from seme.read.nodes import REDRAWN, SpacesReport, measure_spaces
from seme.read.nulls import Comparison, random_frame
from seme.read.positions import MIN_POSITIONS, PositionReport, RowNorms, checked, measure_positions, row_norms
from seme.read.readout import Readout, measure_readout
from seme.read.spectra import components, rank
from seme.read.text import Sample, sample
from seme.read.tokens import TokenReport, TokensAlone, measure_alone, measure_tokens
from seme.read.transformer import Transformer, transformer_of
from seme.read.verdicts import (
    Verdict,
    causal_verdict,
    head_verdict,
    position_verdicts,
    space_verdict,
    token_verdicts,
)

SCHEMA = 1
"""Version of the JSON of a reading; raised when a key changes its meaning or goes."""

DIRECTIONS = 3
"""Position directions of the token energy where none are asked for: as many as the helix of GPT-2 is said to have."""

PLAIN_NAMES = ("model", "model.safetensors", "checkpoint", "pytorch_model.bin")
"""Names that say nothing about a model; its folder's name is added."""

Stage = Callable[[str, int], Callable[[int], None]]
"""Told of a stage's name and size, gives what to call with each step done."""


def silent(name: str, total: int) -> Callable[[int], None]:
    """The stage that shows nothing."""
    return lambda count: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How much to read.

    Attributes:
        k: Position directions of the token energy; None for three, or the rank where that is smaller.
        contexts: Sequences of text.
        length: Tokens per sequence, cut to the model's positions.
        quick: Whether causal tests and spaces of inner nodes are left out.
        seed: Seed of everything random.
    """

    k: int | None = None
    contexts: int = 24
    length: int = 64
    quick: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All that was read from one checkpoint; what does not apply is None, with the reason in `notes`.

    `judged` is the table that verdicts, numbers and pictures of positions use: "all_rows" or "without_row0".
    """

    name: str
    family: str
    notes: tuple[str, ...]
    text: str = ""
    norms: RowNorms | None = None
    all_rows: PositionReport | None = None
    without_row0: PositionReport | None = None
    judged: str = ""
    grid: Comparison | None = None
    tokens: TokenReport | None = None
    tokens_alone: TokensAlone | None = None
    readout: Readout | None = None
    heads: tuple[Head, ...] = ()
    causal: CausalReport | None = None
    spaces: SpacesReport | None = None
    verdicts: tuple[Verdict, ...] = ()
    pictures: dict[str, Any] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Gives the report as JSON data with named keys."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "family": self.family,
            "intervals": "95%: over null draws for nulls; bootstrap over tokens, contexts or draws for values",
            "notes": list(self.notes),
            "text": self.text,
            "position": None
            if self.all_rows is None
            else {
                "norms": plain(self.norms),
                "all_rows": plain(self.all_rows),
                "without_row0": plain(self.without_row0),
                "judged": self.judged,
                "grid": plain(self.grid),
            },
            "tokens": None if self.tokens is None else {**plain(self.tokens), "readout": plain(self.readout)},
            "tokens_alone": plain(self.tokens_alone),
            "heads": plain(self.heads),
            "causal": plain(self.causal),
            "spaces": plain(self.spaces),
            "verdicts": plain(self.verdicts),
        }


def read(
    name: str,
    *,
    position_key: str = "",
    token_key: str = "",
    text: str | None = None,
    settings: Settings | None = None,
    stage: Stage = silent,
) -> Reading:
    """Reads a checkpoint.

    Args:
        name: Folder, weights file or hub name.
        position_key: Name of the position table, for files of no known family.
        token_key: Name of the token table, likewise.
        text: Text to run the model on; the default is English that comes with Python.
        settings: How much to read.
        stage: Told of progress.

    Returns:
        The reading.

    Raises:
        FolderError: If the checkpoint cannot be opened.
        InputError: If a table holds NaN or infinity or has fewer than four positions.
        UsageError: If k is larger than the position table allows.
    """
    settings = settings or Settings()
    opened = open_checkpoint(name, position_key=position_key, token_key=token_key)
    found: dict[str, Any] = {"notes": list(opened.notes), "verdicts": []}
    body = None
    if opened.positions is None:
        found["notes"].append(opened.no_positions)
    else:
        body = _read_positions(opened.positions, settings, stage, found)
        if opened.family and opened.family.name == "ViT" and grid_side(len(opened.positions) - 1):
            found["grid"] = measure_grid(opened.positions[1:], seed=settings.seed)
    _read_tokens(opened, body, settings, stage, found)
    model = transformer_of(opened)
    if model is None:
        found["notes"].append(
            "attention, causal tests and spaces are left out: they need a known family with its config.json, text, and "
            "an additive table as wide as the tokens"
        )
    else:
        _read_model(opened, model, text, settings, stage, found)
    found["notes"], found["verdicts"] = tuple(found["notes"]), tuple(found["verdicts"])
    place = opened.path.resolve() if Path(name).exists() else Path(name)
    label = place.name if place.name not in PLAIN_NAMES else f"{place.parent.name}/{place.name}"
    found.pop("k", None)
    found.pop("kept_rows", None)
    return Reading(name=label, family=opened.family.name if opened.family else "unknown", **found)


def _read_positions(table: np.ndarray, settings: Settings, stage: Stage, found: dict[str, Any]) -> np.ndarray:
    """Measures the table with and without row 0; gives the rows that later parts use."""
    values = checked(table)
    step = stage("positions", 2)
    norms = row_norms(values)
    found["norms"] = norms
    found["all_rows"] = measure_positions(values, seed=settings.seed)
    step(1)
    without = values[1:] if len(values) > MIN_POSITIONS else values
    if len(values) == MIN_POSITIONS:
        found["notes"].append(f"`without_row0` has every row: {MIN_POSITIONS} positions are too few to leave one out")
    found["without_row0"] = measure_positions(without, seed=settings.seed, walk_rows=len(values))
    step(1)
    outliers = list(norms.outliers)
    body = np.delete(values, outliers, axis=0)
    kept = len(body) < MIN_POSITIONS or rank(body) == 0
    if outliers:
        shown = ", ".join(str(row) for row in outliers[:8]) + (" ..." if len(outliers) > 8 else "")
        rows = f"rows {shown} have norms" if len(outliers) > 1 else f"row {shown} has a norm"
        done = "kept beside tokens: without, too little is left" if kept else "left out beside tokens"
        found["notes"].append(f"{rows} over three times or under a third of the median, {done}")
    body = values if kept else body
    found["k"] = _directions(body, settings.k)
    found["kept_rows"] = list(range(len(values))) if kept else np.delete(np.arange(len(values)), outliers).tolist()
    found["judged"] = clean = "without_row0" if 0 in outliers else "all_rows"
    found["notes"].append(f"verdicts on positions use {clean.replace('_', ' ')}")
    found["verdicts"] += position_verdicts(found[clean])
    return body


def _directions(body: np.ndarray, asked: int | None) -> int:
    """Position directions to take: no more than there are."""
    limit = rank(body)
    if asked is not None and asked > limit:
        raise UsageError(
            f"cannot take {asked} position directions: the centred table of {len(body)} rows and width "
            f"{body.shape[1]} has rank {limit}",
            hint=f"choose -k from 1 to {limit}",
        )
    return min(DIRECTIONS, limit) if asked is None else asked


def _read_tokens(
    opened: Checkpoint, body: np.ndarray | None, settings: Settings, stage: Stage, found: dict[str, Any]
) -> None:
    """Measures tokens, beside positions where both exist in one width."""
    rows = opened.tokens
    if rows is None:
        found["notes"].append("there are no tokens: the parts that need them are left out")
        return
    step = stage("tokens", 3 * rows.shape[0])
    moments = token_moments(rows, advance=step)
    if moments.count < 2 or not moments.scatter.any():
        found["notes"].append("fewer than two tokens differ: there is nothing to compare positions with")
        return
    if body is None or rows.shape[1] != body.shape[1]:
        found["tokens_alone"] = measure_alone(moments)
        found["notes"].append("tokens are measured alone: there are no positions beside them in the same width")
        return
    step = stage("tokens against positions", 2)
    found["tokens"] = measure_tokens(rows, body, k=found["k"], seed=settings.seed, moments=moments)
    step(1)
    found["readout"] = measure_readout(rows, body, moments, seed=settings.seed)
    step(1)
    found["verdicts"] += token_verdicts(found["tokens"], found["readout"])
    found["pictures"] = {"cloud": _cloud(opened, found["kept_rows"], body, moments, settings.seed)}


def _cloud(
    opened: Checkpoint, kept_rows: list[int], body: np.ndarray, moments: TokenMoments, seed: int
) -> dict[str, Any]:
    """Positions and some tokens in the leading position components, and tokens in random directions.

    `rows` are the rows of the position table that the positions are.
    """
    assert opened.tokens is not None
    rng = np.random.default_rng(seed)
    kept = components(body, min(10, len(body) - 1, body.shape[1]))
    mean = body.mean(axis=0)
    picks = rng.choice(np.flatnonzero(moments.used), min(600, moments.count), replace=False)
    vectors = opened.tokens.take(np.sort(picks))
    turned = random_frame(rng, *kept.directions.shape)
    return {
        "positions": ((body - mean) @ kept.directions).round(5).tolist(),
        "tokens": ((vectors - moments.mean) @ kept.directions).round(5).tolist(),
        "tokens_rotated": ((vectors - moments.mean) @ turned).round(5).tolist(),
        "rows": kept_rows,
    }


def _read_model(
    opened: Checkpoint,
    model: Transformer,
    text: str | None,
    settings: Settings,
    stage: Stage,
    found: dict[str, Any],
) -> None:
    """Runs the model on text: attention split, causal tests, spaces."""
    assert opened.added is not None
    assert opened.tokens is not None
    drawn = _sample(opened, model, text, settings)
    found["text"] = f"{len(drawn.tokens)} sequences of {drawn.tokens.shape[1]} tokens: {drawn.source}"
    tokens = torch.from_numpy(drawn.tokens)
    with torch.no_grad():
        step = stage("heads", (1 if model.partial else model.layers) * model.heads)
        split = measure_heads(model, tokens, seed=settings.seed, advance=step)
        found["heads"] = split.heads
        found["verdicts"].append(head_verdict(split.heads))
        words = list(drawn.words[:MAP_LENGTH])
        found.setdefault("pictures", {})["maps"] = {"words": words, "heads": split.maps, "causal": model.causal}
        if model.partial:
            found["notes"].append(f"only the first self-attention is read: {model.partial}")
        elif not settings.quick:
            rows, width = opened.added.shape
            step = stage("causal tests", count_runs(width, rows, tokens.shape[1], model.layers))
            found["causal"] = measure_effects(model, drawn, seed=settings.seed, advance=step)
            found["notes"] += found["causal"].left_out
            found["verdicts"].append(causal_verdict(found["causal"]))
            step = stage("spaces", 2 + REDRAWN)
            spaces = measure_spaces(model, tokens, seed=settings.seed, advance=step)
            found["spaces"] = spaces
            found["verdicts"].append(space_verdict(spaces.agreement, spaces.tie, spaces.tie_redrawn))


def _sample(opened: Checkpoint, model: Transformer, text: str | None, settings: Settings) -> Sample:
    assert opened.added is not None
    assert opened.tokens is not None
    return sample(
        opened.path if opened.path.is_dir() else opened.path.parent,
        vocabulary=opened.tokens.shape[0],
        length=min(settings.length, len(opened.added)),
        contexts=settings.contexts,
        text=text,
        encloses=not model.causal,
        seed=settings.seed,
    )
