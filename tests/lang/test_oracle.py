from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import inputs, programs

from seme.lang import aggregate, count, length, positions, program, select, tokens
from seme.lang.interpreter import evaluate
from seme.lang.oracle import LONGEST_KEPT, oracle


@given(data=st.data(), drawn=programs())
def test_it_answers_like_the_interpreter_whatever_came_before(data: st.DataObject, drawn) -> None:
    answer = oracle(drawn)
    for _ in range(4):
        xs = data.draw(inputs(drawn))
        assert answer(list(xs)) == evaluate(drawn, list(xs))


def test_what_reads_tokens_is_computed_anew_and_long_inputs_share_nothing() -> None:
    mirror = select(positions, length - 1 - positions, "==")
    both = {"mirror": aggregate(mirror, tokens), "same": count(select(tokens, tokens, "=="))}
    for causal in (False, True):
        made = program(both, vocab="ab", max_length=LONGEST_KEPT + 2, causal=causal)
        answer = oracle(made)
        for size in (0, 1, 5, LONGEST_KEPT, LONGEST_KEPT + 1):
            for xs in (["a"] * size, ["b"] * size, (["a", "b"] * size)[:size]):
                assert answer(xs) == evaluate(made, xs)
