from __future__ import annotations

import subprocess
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from execute.sparse_artifacts import (
    CELLS,
    LEAD,
    LONGEST,
    ODD,
    PLAIN,
    Builder,
    averages,
    controlled,
    gated,
    memory,
    memory_rows,
    random_artifact,
)
from seme.core.errors import FolderError, InputError, MissingExtraError, UsageError
from seme.execute.sparse import Sparse, build, generate_replay, neurons
from seme.execute.sparse import stream as streams_of
from seme.execute.sparse.ctext import Text
from seme.execute.stream import DenseStream
from seme.model.artifact import Artifact, OutputBlock

ROWS = memory_rows()


@pytest.fixture(scope="module", autouse=True)
def _compiled(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEME_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(neurons, "LEAST_REPLAYED", 1)  # models here are small
        yield


@pytest.fixture(scope="module")
def memories(_compiled):
    artifact = memory()
    return artifact, Sparse(artifact)


def changed(artifact: Artifact, name: str, change) -> Artifact:
    """The artifact with one weight changed in place by a function."""
    weights = {key: weight.clone() for key, weight in artifact.weights.items()}
    change(weights[name])
    return replace(artifact, weights=weights)


def agrees(artifact: Artifact, prompts: list[list[int]], most: int) -> Sparse:
    """Compares both executors on prompts and what follows them."""
    sparse = Sparse(artifact)
    for prompt in prompts:
        dense, fast = DenseStream(artifact), sparse.stream()
        assert fast.feed(prompt).tolist() == dense.feed(prompt).tolist()
        expected = dense.run(most)
        assert fast.run(most).tolist() == expected.tolist()
        assert fast.length == dense.length == len(prompt) + len(expected)
    return sparse


def memory_prompts(seed: int, count: int, length: int) -> list[list[int]]:
    draws = np.random.default_rng(seed)
    return [[0, *draws.integers(2, len(ROWS) + 2, length).tolist()] for _ in range(count)]


@pytest.mark.parametrize("rule", [False, True])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_random_weights_run_the_general_way_and_agree(activation, rule):
    artifact = random_artifact(3, activation=activation, rule=rule)
    sparse = agrees(artifact, [[0, 3, 4, 2, 7], [5], [9, 0, 0, 1]], 30)
    assert sparse.report["norms"] == "computed"
    assert {head["keeps"] for head in sparse.report["heads"]} == {"all"}


def test_random_weights_in_float32_agree():
    agrees(random_artifact(5, dtype="float32"), [[0, 3, 4, 2, 7]], 20)


def test_positions_go_on_beyond_the_table():
    artifact = random_artifact(1, rule=True)
    artifact = replace(artifact, outputs=(replace(artifact.outputs[0], stops=()),))
    agrees(artifact, [[0, 3]], 100)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_memory_is_recognised_and_agrees(dtype):
    sparse = agrees(memory(dtype), memory_prompts(1, 3, 80), 40)
    (head,) = sparse.report["heads"]
    assert sparse.report["norms"] == "folded"
    assert (head["keeps"], head["components"], head["heads"]) == ("latest", 3, [1])
    assert head["forgets_below"] is not None


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.integers(1, len(ROWS) + 1), min_size=1, max_size=60))
def test_any_history_of_a_memory_agrees(memories, rows):
    artifact, sparse = memories
    dense, fast = DenseStream(artifact), sparse.stream()
    assert fast.feed([0, *rows]).tolist() == dense.feed([0, *rows]).tolist()
    assert fast.run(9).tolist() == dense.run(9).tolist()


def test_a_memory_answers_with_the_latest_write_and_with_zero_where_there_is_none(memories):
    stream = memories[1].stream()
    stream.feed([0, ROWS["write", 6, 1], ROWS["write", 2, 5], ROWS["write", 6, 7], ROWS["read", 6, 0]])
    assert stream.run(1).tolist() == [ROWS["answer", 0, 7]]
    stream.feed([ROWS["read", 1, 0]])
    assert stream.run(1).tolist() == [ROWS["answer", 0, 0]]


def test_memory_grows_with_distinct_keys_and_not_with_steps(memories):
    stream = memories[1].stream()
    stream.feed([0, *(ROWS["write", a, 0] for a in range(CELLS))])
    before = stream.memory
    stream.run(LONGEST - 100)
    assert stream.memory == before
    assert stream.kept == [(CELLS, 0)]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_averages_and_the_token_before_are_recognised_and_agree(dtype):
    sparse = agrees(averages(dtype), [[0, 2, 3], [0, 4, 4, 3, 2, 2]], 300)
    assert [head["keeps"] for head in sparse.report["heads"]] == ["sum", "latest"]


def test_a_slope_below_the_lead_keeps_every_key_and_agrees():
    sparse = agrees(memory(slope=3.0), memory_prompts(2, 2, 60), 20)
    assert sparse.report["heads"][0]["keeps"] == "all"


def test_a_falling_slope_keeps_the_first_key_and_agrees():
    sparse = agrees(memory(slope=-760.0), memory_prompts(2, 2, 60), 20)
    assert sparse.report["heads"][0]["keeps"] == "first"


def test_of_keys_that_could_win_one_is_kept_for_each_code():
    sparse = agrees(memory(penalty=0.25), memory_prompts(4, 3, 60), 20)
    stream = sparse.stream()
    stream.feed(memory_prompts(4, 1, 100)[0])
    assert stream.kept == [(CELLS, 0)]


@pytest.mark.parametrize("ahead", [0.0, 5.0])
def test_two_keys_of_one_code_of_which_neither_leads_are_both_kept_and_agree(ahead):
    # What a key that writes nothing loses is what it gains by coming two positions later, or `ahead` less.
    lead = LEAD["float64"]
    artifact = memory(penalty=(2 * lead + ahead) / (2 * lead + lead * LONGEST))
    prompt = [0, ROWS["write", 6, 7], ROWS["answer", 0, 1], ROWS["read", 6, 0]]
    sparse = agrees(artifact, [prompt, *memory_prompts(4, 3, 60)], 20)
    stream = sparse.stream()
    stream.feed(prompt)
    assert stream.kept[0][1] > 0


def test_a_key_between_the_codes_is_kept_apart_and_agrees():
    row = ROWS["write", 3, 5]

    def between(weight):
        column = torch.nonzero(weight[row])[2, 0] // 2 * 2
        weight[row, column], weight[row, column + 1] = 0.4375, -0.4375

    artifact = changed(memory(), "embed.W_E", between)
    prompts = [[0, row, *prompt[1:], row] for prompt in memory_prompts(7, 3, 40)]
    sparse = agrees(artifact, prompts, 20)
    stream = sparse.stream()
    stream.feed(prompts[0])
    assert stream.kept[0][1] == 1


def test_a_choice_holds_for_nearby_sums_only_as_far_as_its_lead():
    # Two rows whose logits cross at 1: what is chosen for the whole number is neither's choice for long.
    sizes = {2: 1.0, 3: 1.25, 4: 0.75, 5: 1.0 + 2.0**-30, 6: 1.0 - 2.0**-30, 7: 2.0, 8: 2.0 + 2.0**-30}
    b = Builder(["size"], 9, layers=1, heads=2, neurons=2)
    for row, size in sizes.items():
        b.embed(row, {"size": size})
        b.never(row)
    b.never(0)
    b.never(1)
    for row, slope in ((2, 1.0), (3, -1.0)):
        b.weights["unembed.W_U"][:, row] = b.reading({"size": slope})[0]
        b.weights["unembed.b_U"][row] = -slope
    artifact = b.artifact()
    sparse = agrees(artifact, [[0, *sizes, *reversed(sizes), *sizes]], 5)
    assert sparse.report["logits"]["sums"] == 1
    chosen = dict(zip(sizes, sparse.stream().feed([0, *sizes])[1:].tolist(), strict=True))
    assert chosen == {2: 2, 3: 2, 4: 3, 5: 2, 6: 3, 7: 2, 8: 2}


def test_a_stream_that_is_not_antisymmetric_has_its_norms_computed_and_agrees():
    def lopsided(weight):
        weight[5, 7] += 0.125

    sparse = agrees(changed(memory(), "embed.W_E", lopsided), memory_prompts(3, 2, 40), 20)
    assert sparse.report["norms"] == "computed"
    assert sparse.report["heads"][0]["keeps"] == "all"


def test_an_epsilon_that_the_variance_reaches_has_norms_computed_and_agrees():
    artifact = memory()
    artifact = replace(artifact, spec=replace(artifact.spec, norm_eps=1e-5))
    weights = {name: weight / 2.0**60 if ".ln" in f".{name}" else weight for name, weight in artifact.weights.items()}
    sparse = agrees(replace(artifact, weights=weights), memory_prompts(3, 1, 30), 5)
    assert sparse.report["norms"] == "computed"


@pytest.mark.parametrize("seed", range(6))
def test_damaged_weights_agree(seed):
    draws = np.random.default_rng(seed)
    artifact = memory()
    names = [name for name, weight in artifact.weights.items() if weight.any() and ".ln" not in f".{name}"]
    name = str(draws.choice(names))

    def damaged(weight):
        flat = weight.view(-1)
        place = draws.choice(torch.nonzero(flat)[:, 0].numpy())
        flat[place] = flat[place] * 0.75 + 0.01

    agrees(changed(artifact, name, damaged), memory_prompts(seed, 2, 40), 12)


def controlled_prompt(seed: int, *, odd: bool) -> list[int]:
    draws = np.random.default_rng(seed)
    plain = draws.integers(2, 2 + PLAIN, 150).tolist()
    return [0, *plain, *(draws.integers(2, 2 + PLAIN + ODD, 150).tolist() if odd else plain)]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_blocks_that_read_bits_and_other_numbers_are_replayed_and_agree(seed, dtype):
    artifact = controlled(seed, dtype=dtype)
    sparse = agrees(artifact, [controlled_prompt(seed, odd=False), controlled_prompt(seed, odd=True)], 60)
    assert [block["replayed"] for block in sparse.report["neurons"]] == [False, False, True]  # others read tokens


@pytest.mark.parametrize("odd", [False, True])
def test_what_a_block_reads_again_is_replayed_and_agrees_however_little_is_kept(odd, monkeypatch):
    artifact, prompt = controlled(2), controlled_prompt(2, odd=odd)
    monkeypatch.setattr(streams_of, "read_kept", lambda weights: None)  # the plan is the same, what is kept is not
    dense, counts = DenseStream(artifact), []
    expected = [dense.feed(prompt).tolist(), dense.run(300).tolist()]
    for most in (1 << 16, 1):
        monkeypatch.setattr(generate_replay, "MOST_NODES", most)
        fast = Sparse(artifact).stream()
        assert [fast.feed(prompt).tolist(), fast.run(300).tolist()] == expected
        counts.append(fast.replayed)
    assert counts[0] > 300  # one for each token, but for what is new
    assert 0 < counts[1] < counts[0]


def test_a_place_that_is_not_compared_makes_other_tokens(monkeypatch):
    """The control: where replays look at one place of what a block reads, tokens are wrong."""
    artifact, prompt = controlled(2), controlled_prompt(2, odd=False)
    expected = DenseStream(artifact).feed(prompt).tolist()
    monkeypatch.setattr(streams_of, "read_kept", lambda weights: None)
    assert Sparse(artifact).stream().feed(prompt).tolist() == expected
    asked = Text.asked
    monkeypatch.setattr(Text, "asked", lambda self, name, places: asked(self, name, places[:1]))
    assert Sparse(artifact).stream().feed(prompt).tolist() != expected


def test_with_everything_computed_nothing_is_replayed_and_the_tokens_are_the_same():
    artifact, prompt = controlled(1), controlled_prompt(1, odd=True)
    whole, replaying = Sparse(artifact, replay=False), Sparse(artifact)
    assert not any(block["replayed"] for block in whole.report["neurons"])
    assert whole.digest != replaying.digest
    streams = [whole.stream(), replaying.stream()]
    fed = [stream.feed(prompt).tolist() for stream in streams]
    assert fed[0] == fed[1] == DenseStream(artifact).feed(prompt).tolist()
    assert streams[0].replayed == 0 < streams[1].replayed


@pytest.mark.parametrize("gate", [4.0, 0.5])
@pytest.mark.parametrize("seed", range(4))
def test_neurons_behind_a_gate_that_may_be_too_weak_agree(seed, gate):
    agrees(gated(seed, gate=gate, both=True), [[0, *range(2, 66)], [0, 5, 9]], 60)


@pytest.mark.parametrize("seed", range(12))
def test_damaged_weights_of_replayed_neurons_agree(seed):
    draws = np.random.default_rng(seed)
    name = str(draws.choice(["embed.W_E", "blocks.1.mlp.W_in", "blocks.2.mlp.W_in", "blocks.2.mlp.W_out"]))

    def damaged(weight):
        flat = weight.view(-1)
        for place in draws.choice(torch.nonzero(flat)[:, 0].numpy() // 2 * 2, 5):
            change = float(draws.choice([-2.0, 0.75, 3.0]))
            flat[place], flat[place + 1] = flat[place] * change, flat[place + 1] * change

    agrees(changed(controlled(seed), name, damaged), [controlled_prompt(seed, odd=True)], 30)


def test_a_checkpoint_continues_identically(memories, tmp_path):
    _, sparse = memories
    stream = sparse.stream()
    stream.feed(memory_prompts(8, 1, 50)[0])
    stream.save(tmp_path / "half")
    again = sparse.restore(tmp_path / "half")
    assert again.length == stream.length
    assert again.kept == stream.kept
    assert again.run(200).tolist() == stream.run(200).tolist()
    assert [path.name for path in tmp_path.iterdir()] == ["half"]


def test_a_checkpoint_of_other_weights_or_with_a_changed_byte_is_refused(memories, tmp_path):
    artifact, sparse = memories
    stream = sparse.stream()
    stream.feed([0, 3, 4])
    stream.save(tmp_path / "point")
    other = Sparse(changed(artifact, "unembed.b_U", lambda weight: weight[:1].sub_(1.0)))
    with pytest.raises(FolderError, match="another model"):
        other.restore(tmp_path / "point")
    data = bytearray((tmp_path / "point").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "point").write_bytes(data)
    with pytest.raises(FolderError, match="damaged"):
        sparse.restore(tmp_path / "point")
    (tmp_path / "point").write_bytes(b"nothing")
    with pytest.raises(FolderError, match="no checkpoint"):
        sparse.restore(tmp_path / "point")


def test_a_batch_on_two_threads_is_what_streams_give_alone(memories):
    _, sparse = memories
    prompts = memory_prompts(5, 6, 20)
    alone = []
    for prompt in prompts:
        stream = sparse.stream()
        stream.feed(prompt)
        alone.append(stream.run(50).tolist())
    assert [rows.tolist() for rows in sparse.decode_batch(prompts, 50, threads=2)] == alone


def test_rows_that_cannot_be_read_are_refused(memories):
    stream = memories[1].stream()
    with pytest.raises(UsageError, match="nothing to continue"):
        stream.run(3)
    with pytest.raises(InputError, match="expected the begin token"):
        stream.feed([4])
    with pytest.raises(InputError, match="row 999 at position 1"):
        stream.feed([0, 999])
    stream.feed([0, 4])
    with pytest.raises(InputError, match="begin token stands at position 3"):
        stream.feed([4, 0])
    with pytest.raises(InputError, match="positions for 2001 tokens"):
        stream.run(LONGEST)


def test_a_model_that_labels_its_input_is_refused():
    artifact = random_artifact(0)
    block = OutputBlock(name="y", kind="category", start=0, labels=tuple(range(13)))
    with pytest.raises(UsageError, match="labels its input"):
        Sparse(replace(artifact, outputs=(block,)))


def test_weights_that_are_not_finite_are_refused():
    artifact = changed(random_artifact(0), "blocks.0.mlp.W_in", lambda weight: weight[0, :1].fill_(float("inf")))
    with pytest.raises(UsageError, match=r"blocks\.0\.mlp\.W_in"):
        Sparse(artifact)


def test_a_missing_compiler_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr(build, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError) as caught:
        Sparse(random_artifact(0))
    assert caught.value.exit_code == 3
    assert "seme[machines]" in caught.value.hint


def test_a_model_is_compiled_once(monkeypatch, memories):
    assert Sparse(memory()).report["cached"]
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("compiled again"))
    Sparse(memory())
