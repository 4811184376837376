"""What `seme turing` does: the model, the tape, the run, and how it is told."""

from __future__ import annotations

import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import click

from seme.cli.output import print_json, say
from seme.core.errors import InputError, UsageError
from seme.exchange import load
from seme.machines.turing import Outcome, Replay, machine_of, run, table, turing_model
from seme.machines.turing.running import Engine

MOST_SHOWN = 200
"""Cells that are printed; of a longer tape, the ends."""


def run_turing(
    text: str | None,
    *,
    tape: str | None,
    max_steps: int | None,
    model: str | None,
    engine: Engine,
    checkpoint: str | None,
    quiet: bool,
) -> Outcome:
    """Makes or loads the model and runs it.

    Raises:
        UsageError: Neither a table nor a model was given, or they do not fit together.
        SemeError: Whatever reading the table, the tape or the model raises.
    """
    given = None if text is None else table(text)
    if given is None and model is None:
        raise UsageError("neither TABLE nor --model was given", hint="seme turing bb3")
    artifact = load(model).artifact if model is not None else turing_model(given)
    machine = machine_of(artifact, given)
    cells = read_tape(tape or "", machine.symbols)
    with _interrupts() as stop, _bar(max_steps, quiet=quiet) as tick:
        return run(
            machine,
            artifact,
            tape=cells,
            most=max_steps,
            engine=engine,
            checkpoint=checkpoint,
            tick=tick,
            stop=stop,
        )


def read_tape(text: str, symbols: int) -> dict[int, int]:
    """The cells of a tape: place, counted from the head, to symbol.

    Args:
        text: Symbols, a digit each, or numbers between commas; `^` stands before the cell under the head, which is the
            first where there is none.
        symbols: How many symbols the machine has.

    Raises:
        InputError: Something is no symbol, or there are several heads.

    >>> read_tape("10^2", 3)
    {-2: 1, -1: 0, 0: 2}
    """
    left, mark, right = text.partition("^")
    if not mark:
        left, right = "", left
    cells = []
    for part in (left, right):
        pieces = part.split(",") if "," in part else list(part) if symbols <= 10 else [part]
        pieces = [piece.strip() for piece in pieces if piece.strip()]
        for piece in pieces:
            if not piece.isdecimal() or not piece.isascii() or int(piece) >= symbols:
                raise InputError(
                    f"the tape has {piece!r}, expected symbols from 0 to {symbols - 1}"
                    + ("" if symbols <= 10 else " with commas between them"),
                    hint="--tape 1011, or --tape 10^11 to begin at the third cell",
                )
        cells.append([int(piece) for piece in pieces])
    return dict(enumerate((*cells[0], *cells[1]), -len(cells[0])))


def told(outcome: Outcome, *, as_json: bool, quiet: bool) -> None:
    """Prints what a run came to."""
    replay = outcome.replay
    rate = outcome.tokens / outcome.seconds if outcome.seconds > 0 else 0.0
    first, symbols = replay.tape()
    if as_json:
        print_json(
            {
                "halted": replay.halted,
                "end": outcome.end,
                "steps": replay.steps,
                "ones": replay.ones,
                "tokens": outcome.tokens,
                "seconds": outcome.seconds,
                "tokens_per_second": rate,
                "peak_memory_bytes": peak_memory(),
                "head": replay.head,
                "tape": {"first": first, "symbols": _text(replay)},
            }
        )
        return
    say(_END[outcome.end], quiet=quiet)
    click.echo(f"steps {replay.steps:,}")
    click.echo(f"ones  {replay.ones:,}")
    text = _text(replay)
    if len(text) > MOST_SHOWN:
        half = MOST_SHOWN // 2
        text = f"{text[:half]} ... {text[-half:]}"
    where = f"  ({len(symbols):,} cells from {first:,} on, the head at {replay.head:,})"
    click.echo(f"tape  {text or 'blank'}{where if text else ''}")
    memory = peak_memory() / 2**20
    say(f"{outcome.tokens:,} tokens in {outcome.seconds:.2f} s, {rate:,.0f} a second, {memory:,.0f} MB", quiet=quiet)


_END = {
    "halted": "halted",
    "edge": "stopped: the head left the tape's cells",
    "steps": "stopped: the machine has not halted within --max-steps",
    "length": "stopped: the machine has not halted within the longest trace the model is proved for",
    "stopped": "interrupted",
}


def _text(replay: Replay) -> str:
    """The tape from the first cell that is not blank to the last; with commas where symbols have two digits."""
    symbols = replay.tape()[1]
    if len(symbols) and int(symbols.max()) > 9:
        return ",".join(map(str, symbols.tolist()))
    return (symbols.astype("uint8") + ord("0")).tobytes().decode("ascii")


def peak_memory() -> int:
    """The most memory this process has held, in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


@contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """Notes Ctrl-C instead of raising, so that a run ends between two chunks; gives what tells whether it came."""
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if came:  # asked twice: at once
            raise KeyboardInterrupt
        came.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(came)
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _bar(total: int | None, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Steps and tokens a second on stderr, where that is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda steps: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        """Tokens a second: a token is a step."""

        def render(self, task: Task) -> Text:
            return Text(f"{task.finished_speed or task.speed or 0:,.0f} tokens/s")

    steps = TextColumn("{task.completed:,.0f} steps")
    columns = (TextColumn("running"), BarColumn(), steps, Rate(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda done: bar.advance(task, done)
