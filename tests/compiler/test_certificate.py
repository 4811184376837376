"""The certificate is a promise: what weights compute never strays further than it says."""

import numpy as np
import pytest
import torch
from examples import catalogue
from hypothesis import HealthCheck, given, settings

import seme
from seme.compiler.certify import certify
from seme.compiler.check import samples
from seme.compiler.pipeline import attempt, build
from seme.core.errors import NotProvedError, SemeError
from seme.core.numerics import FLOAT_TYPES
from seme.exchange import Model
from seme.ir import evaluate
from seme.lang import aggregate, count, length, map, positions, program, select, tokens
from tests.strategies import programs

FINDING = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def observed_margin(closed, decided, dtype, inputs):
    """The largest observed error of a logit block, relative to the certificate's margin for it."""
    model = Model(build(decided, closed, activation="relu"))
    worst = 0.0
    for xs in inputs:
        if not xs:
            continue
        ideal = evaluate(decided.graph, [closed.vocab.index(x) for x in xs])
        logits = model.logits(xs).double().numpy()
        at = 0
        for node in decided.graph.outputs():
            block = logits[:, at : at + node.space.size]
            at += node.space.size
            if node.kind == "number":
                proved = decided.certificate.errors[node.name.removeprefix("output:")]
                worst = max(worst, float(np.abs(block - ideal[node.name][1:]).max()) / max(proved, 1e-300))
            else:
                assert (block.argmax(axis=1) == ideal[node.name][1:].argmax(axis=1)).all()
    return worst


@pytest.mark.parametrize("listed", [pytest.param(p, id=p.name) for p in catalogue.PROGRAMS])
def test_observed_errors_stay_within_the_proved_ones(listed):
    closed = listed.program
    decided = attempt(closed, dtype="float32", activation="relu", robust=0)
    if not decided.certificate.proved:
        decided = attempt(closed, dtype="float32", activation="relu", robust=2)
    assert observed_margin(closed, decided, "float32", samples(closed.vocab, closed.max_length, 12, seed=3)) <= 1.0


@FINDING
@given(programs(max_length=6, depth=3))
def test_drawn_programs_stay_within_their_certificates(closed):
    try:
        decided = attempt(closed, dtype="float32", activation="relu", robust=0)
    except SemeError:
        return  # refused in words: nothing was promised
    if decided.certificate.proved:
        assert observed_margin(closed, decided, "float32", samples(closed.vocab, closed.max_length, 8, seed=4)) <= 1.0


def test_a_length_beyond_the_float_type_is_refused_with_node_margin_and_remedy():
    mean = aggregate(select(positions, positions, "<="), map(lambda t: int(t == "a"), tokens)).named("share of a")
    with pytest.raises(NotProvedError) as caught:
        seme.compile(mean, vocab="ab", max_length=60, dtype="bfloat16")
    text = str(caught.value)
    assert "for length 60 in bfloat16" in text
    assert "must stay below" in text
    assert "--dtype float32" in text


def test_categories_of_several_keys_are_refused_unless_a_rule_is_named():
    several = select(tokens, "a", "==")
    with pytest.raises(NotProvedError, match="several keys may be selected"):
        seme.compile(aggregate(several, tokens), vocab="ab", max_length=5)
    first = seme.compile(aggregate(select(positions, 1, "<="), tokens, tie="last"), vocab="ab", max_length=5)
    assert first("ab") == ["b", "b"]


def test_a_wider_type_proves_at_least_what_a_narrower_one_does():
    for listed in catalogue.PROGRAMS[::6]:
        types = seme.compile(listed.program).artifact.certificate["types"]
        assert types["float64"]["proved"] >= types["float32"]["proved"] >= types["float16"]["proved"]


def test_the_scale_of_a_head_grows_with_the_length_it_must_serve():
    """A constant that looked big enough is the commonest mistake: ours comes from a bound."""
    hist = count(select(tokens, tokens, "=="))
    scales = []
    for longest in (4, 4000):
        decided = attempt(program(hist, vocab="abc", max_length=longest), dtype="float32", activation="relu", robust=0)
        scales.append(min(decided.certificate.scales.values()))
    assert scales[0] < scales[1]


def test_too_small_a_scale_is_noticed():
    """The control of the leak bound: with scores divided by eight nothing is proved, and answers do go wrong."""
    closed = program(aggregate(select(positions, length - 1 - positions, "=="), tokens), vocab="abcdef", max_length=20)
    decided = attempt(closed, dtype="float32", activation="relu", robust=0)
    weak = {name: scale / 16 for name, scale in decided.certificate.scales.items()}
    again = certify(decided.graph, decided.placed, decided.plan, FLOAT_TYPES["float32"], activation="relu", scales=weak)
    assert not again.proved


def test_exactness_survives_another_order_of_summation():
    """Weights permuted along d_model and d_mlp compute the same sums in another order: the answers must not change."""
    closed = catalogue.PROGRAMS[4].program
    model = seme.compile(closed)
    artifact = model.artifact
    generator = torch.Generator().manual_seed(1)
    order = torch.randperm(artifact.spec.d_model, generator=generator)
    neurons = torch.randperm(artifact.spec.d_mlp, generator=generator)
    moved = {name: reorder(name, weight, order, neurons) for name, weight in artifact.weights.items()}
    import dataclasses

    other = Model(dataclasses.replace(artifact, weights=moved))
    inputs = list(samples(closed.vocab, closed.max_length, 50, seed=5))
    assert other.batch(inputs) == model.batch(inputs)


def reorder(name, weight, order, neurons):
    """The same weight with residual directions and neurons renumbered."""
    if name in ("embed.W_E", "pos_embed.W_pos"):
        return weight[:, order]
    if name == "unembed.W_U":
        return weight[order]
    if name.endswith((".W_Q", ".W_K", ".W_V")):
        return weight[:, order]
    if name.endswith(".W_O"):
        return weight[:, :, order]
    if name.endswith(".W_in"):
        return weight[order][:, neurons]
    if name.endswith(".W_out"):
        return weight[neurons][:, order]
    if name.endswith(".b_in"):
        return weight[neurons]
    ends = (".b_O", ".b_out", "ln1.w", "ln1.b", "ln2.w", "ln2.b", "ln.w", "ln.b", "ln_final.w", "ln_final.b")
    if name.endswith(ends):
        return weight[order]
    return weight
