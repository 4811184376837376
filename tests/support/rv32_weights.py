"""Runs of the RV32IM machine's weights: prompts as rows, lock step with an emulator, and weights changed on purpose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from seme.compiler.trace import compile_trace
from seme.execute.stream import Stream
from seme.machines.rv32.elf import Program, Segment
from seme.machines.rv32.instructions import decode
from seme.machines.rv32.machine import Listener, Said, Tokens, prompt_rows, rv32_program
from seme.machines.rv32.memory import Memory
from seme.machines.rv32.memory_map import MASK
from seme.machines.rv32.reference import Reference
from seme.machines.rv32.retired import Retired, Stepper, run
from seme.model.artifact import Artifact, TokenTable
from seme.model.transformer import forward

TOKENS = Tokens(8)
AT_ONCE = 1 << 14
"""Tokens asked of the weights before the emulator follows."""


def compiled(longest: int = 1 << 32, *, positions: int | None = None) -> Artifact:
    """The machine with 8-bit digits, proved for `longest` tokens in float64, `positions` of them in the table."""
    return compile_trace(rv32_program(8, longest=longest), max_length=positions)


def prompt(program: Program, stdin: bytes = b"") -> np.ndarray:
    """The prompt, by rows of the embedding."""
    return np.array([TokenTable.BEGIN_ID, *(row + TokenTable.FIRST_ID for row in prompt_rows(TOKENS, program, stdin))])


@dataclass(slots=True, kw_only=True)
class Run:
    """What a run in lock step showed.

    Attributes:
        instructions: How many agreed.
        tokens: What the weights emitted, by rows of the embedding; empty where the run was told not to keep them.
        count: How many those were.
        names: How often each instruction agreed.
        said: How often the result of each was said by the tokens, and agreed.
        output: Bytes put out.
        divergence: The first difference, or None.
        last: The last instruction that the emulator carried out.
    """

    instructions: int
    tokens: np.ndarray
    count: int
    names: Counter[str]
    said: Counter[str]
    output: bytes
    divergence: str | None
    last: Retired | None


def lock_step(
    stream: Stream,
    program: Program,
    emulator: Stepper,
    stdin: bytes = b"",
    *,
    most: int = 1 << 20,
    at_once: int = AT_ONCE,
    keep: bool = True,
) -> Run:
    """Runs a program in the weights beside an emulator, to the program's end or the first difference.

    Args:
        stream: A stream of the weights that has read nothing.
        program: The program.
        emulator: The emulator, at the program's start.
        stdin: The standard input.
        most: The most tokens.
        at_once: How many tokens are asked for at a time.
        keep: Whether the tokens are kept.
    """
    stream.feed(prompt(program, stdin))
    listener, kept, output = Listener(TOKENS, program), [], bytearray()
    out = Run(
        instructions=0,
        tokens=np.array([], dtype=np.int64),
        count=0,
        names=Counter(),
        said=Counter(),
        output=b"",
        divergence=None,
        last=None,
    )
    going = True
    while going and out.count < most:
        rows = stream.run(min(at_once, most - out.count))
        going = len(rows) > 0
        kept += [rows] * keep
        for row in rows.tolist():
            out.count += 1
            said = listener.read(row - TokenTable.FIRST_ID) if row >= TokenTable.FIRST_ID else None
            if said is None:
                continue
            out.last = emulator.step()
            output += said.output
            out.divergence = _note(out, said, out.last)
            if out.divergence or out.last.halted:
                going = False
                break
    out.tokens = np.concatenate(kept)[: out.count] if kept else out.tokens
    out.output = bytes(output)
    return out


def _note(out: Run, said: Said, done: Retired) -> str | None:
    """Counts one instruction, or tells how it differs."""
    field = said.differs(done)
    if field:
        return f"instruction {out.instructions} at pc {done.pc:#x}: {field} differs: {said} and {done}"
    found = decode(done.word)
    name = found.name if found else "illegal"
    out.instructions += 1
    out.names[name] += 1
    out.said[name] += said.value is not None
    return None


def damaged(artifact: Artifact, name: str, place: Sequence[int]) -> Artifact:
    """The same model with the sign of one weight changed."""
    weight = artifact.weights[name].clone()
    assert weight[tuple(place)] != 0
    weight[tuple(place)] *= -1
    return replace(artifact, weights={**artifact.weights, name: weight})


class Foretold:
    """A slow stream that is not made to decode, token by token, what it is known to choose.

    One pass over the prompt and a trace tells what the weights choose after each token. Up to the first token that
    they would choose otherwise, decoding would give the trace; from there on they decode for themselves.

    Args:
        make: Makes a stream of the weights that has read nothing.
        trace: What other weights emit after the prompt.
    """

    def __init__(self, make: Callable[[], Stream], trace: np.ndarray):
        self._make, self._trace = make, trace
        self._stream = make()
        self.agreed = 0

    @property
    def length(self) -> int:
        """Tokens read by the stream."""
        return self._stream.length

    def feed(self, rows: Sequence[int] | np.ndarray, *, choices: bool = True) -> np.ndarray:
        """Reads the prompt, and as much of the trace as the weights choose themselves."""
        given = np.asarray(rows)
        chosen = self._stream.feed(np.concatenate([given, self._trace]))[len(given) - 1 : -1]
        wrong = np.flatnonzero(chosen != self._trace)
        self.agreed = int(wrong[0]) if len(wrong) else len(self._trace)
        if len(wrong):
            self._stream = self._make()
            self._stream.feed(np.concatenate([given, self._trace[: self.agreed]]))
        self._left = self._trace[: self.agreed]
        return given

    def run(self, most: int) -> np.ndarray:
        """The trace as far as it is the weights' own, then what they decode."""
        if len(self._left):
            out, self._left = self._left[:most], self._left[most:]
            return out
        return self._stream.run(most)


Place = tuple[str, tuple[int, ...]]


def exercised(artifact: Artifact, prompt: np.ndarray, emitted: np.ndarray) -> dict[str, list[Place]]:
    """The weights, not zero, that take part in a run: by kind, each as a name and a place.

    Of neurons those that are on at some emitted token, of the embedding and the unembedding those of emitted tokens;
    heads look at every token.
    """
    whole, on = np.concatenate([prompt, emitted]), {}

    def note(name: str, value: torch.Tensor) -> None:
        if name.endswith("mlp.hook_post"):
            on[name.rpartition(".mlp")[0]] = (value[0, len(prompt) - 1 :] > 0).any(dim=0)

    with torch.inference_mode():
        forward(artifact.spec, artifact.weights, torch.from_numpy(whole)[None], hook=note)
    said = torch.zeros(artifact.spec.d_vocab, dtype=torch.bool)
    said[emitted] = True
    found: dict[str, list[Place]] = {"attn": [], "mlp": [], "embed": [], "unembed": []}
    for name, weight in artifact.weights.items():
        part, last = name.split(".")[-2], name.split(".")[-1]
        if part not in found or last in ("W_pos", "b_out", "b_O", "b_U"):
            continue
        taking = weight != 0
        if part == "mlp":
            active = on[name.rpartition(".mlp")[0]]
            taking &= active[:, None] if last == "W_out" else active
        elif part in ("embed", "unembed"):
            taking &= said[:, None] if part == "embed" else said
        found[part] += [(name, tuple(place)) for place in taking.nonzero().tolist()]
    return found


class _Watched(Memory):
    """A memory that knows which words were read."""

    def __init__(self, program: Program):
        super().__init__(program)
        self.read: set[int] = set()

    def load(self, address: int, size: int) -> int:
        self.read |= {(address + i & MASK) & ~3 for i in range(size)}
        return super().load(address, size)


def touched(program: Program, stdin: bytes, instructions: int) -> Program:
    """The program with only those words of memory that its first instructions read: a prompt of little else."""
    reference = Reference(program, stdin)
    reference.memory = memory = _Watched(program)
    run(reference, limit=instructions)
    words = [(address, word) for address, word in program.words() if address in memory.read]
    segments = tuple(Segment(address=address, data=word.to_bytes(4, "little")) for address, word in words)
    return Program(entry=program.entry, segments=segments)
