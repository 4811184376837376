"""Names, encodings, copies and ids."""

import pytest

from seme import rasp

SAME = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)
SOPS = {
    "tokens": rasp.tokens,
    "indices": rasp.indices,
    "length": rasp.length,
    "map": rasp.Map(len, rasp.tokens),
    "sequence_map": rasp.SequenceMap(max, rasp.tokens, rasp.indices),
    "linear_sequence_map": rasp.LinearSequenceMap(rasp.tokens, rasp.indices, 1, 2),
    "full": rasp.Full(1),
    "constant_sop": rasp.ConstantSOp([1]),
    "selector_width": rasp.SelectorWidth(SAME),
    "aggregate": rasp.Aggregate(SAME, rasp.tokens),
}
SELECTORS = {
    "select": SAME,
    "selector_and": rasp.SelectorAnd(SAME, SAME),
    "selector_or": rasp.SelectorOr(SAME, SAME),
    "selector_not": rasp.SelectorNot(SAME),
    "constant_selector": rasp.ConstantSelector([[True]]),
}
every_sop = pytest.mark.parametrize("expr", SOPS.values(), ids=SOPS)
every_expression = pytest.mark.parametrize("expr", [*SOPS.values(), *SELECTORS.values()], ids=[*SOPS, *SELECTORS])


def test_expressions_are_named_by_their_kind():
    assert {name: expr.name for name, expr in (SOPS | SELECTORS).items()} == {n: n for n in SOPS | SELECTORS}
    assert [e.label for e in (rasp.tokens, rasp.indices, rasp.length)] == ["tokens", "indices", "length"]
    assert rasp.default_name(SAME) == "select"


@every_expression
def test_naming_makes_a_copy(expr):
    named = expr.named("one")
    assert (named.name, named.copy().name, named.named("two").name, named.name) == ("one", "one", "two", "one")
    assert expr.name != "one"
    assert type(named) is type(expr)
    assert all(a is b for a, b in zip(named.children, expr.children, strict=True))


@every_expression
def test_a_copy_has_an_id_of_its_own(expr):
    first = expr.unique_id  # asked for before the copy is made
    assert expr.copy().unique_id != first
    assert expr.unique_id == first
    assert str(first) in expr.label or expr.label == expr.name


@every_sop
def test_encodings_are_categorical_until_said_otherwise(expr):
    assert rasp.is_categorical(expr)
    assert not rasp.is_numerical(expr)
    number = rasp.numerical(expr)
    assert rasp.get_encoding(number) is rasp.Encoding.NUMERICAL
    assert rasp.is_categorical(rasp.categorical(number))
    assert rasp.is_numerical(number)


def test_selectors_have_no_encoding():
    with pytest.raises(TypeError, match="only a SOp has an encoding"):
        rasp.get_encoding(SAME)  # type: ignore[arg-type]


def test_annotations_are_free():
    noted = rasp.tokens.annotated(colour="red").named("input")
    assert noted.annotations["colour"] == "red"
    assert noted.name == "input"
    assert dict(rasp.annotate(noted, colour="blue").annotations) == {"colour": "blue", "name": "input"}
    with pytest.raises(KeyError, match=r"no annotation `weight`, expected one of .*encoding"):
        noted.annotations["weight"]


def test_annotations_can_be_replaced():
    expr = rasp.tokens.copy()
    expr.annotations = {"name": "replaced"}
    assert expr.name == "replaced"


def test_a_default_annotator_is_asked_once_and_only_when_needed(monkeypatch):
    asked = []
    monkeypatch.setitem(rasp.DEFAULT_ANNOTATORS, "depth", lambda expr: asked.append(expr) or len(expr.children))
    expr = rasp.Map(len, rasp.tokens)
    assert asked == []
    assert [expr.annotations["depth"], expr.annotations["depth"]] == [1, 1]
    assert asked == [expr]
    assert list(expr.annotations) == ["depth"]


def test_a_kind_without_a_name_says_so():
    class Nameless(rasp.RASPExpr):
        @property
        def children(self):
            return []

    with pytest.raises(NotImplementedError, match="Nameless has no default name"):
        Nameless().name  # noqa: B018 - the property is what is tested
    with pytest.raises(NotImplementedError, match="no rule to evaluate"):
        rasp.evaluate(Nameless().named("x"), [1])
