"""One corpus, every rung: interpreter = graph = weights, in both activations and through the saved folder."""

import itertools

import numpy as np
import pytest
import torch
from examples import catalogue

import seme
from seme.compiler.check import adversarial, check, samples
from seme.compiler.lower import lower
from seme.compiler.passes import fold, prune, share_embeddings
from seme.ir import evaluate as evaluate_graph
from seme.lang.interpreter import evaluate

ALL = [pytest.param(listed, id=listed.name) for listed in catalogue.PROGRAMS]


def some_inputs(program, random=40):
    """Adversarial inputs and random ones."""
    return itertools.chain(
        adversarial(program.vocab, program.max_length),
        samples(program.vocab, program.max_length, random, seed=1),
    )


@pytest.mark.parametrize("listed", ALL)
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_weights_agree_with_the_interpreter(listed, activation):
    program = listed.program
    model = seme.compile(program, activation=activation)
    assert model.artifact.certificate["types"]["float32"]["proved"]
    report = check(model, lambda xs: evaluate(program, xs), some_inputs(program))
    assert report.wrong == 0, report.first_divergence
    assert report.undefined == 0
    assert report.checked >= 50


@pytest.mark.parametrize("listed", ALL)
@pytest.mark.parametrize("robust", [0, 1, 2])
def test_the_graph_agrees_with_the_interpreter_however_robust(listed, robust):
    program = listed.program
    lowered = lower(program, robust=robust)
    graph = fold(share_embeddings(prune(lowered.graph)))
    for xs in itertools.islice(some_inputs(program, random=6), 0, None, 9):
        values = evaluate_graph(graph, [program.vocab.index(x) for x in xs])
        expected = evaluate(program, xs)
        for output in lowered.outputs:
            logits = values[f"output:{output.name}"][1:]
            want = expected[output.name]
            if output.kind == "category":
                assert [output.labels[i] for i in logits.argmax(axis=1)] == want
            else:
                slack = 1e-9 + output.error
                assert np.allclose(logits[:, 0], [float(w) for w in want], rtol=0, atol=slack)


@pytest.mark.parametrize("listed", ALL[::4])
def test_float64_weights_agree_too(listed):
    program = listed.program
    model = seme.compile(program, dtype="float64")
    report = check(model, lambda xs: evaluate(program, xs), some_inputs(program, random=10))
    assert report.wrong == 0, report.first_divergence


@pytest.mark.parametrize("listed", ALL[::5])
def test_a_saved_folder_answers_the_same(listed, tmp_path):
    model = seme.compile(listed.program)
    model.save(tmp_path / "model")
    loaded = seme.load(tmp_path / "model")
    assert loaded(list(listed.sample)) == model(list(listed.sample))


@pytest.mark.parametrize("listed", ALL[::3])
def test_permuted_weights_are_caught(listed):
    """The control: the same check must fail once rows of the embeddings are shuffled and the unembedding is moved."""
    program = listed.program
    model = seme.compile(program)
    artifact = model.artifact
    generator = torch.Generator().manual_seed(0)
    weights = dict(artifact.weights)
    order = torch.randperm(artifact.spec.d_vocab - 2, generator=generator) + 2
    order_p = torch.randperm(artifact.spec.n_positions - 1, generator=generator) + 1
    weights["embed.W_E"] = torch.cat([weights["embed.W_E"][:2], weights["embed.W_E"][order]])
    weights["pos_embed.W_pos"] = torch.cat([weights["pos_embed.W_pos"][:1], weights["pos_embed.W_pos"][order_p]])
    unembed = torch.roll(weights["unembed.W_U"], 2, dims=0)
    damaged = seme.Model(replace_weights(artifact, weights | {"unembed.W_U": unembed}))
    report = check(damaged, lambda xs: evaluate(program, xs), some_inputs(program, random=20))
    assert report.wrong > 0


def replace_weights(artifact, weights):
    import dataclasses

    return dataclasses.replace(artifact, weights=weights)


def test_the_same_program_compiles_to_the_same_bytes():
    first, second = (seme.compile(catalogue.PROGRAMS[2].program).artifact for _ in range(2))
    assert first.meaning == second.meaning
    assert first.certificate == second.certificate
    assert all(torch.equal(first.weights[name], second.weights[name]) for name in first.weights)
