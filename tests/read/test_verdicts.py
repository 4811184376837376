"""Verdicts on planted tables say what was planted."""

from __future__ import annotations

import numpy as np
import pytest

from seme.read.causal import CausalReport, Effect
from seme.read.moments import token_moments
from seme.read.nulls import random_walk
from seme.read.positions import measure_positions
from seme.read.readout import measure_readout
from seme.read.spaces import Node, Tie, agreement, tie
from seme.read.tokens import measure_tokens
from seme.read.verdicts import causal_verdict, position_verdicts, space_verdict, token_verdicts
from tests.read.planted import ROWS, WIDTH, frame, helix_table, planted_pair


def answers(verdicts) -> dict[str, str]:
    assert all(verdict.because and verdict.unless for verdict in verdicts)
    return {verdict.claim: verdict.answer for verdict in verdicts}


def two_rings() -> np.ndarray:
    t = np.arange(ROWS) * 2 * np.pi / ROWS
    curve = [wave(turns * t) for turns in (5, 17) for wave in (np.cos, np.sin)]
    noise = np.random.default_rng(0).standard_normal((ROWS, WIDTH))
    return np.stack(curve, axis=1) @ frame(0, 4).T + 0.005 * noise


@pytest.mark.parametrize(
    ("table", "shape", "lower"),
    [
        (helix_table(), "helix", "yes"),
        (two_rings(), "rings", "no"),
        (random_walk(np.random.default_rng(4), ROWS, WIDTH), "neither", "no"),
        (np.random.default_rng(0).standard_normal((ROWS, WIDTH)), "neither", "no, higher-dimensional"),
    ],
)
def test_the_shape_of_positions_is_named(table, shape, lower):
    found = answers(position_verdicts(measure_positions(table)))
    assert found["helix, rings or neither"] == shape
    assert found["lower-dimensional than a smooth curve"].startswith(lower)


@pytest.mark.parametrize(
    ("overlap", "avoids", "loses"),
    [(False, "yes", "yes"), (True, "no, it seeks", "no: ")],
)
def test_shared_and_separate_subspaces_are_told_apart(overlap, avoids, loses):
    tokens, positions = planted_pair(overlap)
    moments = token_moments(tokens)
    report = measure_tokens(tokens, positions, moments=moments)
    found = answers(token_verdicts(report, measure_readout(tokens, positions, moments)))
    assert found["avoids token directions"].startswith(avoids)
    assert found["adding loses nothing here"].startswith(loses)


def test_positions_of_which_two_are_alike_still_lose_what_the_sum_loses():
    tokens, positions = planted_pair(overlap=True)
    positions[-1] = positions[-2]
    moments = token_moments(tokens)
    found = answers(
        token_verdicts(measure_tokens(tokens, positions, moments=moments), measure_readout(tokens, positions, moments))
    )
    assert "of the position's variance" in found["adding loses nothing here"]


@pytest.mark.parametrize(
    ("cost", "interval", "three", "answer"),
    [
        (0.5, (0.4, 0.6), 0.02, "yes"),
        (0.5, (0.4, 0.6), 0.2, "no"),
        (0.0, (0.0, 0.0), 0.0, "positions do not matter here"),
        (0.01, (-0.02, 0.04), 0.0, "no cost of leaving positions out is seen"),
    ],
)
def test_three_components_are_judged_only_where_leaving_positions_out_costs_something(cost, interval, three, answer):
    effects = tuple(
        Effect(change="truncate", amount=rank, layer=None, cost=value, interval=ends)
        for rank, value, ends in ((0, cost, interval), (3, three, (three, three)))
    )
    report = CausalReport(measure="loss", baseline=2.0, uniform_loss=3.0, contexts=16, positions=8, effects=effects)
    assert answers([causal_verdict(report)]) == {"three position components are enough": answer}


def nodes(stream: float, heads: float) -> list[Node]:
    """Points of a stream and queries of four heads that share a part of themselves, of either sign."""
    rng = np.random.default_rng(0)
    common, alike = rng.standard_normal((2, 400, 16))
    found = [
        Node(name=f"blocks.{i}.hook_resid_post", values=stream * common + rng.standard_normal((400, 16)))
        for i in range(3)
    ]
    return found + [
        Node(name=f"blocks.0.attn.hook_{part}.{i}", values=(-1) ** i * heads * alike + rng.standard_normal((400, 16)))
        for part in "qk"
        for i in range(4)
    ]


@pytest.mark.parametrize(
    ("stream", "heads", "wired", "answer"),
    [
        (2.0, 0.0, 0.3, "yes"),
        (2.0, 0.0, 0.8, "no more than this architecture with weights in random order"),
        (2.0, 0.0, 1.0, "no more than this architecture with weights in random order"),
        (2.0, 1.0, 0.3, "partly"),
        (0.0, 1.0, 0.0, "no"),
        (0.0, 2.0, 0.0, "no"),
    ],
)
def test_a_tie_must_be_more_than_the_wiring_and_opposite_signs_are_not_free(stream, heads, wired, answer):
    found = agreement(nodes(stream, heads))
    own = tie(found.names, found.same_basis)
    assert own.stream == pytest.approx(stream**2 / (1 + stream**2), abs=0.05)
    assert list(answers([space_verdict(found, own, [Tie(stream=wired, inner=0.02)] * 2)]).values()) == [answer]


def test_what_is_not_seen_to_cost_has_no_rank_that_is_enough():
    effects = (Effect(change="truncate", amount=0, layer=None, cost=-0.017, interval=(-0.03, 0.01)),)
    report = CausalReport(measure="loss", baseline=2.0, uniform_loss=3.0, contexts=16, positions=8, effects=effects)
    because = causal_verdict(report).because
    assert "no position -0.017 (-0.03 to 0.01)" in because
    assert "within" not in because


@pytest.mark.parametrize(("rank", "answer"), [(1, "no answer"), (2, "yes")])
def test_a_table_of_few_directions_is_judged_only_where_its_null_could_differ(rank, answer):
    curve = np.stack([np.arange(40.0), np.sin(np.arange(40) / 3)], axis=1)[:, :rank]
    (verdict, *_) = position_verdicts(measure_positions(curve @ frame(0, rank).T))
    assert verdict.answer.startswith(answer)
    assert f"rank {rank}" in verdict.because
    assert "both nulls" not in verdict.unless
