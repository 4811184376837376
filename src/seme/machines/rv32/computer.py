"""A model as a computer: a program's prompt is read, tokens are appended until one says that the program has ended.

The decoding loop is `execute`'s and knows nothing of programs; what is here only says what the tokens mean.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from seme.core.errors import DivergenceError, FolderError, TooLargeError
from seme.core.memory import free_memory
from seme.execute.stream import FEED, DenseStream, Stream
from seme.machines.rv32.counting import IDLE, Counter, End
from seme.machines.rv32.elf import Program
from seme.machines.rv32.machine import Tokens, prompt_rows
from seme.machines.rv32.machine.vocabulary import DIGIT_BITS
from seme.model.artifact import Artifact, TokenTable
from seme.model.transformer import Hook

Engine = Literal["sparse", "dense"]

FIRST, MOST = 64, 1 << 14
"""Tokens of the first chunk, and of the largest."""

PATIENCE = 0.1
"""Seconds that a chunk shall take: output and an interruption wait no longer."""

BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}


class Computer:
    """A machine's weights with an engine that decodes them.

    Args:
        artifact: The model, as `compile_trace(rv32_program())` makes it.
        engine: "sparse" is fast, "dense" is the definition.
        replay: Whether the sparse engine replays what neurons did; see `Sparse`.

    Attributes:
        tokens: The machine's vocabulary.

    Raises:
        FolderError: The model is not this machine.
        MissingExtraError: The sparse engine's compiler is not installed.
    """

    def __init__(self, artifact: Artifact, *, engine: Engine = "sparse", replay: bool = True):
        from seme.execute.sparse import Sparse

        self.artifact, self.engine = artifact, engine
        self.tokens = vocabulary_of(artifact)
        self.sparse = Sparse(artifact, replay=replay) if engine == "sparse" else None

    def stream(self, hook: Hook | None = None) -> Stream:
        """A stream that has read nothing yet; a hook sees what the dense engine computes."""
        return self.sparse.stream() if self.sparse is not None else DenseStream(self.artifact, hook=hook)

    def start(self, program: Program, stdin: bytes = b"", *, hook: Hook | None = None) -> Run:
        """A run of a program, at its start."""
        return Run(self, program, stdin, self.stream(hook))


def vocabulary_of(artifact: Artifact) -> Tokens:
    """The vocabulary of an RV32 machine.

    Raises:
        FolderError: The model is none.
    """
    texts = artifact.tokens.texts
    for digit_bits in DIGIT_BITS:
        tokens = Tokens(digit_bits)
        if len(texts) == sum(tokens.sizes.values()) and tuple(texts) == tokens.texts:
            return tokens
    raise FolderError(
        f"this model is no RV32 machine: it has {len(texts):,} tokens, the first is {texts[0]!r}, expected 'd0' and on",
        hint="seme machine rv32im -o DIR makes one",
    )


class Run:
    """A program on a computer, from its prompt to its end.

    Args:
        computer: The machine.
        program: Memory and entry.
        stdin: The standard input.
        stream: Where it is decoded; it has read nothing yet, or the run is restored.

    Attributes:
        counter: What the tokens said so far.
        prompt: Rows of the prompt, those of the embedding.
        digest: Names the program, its input and the size of digits.
    """

    def __init__(self, computer: Computer, program: Program, stdin: bytes, stream: Stream):
        self.computer, self.program, self.stdin, self.stream = computer, program, stdin, stream
        self.counter = Counter(computer.tokens, program)
        rows = prompt_rows(computer.tokens, program, stdin)
        self.prompt = np.array([TokenTable.BEGIN_ID, *(row + TokenTable.FIRST_ID for row in rows)], np.int64)
        self.digest = hashlib.sha256(self.prompt.tobytes()).hexdigest()
        self._expect_room()

    def feed(self, stopped: Callable[[], bool] = lambda: False) -> bool:
        """Reads what the stream has not read of the prompt; False where it was stopped before its end."""
        while self.stream.length < len(self.prompt):
            if stopped():
                return False
            at = self.stream.length
            _within_memory(lambda at=at: self.stream.feed(self.prompt[at : at + FEED], choices=False), at)
        return True

    def more(self, most: int) -> np.ndarray:
        """Appends tokens, at most so many; gives their rows in the vocabulary. The counter does not read them."""
        return _within_memory(lambda: self.stream.run(most), self.stream.length) - TokenTable.FIRST_ID

    def _expect_room(self) -> None:
        """The dense engine keeps a key and a value of every token; the sparse one keeps those that can be asked for."""
        spec = self.computer.artifact.spec
        need = 2 * len(self.prompt) * spec.layers * spec.d_model * BYTES[spec.dtype]
        free = free_memory()
        if self.computer.engine == "dense" and free and need > free:
            raise TooLargeError(
                f"not enough memory for this run: the prompt has {len(self.prompt):,} tokens, whose keys and values "
                f"take {need / 1e9:.1f} GB; {free / 1e9:.1f} GB are free",
                hint="use --engine sparse, which keeps only keys that can still be asked for",
            )


def expect_progress(counter: Counter) -> None:
    """Stops a machine that emits tokens for ever and carries nothing out: no program does that.

    Raises:
        FolderError: It has.
    """
    if counter.end is None and counter.idle >= IDLE:
        raise FolderError(
            f"the machine emitted {counter.idle:,} tokens after instruction {counter.instructions:,} at pc "
            f"{counter.pc:#010x} and carried none out, expected at most {IDLE:,}: its weights are damaged",
            hint="seme machine rv32im -o DIR makes the machine anew",
        )


def _within_memory(work: Callable[[], np.ndarray], tokens: int) -> np.ndarray:
    try:
        return work()
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        raise TooLargeError(
            f"memory is out after {tokens:,} tokens", hint="run fewer, use --engine sparse, or a larger machine"
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a run came to.

    Attributes:
        end: How the program ended; None where the run was stopped before, or diverged.
        interrupted: Whether it was asked to stop.
        divergence: Where it was held to an emulator, the first instruction that differs.
        instructions: Carried out in this run.
        tokens: Emitted in this run, without the prompt.
        seconds: For the prompt and the tokens.
    """

    end: End | None
    interrupted: bool
    divergence: DivergenceError | None = None
    instructions: int
    tokens: int
    seconds: float


def carry_on(
    run: Run,
    *,
    most: int | None = None,
    output: Callable[[bytes], None] = lambda some: None,
    seen: Callable[[Counter], None] = lambda counter: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Ran:
    """Runs until the program ends, or for so many instructions.

    Args:
        run: The run; it stands afterwards where it was stopped, and may be carried on.
        most: The most instructions, those before included. Never one more: an instruction has at least one token.
        output: Called with bytes as they are put out.
        seen: Called with the counter after every chunk.
        stopped: Asked between chunks whether to stop.
    """
    counter = run.counter
    before, chunk, started = (counter.instructions, counter.tokens), FIRST, time.perf_counter()
    fed = run.feed(stopped)
    while fed and counter.end is None and not stopped():
        left = chunk if most is None else min(chunk, most - counter.instructions)
        if left <= 0:
            break
        began = time.perf_counter()
        some = counter.read(run.more(left))
        if some:
            output(some)
        expect_progress(counter)
        seen(counter)
        took = time.perf_counter() - began
        chunk = min(MOST, 2 * chunk) if took < PATIENCE / 2 else max(FIRST, chunk // 2) if took > PATIENCE else chunk
    return Ran(
        end=counter.end,
        interrupted=counter.end is None and stopped(),
        instructions=counter.instructions - before[0],
        tokens=counter.tokens - before[1],
        seconds=time.perf_counter() - started,
    )
