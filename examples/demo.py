"""Compiles every example, runs it on its sample, checks it, saves it, and prints what came of it.

This is what "make demo" runs. With names after it (python examples/demo.py reverse sort) only those are shown.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from catalogue import PROGRAMS, Listed, statements
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from seme.cli.folders import compile_proved, figures
from seme.compiler.check import adversarial, check, samples
from seme.core.errors import SemeError
from seme.lang.interpreter import evaluate

FOLDER = Path(__file__).resolve().parents[1] / "models"
SAMPLES = 200
ANSWER = 16
"""Characters of a sample and of its answer that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What came of one program; `trouble` is empty where all is well."""

    cells: tuple[str, ...]
    trouble: str = ""


def main(names: list[str]) -> int:
    """Shows the programs of these names, or all. Returns the exit status."""
    console = Console(highlight=False)
    progress = Console(stderr=True)
    chosen = [listed for listed in PROGRAMS if not names or listed.name in names]
    start, rows = time.perf_counter(), []
    for number, listed in enumerate(chosen, start=1):
        if progress.is_terminal:
            progress.print(f"{number}/{len(chosen)} {listed.name}", end="\x1b[K\r")
        rows.append(show(listed))
    console.print(table(rows, wide=console.width >= 100))
    wrong = [row for row in rows if row.trouble]
    for row in wrong:
        console.print(f"[red]{escape(row.cells[0])}: {escape(row.trouble)}[/red]")
    took = time.perf_counter() - start
    console.print(f"\n{len(rows) - len(wrong)} of {len(rows)} programs compiled and right, in {took:.0f} s.")
    console.print(f"The models are ordinary transformers; their folders lie under {FOLDER.name}/. To look at one:")
    console.print(f"  seme show {FOLDER.name}/{chosen[0].name}")
    return 1 if wrong else 0


def show(listed: Listed) -> Row:
    """Compiles, runs, checks and saves one program."""
    head = (listed.name, short(listed))
    try:
        program = replace(listed.program, name=listed.name)
        model, _ = compile_proved(program, dtype="float32", activation="relu")
        answer = model(list(listed.sample))
        inputs = itertools.chain(
            adversarial(program.vocab, program.max_length), samples(program.vocab, program.max_length, SAMPLES, seed=0)
        )
        report = check(model, lambda xs: evaluate(program, xs), inputs)
        model.save(FOLDER / listed.name)
    except SemeError as error:
        return Row(cells=(*head, "", "", "", "", "", "refused"), trouble=error.message)
    size = figures(model)
    cells = (
        *head,
        f"{joined(listed.sample)} -> {told(answer)}",
        str(size["layers"]),
        str(size["d_model"]),
        rounded(size["parameters"]),
        str(size["exact_up_to"]["float32"]),
        f"{report.wrong}/{report.checked}",
    )
    first = report.first_divergence
    return Row(cells=cells, trouble=f"{report.wrong} wrong, first {json.dumps(first)}" if report.wrong else "")


def table(rows: list[Row], *, wide: bool) -> Table:
    """The rows as a table, with statements where there is room; red where something is wrong."""
    out = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False, expand=True)
    out.add_column("program", no_wrap=True)
    if wide:
        out.add_column("what it says", no_wrap=True, overflow="ellipsis", ratio=1)
    out.add_column("sample -> answer", no_wrap=True, overflow="ellipsis", max_width=2 * ANSWER + 4 if wide else 20)
    for title in ("lay-\ners", "d_\nmodel", "para-\nmeters", "proved\nup to", "wrong"):
        out.add_column(title, justify="right", no_wrap=True, min_width=max(map(len, title.split("\n"))))
    for row in rows:
        cells = row.cells if wide else (row.cells[0], *row.cells[2:])
        out.add_row(*map(escape, cells), style="red" if row.trouble else None)
    return out


def short(listed: Listed) -> str:
    """A program's statement without the sentences that all programs of its file have in common."""
    every = [statement.split(". ") for statement in dict.fromkeys(statements(listed.file).values())]
    shared = itertools.takewhile(lambda sentences: len(set(sentences)) == 1, zip(*every, strict=False))
    return ". ".join(listed.statement.split(". ")[len(list(shared)) if len(every) > 1 else 0 :])


def rounded(count: int) -> str:
    """A count to three digits: 127k, 1.37M."""
    if count >= 1_000_000:
        return f"{count / 1e6:.2f}M"
    return f"{count / 1000:.3g}k" if count >= 1000 else str(count)


def joined(values: Any) -> str:
    """A sequence as one word where each value is a character, else spaced."""
    texts = [told_value(value) for value in values]
    text = ("" if all(len(t) == 1 for t in texts) else " ").join(texts)
    return text if len(text) <= ANSWER else text[: ANSWER - 3] + "..."


def told(answer: Any) -> str:
    """An answer, or several by name."""
    if isinstance(answer, dict):
        return "; ".join(f"{name} {joined(values)}" for name, values in answer.items())
    return joined(answer)


def told_value(value: Any) -> str:
    """One value, briefly: fractions as such, truth as 1 and 0, nothing as a dot."""
    if value is None:
        return "."
    if isinstance(value, float):
        near = Fraction(value).limit_denominator(100)
        return str(near) if abs(near - Fraction(value)) < 1e-6 else f"{value:.2f}"
    return str(int(value)) if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
