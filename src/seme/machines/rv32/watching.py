"""Runs that are followed instruction by instruction: held to an independent emulator, or told.

The sparse engine shows tokens only, so what it is held to is what tokens say. Under the dense engine the stream is
read too: every register that is written and every byte that is stored.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from seme.core.errors import DivergenceError, FolderError
from seme.machines.rv32.computer import FIRST, PATIENCE, Computer, Ran, Run, expect_progress
from seme.machines.rv32.counting import Counter
from seme.machines.rv32.elf import Program
from seme.machines.rv32.emulator import Emulator
from seme.machines.rv32.instructions import Instruction, decode, disassemble
from seme.machines.rv32.machine import Listener, Said
from seme.machines.rv32.memory_map import MASK
from seme.machines.rv32.retired import Retired
from seme.machines.rv32.witness import Witness

CHUNK = 1 << 14

FETCHES = {"R": ("rs1", "rs2"), "I": ("rs1",), "H": ("rs1",), "S": ("rs1", "rs2"), "B": ("rs1", "rs2")}
"""Which heads' values an instruction of a kind uses."""


class Watcher:
    """Follows a run.

    Args:
        computer: The machine.
        program: Memory and entry.
        stdin: The standard input.
        checked: Whether it is held to the emulator.
        trace: Called with a line for every instruction.

    Attributes:
        hook: What a dense stream must be made with.
    """

    def __init__(
        self,
        computer: Computer,
        program: Program,
        stdin: bytes = b"",
        *,
        checked: bool,
        trace: Callable[[str], None] | None = None,
    ):
        self._tokens = computer.tokens
        self._listener = Listener(computer.tokens, program)
        self._emulator = Emulator(program, stdin) if checked else None
        self._trace = trace
        self._witness = Witness(computer.artifact) if computer.engine == "dense" else None
        self.hook = None if self._witness is None else self._witness.hook
        self._heads = _heads(computer)
        self._registers: list[int | None] = [0] * 32
        self._at = self._begins = self._asks = 0
        self._renewing = False

    def begin(self) -> None:
        """The prompt has been read; its last token's position is counted as 0."""
        if self._witness is not None:
            self._witness.begin()

    def read(self, rows: np.ndarray) -> None:
        """Goes on by a chunk.

        Raises:
            DivergenceError: An instruction differs from the emulator's.
        """
        for row in rows.tolist():
            self._at += 1
            said = self._listener.read(row)
            if said is None:
                self._go_on(self._tokens.kind(row)[0])
                continue
            if self._emulator is not None:
                self._compare(said, self._emulator.step())
            if self._trace is not None:
                self._trace(self._line(said))
            self._learn(said)
            self._begins = self._asks = self._at
        if self._witness is not None:
            self._witness.forget(self._begins)

    def idle(self, counter: Counter) -> DivergenceError | None:
        """The difference where the weights emit tokens for ever and carry nothing out, as the emulator would.

        Raises:
            FolderError: They do, and there is no emulator.
        """
        try:
            expect_progress(counter)
        except FolderError as error:
            if self._emulator is None:
                raise
            told: dict[str, int | str] = {"instruction": counter.instructions, "pc": counter.pc, "field": "progress"}
            return DivergenceError(error.message, hint=error.hint, told=told)
        return None

    def _go_on(self, kind: str) -> None:
        """Notes where the instruction begins, and where its registers are fetched, by a token that does not end it."""
        if kind == "code":
            self._renewing = True
        elif kind == "a" and self._renewing:
            # What stood where new code was put is not carried out: the instruction begins after its word.
            self._begins = self._asks = self._at
            self._renewing = False
        elif kind in ("y", "j"):
            self._asks = self._at

    def _compare(self, said: Said, done: Retired) -> None:
        field = said.differs(done)
        if field is not None:
            raise self._divergence(said, field, getattr(said, field, said.taken), getattr(done, field, None))
        if self._witness is None or done.halted:
            return
        written = self._witness.written(self._at)
        if written != ((done.rd, done.value) if done.rd else None):
            raise self._divergence(said, "register", written, (done.rd, done.value))
        # What a token says was worked out at the position before it.
        stored: dict[int, int] = {}
        for at in range(self._begins, self._at):
            stored |= self._witness.stored(at)
        bytes_ = {a + i & MASK: v >> 8 * i & 255 for a, size, v in done.stores for i in range(size)}
        if stored != bytes_:
            raise self._divergence(said, "stores", stored, bytes_)

    def _divergence(self, said: Said, field: str, mine: object, other: object) -> DivergenceError:
        index, weights, emulator = self._listener.instructions - 1, _shown(mine), _shown(other)
        return DivergenceError(
            f"instruction {index:,} at pc {said.pc:#010x} (`{_text(said)}`): {field} is "
            f"{weights} by the weights, expected {emulator} as the emulator has it",
            hint="the model was damaged, or is none of this version: seme machine rv32im -o DIR makes it anew",
            told={
                "instruction": index,
                "pc": said.pc,
                "word": said.word,
                "text": _text(said),
                "field": field,
                "weights": weights,
                "emulator": emulator,
            },
        )

    def _line(self, said: Said) -> str:
        found = decode(said.word)
        parts = [f"{self._listener.instructions - 1:>8} {said.pc:08x} {said.word:08x}  {_text(said):<36}"]
        if found is not None:
            parts += self._values(found, said)
        if said.output:
            parts.append(f"out={said.output!r}")
        if said.exit is not None:
            parts.append(f"exit={said.exit}")
        return " ".join(parts + ["trap"] * said.trap)

    def _values(self, found: Instruction, said: Said) -> list[str]:
        names = ("rs1", "rs2") if found.name == "ecall" else FETCHES.get(found.kind, ())
        which = (17, 10) if found.name == "ecall" else (found.rs1, found.rs2)
        if found.name in ("jal", "lui", "auipc"):
            names = ()
        values: tuple[int | None, ...] = tuple(self._registers[n] for n in which)
        if self._witness is not None:
            values = self._witness.fetched(self._asks)
        parts = [f"fetch<-{self._heads['fetch']}"]
        for name, register, value in zip(names, which, values, strict=False):
            parts.append(f"x{register}={_hex(value)}<-{self._heads[name]}")
        if found.name in ("lb", "lh", "lw", "lbu", "lhu"):
            parts.append("bytes<-" + ",".join(self._heads[f"lane{lane}"] for lane in range(4)))
        if found.kind == "S":
            base, value = values
            address = None if base is None else base + found.immediate & MASK
            parts.append(f"[{_hex(address)}]={_hex(value)}")
        written = self._result(found, said)
        if written is not None:
            parts.append(f"-> x{written[0]}={_hex(written[1])}")
        if said.next_pc != (said.pc + 4 & MASK) and said.exit is None and not said.trap:
            parts.append(f"-> pc={said.next_pc:08x}")
        return parts

    def _learn(self, said: Said) -> None:
        found = decode(said.word)
        written = None if found is None or said.trap else self._result(found, said)
        if written is not None and written[0]:
            self._registers[written[0]] = written[1]

    def _result(self, found: Instruction, said: Said) -> tuple[int, int] | None:
        """The register written and its value: said by digits, or as the weights work it out again where it is read."""
        if said.value is not None:
            return said.rd, said.value
        known = {"lui": found.immediate, "auipc": said.pc + found.immediate, "jal": said.pc + 4, "jalr": said.pc + 4}
        return (found.rd, known[found.name] & MASK) if found.name in known and found.rd else None


def _heads(computer: Computer) -> dict[str, str]:
    """For what is fetched, the layer and index of the head that does, as the model names them."""
    heads = computer.artifact.meaning.get("heads", [])
    found = {head["writes"][0].split(".")[0]: f"{head['layer']}.{head['head']}" for head in heads if head["writes"]}
    return {name: found.get(name, "?") for name in ("fetch", "rs1", "rs2", *(f"lane{lane}" for lane in range(4)))}


def _text(said: Said) -> str:
    return disassemble(said.word, said.pc)


def _hex(value: int | None) -> str:
    return "?" if value is None else f"{value:#x}"


def _shown(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:#x}"
    if isinstance(value, tuple) and len(value) == 2:
        return f"x{value[0]} = {value[1]:#x}" if value[0] else "nothing"
    if isinstance(value, dict):
        return ", ".join(f"[{a:#x}] = {b:#04x}" for a, b in sorted(value.items())) or "nothing"
    return "nothing" if value is None else repr(value)


def watch(
    run: Run,
    watcher: Watcher,
    *,
    most: int | None = None,
    output: Callable[[bytes], None] = lambda some: None,
    seen: Callable[[Counter], None] = lambda counter: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Ran:
    """As `carry_on`, with a watcher beside it; the run stops after the chunk that holds a divergence."""
    counter, chunk, started = run.counter, FIRST, time.perf_counter()
    fed, divergence = run.feed(stopped), None
    watcher.begin()
    while fed and counter.end is None and divergence is None and not stopped():
        left = chunk if most is None else min(chunk, most - counter.instructions)
        if left <= 0:
            break
        began = time.perf_counter()
        rows = run.more(left)
        some = counter.read(rows)
        if some:
            output(some)
        try:
            watcher.read(rows)
        except DivergenceError as error:
            divergence = error
        else:
            divergence = watcher.idle(counter)
        seen(counter)
        chunk = min(CHUNK, 2 * chunk) if time.perf_counter() - began < PATIENCE / 2 else max(FIRST, chunk // 2)
    return Ran(
        end=counter.end if divergence is None else None,
        interrupted=counter.end is None and divergence is None and stopped(),
        divergence=divergence,
        instructions=counter.instructions,
        tokens=counter.tokens,
        seconds=time.perf_counter() - started,
    )
