"""Vectors and matrices in the text form of a graph."""

from __future__ import annotations

from itertools import groupby

import numpy as np

from seme.ir.text_lines import Cursor, number, numeral, word

MOST_ENTRIES = 1 << 27
"""Largest matrix that is read, a gigabyte: a damaged file must not ask for all memory."""

LONGEST = 1 << 22
"""Most rows, columns or names in one place, for the same reason."""


def vector(values: list[float]) -> list[str]:
    """Numerals, with `value*times` for repeats of more than two."""
    out: list[str] = []
    for text, group in groupby(map(numeral, values)):
        times = sum(1 for _ in group)
        out += [f"{text}*{times}"] if times > 2 else [text] * times
    return out


def read_vector(tokens: list[str], lines: Cursor) -> np.ndarray:
    """What `vector` wrote, as float64."""
    values: list[float] = []
    for token in tokens:
        text, star, times = token.partition("*")
        count = lines.whole("a repeat", times) if star else 1
        if len(values) + count > MOST_ENTRIES:
            raise lines.error(f"{len(values) + count} numbers", f"at most {MOST_ENTRIES}")
        values += [number(text, lines)] * count
    return np.array(values, dtype=np.float64)


def _called(names: tuple[str, ...], size: int) -> tuple[str, ...]:
    """What the rows or columns are called: the names where they fit and differ, else indices."""
    return names if len(names) == size and len(set(names)) == size else tuple(map(str, range(size)))


def _labels(names: tuple[str, ...], size: int) -> list[str]:
    return list(map(word, _called(names, size)))


def matrix(head: str, value: np.ndarray, rows: tuple[str, ...], columns: tuple[str, ...], indent: int) -> list[str]:
    """The lines of a matrix.

    Args:
        head: What stands before its shape.
        value: [height, width].
        rows: What its rows are called, if there are as many names and all differ; else they are numbered.
        columns: What its columns are called, likewise.
        indent: Spaces before the first line; the others stand two further in.
    """
    height, width = value.shape
    start = " " * indent + head
    shown = (value != 0) | np.signbit(value)  # minus zero is not zero, bit for bit
    if height == width > 0 and shown.sum() == height and bool((np.diagonal(value) == 1.0).all()):
        return [f"{start} identity {height}"]
    called = _called(rows, height), _called(columns, width)
    if width < height:
        return [f"{start} {height}x{width} by columns", *_entries(value.T, shown.T, called[::-1], indent + 2)]
    return [f"{start} {height}x{width}", *_entries(value, shown, called, indent + 2)]


def _entries(value: np.ndarray, shown: np.ndarray, called: tuple[tuple[str, ...], ...], indent: int) -> list[str]:
    """One line for every row that is not zero. Names are made words where they are written, as few of many are."""
    out: list[str] = []
    for i in np.flatnonzero(shown.any(axis=1)).tolist():
        values = value[i].tolist()
        at = np.flatnonzero(shown[i]).tolist()
        if len(at) > 2 and 2 * len(at) > len(values):
            entries = vector(values)
        else:
            entries = [f"{word(called[1][j])}={numeral(values[j])}" for j in at]
        out.append(f"{' ' * indent}{word(called[0][i])} {' '.join(entries)}")
    return out


def read_matrix(
    tokens: list[str], lines: Cursor, rows: tuple[str, ...], columns: tuple[str, ...], indent: int
) -> np.ndarray:
    """What `matrix` wrote.

    Args:
        tokens: Those after the head of the first line.
        lines: Where the other lines come from.
        rows: As in `matrix`.
        columns: As in `matrix`.
        indent: As in `matrix`.
    """
    if len(tokens) == 2 and tokens[0] == "identity":
        return np.eye(_sized(lines, tokens[1], tokens[1])[0])
    height, cross, width = tokens[0].partition("x") if tokens else ("", "", "")
    if not cross or tokens[1:] not in ([], ["by", "columns"]):
        raise lines.error(f"shape `{' '.join(tokens)}`", "`3x2`, `3x2 by columns` or `identity 3`")
    shape = _sized(lines, height, width)
    out, labels = np.zeros(shape), (_labels(rows, shape[0]), _labels(columns, shape[1]))
    if len(tokens) == 1:
        _fill(out, lines, labels, indent + 2)
    else:
        _fill(out.T, lines, labels[::-1], indent + 2)
    return out


def _fill(out: np.ndarray, lines: Cursor, labels: tuple[list[str], ...], indent: int) -> None:
    """Reads the lines of a matrix into it."""
    row_at, column_at = ({label: i for i, label in enumerate(names)} for names in labels)
    filled: set[int] = set()
    while lines.indented(indent):
        label, *entries = lines.take(indent, "a row")
        i = _place(label, row_at, lines)
        if i in filled or not entries:
            raise lines.error(f"`{label}` {'twice' if i in filled else 'alone'}", "its entries, once")
        filled.add(i)
        if "=" not in entries[0]:
            values = read_vector(entries, lines)
            if len(values) != out.shape[1]:
                raise lines.error(f"{len(values)} values for `{label}`", f"{out.shape[1]}")
            out[i] = values
            continue
        for entry in entries:
            at, _, value = entry.rpartition("=")
            out[i, _place(at, column_at, lines)] = number(value, lines)


def _sized(lines: Cursor, height: str, width: str) -> tuple[int, int]:
    shape = (lines.whole("rows", height), lines.whole("columns", width))
    if shape[0] * shape[1] > MOST_ENTRIES or max(shape) > LONGEST:
        raise lines.error(f"a matrix of {shape[0]}x{shape[1]}", f"at most {MOST_ENTRIES} entries")
    return shape


def _place(label: str, index: dict[str, int], lines: Cursor) -> int:
    if label not in index:
        some = " ".join([*list(index)[:8], *(["..."] if len(index) > 8 else [])])
        raise lines.error(f"`{label}`", f"one of {some}" if index else "no entry at all")
    return index[label]
