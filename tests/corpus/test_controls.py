"""Controls: programs that are almost right are caught by the same inputs and oracles."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from seme.lang import (
    Program,
    Sequence,
    aggregate,
    count,
    interpret,
    length,
    map,
    positions,
    program,
    select,
    tokens,
    where,
)
from tests.corpus.adversarial import adversarial_inputs
from tests.corpus.case import Case, first_divergence
from tests.corpus.cases import CORPUS

so_far = select(positions, positions, "<=")
same = select(tokens, tokens, "==")
smaller = select(tokens, tokens, "<")


def _off_by_one() -> Sequence:
    return aggregate(select(positions, length - positions, "=="), tokens)


def _ties_the_wrong_way() -> Sequence:
    """Sorts tokens of equal frequency by their last position instead of their first."""
    often = -count(same)
    rank = count(select(often, often, "<") | (select(often, often, "==") & select(positions, positions, ">")))
    return aggregate(select(rank, positions, "=="), tokens)


def _never_below_forgotten() -> Sequence:
    opened, closed = count(select(tokens, "(", "==")), count(select(tokens, ")", "=="))
    return opened == closed


def _kinds_forgotten() -> Sequence:
    """Judges Dyck-2 by depth alone."""
    step = map(lambda t: 1 if t in "([" else -1, tokens)
    depth = aggregate(so_far, step)
    lost = count(so_far & select(depth, 0, "<")) > 0
    return where(lost, "F", where(depth == 0, "T", "P"))


def _carry_of_the_next_column_only() -> dict[str, Sequence]:
    column = map(lambda pair: int(pair[0]) + int(pair[1]), tokens)
    carry = aggregate(select(positions, positions + 1, "=="), column // 10, default=0)
    total = column + carry
    return {"digit": total % 10, "overflow": aggregate(select(positions, 0, "=="), total // 10)}


def _first_instead_of_latest() -> Sequence:
    previous = aggregate(select(positions, positions - 1, "=="), tokens)
    return aggregate(select(previous, tokens, "=="), tokens, tie="first")


def _one_round_too_few() -> Sequence:
    bits: Sequence = tokens
    for k in range(3):
        bits = (bits + aggregate(select(positions, positions - 2**k, "=="), bits, default=0)) % 2
    return aggregate(select(positions, length - 1, "=="), bits)


def _kinds_counted_by_position() -> Sequence:
    often = count(same)
    return count(select(often, often, "=="))


WRONG: dict[str, Callable[[], Sequence | dict[str, Sequence]]] = {
    "reverse": _off_by_one,
    "sort": lambda: aggregate(select(count(smaller), positions, "=="), tokens, tie="first"),
    "sort_freq": _ties_the_wrong_way,
    "shuffle_dyck_1": _never_below_forgotten,
    "dyck_2": _kinds_forgotten,
    "decimal_addition": _carry_of_the_next_column_only,
    "induction": _first_instead_of_latest,
    "parity_scan": _one_round_too_few,
    "double_hist": _kinds_counted_by_position,
    "frac_prevs": lambda: aggregate(select(positions, positions, "<"), where(tokens == "x", 1, 0), default=0),
    "hist_with_bos": lambda: count(same),
    "count_less_freq": lambda: count(select(count(same), 2, "<")),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_program_that_is_almost_right_is_caught(name: str) -> None:
    case = next(c for c in CORPUS if c.name == name)
    right = case.program
    wrong: Program = program(WRONG[name](), vocab=right.vocab, max_length=right.max_length, causal=right.causal)
    assert first_divergence(lambda xs: interpret(wrong, xs), case, adversarial_inputs(right)) is not None


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_one_wrong_value_at_the_end_of_one_full_input_is_caught(case: Case) -> None:
    inputs = adversarial_inputs(case.program)
    spoiled = next(xs for xs in reversed(inputs) if len(xs) == case.program.max_length)

    def run(xs: list[Any]) -> Any:
        answer = case.oracle(xs)
        if xs != spoiled:
            return answer
        last = answer if isinstance(answer, list) else answer[max(answer)]
        last[-1] = last[-1] + 1 if isinstance(last[-1], (int, float, Fraction)) else "wrong"
        return answer

    divergence = first_divergence(run, case, inputs)
    assert divergence is not None
    assert divergence.input == spoiled
