"""Causal tests on a model the project trains itself, whose need for positions is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers

from seme.core.errors import UsageError
from seme.read import causal, interventions
from seme.read.attention import TERMS
from seme.read.causal import count_runs, cut_layers, measure_effects
from seme.read.checkpoints import open_checkpoint
from seme.read.text import Sample
from seme.read.transformer import run, transformer_of
from tests.read.models import VOCABULARY, write_model
from tests.read.planted import helix_table

LENGTH, LETTERS, BACK = 12, 8, 3


def batch(count: int, seed: int) -> torch.Tensor:
    """Sequences in which every token from the fourth on repeats the one three places back, with a twist."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(0, LETTERS, (count, LENGTH))
    for place in range(BACK, LENGTH):
        tokens[:, place] = (tokens[:, place - BACK] + 1) % LETTERS
    return torch.from_numpy(tokens)


@pytest.fixture(scope="module")
def looker(tmp_path_factory):
    """A one-layer GPT-2 trained to look a fixed number of places back, which needs positions."""
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=LETTERS, n_positions=LENGTH, n_embd=32, n_layer=1, n_head=2, resid_pdrop=0, embd_pdrop=0,
        attn_pdrop=0, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    model = transformers.GPT2LMHeadModel(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for step in range(250):
        tokens = batch(64, step)
        logits = model(tokens).logits[:, BACK - 1 : -1]
        loss = torch.nn.functional.cross_entropy(logits.transpose(1, 2), tokens[:, BACK:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.3
    folder = tmp_path_factory.mktemp("looker")
    model.save_pretrained(folder)
    return transformer_of(open_checkpoint(str(folder)))


@pytest.fixture(scope="module")
def report(looker):
    tokens = batch(32, 10_000).numpy()
    drawn = Sample(tokens=tokens, source="planted", mask=None, special=(), words=())
    return measure_effects(looker, drawn, contexts=32)


def test_full_rank_changes_nothing_and_no_positions_cost_most(report):
    ranks = [each for each in report.effects if each.change == "truncate"]
    assert report.measure == "loss"
    assert abs(ranks[-1].cost) < 1e-5
    assert ranks[0].cost > 0.5
    assert ranks[0].interval[0] > 0.3


def test_random_directions_cost_less_than_the_top_ones(report):
    assert report.cost("remove_top", 3) > 2 * report.cost("remove_random", 3)


def test_a_shift_past_the_last_row_is_left_out_with_its_reason(report):
    assert report.cost("shift") is None
    assert report.left_out[0].startswith(
        "positions were not shifted by 1: the sample's 12 tokens would need 13 of the 12"
    )


def test_permuted_and_rotated_positions_hurt(report):
    assert report.cost("permute") > 0.5
    assert report.cost("rotate") > 0.5


def test_the_position_term_matters_and_a_term_of_queries_alone_does_not(report):
    assert report.cost("delete", "position-position") > 0.2
    assert abs(report.cost("delete", "position-rest")) < 0.05 * report.cost("delete", "position-position")


def test_deleting_every_term_of_a_deeper_layer_leaves_even_attention(tmp_path):
    """The terms sum to the scores: taken away one after another nothing is left, at any layer."""
    write_model("bert", tmp_path)
    model = transformer_of(open_checkpoint(str(tmp_path)))
    tokens = torch.randint(3, VOCABULARY, (4, 9))
    for layer in cut_layers(model.layers):
        parts = causal._parts(model, tokens, layer)
        cuts = [causal._without(model, layer, parts, term) for term in TERMS]
        seen = {}

        def watch(name, tensor, layer=layer, cuts=cuts, seen=seen):
            if name == f"blocks.{layer}.attn.hook_attn_scores":
                left = tensor
                for cut in cuts:
                    left = cut(name, left)
                seen["before"], seen["after"] = tensor.abs().max(), left.abs().max()

        run(model, tokens, watch)
        assert seen["after"] < 1e-5 * seen["before"]


def test_deeper_terms_are_deleted_too_and_masked_inputs_are_what_is_split(tmp_path, monkeypatch):
    write_model("bert", tmp_path)
    model = transformer_of(open_checkpoint(str(tmp_path)))
    tokens = torch.randint(3, VOCABULARY, (6, 9)).numpy()
    drawn = Sample(tokens=tokens, source="random", mask=2, special=(), words=())
    split, real = [], causal.first_attention_parts
    monkeypatch.setattr(causal, "first_attention_parts", lambda of, inputs: split.append(inputs) or real(of, inputs))
    found = measure_effects(model, drawn)
    assert all((inputs == drawn.mask).any(dim=1).all() for inputs in split)
    deleted = [(each.layer, each.amount) for each in found.effects if each.change == "delete"]
    assert deleted == [(layer, term) for layer in (0, 1) for term in TERMS]
    assert len(found.effects) < count_runs(32, 18, 9, 2)
    for layer in (0, 1):
        assert found.cost("delete", "content-content", layer=layer) != 0
    assert abs(found.cost("delete", "content-rest", layer=1)) < 1e-5, "deeper the rest is one vector: query-only"


def test_the_interval_of_random_changes_holds_the_mean_of_many_draws_and_contexts():
    """Draws share their contexts: as one sample of draws x contexts the interval would hold it much too rarely."""
    rng, held, pooled, trials = np.random.default_rng(0), 0, 0, 200
    for trial in range(trials):
        costs = 1 + 0.5 * rng.standard_normal((1, 16)) + 0.1 * rng.standard_normal((causal.RANDOM_DRAWS, 16))
        low, high = causal._effect("permute", 1, None, costs, trial).interval
        held += low <= 1 <= high
        low, high = causal._effect("permute", 1, None, costs.reshape(1, -1), trial).interval
        pooled += low <= 1 <= high
    assert held > 0.88 * trials, held
    assert pooled < 0.75 * trials, pooled


def test_interventions_do_what_they_say():
    table, rng = helix_table(), np.random.default_rng(0)
    assert interventions.truncate(table, 48) == pytest.approx(table)
    assert np.ptp(interventions.truncate(table, 0), axis=0).max() == 0
    rest = interventions.remove_top(table, 3)
    assert ((rest - rest.mean(0)) ** 2).sum() < 0.01 * ((table - table.mean(0)) ** 2).sum()
    turned = interventions.rotate(table, rng)
    centred, other = table - table.mean(0), turned - turned.mean(0)
    assert other @ other.T == pytest.approx(centred @ centred.T)
    assert interventions.shift(table, 2)[0] == pytest.approx(table[2])
    assert np.sort(interventions.permute(table, 96, rng), axis=0) == pytest.approx(np.sort(table, axis=0))
    removed = interventions.remove_random(table, 4, rng)
    assert np.linalg.matrix_rank(table - removed, tol=1e-8) == 4
    with pytest.raises(UsageError, match="cannot keep or remove 49"):
        interventions.truncate(table, 49)
