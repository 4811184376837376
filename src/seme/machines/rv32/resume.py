"""Checkpoints of runs: the stream as the sparse engine saves it, and what was read of its tokens.

A file is a line that says what it is, a line of JSON, and the stream.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from seme.core.errors import FolderError, UsageError
from seme.execute.sparse import SparseStream
from seme.machines.rv32.computer import Run

MAGIC = b"seme-run-1\n"


def save_run(run: Run, path: str | os.PathLike[str], output: bytes) -> None:
    """Writes a checkpoint, whole or not at all.

    Args:
        run: A run of the sparse engine.
        path: The file; one that is there is replaced.
        output: All bytes that the program put out.

    Raises:
        UsageError: The engine cannot save its state, or the file cannot be written.
    """
    if not isinstance(run.stream, SparseStream):
        raise UsageError("the dense engine has no checkpoints", hint="use --engine sparse")
    at = Path(path)
    told = {"run": run.digest, "counter": run.counter.state(), "output": output.decode("latin-1")}
    line = json.dumps(told, sort_keys=True).encode()
    part = at.with_name(f"{at.name}.{os.getpid()}.run")
    try:
        with tempfile.TemporaryDirectory(prefix="seme-", dir=at.parent) as folder:
            run.stream.save(Path(folder) / "stream")
            stream = (Path(folder) / "stream").read_bytes()
        part.write_bytes(MAGIC + line + b"\n" + hashlib.sha256(line).hexdigest().encode() + b"\n" + stream)
        os.replace(part, at)
    except OSError as error:
        raise UsageError(
            f"cannot write the checkpoint `{path}`: {error.strerror or error}", hint="give another file"
        ) from error


def load_run(run: Run, path: str | os.PathLike[str]) -> bytes:
    """Takes a run that has not begun to where a checkpoint was written.

    Args:
        run: Of the same program, standard input and model.
        path: The file.

    Returns:
        What the program had put out.

    Raises:
        FolderError: The file is damaged, or of another program, input or model.
        UsageError: The engine has no checkpoints.
    """
    if run.computer.sparse is None:
        raise UsageError("the dense engine has no checkpoints", hint="use --engine sparse")
    told, stream = _parts(Path(path))
    if told["run"] != run.digest:
        raise FolderError(
            f"{path} is a checkpoint of another program, or of another standard input",
            hint="give the program and the input it was made with, or another file",
        )
    with tempfile.TemporaryDirectory(prefix="seme-") as folder:
        at = Path(folder) / "stream"
        at.write_bytes(stream)
        try:
            run.stream = run.computer.sparse.restore(at)
        except FolderError as error:
            # The stream was taken out of the user's file, which is the one to name.
            raise FolderError(error.message.replace(str(at), str(path)), hint=error.hint) from error
    run.counter.restore(told["counter"])
    return told["output"].encode("latin-1")


def _parts(path: Path) -> tuple[dict[str, Any], bytes]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FolderError(f"cannot read `{path}`: {error.strerror or error}", hint="give another file") from error
    line, _, rest = data[len(MAGIC) :].partition(b"\n")
    digest, _, stream = rest.partition(b"\n")
    if not data.startswith(MAGIC) or hashlib.sha256(line).hexdigest().encode() != digest:
        raise FolderError(
            f"{path} is no checkpoint of a run, or is damaged", hint="give a file that --checkpoint wrote"
        )
    return json.loads(line), stream
