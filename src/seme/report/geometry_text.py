"""A reading in words."""

from __future__ import annotations

from seme.read.run import Reading


def in_words(reading: Reading) -> str:
    """Gives the verdicts, the heads' kinds and the notes of a reading as text."""
    lines = [f"{reading.name} ({reading.family})", ""]
    for verdict in reading.verdicts:
        lines += [
            f"{verdict.claim}: {verdict.answer}",
            f"    {verdict.because}",
            f"    unless: {verdict.unless}",
        ]
    if reading.heads:
        lines += ["", "head   kind            deviation  content-content  position-position"]
    for head in reading.heads:
        lines.append(
            f"{head.layer}.{head.head:<4} {head.kind:<16} {head.deviation:>8.2f}  "
            f"{head.shares['content-content']:>15.1%}  {head.shares['position-position']:>17.1%}"
        )
    lines += ["", *(f"note: {note}" for note in reading.notes)]
    if reading.text:
        lines.append(f"text: {reading.text}")
    return "\n".join(lines)
