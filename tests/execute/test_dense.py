import random

import pytest
import torch

from seme.execute import Dense, dense
from support.models import fraction_of_a, previous_token, random_artifact, true_fractions

SAME = 1e-12
"""Float64: a batch sums in another order than a single sequence."""


@pytest.mark.parametrize("architecture", ["bert", "gpt2"])
def test_a_batch_of_mixed_lengths_answers_each_as_alone(architecture):
    run = Dense(random_artifact(architecture, dtype="float64"))
    draw = random.Random(1)
    inputs = ["".join(draw.choices("abcdef", k=draw.randint(0, 11))) for _ in range(60)] + ["", "a" * 11]
    together = run.batch(inputs)
    for name in ("label", "value"):
        assert [len(answer) for answer in together[name]] == [len(xs) for xs in inputs]
    for xs, labels, values in zip(inputs, together["label"], together["value"], strict=True):
        alone = run.batch([xs])
        assert alone["label"][0] == labels
        assert alone["value"][0] == pytest.approx(values, abs=SAME)


@pytest.mark.parametrize("numbers", [1, 500, 1 << 30])
def test_the_size_of_the_batches_changes_nothing(monkeypatch, numbers):
    run = Dense(previous_token())
    inputs = ["abc", "", "ccba", "a", "bb"]
    expected = [[None, *xs][: len(xs)] for xs in inputs]
    monkeypatch.setattr(dense, "BATCH_NUMBERS", numbers)
    assert run.batch(inputs)["output"] == expected


def test_no_input_gives_no_output():
    assert Dense(previous_token()).batch([]) == {"output": []}
    assert Dense(previous_token()).batch(["", ""]) == {"output": [[], []]}
    assert Dense(previous_token()).logits("").shape == (0, 4)


@pytest.mark.parametrize("architecture", ["bert", "gpt2"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_model_made_by_hand_computes_what_it_was_made_for(architecture, dtype):
    run = Dense(fraction_of_a(architecture, dtype))
    inputs = ["a", "b", "abca", "aaaaaaaaa", "ccccccccb", "bacabacab", ""]
    expected = [true_fractions(xs, causal=architecture == "gpt2") for xs in inputs]
    assert run.batch(inputs)["output"] == expected


def test_permuted_weights_change_the_answer():
    artifact = previous_token()
    weights = dict(artifact.weights)
    weights["unembed.W_U"] = weights["unembed.W_U"].roll(1, dims=1)
    from dataclasses import replace

    assert Dense(artifact).batch(["abca"])["output"] == [[None, "a", "b", "c"]]
    assert Dense(replace(artifact, weights=weights)).batch(["abca"])["output"] != [[None, "a", "b", "c"]]


def test_logits_are_given_without_the_begin_token():
    artifact = random_artifact()
    run = Dense(artifact)
    assert torch.equal(run.logits("abc"), run.run_ids(torch.tensor([[0, 2, 3, 4]]))[0, 1:])
