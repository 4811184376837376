"""Formulas as neurons.

Over semes that are 0 or 1 a conjunction of n, some of them negated, is one neuron: relu(sum - (n - 1)), where a
negated seme x counts 1 - x. A disjunction is one minus the conjunction of the negations, so one neuron as well, read
with the opposite sign. A comparison with a threshold is two: a ramp between the two values nearest to it. What is
nested takes one neuron for each change between `&` and `|`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seme.compiler.builder import Builder
from seme.compiler.ridge import bank
from seme.core.errors import ProgramError
from seme.hand.semes import Above, All, Formula, Not, Seme, Some
from seme.ir import Form, Neurons, Space, constant_form, stack_forms


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Conjunction:
    """One neuron to be: on where all positive directions are 1 and all negative ones 0.

    Attributes:
        positive: Forms of width 1.
        negative: Forms of width 1.
        complement: Whether the formula is what this conjunction is not.
    """

    positive: tuple[Form, ...]
    negative: tuple[Form, ...]
    complement: bool


def formulas(builder: Builder, name: str, named: dict[str, Formula], owner: object) -> list[Form]:
    """One neuron for every formula, all in one space; those it is nested of stand in spaces of their own.

    Args:
        builder: The growing graph.
        name: What to call the space.
        named: The semes and what they stand for.
        owner: The model all semes must belong to.

    Returns:
        A form of width 1 for each formula, 0 or 1.
    """
    parts = [_conjunction(builder, f"{name}.{seme}", formula, owner) for seme, formula in named.items()]
    sums = []
    for part in parts:
        total = constant_form([0.0])
        for sign, forms in ((1.0, part.positive), (-1.0, part.negative)):
            for form in forms:
                total = total + form @ np.array([[sign]])
        sums.append(total)
    size = len(parts)
    alone = (-float(len(parts[0].negative)), float(len(parts[0].positive)))
    node = Neurons(
        space=Space(
            name=name,
            semes=tuple(f"not {seme}" if part.complement else seme for seme, part in zip(named, parts, strict=True)),
        ),
        lo=np.zeros(size),
        hi=np.ones(size),
        read=stack_forms(sums),
        slopes=np.eye(size),
        # The sum counts -x for a negated x, so it reaches the number of positive ones exactly where all hold.
        offsets=np.array([1.0 - len(part.positive) for part in parts]),
        write=np.eye(size),
        hidden=tuple(named),
        points=np.arange(alone[0], alone[1] + 1) if size == 1 else None,
        quantum=1.0,
    )
    out = builder.add(node, apart=True)
    forms = [out @ np.eye(size)[:, i : i + 1] for i in range(size)]
    return [_complement(f) if part.complement else f for f, part in zip(forms, parts, strict=True)]


def _complement(form: Form) -> Form:
    return (form @ np.array([[-1.0]])).shifted(1.0)


def _conjunction(builder: Builder, name: str, formula: Formula, owner: object) -> Conjunction:
    """A formula as one neuron over directions that are 0 or 1; nested formulas become neurons here."""
    formula, negated = _bare(formula)
    disjunction = isinstance(formula, Some)
    if not isinstance(formula, (All, Some)):
        parts, complement = [(formula, negated)], False
    else:
        # a | b is not (not a and not b); not (a & b) is not (a and b).
        parts = [(part, on != disjunction) for part, on in _flat(formula, type(formula), False)]
        complement = negated != disjunction
    sides: dict[bool, list[Form]] = {False: [], True: []}
    seen: set[tuple[int, bool]] = set()
    for k, (part, off) in enumerate(parts):
        if (id(part), off) not in seen:
            seen.add((id(part), off))
            sides[off].append(_literal(builder, f"{name}.{k + 1}", part, owner))
    return Conjunction(positive=tuple(sides[False]), negative=tuple(sides[True]), complement=complement)


def _bare(formula: Formula) -> tuple[Formula, bool]:
    """The formula without its outer negations, and whether their number is odd."""
    negated = False
    while isinstance(formula, Not):
        formula, negated = formula.inner, not negated
    return formula, negated


def _flat(formula: Formula, kind: type[All] | type[Some], negated: bool) -> list[tuple[Formula, bool]]:
    """The parts of nested conjunctions (or disjunctions) side by side, each with whether it is negated."""
    formula, odd = _bare(formula)
    negated = negated != odd
    dual = Some if kind is All else All
    if isinstance(formula, (All, Some)) and isinstance(formula, dual if negated else kind):
        return [p for part in formula.parts for p in _flat(part, kind, negated)]
    return [(formula, negated)]


def _literal(builder: Builder, name: str, part: Formula, owner: object) -> Form:
    """A direction that is 1 where the part holds and 0 where it does not."""
    if isinstance(part, Seme):
        return logical(part, owner).form
    if isinstance(part, Above):
        return _threshold(builder, part, owner)
    return formulas(builder, name, {"on": part}, owner)[0]


def logical(seme: Seme, owner: object) -> Seme:
    """The seme, if a formula may hold it.

    Raises:
        ProgramError: It belongs to another model, or can be something else than 0 or 1.
    """
    if seme.owner is not owner:
        raise ProgramError(f"`{seme.name}` belongs to another model", hint="build all parts with one hand.Model")
    if not seme.domain.logical:
        raise ProgramError(
            f"`{seme.name}` stands in a formula but can be {seme.domain.told()}, expected 0 or 1",
            hint=f"compare it with a number: {seme.name} > 0",
        )
    return seme


def _threshold(builder: Builder, above: Above, owner: object) -> Form:
    seme = above.seme
    if seme.owner is not owner:
        raise ProgramError(f"`{seme.name}` belongs to another model", hint="build all parts with one hand.Model")
    words = f"{seme.name}{'>' if above.strict else '>='}{above.threshold}"
    if not seme.domain.listed:
        raise ProgramError(
            f"`{words}` cannot be exact: `{seme.name}` can be {seme.domain.told()}, with nothing between them left out",
            hint="compare semes whose values are finitely many",
        )
    nearest = seme.domain.around(above.threshold, above_is_strict=above.strict)
    if nearest is None:
        raise ProgramError(
            f"`{words}` is always the same: `{seme.name}` can be {seme.domain.told()}",
            hint="choose a threshold between two of its values",
        )
    points = np.unique([seme.domain.lo, *nearest, seme.domain.hi])
    return bank(builder, seme.form, points, (points >= nearest[1])[:, None] * 1.0, words, hinges=False)


__all__ = ["Conjunction", "formulas", "logical"]
