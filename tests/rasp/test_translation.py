"""What RASP becomes in the language: names, operators, comparisons, and sharing."""

import operator

import pytest

from seme import lang, rasp
from seme.core.errors import ProgramError
from seme.lang import expressions as e
from seme.lang.program import walk
from seme.rasp import Aggregate, Comparison, Full, Map, Select, SelectorWidth, SequenceMap, indices, length, tokens


def told(node) -> str:
    """An expression in words: operators by name, tables as `table`."""
    match node:
        case e.Constant():
            return repr(node.value)
        case e.Map():
            return f"{node.operator or 'table'}({', '.join(map(told, node.inputs))})"
        case e.Select():
            return f"select({told(node.keys)} {node.operator or '?'} {told(node.queries)})"
        case e.Both() | e.Either():
            return f"{type(node).__name__.lower()}({told(node.left)}, {told(node.right)})"
        case e.Neither():
            return f"neither({told(node.inner)})"
        case e.Count():
            return f"count({told(node.selector)})"
        case e.Aggregate():
            return f"aggregate({told(node.selector)}, {told(node.value)}, {node.default!r})"
    return type(node).__name__.lower()


BOTH_TOLD = "both(select(tokens equal positions), select(positions less tokens))"
BOTH = Select(tokens, indices, Comparison.EQ) & Select(indices, tokens, Comparison.LT)


@pytest.mark.parametrize(
    ("sop", "expected"),
    [
        (tokens + 1, "add(tokens, 1)"),
        (1 - tokens, "subtract(1, tokens)"),
        ((length - indices) - 1, "subtract(subtract(length, positions), 1)"),
        (-1 * SelectorWidth(Select(tokens, tokens, Comparison.EQ)), "multiply(-1, count(select(tokens equal tokens)))"),
        ((tokens * 2 + 2) / 4.0 < 3, "less(divide(add(multiply(tokens, 2), 2), 4), 3)"),
        (tokens / 0.5, "divide(tokens, 0.5)"),
        (~(tokens == "a"), "not(equal(tokens, 'a'))"),
        (tokens == indices, "equal(tokens, positions)"),
        (rasp.LinearSequenceMap(tokens, indices, 1, -1), "subtract(tokens, positions)"),
        (rasp.LinearSequenceMap(tokens, indices, 2, 0.5), "add(multiply(2, tokens), multiply(0.5, positions))"),
        (rasp.LinearSequenceMap(tokens, indices, -1.0, -3), "subtract(multiply(-1, tokens), multiply(3, positions))"),
        (SequenceMap(operator.floordiv, tokens, length), "floor_divide(tokens, length)"),
        (SequenceMap(max, tokens, length), "maximum(tokens, length)"),
        (Map(abs, Map(operator.neg, tokens)), "absolute(negative(tokens))"),
        (SequenceMap(lambda x, y: x, tokens, length), "table(tokens, length)"),
        # Python's `and` of values is a table; of booleans it is the operator.
        (tokens & 1, "table(tokens)"),
        (tokens & indices, "table(tokens, positions)"),
        ((tokens < 1) & True, "and(less(tokens, 1), True)"),
        ((tokens < 1) & 1, "table(tokens)"),
        ((tokens < 1) | (indices > 2), "or(less(tokens, 1), greater(positions, 2))"),
        # One opaque step makes one table of the whole chain.
        (Map(lambda x: x, tokens + 1) * 2, "table(tokens)"),
        (tokens == None, "table(tokens)"),  # noqa: E711 - the operator is what is tested
        (Aggregate(BOTH, Full(1), 0), f"aggregate({BOTH_TOLD}, 1, 0)"),
        (SelectorWidth(~BOTH), f"count(neither({BOTH_TOLD}))"),
        (SelectorWidth(~Select(tokens, indices, Comparison.LT)), "count(select(tokens greater_equal positions))"),
        (SelectorWidth(Select(tokens, indices, Comparison.TRUE)), "count(select(tokens ? positions))"),
    ],
)
def test_what_an_expression_becomes(sop, expected):
    assert told(sop.to_lang()) == expected


def test_one_sequence_twice_is_a_function_of_one_value():
    squared = (tokens * tokens).to_lang()
    assert isinstance(squared, e.Map)
    assert told(squared) == "table(tokens)"
    assert squared.function(7) == 49
    assert told((tokens + tokens.named("again")).to_lang()) == "add(tokens, tokens)"


def test_the_same_object_is_translated_once():
    occurrences = SelectorWidth(Select(tokens, tokens, Comparison.EQ))
    total = (occurrences + occurrences.named("again") * 1).to_lang()
    assert sum(isinstance(n, e.Count) for n in walk(total)) == 1


def test_what_is_built_alike_is_translated_once():
    def share(token):
        so_far = Select(indices, indices, Comparison.LEQ)
        return Aggregate(so_far, tokens == token, default=0)

    two = rasp.LinearSequenceMap(share("("), share(")"), 1, -1).to_lang()
    kinds = [type(n).__name__ for n in walk(two)]
    assert kinds.count("Select") == 1
    assert kinds.count("Aggregate") == 2


def test_alike_is_not_equal_in_python():
    whole, true = tokens + 1, tokens + True
    pair = SequenceMap(lambda x, y: (x, y), whole, true).to_lang()
    assert told(pair) == "table(add(tokens, 1), add(tokens, True))"


def test_outputs_of_one_program_share():
    occurrences = SelectorWidth(Select(tokens, tokens, Comparison.EQ))
    program = lang.program(a=occurrences + 1, b=occurrences * 2, vocab="ab", max_length=4)
    counts = {id(n) for output in program.outputs.values() for n in walk(output) if isinstance(n, e.Count)}
    assert len(counts) == 1


def test_names_encodings_and_lines_are_carried_along():
    from_end = (length - indices).named("from_end")
    output = rasp.numerical((from_end - 1).named("mirrored")).to_lang()
    assert (output.name, output.as_kind) == ("mirrored", "number")
    inner = output.arguments[0]
    assert (inner.name, inner.as_kind) == ("from_end", None)
    assert output.source.startswith("test_translation.py:")
    assert rasp.categorical(tokens + 1).to_lang().as_kind == "category"
    assert (tokens + 1).to_lang().as_kind is None
    assert (tokens + 1).to_lang().name == ""


def test_the_language_s_own_expressions_are_left_alone():
    rasp.numerical(tokens.named("mine")).to_lang()
    assert (lang.tokens.name, lang.tokens.as_kind) == ("tokens", None)
    assert tokens.named("mine").to_lang().name == "mine"
    assert tokens.to_lang().name == "tokens"


def test_one_computation_may_be_two_outputs_of_two_kinds():
    twice = tokens * 2
    outputs = {"plain": twice, "number": rasp.numerical(twice), "label": rasp.categorical(twice)}
    program = lang.program(outputs, vocab=[1, 2], max_length=2)
    assert {name: s.as_kind for name, s in program.outputs.items()} == {
        "plain": None,
        "number": "number",
        "label": "category",
    }
    assert lang.interpret(program, [2]) == {"plain": [4], "number": [4], "label": [4]}


def test_translating_leaves_nothing_behind():
    twice = tokens * 2
    assert rasp.numerical(twice).to_lang().as_kind == "number"
    assert twice.to_lang().as_kind is None


def test_a_comparison_with_none_selects_nothing():
    before = Aggregate(Select(indices, indices - 1, Comparison.EQ), tokens)
    odd = Select(before, tokens, lambda key, query: True) & Select(before, tokens, Comparison.EQ)
    for selector in (Select(before, tokens, Comparison.EQ), odd):
        program = lang.program(SelectorWidth(selector), vocab="ab", max_length=3)
        # The tokens before are None, a, a: one a twice, and no b.
        assert lang.interpret(program, "aab") == [2, 2, 0]


@pytest.mark.parametrize(
    "sop",
    [rasp.ConstantSOp([1, 2]) + 1, SelectorWidth(rasp.ConstantSelector([[True]]))],
)
def test_constants_for_tests_cannot_be_compiled(sop):
    with pytest.raises(ProgramError, match="cannot compile the Constant") as error:
        lang.program(sop, vocab="ab", max_length=2)
    assert "test_translation.py:" in str(error.value)
    assert "Full(value)" in str(error.value)


def test_an_unknown_kind_cannot_be_compiled():
    class Mine(rasp.SOp):
        @property
        def children(self):
            return [tokens]

    with pytest.raises(ProgramError, match="unknown kind of expression Mine"):
        (Mine() + 1).to_lang()


def test_deep_programs_are_translated():
    sop = tokens
    for _ in range(3000):
        sop = SequenceMap(operator.add, sop, indices)
    program = lang.program(sop, vocab=[1], max_length=2)
    assert lang.interpret(program, [1, 1]) == [1, 3001]


def test_a_program_in_the_wrong_order_is_noticed():
    """The control of the corpus' comparison: a translation that swapped keys and queries would not pass."""
    sop = SelectorWidth(Select(tokens, tokens, Comparison.LT))
    translated = sop.to_lang()
    assert isinstance(translated, e.Count)
    select = translated.selector
    assert isinstance(select, e.Select)
    select.operator, select.predicate = "greater", operator.gt
    program = lang.program(translated, vocab=[1, 2], max_length=2)
    assert lang.interpret(program, [1, 2]) != sop([1, 2])
