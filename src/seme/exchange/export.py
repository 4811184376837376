"""One door to every foreign format: written, then run in the foreign runtime and compared before it is believed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seme.core.errors import MissingExtraError, SemeError, UsageError
from seme.exchange.hf import to_transformers
from seme.exchange.lens import to_lens
from seme.exchange.onnx import run_onnx, save_onnx, to_onnx
from seme.exchange.writer import save
from seme.execute.decode import decode
from seme.execute.dense import Dense, pad
from seme.model.artifact import Artifact, TokenTable

KINDS = ("hf", "onnx", "transformer-lens")
SAMPLES = 32
"""Inputs that are run in both: one of full length, one of length one, the rest random, all in one padded batch."""

PROMPT = 64
"""Tokens of the longest for a model that continues its input: its position table is for traces, not for a batch."""

LEAD = 0.5
"""By which a next token must be ahead of another to be a choice: a program's is, by 1 at least, but a random prompt may
be none of the program's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written and how it compared.

    Attributes:
        path: The file or folder.
        compared: Inputs run in both runtimes; 0 where the foreign runtime is not installed.
        largest_difference: Largest difference of a logit.
    """

    path: Path
    compared: int
    largest_difference: float


def export(artifact: Artifact, kind: str, out: str | Path) -> Exported:
    """Writes a model for another tool and compares the answers.

    Args:
        artifact: The model.
        kind: "hf": an ordinary folder. "onnx": one file; a path that does not end in .onnx is a folder to hold
            model.onnx. "transformer-lens": an ordinary folder, for `seme.exchange.lens.load_lens`.
        out: Where to write.

    Raises:
        UsageError: There is no such kind, or it has no form for this float type.
        MissingExtraError: The library that makes it is not installed.
        FolderError: It cannot be written there.
        SemeError: The foreign runtime gives other answers; nothing is written.
    """
    if kind not in KINDS:
        raise UsageError(f"cannot export to {kind!r}, expected one of {', '.join(KINDS)}", hint="--to hf")
    if kind == "onnx" and (Path(out) / "meaning.json").exists():
        raise UsageError(f"`{out}` is a model folder of ours", hint="write the ONNX file somewhere else: -o model.onnx")
    try:
        compared, difference = _compare(artifact, _runner(artifact, kind))
    except MissingExtraError:
        # A plain folder needs no library of others: it can be written here and read elsewhere.
        if kind != "hf":
            raise
        compared, difference = 0, 0.0
    path = Path(out)
    if kind == "onnx":
        path = save_onnx(artifact, path if path.suffix == ".onnx" else path / "model.onnx")
    else:
        path = save(artifact, path)
    return Exported(path=path, compared=compared, largest_difference=difference)


def _runner(artifact: Artifact, kind: str) -> Callable[[Tensor, Tensor], Tensor]:
    """Runs ids and mask in the foreign runtime."""
    if kind == "onnx":
        return run_onnx(to_onnx(artifact))
    if kind == "hf":
        model = to_transformers(artifact, attention="sdpa")
        return lambda ids, mask: model(input_ids=ids, attention_mask=mask).logits
    bridge = to_lens(artifact)
    return lambda ids, mask: bridge(ids, attention_mask=mask, return_type="logits")


def _compare(artifact: Artifact, run: Callable[[Tensor, Tensor], Tensor]) -> tuple[int, float]:
    lengths, ids = _sample(artifact)
    mask = torch.arange(ids.shape[1]) <= torch.tensor(lengths)[:, None]
    with torch.inference_mode():
        # What stands at the begin token is no answer.
        real = mask[:, 1:]
        ours = Dense(artifact).run_ids(ids, mask)[:, 1:][real]
        theirs = run(ids, mask.long())[:, 1:][real].to(ours.dtype)
    for block in artifact.outputs:
        if block.kind == "next":
            _same_choices(ours, theirs)
        elif block.kind == "category" or block.integers or block.max_denominator:
            pairs = zip(decode(block, ours), decode(block, theirs), strict=True)
            wrong = [pair for pair in pairs if pair[0] != pair[1]]
            if wrong:
                raise SemeError(
                    f"the exported model answers otherwise: output `{block.name}` gives {wrong[0][1]!r} for "
                    f"{wrong[0][0]!r}, {len(wrong)} of {len(ours)} values differ",
                    hint="use a wider float type (--dtype float64), or report this with the output of `seme doctor`",
                )
    return len(lengths), float((ours - theirs).abs().max())


def _same_choices(ours: Tensor, theirs: Tensor) -> None:
    behind = ours.max(-1).values - ours.gather(-1, theirs.argmax(-1, keepdim=True))[:, 0]
    wrong = int((~(behind < LEAD)).sum())
    if wrong:
        raise SemeError(
            f"the exported model answers otherwise: {wrong} of {len(ours)} next tokens differ",
            hint="use a wider float type (--dtype float64), or report this with the output of `seme doctor`",
        )


def _sample(artifact: Artifact) -> tuple[list[int], Tensor]:
    """Lengths and rows of random inputs, the same on every run."""
    draw = random.Random(0)
    most, first, rows = artifact.spec.n_positions - 1, TokenTable.FIRST_ID, artifact.spec.d_vocab
    if artifact.spec.continues:
        most = min(most, PROMPT)
    if most < 1 or rows <= first:
        raise UsageError("the model takes no tokens, so there is nothing to compare", hint="see seme show")
    lengths = [most, 1] + [draw.randint(1, most) for _ in range(SAMPLES - 2)]
    ids = [[draw.randrange(first, rows) for _ in range(length)] for length in lengths]
    return lengths, torch.tensor(pad(ids))


def told(exported: Exported, kind: str) -> dict[str, Any]:
    """The result as plain JSON."""
    return {
        "schema_version": 1,
        "to": kind,
        "path": str(exported.path),
        "compared": exported.compared,
        "largest_difference": exported.largest_difference,
    }
