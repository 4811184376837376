"""Whatever program is written, evaluation and translation agree where evaluation is defined."""

import logging

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from seme import lang, rasp
from seme.rasp import causal_eval
from tests.rasp.strategies import MOST_TOKENS, TOKENS, sops


@pytest.fixture(autouse=True)
def _quiet():
    # Random programs pair a sequence with itself all the time, and each time a warning is due.
    logging.getLogger("seme.rasp").setLevel(logging.ERROR)
    yield
    logging.getLogger("seme.rasp").setLevel(logging.NOTSET)


@given(sop=sops(3), xs=st.lists(st.sampled_from(TOKENS), max_size=MOST_TOKENS), causal=st.booleans())
@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_evaluation_and_translation_agree(sop, xs, causal):
    try:
        expected = (causal_eval.evaluate if causal else rasp.evaluate)(sop, xs)
    except (TypeError, ValueError):
        assume(False)
    output = {"output": sop, "tokens": rasp.tokens}
    program = lang.program(output, vocab=TOKENS, max_length=MOST_TOKENS, causal=causal)
    assert lang.interpret(program, xs)["output"] == expected
