"""Evaluators: the standard one, causal ones, and those users make."""

from seme import rasp
from seme.rasp import causal_eval

ALL = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.TRUE)


def test_a_causal_evaluator_hides_what_comes_later():
    rows = [[True, True, True], [False, True, True], [True, False, True]]
    expected = [[True, False, False], [False, True, False], [True, False, True]]
    assert causal_eval.evaluate(rasp.ConstantSelector(rows), [0, 0, 0]) == expected
    assert causal_eval.evaluate(rasp.SelectorWidth(ALL), "abc") == [1, 2, 3]
    assert causal_eval.evaluate(rasp.length, "abc") == [1, 2, 3]


def test_not_selecting_what_is_hidden_does_not_select_it():
    assert causal_eval.evaluate(~(ALL & ALL), "ab") == [[False, False], [False, False]]
    none = rasp.SelectorNot(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.FALSE))
    assert causal_eval.evaluate(none, "ab") == [[True, False], [True, True]]


def test_an_evaluator_may_override_every_expression():
    class Counting(rasp.DefaultRASPEvaluator):
        def __init__(self):
            super().__init__()
            self.seen = []

        def evaluate(self, expr, xs):
            self.seen.append(expr.name)
            return super().evaluate(expr, xs)

    evaluator = Counting()
    assert evaluator.evaluate(rasp.SelectorWidth(ALL), "ab") == [2, 2]
    assert evaluator.seen == ["selector_width", "select", "tokens", "tokens"]


def test_an_evaluator_may_override_one_kind():
    class Longer(rasp.DefaultRASPEvaluator):
        def eval_length(self, sop, xs):
            return [len(xs) + 1] * len(xs)

    assert Longer().evaluate(rasp.length - 1, "abc") == [3, 3, 3]
    assert rasp.evaluate(rasp.length - 1, "abc") == [2, 2, 2]


def test_an_evaluator_may_ask_another_in_between():
    class Checking(causal_eval.CausalEvaluator):
        def evaluate(self, expr, xs):
            value = super().evaluate(expr, xs)
            if isinstance(expr, rasp.SelectorWidth):
                assert expr(xs) == [len(xs)] * len(xs)
            return value

    assert Checking().evaluate(rasp.SelectorWidth(ALL) + 1, "abc") == [2, 3, 4]


def test_a_shared_expression_is_computed_once():
    calls = []
    sop = rasp.Map(lambda x: calls.append(x) or x, rasp.tokens)
    for _ in range(40):  # 2 ** 40 evaluations if each use were evaluated
        sop = rasp.SequenceMap(lambda x, y: max(x, y), sop, rasp.Map(lambda x: x, sop, simplify=False))
    assert sop("a") == ["a"]
    assert calls == ["a"]


def test_a_subclass_is_evaluated_as_what_it_is():
    class Doubled(rasp.Map):
        def __init__(self, inner):
            super().__init__(lambda x: 2 * x, inner)

    assert Doubled(rasp.tokens)([1, 2]) == [2, 4]
    assert Doubled(rasp.tokens).name == "map"


def test_nothing_in_nothing_out():
    assert (rasp.SelectorWidth(ALL & ~ALL | ALL) + rasp.tokens)([]) == []
