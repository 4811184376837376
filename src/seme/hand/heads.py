"""Single heads: which keys a query attends to, and what it brings along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from seme.compiler.builder import Builder
from seme.compiler.literals import MOST_PAIRS, Literal
from seme.compiler.proofs import always_one, at_most_one
from seme.compiler.scores import penalties
from seme.compiler.values import Carrier, Value
from seme.core.errors import ProgramError, TooLargeError
from seme.hand.semes import Domain, Seme, domain_of
from seme.hand.semes import Space as Semes
from seme.ir import Attend, Form, Space, stack_forms

Where = Callable[[Any, Any], Any]


def carried(thing: Seme | Semes, what: str) -> Value:
    """What a head compares: the position, a token, a space with always one seme on, or a seme that is 0 or 1.

    Raises:
        ProgramError: It is none of these.
    """
    if thing.value is not None:
        return thing.value
    if isinstance(thing, Seme) and thing.domain.logical:
        carrier = Carrier(kind="scalar", size=2, form=thing.form, points=np.array([0.0, 1.0]), name=thing.name)
        return Value(carrier=carrier, table=(False, True))
    if isinstance(thing, Seme):
        raise ProgramError(
            f"{what} `{thing.name}` can be {thing.domain.told()}, expected 0 or 1",
            hint=f"name what matters of it by a neuron: {thing.name} > 0",
        )
    raise ProgramError(
        f"{what} `{thing.name}` may have several semes on at once, or none: it names no single value",
        hint="use one of its semes, the position, or a space that gives every token exactly one seme",
    )


def selection(name: str, queries: Value, keys: Value, where: Where | None) -> Literal:
    """Which keys each query attends to.

    Raises:
        ProgramError: No key is ever attended to, or there is no rule and the two are not in one space.
        TooLargeError: The rule would be called too often.
    """
    if len(keys.classes) * len(queries.classes) > MOST_PAIRS:
        raise TooLargeError(
            f"head `{name}` compares {len(keys.classes):,} keys with {len(queries.classes):,} queries",
            hint="use smaller spaces, or a smaller max_length",
        )
    if where is None and set(keys.classes) != set(queries.classes):
        raise ProgramError(
            f"head `{name}` has keys and queries in different spaces: "
            f"keys can be {_some(keys)}, queries {_some(queries)}",
            hint="say which keys a query attends to: where=lambda key, query: ...",
        )
    rule: Where = where or (lambda key, query: key == query)
    table = np.array([[_holds(name, rule, k, q) for k in keys.classes] for q in queries.classes], dtype=bool)
    if not table.any():
        raise ProgramError(f"head `{name}` never attends to any key", hint="where is called as where(key, query)")
    words = f"{keys.carrier.name} {'by rule' if where else '=='} {queries.carrier.name}"
    return Literal(keys=keys, queries=queries, table=table, words=words)


def _holds(name: str, where: Where, key: Any, query: Any) -> bool:
    try:
        return bool(where(key, query))
    except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ProgramError(
            f"the rule of head `{name}` is undefined for key {key!r} and query {query!r}: {error}",
            hint="it must be defined for every pair of values keys and queries can have",
        ) from error


def _some(value: Value) -> str:
    return " ".join(repr(c) for c in value.classes[:6]) + (" ..." if len(value.classes) > 6 else "")


def attend(
    builder: Builder, name: str, rule: Literal, semes: tuple[Seme, ...], labels: tuple[str, ...], nothing: np.ndarray
) -> tuple[Form, list[Domain], bool]:
    """One head.

    Args:
        builder: The growing graph.
        name: What to call what it writes.
        rule: Which keys each query attends to.
        semes: What it reads at those keys; their mean is written.
        labels: Names of what it writes, one per seme.
        nothing: [semes] what it writes where no key is attended to.

    Returns:
        The form that reads what it wrote; the values each seme can have; whether it always brings along what one
        single key holds, or `nothing`.
    """
    single = at_most_one((rule,))
    total = always_one((rule,), causal=builder.causal)
    scores = penalties(builder, (rule,), averaged=not single, robust=0)
    domains = [
        _brought(seme.domain, None if total else float(point), 1 if single else builder.max_length)
        for seme, point in zip(semes, nothing, strict=True)
    ]
    node = Attend(
        space=Space(name=name, semes=labels),
        lo=np.array([d.lo for d in domains]),
        hi=np.array([d.hi for d in domains]),
        query=scores.query,
        key=scores.key,
        value=stack_forms([seme.form for seme in semes]),
        # Between a selected key, 0, and any other, at most -1: the begin token is found where no key is.
        begin_score=-0.5,
        begin_value=np.zeros(len(semes)) if total else nothing,
        gap=0.5,
        pattern="match",
        predicate=rule.words,
        factors=scores.factors,
        single=single,
    )
    return builder.add(node, apart=True), domains, single and (total or bool(nothing.sum() == 1))


def _brought(domain: Domain, default: float | None, most: int) -> Domain:
    """The values of a mean over up to `most` keys."""
    extra = set() if default is None else {default}
    lo, hi = min({domain.lo} | extra), max({domain.hi} | extra)
    if most == 1:
        if not domain.listed:
            return Domain(lo=lo, hi=hi)
        return Domain(lo=lo, hi=hi, points=tuple(sorted({*domain.points, *extra})), shares=domain.shares)
    if len(domain.points) == 1 and not domain.shares:
        return domain_of({*domain.points, *extra})
    if domain.logical:
        return Domain(lo=lo, hi=hi, points=tuple(sorted(extra)), shares=most)
    return Domain(lo=lo, hi=hi)


__all__ = ["Where", "attend", "carried", "selection"]
