"""Parity, addition and digits: oracles by Python's own whole numbers, and hand-derived answers."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import Any

from tests.corpus.case import Case


def parity(xs: list[int]) -> list[int]:
    odd = False
    for x in xs:
        if x == 1:
            odd = not odd
    return [int(odd) for _ in xs]


def parity_so_far(xs: list[int]) -> list[int]:
    return [parity(xs[: i + 1])[-1] for i in range(len(xs))]


def decimal_addition(xs: list[str]) -> dict[str, list[int]]:
    if not xs:
        return {"digit": [], "overflow": []}
    total = int("".join(pair[0] for pair in xs)) + int("".join(pair[1] for pair in xs))
    written = str(total).rjust(len(xs) + 1, "0")
    return {"digit": [int(d) for d in written[1:]], "overflow": [int(written[0])] * len(xs)}


def long_addition(xs: list[str]) -> list[int | None]:
    if not xs:
        return []
    first, _, second = "".join(xs).partition("+")
    total = int(first or "0") + int(second.replace("+", "0") or "0")
    digits = [int(d) for d in str(total)]
    return [None] * (len(xs) - len(digits)) + digits


def binary_to_decimal(xs: list[int]) -> list[int]:
    return [int("".join(map(str, xs)), 2) for _ in xs]


def binary_so_far(xs: list[int]) -> list[int]:
    return list(accumulate(xs, lambda number, bit: 2 * number + bit))


def mod_13_sum(xs: list[int]) -> list[int]:
    return [sum(xs) % 13 for _ in xs]


def surprise(xs: list[str]) -> list[float]:
    return [-math.log(xs.count(x) / len(xs)) for x in xs]


def case(file: str, name: str, oracle: Any, *examples: tuple[Any, Any], tolerance: float = 0.0) -> Case:
    return Case(file=file, name=name, oracle=oracle, examples=examples, tolerance=tolerance)


def columns(a: str, b: str) -> list[str]:
    return [x + y for x, y in zip(a, b, strict=True)]


def answer(digits: str, overflow: int) -> dict[str, list[int]]:
    return {"digit": [int(d) for d in digits], "overflow": [overflow] * len(digits)}


def written(text: str) -> list[int | None]:
    """A blank is None."""
    return [None if t == " " else int(t) for t in text]


WHOLE = (
    ([], []), ([0], [0]), ([1], [1]), ([1, 1], [0, 0]), ([1, 0, 1, 1], [1] * 4), ([0] * 16, [0] * 16),
    ([1] * 16, [0] * 16), ([1] * 15 + [0], [1] * 16), ([1] + [0] * 15, [1] * 16), ([0] * 15 + [1], [1] * 16),
)  # fmt: skip
RUNNING = (
    ([], []), ([0], [0]), ([1], [1]), ([1, 1], [1, 0]), ([1, 0, 1, 1], [1, 1, 0, 1]), ([1] * 16, [1, 0] * 8),
    ([0] * 16, [0] * 16), ([1] + [0] * 15, [1] * 16), ([0] * 15 + [1], [0] * 15 + [1]),
)  # fmt: skip

CASES = (
    case("parity.py", "parity_count", parity, *WHOLE, ([1] * 20, [0] * 20), ([1] * 19 + [0], [1] * 20)),
    case("parity.py", "parity_bit", parity, *WHOLE, ([1] * 20, [0] * 20), ([1] * 19 + [0], [1] * 20)),
    case("parity.py", "parity_scan", parity, *WHOLE),
    case("parity.py", "parity_so_far", parity_so_far, *RUNNING, ([1] * 20, [1, 0] * 10)),
    case("parity.py", "parity_scan_so_far", parity_so_far, *RUNNING),
    case("addition.py", "decimal_addition", decimal_addition, ([], {"digit": [], "overflow": []}),
         (columns("3", "4"), answer("7", 0)), (columns("5", "5"), answer("0", 1)),
         (columns("944", "355"), answer("299", 1)), (columns("945", "355"), answer("300", 1)),
         (columns("0945", "0055"), answer("1000", 0)), (columns("999", "001"), answer("000", 1)),
         (columns("0" * 20, "0" * 20), answer("0" * 20, 0)), (columns("9" * 20, "9" * 20), answer("9" * 19 + "8", 1)),
         (columns("9" * 20, "0" * 19 + "1"), answer("0" * 20, 1)), (columns("9" * 20, "0" * 20), answer("9" * 20, 0)),
         (columns("4" + "5" * 19, "5" + "4" * 18 + "5"), answer("0" * 20, 1))),
    case("addition.py", "long_addition", long_addition, ([], []), ("386+47", written("   433")),
         ("5+5", written(" 10")), ("5+999", written(" 1004")), ("999+5", written(" 1004")), ("0+0", written("  0")),
         ("007+01", written("     8")), ("7", written("7")), ("0070", written("  70")), ("+", written("0")),
         ("+12", written(" 12")), ("12+", written(" 12")), ("1+2+3", written("  204")),
         ("999999999+1", written(" 1000000000")), ("9999999999+999999999", written(" " * 9 + "10999999998")),
         ("9" * 20, written("9" * 20)), ("+" * 20, written(" " * 19 + "0")), ("1" + "+" * 19, written(" " * 19 + "1"))),
    case("digits.py", "binary_to_decimal", binary_to_decimal, ([], []), ([1], [1]), ([0], [0]), ([1, 0], [2, 2]),
         ([1, 0, 1], [5] * 3), ([1] * 8, [255] * 8), ([1] + [0] * 7, [128] * 8), ([0] * 7 + [1], [1] * 8)),
    case("digits.py", "binary_so_far", binary_so_far, ([], []), ([1], [1]), ([0], [0]), ([1, 0, 1], [1, 2, 5]),
         ([1] * 8, [1, 3, 7, 15, 31, 63, 127, 255]), ([0] * 8, [0] * 8)),
    case("digits.py", "mod_13_sum", mod_13_sum, ([], []), ([12], [12]), ([0], [0]), ([12, 1], [0, 0]),
         ([12, 12, 3], [1] * 3), ([12] * 20, [6] * 20), ([0] * 20, [0] * 20), ([1] * 14, [1] * 14)),
    case("digits.py", "surprise", surprise, ([], []), ("a", [0]), ("ab", [0.6931, 0.6931]), ("z" * 20, [0] * 20),
         ("aab", [0.4055, 0.4055, 1.0986]), ("abcdefghijklmnopqrst", [2.9957] * 20), tolerance=0.01),
)  # fmt: skip
