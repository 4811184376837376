"""What is written wrongly by hand is refused in the house form."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from seme import hand
from seme.core.errors import InputError, NotProvedError, ProgramError, UsageError
from seme.lang import count, select, sqrt, tokens


def _parts() -> tuple[hand.Model, hand.Space, hand.Space]:
    model = hand.Model(vocab="ab()", max_length=10)
    kinds = model.tokens("kind", {"open": "(", "close": ")"})
    share = model.head("share", query=model.token, key=model.token, where=lambda k, q: True, value=kinds)
    return model, kinds, share


Case = Callable[[hand.Model, hand.Space, hand.Space], Any]

CASES: list[tuple[Case, str]] = [
    (lambda m, k, s: k["opened"], "space `kind` has no seme 'opened', expected one of 'open', 'close'"),
    (lambda m, k, s: m.neuron("", k["open"]), "a space has no name (test_errors.py:"),
    (lambda m, k, s: m.neuron("kind", k["open"]), "two spaces are named `kind` (test_errors.py:"),
    (lambda m, k, s: m.space("none", {}), "space `none` has no semes"),
    (lambda m, k, s: m.tokens("x", {"y": "z"}), "seme `x.y` is about token 'z', which the model does not know"),
    (
        lambda m, k, s: m.neuron("x", s["open"] & k["open"]),
        "`share.open` stands in a formula but can be fractions between 0 and 1, expected 0 or 1",
    ),
    (lambda m, k, s: m.neuron("x", k["open"] & k), "expected a seme or a formula over semes, got Space"),
    (lambda m, k, s: m.neuron("x", k), "expected a seme or a formula over semes, got Space"),
    (lambda m, k, s: bool(k["open"] & k["close"]), "a seme has no single truth value"),
    (lambda m, k, s: k["open"] > k["close"], "`kind.open` is compared with a Seme, expected a number"),
    (lambda m, k, s: m.neuron("x", s["open"] > 1), "`share.open>1` is always the same"),
    (
        lambda m, k, s: m.neuron("x", m.compiled(sqrt(count(select(tokens, tokens, "=="))), "root").number > 1),
        "`root.number>1` cannot be exact: `root.number` can be real numbers between",
    ),
    (
        lambda m, k, s: m.head("h", query=m.position, key=m.token, value=k),
        "head `h` has keys and queries in different spaces: keys can be 'a' 'b' '(' ')', queries 0 1 2 3 4 5 ...",
    ),
    (lambda m, k, s: m.head("h", query=k, key=k, value=k), "query `kind` may have several semes on at once, or none"),
    (lambda m, k, s: m.head("h", query=s["open"], key=s["open"], value=k), "query `share.open` can be fractions"),
    (
        lambda m, k, s: m.head("h", query=m.token, key=m.token, value=k, where=lambda k, q: False),
        "head `h` never attends to any key",
    ),
    (
        lambda m, k, s: m.head("h", query=m.token, key=m.token, value=k, where=lambda k, q: k < 1),
        "the rule of head `h` is undefined for key 'a' and query 'a'",
    ),
    (
        lambda m, k, s: m.head("h", query=m.token, key=m.token, value=k, nothing="letter"),
        "head `h` writes 'letter' where nothing is found, expected one of 'open', 'close'",
    ),
    (lambda m, k, s: m.head("h", query=m.token, key=m.token, value="a"), "expected a seme or a space, got str"),
    (
        lambda m, k, s: m.hidden("x", 2, read={k["open"]: [1]}, bias=[0, 0], write={"y": [1, 1]}),
        "`x`: read[kind.open] is [1], expected 2 finite numbers",
    ),
    (
        lambda m, k, s: m.hidden("x", 2, read={k["open"]: [1, 0]}, bias=[0, 0], write={"y": [1, 1]}),
        "`x` has a hidden seme that reads nothing",
    ),
    (lambda m, k, s: m.output("x", {"yes": k["open"]}), "output `x` needs a formula for each label and one more"),
    (lambda m, k, s: m.output("x", {"y": k["open"]}, otherwise="y"), "output `x` needs a formula for each label"),
    (lambda m, k, s: m.output("x", k), "output `kind` may have several semes on at once, or none"),
    (lambda m, k, s: m.compile(), "the model has no output"),
]


@pytest.mark.parametrize(("wrong", "complaint"), CASES)
def test_it_is_refused_by_name(wrong: Case, complaint: str) -> None:
    with pytest.raises(ProgramError, match=re.escape(complaint)) as raised:
        wrong(*_parts())
    assert raised.value.hint


def test_parts_of_two_models_do_not_mix() -> None:
    model, kinds, share = _parts()
    other, _, _ = _parts()
    for mix in (
        lambda: other.neuron("x", kinds["open"]),
        lambda: other.neuron("x", share["open"] > 0),
        lambda: other.head("h", query=other.token, key=other.token, value=kinds),
        lambda: other.sequence(kinds),
    ):
        with pytest.raises(ProgramError, match="belongs to another model"):
            mix()
    assert model is not other


def test_what_cannot_be_proved_is_refused_with_the_node_that_fails() -> None:
    model = hand.Model(vocab="ab", max_length=200)
    letter = model.tokens("letter", {"a": "a"})
    share = model.head("share", query=model.token, key=model.token, where=lambda k, q: True, value=letter)
    model.output("output", {"more": share["a"] > 1 / 2}, otherwise="less")
    with pytest.raises(NotProvedError, match="exact for length 200 in bfloat16") as raised:
        model.compile(dtype="bfloat16")
    assert "use --dtype float32" in raised.value.hint
    model.compile()


def test_options_and_inputs_are_checked_as_for_programs() -> None:
    model, kinds, _ = _parts()
    model.output("output", {"yes": kinds["open"]}, otherwise="no")
    with pytest.raises(UsageError, match="unknown float type 'float8'"):
        model.compile(dtype="float8")
    with pytest.raises(InputError, match="unknown token 'z' at position 0"):
        model.ideal("z")
    assert model.ideal("") == []
    part = model.compiled(tokens == "a", "is a")
    assert [part.labels, part.number is not None] == [(True, False), True]
