from dataclasses import replace

import numpy as np
import pytest
import torch

from seme.compiler.trace import compile_trace, plan_trace
from seme.compiler.trace_lower import lower_trace
from seme.core.errors import InputError, NotProvedError, TooLargeError, UsageError
from seme.execute import DenseStream
from seme.ir import dump, evaluate, parse
from seme.lang import trace as t
from support.traces import memory, odometer, sums

PROGRAMS = [(odometer, ["w00"]), (memory, ["3=1", "4=2", "3=0"]), (sums, ["00", "12", "11"])]


def ids(artifact, texts):
    table = artifact.tokens
    return [table.BEGIN_ID, *(table.texts.index(text) + table.FIRST_ID for text in texts)]


def decode(artifact, prompt, most):
    """The loop: it knows nothing of any program."""
    stream = DenseStream(artifact)
    stream.feed(ids(artifact, prompt))
    return [artifact.tokens.texts[row - artifact.tokens.FIRST_ID] for row in stream.run(most)]


@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("make", "prompt"), PROGRAMS)
def test_the_weights_continue_as_the_interpreter_does(make, prompt, dtype, activation):
    program = make(180) if make is sums else make()
    if make is sums and dtype == "float32":
        program = make(40)
    most = min(300, program.longest - len(prompt))
    artifact = compile_trace(program, dtype=dtype, activation=activation, max_length=64)
    assert artifact.certificate["types"][dtype]["proved"]
    assert decode(artifact, prompt, most) == t.interpret(program, prompt, most)


@pytest.mark.parametrize(("make", "prompt"), PROGRAMS)
def test_the_graph_chooses_what_the_interpreter_chooses_and_its_text_reads_back(make, prompt):
    program = make()
    graph = lower_trace(program)
    assert dump(parse(dump(graph))) == dump(graph)
    trace = [*prompt, *t.interpret(program, prompt, 60)]
    rows = [program.vocabulary.row(text) for text in trace]
    logits = evaluate(graph, rows)["output:next"][1:]
    chosen = [program.vocabulary.texts[row] for row in logits.argmax(-1)]
    assert chosen[len(prompt) - 1 : -1] == trace[len(prompt) :]
    best = np.sort(logits, axis=-1)
    assert (best[:, -1] - best[:, -2] >= 1).all()


def test_the_loop_is_the_same_for_other_weights():
    one, two = compile_trace(odometer()), compile_trace(memory())
    assert decode(one, ["w00"], 20) == t.interpret(odometer(), ["w00"], 20)
    assert decode(two, ["3=1"], 20) == t.interpret(memory(), ["3=1"], 20)


def test_a_damaged_weight_shows():
    artifact = compile_trace(memory())
    weights = dict(artifact.weights)
    for layer in range(artifact.spec.layers):
        weights[f"blocks.{layer}.mlp.W_out"] = weights[f"blocks.{layer}.mlp.W_out"].roll(1, 0)
    want = t.interpret(memory(), ["3=1"], 100)
    assert decode(artifact, ["3=1"], 100) == want
    assert decode(replace(artifact, weights=weights), ["3=1"], 100) != want


def test_reading_all_at_once_chooses_as_reading_one_by_one_does():
    artifact = compile_trace(memory())
    trace = ids(artifact, ["3=1", *t.interpret(memory(), ["3=1"], 700)])
    whole, single = DenseStream(artifact), DenseStream(artifact)
    at_once = whole.feed(trace)
    assert at_once.tolist() == [int(single.feed([row])[0]) for row in trace]
    assert at_once[1:-1].tolist() == trace[2:]


def test_positions_go_on_beyond_the_table_by_their_rule():
    short, long = (compile_trace(odometer(1 << 30), max_length=rows) for rows in (40, 400))
    assert short.spec.n_positions == 41
    rule = short.positions
    assert rule is not None
    assert torch.equal(rule.rows(1, 400), long.weights["pos_embed.W_pos"][1:])
    assert rule.longest == 1 << 30
    assert decode(short, ["w00"], 390) == decode(long, ["w00"], 390)
    with pytest.raises(InputError, match="positions for 41 tokens"):
        decode(replace(short, positions=None), ["w00"], 50)


def test_adding_up_in_another_order_chooses_the_same_tokens():
    artifact = compile_trace(memory())
    spec, weights = artifact.spec, dict(artifact.weights)
    order = torch.from_numpy(np.random.default_rng(0).permutation(spec.d_mlp))
    for layer in range(spec.layers):
        at = f"blocks.{layer}.mlp"
        weights[f"{at}.W_in"] = weights[f"{at}.W_in"][:, order]
        weights[f"{at}.b_in"] = weights[f"{at}.b_in"][order]
        weights[f"{at}.W_out"] = weights[f"{at}.W_out"][order]
    permuted = replace(artifact, weights=weights)
    assert decode(permuted, ["3=1"], 300) == decode(artifact, ["3=1"], 300)


def test_longer_traces_than_can_be_proved_are_refused():
    assert plan_trace(memory(2048), dtype="float32", activation="relu").certificate.proved
    with pytest.raises(NotProvedError, match=r"cannot prove `memory` exact for traces of 67,108,864 tokens in float32"):
        compile_trace(memory(1 << 26), dtype="float32")
    assert compile_trace(memory(1 << 30), dtype="float64").positions.longest == 1 << 30


def test_a_running_sum_needs_a_table_of_positions():
    with pytest.raises(TooLargeError, match="expected at most 1,048,576"):
        lower_trace(
            t.trace_program(
                (v := t.vocabulary({"a": {"n": 0}, "b": {"n": 1}})),
                emit={"n": t.count(v["n"], longest=1 << 21) >= 5},
                longest=1 << 21,
            )
        )


def test_models_that_label_their_input_do_not_continue_it():
    import seme
    from seme.lang import tokens

    labels = seme.compile(tokens, vocab="ab", max_length=3, causal=True).artifact
    with pytest.raises(UsageError, match="labels its input"):
        DenseStream(labels)
    with pytest.raises(UsageError, match="nothing to continue"):
        DenseStream(compile_trace(memory())).run(1)


def test_a_model_larger_than_memory_is_refused_before_it_is_made(monkeypatch):
    monkeypatch.setattr("seme.compiler.trace.free_memory", lambda: 10_000)
    with pytest.raises(TooLargeError, match=r"take [0-9.]+ GB to make; 0.0 GB are free"):
        compile_trace(memory())
