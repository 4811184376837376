"""How `seme cost` reads a range and shows what it found."""

from __future__ import annotations

from typing import Any

from seme.core.errors import UsageError


def parse_range(text: str | None) -> tuple[float, float] | None:
    """LO,HI as two numbers.

    Raises:
        UsageError: It is something else.
    """
    if text is None:
        return None
    try:
        lo, hi = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"--range is {text!r}, expected two numbers LO,HI", hint="--range=-4,0") from error
    return lo, hi


def show(told: dict[str, Any]) -> None:
    """Prints a cell's cost as a table."""
    from rich.console import Console
    from rich.table import Table

    shown = Table(title=_title(told), show_header=False, title_justify="left")
    exact = [name for name, holds in told["exact"].items() if holds]
    rows = {
        "means": told["means"],
        "layers": f"{told['layers']:,}",
        "heads": f"{told['heads']:,} (they only fetch the operands)",
        "neurons": f"{told['neurons']:,}",
        "non-zeros": f"{told['nonzero']:,} of {told['parameters']:,} parameters",
        "exact in": ", ".join(exact) or "no float type: it is an approximation",
        "largest error": f"proved {told['max_error']:.3g}, seen {told['observed_error']:.3g}",
        "checked": f"{told['checked']:,}, wrong {told['wrong']:,}",
    }
    for name, value in rows.items():
        shown.add_row(name, value)
    Console().print(shown)


def _title(told: dict[str, Any]) -> str:
    if "bits" in told:
        return f"{told['function']}, {told['bits']} bits, {told['dtype']}"
    lo, hi = told["range"]
    return f"{told['function']} on [{lo:g}, {hi:g}], {told['dtype']}"
