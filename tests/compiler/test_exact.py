"""Whole numbers throughout: what the certificate says any order of summing gives, bit for bit."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from seme.compiler.exact import certify_exact
from seme.compiler.sums import Norms, lowest_bit
from seme.compiler.trace import build_trace, compile_trace, plan_exact, plan_trace
from seme.core.numerics import FLOAT_TYPES
from seme.ir import evaluate, parse
from seme.lang import trace as t
from seme.model.artifact import TokenTable
from seme.model.transformer import run_with_cache
from support.reordered import permuted
from support.traces import memory, odometer, sums

FLOAT32 = FLOAT_TYPES["float32"]
PROGRAMS = [(odometer, ["w00"]), (memory, ["3=1", "4=2", "3=0"])]
SEEDS = range(4)


def trace_rows(program, prompt, most=200):
    texts = [*prompt, *t.interpret(program, prompt, most)]
    return np.array([0, *(program.vocabulary.row(text) + TokenTable.FIRST_ID for text in texts)])


def run(artifact, rows, dtype=None):
    """Logits and everything hooked, for one trace; at the begin token nobody reads logits."""
    weights = {name: w if dtype is None else w.to(dtype) for name, w in artifact.weights.items()}
    with torch.inference_mode():
        logits, seen = run_with_cache(artifact.spec, weights, torch.from_numpy(rows)[None])
    return logits[0, 1:], seen


@pytest.fixture(scope="module", params=range(len(PROGRAMS)), ids=["odometer", "memory"])
def made(request):
    make, prompt = PROGRAMS[request.param]
    program = make()
    artifact = compile_trace(program, dtype="float32", max_length=256)
    assert artifact.certificate["types"]["float32"]["any_order"]
    return artifact, trace_rows(program, prompt)


def test_the_weights_compute_the_graphs_numbers_and_no_others(made):
    artifact, rows = made
    want = evaluate(parse(artifact.graph), (rows[1:] - TokenTable.FIRST_ID).tolist())["output:next"][1:]
    assert np.array_equal(run(artifact, rows)[0][:, TokenTable.FIRST_ID :].numpy(), want)


@pytest.mark.parametrize("seed", SEEDS)
def test_any_order_of_summing_gives_bitwise_the_same(made, seed):
    artifact, rows = made
    other = permuted(artifact, seed, paired=False)
    (logits, seen), (again, _) = run(artifact, rows), run(other, rows)
    assert torch.equal(logits, again)
    assert torch.equal(run(artifact, rows, torch.float64)[0], logits.double())
    last = seen[f"blocks.{artifact.spec.layers - 1}.hook_resid_post"]
    assert torch.equal(last[..., 0::2], -last[..., 1::2])


def test_where_the_certificate_does_not_say_so_bits_differ():
    """The control: the same program, proved by bounds on noise."""
    program = memory()
    artifact = compile_trace(program, dtype="float64", max_length=256)
    told = artifact.certificate["types"]["float64"]
    assert told["proved"]
    assert not told["any_order"]
    rows = trace_rows(program, PROGRAMS[1][1])
    logits = run(artifact, rows)[0]
    others = [run(permuted(artifact, seed, paired=False), rows)[0] for seed in SEEDS]
    assert any(not torch.equal(logits, other) for other in others)
    assert all(torch.equal(logits.argmax(-1)[3:], other.argmax(-1)[3:]) for other in others)


def shifted_means(monkeypatch, error):
    """Layer norms whose means are off by `error`, one a norm, as another way to add them up might make them."""
    generator, plain, calls = torch.Generator().manual_seed(0), functional.layer_norm, []

    def layer_norm(x, shape, gain, bias, eps):
        off = error[len(calls) % len(error)]
        calls.append(off)
        return (
            plain(x, shape, gain, torch.zeros_like(bias), eps)
            + off * (2 * torch.rand(x.shape[:-1], generator=generator)[..., None] - 1).sign().to(x)
            + bias
        )

    monkeypatch.setattr(functional, "layer_norm", layer_norm)


def test_norms_round_away_whatever_the_mean_is_off_by(made, monkeypatch):
    artifact, rows = made
    logits = run(artifact, rows)[0]
    names = [f"blocks.{layer}.{norm}.b" for layer in range(artifact.spec.layers) for norm in ("ln1", "ln2")]
    offsets = [float(artifact.weights[name][2]) for name in [*names, "ln_final.b"]]
    half = [2.0 ** np.floor(np.log2(offset)) * FLOAT32.unit for offset in offsets]
    with monkeypatch.context() as patch:
        shifted_means(patch, [0.99 * most for most in half])
        assert torch.equal(run(artifact, rows)[0], logits)
    with monkeypatch.context() as patch:  # the control: more than half of what floats there are apart
        shifted_means(patch, [3.0 * most for most in half])
        assert not torch.equal(run(artifact, rows)[0], logits)


def test_an_honest_norm_without_its_offset_is_no_identity():
    """Why norms round: the mean of numbers that sum to zero is not zero."""
    rng = np.random.default_rng(0)
    values = torch.from_numpy(rng.integers(0, 60, (500, 200))).float()
    stream = torch.stack([values, -values], dim=-1).flatten(1)[:, torch.from_numpy(rng.permutation(400))]
    gain, eps = torch.full((400,), FLOAT32.norm_gain), FLOAT32.norm_gain**2
    bare = functional.layer_norm(stream, (400,), gain, torch.zeros(400), eps)
    assert not torch.equal(bare, stream)
    offset = torch.full((400,), 2.0**15 + 64.0)  # above the sum of all sizes, as `Norms.offsets` has it
    assert torch.equal(functional.layer_norm(stream, (400,), gain, offset, eps) - offset, stream)


def planned(program):
    decided = plan_exact(program, dtype="float32")
    assert decided.certificate.proved
    return decided, (decided.graph, decided.placed, decided.plan)


@pytest.mark.parametrize("factor", [0.5, 0.25, 2.0**12])
def test_an_offset_too_small_or_too_large_is_not_proved(factor):
    decided, parts = planned(memory())
    wrong = tuple(offset * factor for offset in decided.certificate.offsets)
    certificate = certify_exact(*parts, FLOAT32, offsets=wrong)
    assert not certificate.proved
    assert not certificate.any_order


def test_no_part_of_a_sum_that_is_proved_rounds_in_any_order():
    """Values at the ends of their ranges, where sums are largest, added up one by one in drawn orders."""
    decided, parts = planned(memory())
    norms, rng = Norms(*parts), np.random.default_rng(0)
    every, offsets = norms.all_sums, np.array(decided.certificate.offsets)
    checked = 0
    for row in range(0, len(every.nodes), 3):
        weights = every.weights[[row]].toarray()[0]
        read, offset = np.flatnonzero(weights), offsets[every.time[row]]
        if not len(read):
            continue
        for sign in (1, -1):
            values = np.where(weights[read] * sign > 0, 1, -1) * norms.reach[read]
            terms = np.append(weights[read] * (values + offset), every.bias[row] - offset * weights[read].sum())
            want = weights[read] @ values + every.bias[row]
            for _ in range(5):
                total = np.float32(0)
                for term in rng.permutation(terms):
                    assert np.float32(term) == term
                    total += np.float32(term)
                assert total == want
            checked += 1
    assert checked > 100


def test_units_take_offsets_into_account():
    """Also beside a value that is always 0, whose own unit is unbounded."""
    decided, parts = planned(memory())
    every = Norms(*parts).all_sums
    offsets = np.array(decided.certificate.offsets)
    assert np.array_equal(every.units(offsets), every.unit)
    finer = every.units(offsets + 2.0**-20)
    read = abs(every.weights).sum(axis=1) > 0
    assert (finer[read] < every.unit[read]).all()
    assert not certify_exact(*parts, FLOAT32, offsets=tuple(offsets + 2.0**-30)).proved


def test_sums_one_unit_too_large_round():
    """The control of the one above: the limit is sharp."""
    most = np.float32(2**24)
    assert most + np.float32(1) == most
    assert (most - np.float32(1)) + np.float32(1) == most


def test_the_lowest_bit_divides_and_twice_it_does_not():
    rng = np.random.default_rng(0)
    values = rng.integers(1, 2**40, 500) * 2.0 ** rng.integers(-60, 20, 500)
    low = lowest_bit(values)
    assert ((values / low) % 2 == 1).all()
    assert (np.log2(low) % 1 == 0).all()


def test_longer_traces_are_proved_than_by_bounds_and_beyond_them_none():
    assert plan_exact(memory(1 << 20), dtype="float32").certificate.any_order
    certificate = plan_exact(memory(1 << 24), dtype="float32").certificate
    assert not certificate.proved
    assert certificate.margins[0].used >= 1
    assert not certificate.any_order


def test_averages_are_bounded_and_not_said_to_be_whole():
    decided = plan_trace(sums(40), dtype="float32", activation="relu")
    assert decided.certificate.proved
    assert not decided.certificate.any_order
    assert not plan_exact(sums(40), dtype="float32").certificate.proved


def test_gelu_is_bounded_and_not_said_to_be_whole():
    told = compile_trace(memory(), dtype="float32", activation="gelu").certificate["types"]
    assert not any(kind["any_order"] for kind in told.values())


def test_weights_for_float32_hold_in_float64_and_not_in_16_bits():
    told = compile_trace(odometer(), dtype="float32").certificate["types"]
    assert {name: kind["any_order"] for name, kind in told.items()} == {
        "float16": False,
        "bfloat16": False,
        "float32": True,
        "float64": True,
    }


@pytest.mark.parametrize("name", ["mlp.W_in", "attn.W_V", "mlp.W_out"])
def test_a_damaged_weight_shows_in_bits(made, name):
    artifact, rows = made
    logits = run(artifact, rows)[0]
    shown = 0
    for layer in range(artifact.spec.layers):
        weight = artifact.weights[f"blocks.{layer}.{name}"].clone()
        weight[weight != 0] *= 1 + 2.0**-12
        damaged = replace(artifact, weights={**artifact.weights, f"blocks.{layer}.{name}": weight})
        shown += not torch.equal(run(damaged, rows)[0], logits)
    assert shown


def test_the_same_program_gives_the_same_bytes():
    one, two = (
        build_trace(plan_exact(memory(), dtype="float32"), memory(), activation="relu", rows=64) for _ in range(2)
    )
    assert all(torch.equal(one.weights[name], two.weights[name]) for name in one.weights)
