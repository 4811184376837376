"""Runs a Turing machine's model: feeds the prompt, takes tokens by the thousand, reads what they say.

The stream that decodes knows nothing of all this; it continues a prompt.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from zipfile import BadZipFile

import numpy as np

from seme.core.errors import FolderError, UsageError
from seme.execute import DenseStream, Stream
from seme.machines.turing.program import Machine
from seme.machines.turing.replay import Replay
from seme.model.artifact import Artifact, TokenTable

CHUNK = {"sparse": 1 << 16, "dense": 64}
"""Tokens between two looks at the clock and the keyboard: some hundredths of a second."""

SAVE_EVERY = 60.0
"""Seconds between two checkpoints."""

Engine = Literal["sparse", "dense"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run came to.

    Attributes:
        end: "halted"; "edge" where the head left the tape; "steps" or "length" where the steps asked for, or the
            longest trace of the model, were reached; "stopped" where the caller wanted no more.
        replay: The tape and the head.
        tokens: Tokens decoded in this run.
        seconds: Time they took, reading them included.
    """

    end: str
    replay: Replay
    tokens: int
    seconds: float


def run(
    machine: Machine,
    artifact: Artifact,
    *,
    tape: Mapping[int, int] | None = None,
    most: int | None = None,
    engine: Engine = "sparse",
    checkpoint: str | Path | None = None,
    tick: Callable[[int], None] = lambda steps: None,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Decodes until the machine halts, or a limit is reached.

    Args:
        machine: How to talk to the model.
        artifact: The model.
        tape: Place, counted from the head, to symbol; blank elsewhere.
        most: The most steps, those before a checkpoint included.
        engine: "sparse", or "dense", the definition.
        checkpoint: A file: where it is there, the run goes on from it; written every minute, and where a run ends
            without halting.
        tick: Called with the steps just taken.
        stop: Asked between chunks; True ends the run.

    Raises:
        InputError: The tape does not fit the machine.
        FolderError: The checkpoint is damaged, or of another run.
        TraceError: The tokens contradict each other.
        UsageError: A checkpoint was asked for with the engine that writes none.
    """
    if checkpoint is not None and engine != "sparse":
        raise UsageError("--checkpoint needs --engine sparse", hint="the dense engine keeps every token's keys")
    row = machine.program.vocabulary.row
    prompt = np.array([row(token) for token in machine.prompt(tape)], dtype=np.int64)
    kept = _Checkpoint(artifact, machine, prompt, Path(checkpoint)) if checkpoint is not None else None
    stream, replay = _opened(artifact, machine, prompt, engine, kept)
    longest = artifact.positions.longest if artifact.positions is not None else artifact.spec.n_positions - 1
    room = min(longest, artifact.certificate.get("length", longest)) + 1 - stream.length
    limit = room if most is None else min(room, max(most - replay.steps, 0))
    started = saved = time.perf_counter()
    taken, stopped = 0, False
    while taken < limit and not replay.end and not (stopped := stop()):
        rows = stream.run(min(CHUNK[engine], limit - taken))
        replay.feed(rows - TokenTable.FIRST_ID)
        taken += len(rows)
        tick(len(rows))
        now = time.perf_counter()
        if kept is not None and now - saved > SAVE_EVERY:
            kept.write(stream, replay)
            saved = now
    seconds = time.perf_counter() - started
    if kept is not None and not replay.end:
        kept.write(stream, replay)
    limits = "steps" if most is not None and replay.steps >= most else "length"
    end = replay.end or ("stopped" if stopped else limits)
    return Outcome(end=end, replay=replay, tokens=taken, seconds=seconds)


def _opened(
    artifact: Artifact, machine: Machine, prompt: np.ndarray, engine: Engine, kept: _Checkpoint | None
) -> tuple[Stream, Replay]:
    """A stream that has read the prompt, or one that goes on from the checkpoint, and what was read of it."""
    if kept is not None:
        resumed = kept.read()
        if resumed is not None:
            return resumed
    stream: Stream
    if engine == "sparse":
        from seme.execute.sparse import Sparse

        stream = Sparse(artifact).stream()
    else:
        stream = DenseStream(artifact)
    stream.feed(np.array([TokenTable.BEGIN_ID, *(prompt + TokenTable.FIRST_ID)]), choices=False)
    replay = Replay(machine)
    replay.prompt(prompt)
    return stream, replay


class _Checkpoint:
    """A file that holds a stream and what was read of its tokens."""

    def __init__(self, artifact: Artifact, machine: Machine, prompt: np.ndarray, path: Path):
        self._artifact, self._machine, self._path = artifact, machine, path
        self._prompt = hashlib.sha256(machine.program.name.encode() + prompt.tobytes()).digest()

    def write(self, stream: Stream, replay: Replay) -> None:
        """Writes the file, whole or not at all."""
        with tempfile.TemporaryDirectory() as folder:
            inner = Path(folder) / "stream"
            stream.save(inner)  # pyright: ignore[reportAttributeAccessIssue]
            data = np.frombuffer(inner.read_bytes(), dtype=np.uint8)
        whole = io.BytesIO()
        held = {"prompt": np.frombuffer(self._prompt, dtype=np.uint8), "stream": data} | replay.state()
        np.savez(whole, **held)  # pyright: ignore[reportArgumentType]
        part = self._path.with_name(f"{self._path.name}.{os.getpid()}.part")
        part.write_bytes(whole.getvalue())
        os.replace(part, self._path)

    def read(self) -> tuple[Stream, Replay] | None:
        """The stream and what was read of it; None where there is no file.

        Raises:
            FolderError: The file is damaged, or of another machine or tape.
        """
        from seme.execute.sparse import Sparse

        if not self._path.exists():
            return None
        try:
            with np.load(io.BytesIO(self._path.read_bytes())) as kept:
                held = {name: kept[name] for name in kept.files}
            mark = held["prompt"].tobytes()
        except (OSError, ValueError, EOFError, KeyError, BadZipFile) as error:
            raise FolderError(
                f"{self._path} is no checkpoint of a Turing machine ({error})", hint="give another file, or remove it"
            ) from error
        if mark != self._prompt:
            raise FolderError(
                f"{self._path} is a checkpoint of another machine, or of another tape",
                hint="give the same TABLE and --tape, or another file",
            )
        with tempfile.TemporaryDirectory() as folder:
            inner = Path(folder) / "stream"
            inner.write_bytes(held["stream"].tobytes())
            stream = Sparse(self._artifact).restore(inner)
        return stream, Replay.restored(self._machine, held)
