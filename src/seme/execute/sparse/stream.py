"""`Sparse`: a model compiled for long decoding, its streams and their checkpoints."""

from __future__ import annotations

import ctypes
import hashlib
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from seme.core.errors import FolderError, InputError, TooLargeError, UsageError
from seme.execute.sparse.build import build
from seme.execute.sparse.generate import generate
from seme.execute.sparse.keep import Kept, read_kept, weights_digest, write_kept
from seme.execute.sparse.plan import plan, report
from seme.model.artifact import Artifact, TokenTable

MAGIC = b"seme-stream-1\n"


class Sparse:
    """A model compiled to machine code for this processor.

    Args:
        artifact: A causal model whose output is the next token.
        threads: How many streams `decode_batch` runs at a time, where it is not told.
        replay: Whether what a block's neurons write is taken from an earlier token for which they read the same.
            Without it every neuron that can be on is computed for every token; the tokens are the same.

    Attributes:
        report: What was recognised in the weights, as plain JSON.

    Raises:
        UsageError: The model labels its input, or is of a kind this executor does not run.
        MissingExtraError: The C compiler (`ziglang`) is not installed.
    """

    def __init__(self, artifact: Artifact, *, threads: int = 1, replay: bool = True):
        started = time.perf_counter()
        self._weights = weights_digest(artifact)
        if not replay:
            self._weights = hashlib.sha256(self._weights + b"every neuron").digest()
        kept = read_kept(self._weights)
        read_back = kept is not None
        if kept is None:
            kept = _planned(artifact, replay=replay)
            write_kept(self._weights, kept)
        planned = time.perf_counter()
        library = build(kept.texts)
        self.artifact = artifact
        self.threads = threads
        self.rows, self.most, self.heads = kept.rows, kept.most, kept.heads
        self.begin_alone = kept.begin_alone
        self._text_digest = library.digest
        self.report: dict[str, Any] = kept.report | {
            "planned": "read back" if read_back else "anew",
            "seconds_to_plan": planned - started,
            "seconds_to_build": time.perf_counter() - planned,
            "cached": library.cached,
        }
        self.tables = kept.tables
        self.pointers = (ctypes.c_void_p * len(self.tables))(*(table.ctypes.data for table in self.tables))
        self.calls = _declared(library.handle)

    @property
    def digest(self) -> bytes:
        """Hash of the weights and of the code made from them."""
        return hashlib.sha256(self._weights + self._text_digest.encode()).digest()

    def stream(self) -> SparseStream:
        """A stream that has read nothing yet."""
        return SparseStream(self)

    def restore(self, path: str | os.PathLike[str]) -> SparseStream:
        """A stream as `SparseStream.save` wrote it; it goes on exactly as that one would have.

        Raises:
            FolderError: The file is damaged, or of another model.
        """
        data = Path(path).read_bytes()
        head = len(MAGIC) + 32
        if not data.startswith(MAGIC) or len(data) < head + 32:
            raise FolderError(f"{path} is no checkpoint of a stream", hint="give a file that --checkpoint wrote")
        if data[len(MAGIC) : head] != self.digest:
            raise FolderError(
                f"{path} is a checkpoint of another model, or of another version of this executor",
                hint="give the model it was made with, or start anew",
            )
        body = data[head:-32]
        if hashlib.sha256(body).digest() != data[-32:]:
            raise FolderError(f"{path} is damaged: its contents do not have the hash it states", hint="start anew")
        stream = SparseStream(self)
        taken = ctypes.create_string_buffer(body, len(body))
        if self.calls.seme_read(stream.state, taken, len(body)) != len(body):
            raise FolderError(f"{path} is damaged: its stores are cut short", hint="start anew")
        return stream

    def decode_batch(
        self, prompts: Sequence[Sequence[int] | np.ndarray], most: int, threads: int | None = None
    ) -> list[np.ndarray]:
        """Continues independent prompts, each by up to `most` tokens; returns what was appended to each."""

        def one(prompt: Sequence[int] | np.ndarray) -> np.ndarray:
            stream = self.stream()
            stream.feed(prompt, choices=False)
            return stream.run(most)

        with ThreadPoolExecutor(max_workers=threads or self.threads) as pool:
            return list(pool.map(one, prompts))


class SparseStream:
    """Tokens read so far, by rows of the embedding, and the means to go on.

    Args:
        model: The compiled model.
    """

    def __init__(self, model: Sparse):
        self.model = model
        self.state = model.calls.seme_new(model.pointers)
        if not self.state:
            raise _no_memory(0)

    def __del__(self) -> None:
        state, self.state = getattr(self, "state", None), None
        if state:
            self.model.calls.seme_end(state)

    @property
    def length(self) -> int:
        """Tokens read, the begin token included."""
        return int(self.model.calls.seme_length(self.state))

    @property
    def memory(self) -> int:
        """Bytes that this stream holds."""
        return int(self.model.calls.seme_bytes(self.state))

    @property
    def replayed(self) -> int:
        """How many times a block read what it had read before, and what it wrote then was taken."""
        return int(self.model.calls.seme_replayed(self.state))

    @property
    def kept(self) -> list[tuple[int, int]]:
        """Keys that each head of the report asks: of codes, and apart from them."""
        out, pair = [], (ctypes.c_int64 * 2)()
        for head in range(self.model.heads):
            self.model.calls.seme_kept(self.state, head, pair)
            out.append((int(pair[0]), int(pair[1])))
        return out

    def feed(self, rows: Sequence[int] | np.ndarray, *, choices: bool = True) -> np.ndarray:
        """Reads given tokens; returns for each the token the model would put next after it.

        Args:
            rows: Their rows in the embedding.
            choices: False returns nothing: what only says what follows them is not computed but for the last.

        Raises:
            InputError: A row is none of the embedding's, the begin token stands elsewhere than first, or there are
                too many.
            TooLargeError: Memory is out.
        """
        rows = np.ascontiguousarray(rows, dtype=np.int64)
        self._check(rows)
        chosen = np.empty(len(rows) if choices else 0, dtype=np.int64)
        to = chosen.ctypes.data if choices else None
        read = self.model.calls.seme_feed(self.state, rows.ctypes.data, len(rows), to)
        if read < len(rows):
            raise _no_memory(self.length)
        return chosen

    def run(self, most: int) -> np.ndarray:
        """Appends up to `most` tokens of the model's own choice, fewer where one ends decoding; returns them.

        Nothing else of Python's waits meanwhile, and nothing interrupts it: a caller that wants to be interrupted
        asks for some ten thousand tokens at a time.

        Raises:
            UsageError: Nothing was read yet.
            InputError: There are no positions for more, or the model chose the begin token.
            TooLargeError: Memory is out.
        """
        if self.model.calls.seme_next(self.state) < 0:
            raise UsageError("there is nothing to continue", hint="feed a prompt that starts with the begin token")
        most = max(int(most), 0)
        able = min(most, max(self.model.most - self.length, 0))
        out = np.empty(able, dtype=np.int64)
        count = self.model.calls.seme_run(self.state, able, out.ctypes.data)
        if count < 0:
            if self.model.begin_alone and out[-1 - count] == TokenTable.BEGIN_ID:
                raise _begin_again(self.length)
            raise _no_memory(self.length)
        if able < most and not (count and int(out[count - 1]) in self.model.artifact.outputs[0].stops):
            raise self._too_long(self.length + 1)
        return out[:count]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a checkpoint, whole or not at all.

        Args:
            path: The file; one that is there is replaced.
        """
        calls = self.model.calls
        body = ctypes.create_string_buffer(calls.seme_write(self.state, None, 0))
        calls.seme_write(self.state, body, len(body))
        at = Path(path)
        part = at.with_name(f"{at.name}.{os.getpid()}.part")
        part.write_bytes(MAGIC + self.model.digest + body.raw + hashlib.sha256(body.raw).digest())
        os.replace(part, at)

    def _check(self, rows: np.ndarray) -> None:
        start, known = self.length, self.model.rows
        if len(rows) and (int(rows.min()) < 0 or int(rows.max()) >= known):
            bad = int(np.flatnonzero((rows < 0) | (rows >= known))[0])
            raise InputError(
                f"row {rows[bad]} at position {start + bad} is none of the embedding's, expected 0 to {known - 1}",
                hint="rows are what the tokenizer makes of tokens",
            )
        if start + len(rows) > self.model.most:
            raise self._too_long(start + len(rows))
        if self.model.begin_alone and len(rows):
            begins = np.flatnonzero(rows == TokenTable.BEGIN_ID) + start
            if start == 0 and rows[0] != TokenTable.BEGIN_ID:
                raise InputError(
                    f"the prompt starts with row {rows[0]}, expected the begin token (row {TokenTable.BEGIN_ID})",
                    hint="put the begin token first, or use --engine dense",
                )
            if begins[-1:].any():
                raise _begin_again(int(begins[-1]))

    def _too_long(self, asked: int) -> InputError:
        return InputError(
            f"the model has positions for {self.model.most} tokens, got {asked}",
            hint="make the model for more, as with seme machine rv32im --max-length N -o DIR",
        )


def _no_memory(length: int) -> TooLargeError:
    return TooLargeError(f"memory is out after {length} tokens", hint="run fewer, or on a larger machine")


def _begin_again(position: int) -> InputError:
    return InputError(
        f"the begin token stands at position {position}, expected it first and nowhere else: what is known of this "
        "model's heads holds only then",
        hint="use --engine dense",
    )


def _planned(artifact: Artifact, *, replay: bool = True) -> Kept:
    made = plan(artifact, replay=replay)
    source = generate(made)
    return Kept(
        texts=source.texts,
        tables=source.tables,
        rows=len(made.model.embed),
        most=made.model.places.most,
        begin_alone=made.model.paired,
        heads=sum(len(block.heads) for block in made.blocks),
        report=report(made),
    )


def _declared(library: ctypes.CDLL) -> ctypes.CDLL:
    pointer, integer = ctypes.c_void_p, ctypes.c_int64
    for name, result, parameters in (
        ("seme_new", pointer, [pointer]),
        ("seme_end", None, [pointer]),
        ("seme_feed", integer, [pointer, pointer, integer, pointer]),
        ("seme_run", integer, [pointer, integer, pointer]),
        ("seme_length", integer, [pointer]),
        ("seme_next", integer, [pointer]),
        ("seme_bytes", integer, [pointer]),
        ("seme_replayed", integer, [pointer]),
        ("seme_kept", None, [pointer, integer, pointer]),
        ("seme_write", integer, [pointer, pointer, integer]),
        ("seme_read", integer, [pointer, pointer, integer]),
    ):
        call = getattr(library, name)
        call.restype, call.argtypes = result, parameters
    return library
