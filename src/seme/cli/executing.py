"""What `seme exec` does: the program, the machine, the run, and how it is told."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from seme.cli.output import print_json, say
from seme.cli.process import interrupts, peak_memory
from seme.core.errors import InputError, NotHaltedError, TrapError, UsageError
from seme.exchange import load_artifact
from seme.machines.rv32.computer import Computer, Engine, Ran, Run, carry_on
from seme.machines.rv32.counting import Counter, End
from seme.machines.rv32.elf import Program, read_elf
from seme.machines.rv32.instructions import EBREAK
from seme.machines.rv32.made import cached_artifact
from seme.machines.rv32.resume import load_run, save_run
from seme.machines.rv32.toolchain import compile_c
from seme.machines.rv32.watching import Watcher, watch

ELF = b"\x7fELF"


def execute(
    *,
    file: str,
    model: str | None,
    text: str | None,
    from_stdin: bool,
    max_instructions: int | None,
    engine: Engine,
    cflags: str | None,
    checked: bool,
    traced: bool,
    checkpoint: str | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Runs a program and tells of it; the parameters are the command's.

    Returns:
        The exit status.

    Raises:
        DivergenceError: An instruction differs from the emulator's.
        NotHaltedError: The program did not end within `max_instructions`.
        TrapError: The machine stands still.
        SemeError: Whatever compiling, reading, loading or running raises.
    """
    _check_options(checked or traced, checkpoint, engine, text, from_stdin)
    program, stdin = load_program(file, cflags), read_stdin(text, from_stdin)
    computer = make_computer(model, engine, quiet=quiet)
    watcher = None
    if checked or traced:
        watcher = Watcher(computer, program, stdin, checked=checked, trace=_trace_line if traced else None)
    run = computer.start(program, stdin, hook=watcher and watcher.hook)
    printed = _Printed(passed_on=not as_json, kept=as_json or checkpoint is not None)
    if checkpoint is not None and Path(checkpoint).exists():
        printed.all += load_run(run, checkpoint)
    with interrupts() as stopped, _bar(max_instructions, quiet=quiet or traced) as seen:
        going: dict[str, Any] = {"most": max_instructions, "output": printed, "seen": seen, "stopped": stopped}
        ran = carry_on(run, **going) if watcher is None else watch(run, watcher, **going)
    if checkpoint is not None:
        save_run(run, checkpoint, bytes(printed.all))
    told = _told(run, ran, bytes(printed.all)) if as_json else {}
    if as_json:
        print_json(told)
    else:
        say(_summary(ran, checked), quiet=quiet)
    return _status(run, ran, as_json=as_json)


def _check_options(watched: bool, checkpoint: str | None, engine: str, text: str | None, from_stdin: bool) -> None:
    if text is not None and from_stdin:
        raise UsageError("--input and --stdin both give the standard input", hint="leave one out")
    if checkpoint is not None and engine == "dense":
        raise UsageError("the dense engine has no checkpoints", hint="use --engine sparse, or leave out --checkpoint")
    if checkpoint is not None and watched:
        raise UsageError(
            "--check and --trace follow a program from its start, a checkpoint is further on",
            hint="leave out --checkpoint",
        )


def load_program(file: str, cflags: str | None = None) -> Program:
    """The program of a C or ELF file, told apart by how it begins and by its name.

    Raises:
        InputError: It is neither.
        SemeError: Whatever compiling or reading raises.
    """
    path = Path(file)
    try:
        with path.open("rb") as opened:
            start = opened.read(len(ELF))
    except OSError as error:
        raise InputError(
            f"cannot read `{file}`: {error.strerror or error}", hint="give the path of a C or ELF file"
        ) from error
    if start == ELF or path.suffix == ".elf":
        if cflags is not None:
            raise UsageError(f"--cflags are for C, `{file}` is compiled already", hint="leave them out")
        return read_elf(path)
    if path.suffix != ".c":
        raise InputError(f"`{file}` is neither C (FILE.c) nor ELF", hint="name a C file with the ending .c")
    try:
        flags = shlex.split(cflags or "")
    except ValueError as error:
        raise UsageError(f"cannot read --cflags {cflags!r}: {error}", hint="--cflags '-O1 -DN=5'") from error
    return compile_c(path, cflags=flags)


def read_stdin(text: str | None, from_stdin: bool) -> bytes:
    """The program's standard input: the text, all of ours, or nothing."""
    if from_stdin:
        return sys.stdin.buffer.read()
    return (text or "").encode("utf-8", "surrogateescape")


def make_computer(model: str | None, engine: Engine, *, quiet: bool) -> Computer:
    """The machine of a folder, or our own from the cache."""
    own = model is None
    artifact = cached_artifact(said=lambda words: say(words, quiet=quiet)) if own else load_artifact(model)
    return Computer(artifact, engine=engine)


class _Printed:
    """Passes on what the program puts out, at once, and keeps it where it is needed afterwards.

    Args:
        passed_on: Whether it goes to stdout.
        kept: Whether it is needed afterwards.
    """

    def __init__(self, *, passed_on: bool, kept: bool):
        self.all = bytearray()
        self._passed_on, self._kept = passed_on, kept

    def __call__(self, some: bytes) -> None:
        if self._kept:
            self.all += some
        if self._passed_on:
            sys.stdout.buffer.write(some)
            sys.stdout.buffer.flush()


def _trace_line(line: str) -> None:
    click.echo(line, err=True)


def _status(run: Run, ran: Ran, *, as_json: bool) -> int:
    if ran.divergence is not None:
        raise ran.divergence
    if ran.interrupted:
        raise click.exceptions.Abort
    if ran.end is None:
        done = run.counter.instructions
        raise NotHaltedError(
            f"the program has not ended after {done:,} instructions, expected an exit within --max-instructions",
            hint="allow more; with --checkpoint FILE the next run goes on from here",
        )
    if as_json:
        return 0
    if ran.end.exit is None:
        raise _trap(ran.end)
    return ran.end.exit


def _trap(end: End) -> TrapError:
    from seme.machines.rv32.instructions import decode

    found, ebreak = decode(end.word), end.word == EBREAK
    what = "EBREAK" if ebreak else "an illegal instruction" if found is None else f"{found.name} to no multiple of 4"
    return TrapError(
        f"the program trapped at pc {end.pc:#010x}: the word there is {end.word:#010x}, {what}",
        hint="seme exec FILE --trace shows how it got there",
        ebreak=ebreak,
    )


def _told(run: Run, ran: Ran, output: bytes) -> dict[str, Any]:
    counter, end = run.counter, ran.end
    trap = None if end is None or end.exit is not None else {"pc": end.pc, "word": end.word}
    return {
        "stdout": output.decode("utf-8", "backslashreplace"),
        "exit_code": None if end is None else end.exit if trap is None else _trap(end).exit_code,
        "trap": trap,
        "end": _how(ran),
        **({} if ran.divergence is None else {"divergence": ran.divergence.told}),
        "instructions": counter.instructions,
        "tokens": counter.tokens,
        "prompt_tokens": len(run.prompt),
        "tokens_per_instruction": counter.tokens / max(counter.instructions, 1),
        "seconds": ran.seconds,
        "instructions_per_second": ran.instructions / ran.seconds if ran.seconds else 0.0,
        "tokens_per_second": ran.tokens / ran.seconds if ran.seconds else 0.0,
        "peak_memory_bytes": peak_memory(),
        "engine": run.computer.engine,
        "model": run.computer.artifact.sizes,
    }


_VERBS = {
    "exit": "exited",
    "trap": "trapped",
    "interrupted": "interrupted",
    "limit": "stopped",
    "divergence": "diverged",
}


def _how(ran: Ran) -> str:
    if ran.divergence is not None:
        return "divergence"
    if ran.end is not None:
        return "trap" if ran.end.exit is None else "exit"
    return "interrupted" if ran.interrupted else "limit"


def _summary(ran: Ran, checked: bool) -> str:
    seconds = ran.seconds or 1e-9
    text = (
        f"{_VERBS[_how(ran)]} after {ran.instructions:,} instructions, {ran.tokens:,} tokens in {ran.seconds:.2f} s: "
        f"{ran.instructions / seconds:,.0f} instructions/s, {ran.tokens / seconds:,.0f} tokens/s"
    )
    return f"{text}; all as the emulator has it" if checked and ran.divergence is None else text


@contextmanager
def _bar(total: int | None, *, quiet: bool) -> Iterator[Callable[[Counter], None]]:
    """Instructions and tokens a second on stderr, where that is a terminal and the output goes elsewhere."""
    if quiet or not sys.stderr.isatty() or sys.stdout.isatty():
        yield lambda counter: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    rates = TextColumn("{task.completed:,.0f} instructions  {task.fields[rates]}")
    with Progress(
        TextColumn("running"), BarColumn(), rates, TimeElapsedColumn(), console=Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task("", total=total, rates="")
        first: list[tuple[float, int, int]] = []

        def seen(counter: Counter) -> None:
            now = bar.get_time()
            first.append((now, counter.instructions, counter.tokens)) if not first else None
            began, instructions, tokens = first[0]
            spent = max(now - began, 1e-9)
            rates = f"{(counter.instructions - instructions) / spent:,.0f}/s  "
            rates += f"{(counter.tokens - tokens) / spent:,.0f} tokens/s"
            bar.update(task, completed=counter.instructions, rates=rates)

        yield seen
