"""Turing machines in weights: the interpreter, the dense pass, the fast decoder and a plain simulator agree."""

from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from machines.turing_machines import RUNS_LONG, model, tables, tapes
from seme.compiler.trace import compile_trace
from seme.core.errors import FolderError, NotProvedError, UsageError
from seme.exchange import load
from seme.exchange.writer import save
from seme.execute import DenseStream
from seme.execute.sparse import Sparse
from seme.lang.trace import Tracer, interpret
from seme.machines.turing import (
    Odometer,
    Replay,
    machine_of,
    parse,
    run,
    simulate,
    table,
    turing,
    turing_model,
    universal,
)
from seme.machines.turing.tag import TagSystem, rogozhin_4x6, rogozhin_4x6_result
from seme.model.artifact import TokenTable

BEGIN, FIRST = TokenTable.BEGIN_ID, TokenTable.FIRST_ID
TRACE = 2000
MOST_NONZERO = 800
ALL_ENTRIES = [f"{write}{move}{to}" for write in "01" for move in "LR" for to in "ABZ"]

# A machine for each number of symbols, with a tape that makes it run long: counters, sweeps, the universal machine.
LONG = [
    ("bb5", {}),
    ("bb2x4", {}),
    ("rogozhin4x6", rogozhin_4x6(TagSystem(produces=((1, 1, 0), (1, 1))), (0, 0, 1)).tape),
]


@cache
def fast(name, dtype="float64"):
    return Sparse(model(name, dtype))


@cache
def reading(states, symbols, dtype="float64"):
    """The model that reads its table, small enough to compile at once."""
    made = universal(states, symbols, Odometer.reaching(4096, width=3), longest=4096)
    return made, Sparse(compile_trace(made.program, dtype=dtype))


def prompt_rows(machine, tape=None):
    return np.array([BEGIN, *(machine.program.vocabulary.row(token) + FIRST for token in machine.prompt(tape))])


def interpreted(machine, tape, most):
    trace = interpret(machine.program, machine.prompt(tape), most)
    return np.array([machine.program.vocabulary.row(token) + FIRST for token in trace])


def decoded(stream, rows, most):
    """The loop: a prompt goes in, tokens come out. It knows of no machine."""
    stream.feed(rows)
    return stream.run(most)


def replayed(machine, prompt, trace):
    replay = Replay(machine)
    replay.prompt(prompt[1:] - FIRST)
    replay.feed(trace - FIRST)
    return replay


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "tape"), LONG)
def test_the_weights_choose_what_the_interpreter_does_at_every_position(name, tape, dtype):
    artifact = model(name, dtype)
    machine = machine_of(artifact)
    prompt, wanted = prompt_rows(machine, tape), interpreted(machine, tape, TRACE)
    assert len(wanted) == TRACE
    whole = np.concatenate([prompt, wanted])
    for stream in (DenseStream(artifact), fast(name, dtype).stream()):
        assert np.array_equal(stream.feed(whole)[len(prompt) - 1 : -1], wanted)
    assert np.array_equal(decoded(fast(name, dtype).stream(), prompt, TRACE), wanted)
    assert replayed(machine, prompt, wanted).run() == simulate(table(name), tape, TRACE)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "tape"), LONG)
def test_adding_up_in_another_order_chooses_the_same_tokens(name, tape, dtype):
    """The residual stream's directions and the neurons change places: every sum is taken in another order."""
    artifact = model(name, dtype)
    machine = machine_of(artifact)
    whole = np.concatenate([prompt_rows(machine, tape), interpreted(machine, tape, TRACE)])
    wanted = DenseStream(artifact).feed(whole)
    assert np.array_equal(DenseStream(_shuffled(artifact, seed=1)).feed(whole), wanted)


DIRECTIONS = {"W_E": 1, "W_pos": 1, "W_Q": 1, "W_K": 1, "W_V": 1, "W_O": 2, "W_in": 0, "W_out": 1, "W_U": 0}
DIRECTIONS |= {"b_O": 0, "b_out": 0, "w": 0, "b": 0}
NEURONS = {"W_in": 1, "b_in": 0, "W_out": 0}
"""The axis of a weight that runs over the residual stream's directions, and over a block's neurons."""


def _shuffled(artifact, seed):
    """The same model with its directions and neurons in another order."""
    generator = torch.Generator().manual_seed(seed)
    directions = torch.randperm(artifact.spec.d_model, generator=generator)
    neurons = torch.randperm(artifact.spec.d_mlp, generator=generator)
    weights = {}
    for name, weight in artifact.weights.items():
        kind = name.rpartition(".")[2]
        for axes, order in ((DIRECTIONS, directions), (NEURONS, neurons)):
            weight = weight.index_select(axes[kind], order) if kind in axes else weight
        weights[name] = weight
    rule = artifact.positions
    moved = replace(rule, repeated=rule.repeated[:, directions], slope=rule.slope[directions])
    return replace(artifact, weights=weights, positions=moved)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "tape"), LONG[:2])
def test_twenty_thousand_choices_are_the_same_in_the_dense_pass_and_the_fast_decoder(name, tape):
    artifact = model(name, "float64")
    prompt = prompt_rows(machine_of(artifact), tape)
    trace = decoded(fast(name).stream(), prompt, 20_000)
    whole = np.concatenate([prompt, trace])
    assert len(trace) == 20_000
    assert np.array_equal(DenseStream(artifact).feed(whole), fast(name).stream().feed(whole))


def test_the_dense_pass_decodes_the_same_by_itself():
    artifact = model("bb5", "float64")
    machine = machine_of(artifact)
    wanted = interpreted(machine, {}, 300)
    assert np.array_equal(decoded(DenseStream(artifact), prompt_rows(machine), 300), wanted)


@pytest.mark.parametrize(("name", "steps", "ones"), [("bb2", 6, 4), ("bb3", 21, 5), ("bb4", 107, 13)])
def test_a_champion_halts_in_the_weights_after_the_known_steps(name, steps, ones):
    outcome = run(machine_of(model(name, "float64")), model(name, "float64"))
    assert (outcome.end, outcome.replay.steps, outcome.replay.ones, outcome.tokens) == ("halted", steps, ones, steps)
    assert outcome.replay.run() == simulate(table(name))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "steps", "ones"), [("bb2x4", 3_932_964, 2050), ("bb5", 47_176_870, 4098)])
def test_the_long_champions_halt_in_the_weights_with_the_tape_of_the_simulator(name, steps, ones):
    outcome = run(machine_of(model(name, "float64")), model(name, "float64"))
    assert (outcome.end, outcome.replay.steps, outcome.replay.ones) == ("halted", steps, ones)
    assert outcome.replay.run() == simulate(table(name))


def test_a_long_run_is_a_simulators():
    outcome = run(machine_of(model("bb5", "float64")), model("bb5", "float64"), most=300_000)
    assert outcome.replay.run() == simulate(table("bb5"), most=300_000)


@pytest.mark.parametrize("name", ["bb5", "bb2x4"])
def test_a_machine_is_a_small_model_that_is_proved_for_the_longest_trace(name):
    artifact = model(name, "float64")
    weights = [w for key, w in artifact.weights.items() if key.startswith("blocks.") and ".ln" not in key]
    assert sum(int((weight != 0).sum()) for weight in weights) <= MOST_NONZERO
    assert artifact.spec.layers <= 3
    for layer in range(artifact.spec.layers):
        used = (artifact.weights[f"blocks.{layer}.attn.W_V"] != 0).flatten(1).any(dim=1)
        assert int(used.sum()) <= 6
    assert artifact.spec.d_vocab <= 2600
    assert artifact.certificate["types"]["float64"]["proved"]
    assert artifact.certificate["length"] == 1 << 26
    assert machine_of(artifact).odometer.cells == 1 << 24


def test_all_two_state_two_symbol_machines_agree_with_a_simulator_over_200_steps():
    made, sparse = reading(2, 2)
    machines = 0
    for first, second, third, fourth in product(ALL_ENTRIES, repeat=4):
        given_table = parse(f"{first}{second}_{third}{fourth}")
        machine = made.machine(given_table)
        prompt = prompt_rows(machine)
        replay = replayed(machine, prompt, decoded(sparse.stream(), prompt, 200))
        assert replay.run() == simulate(given_table, most=200), str(given_table)
        machines += 1
    assert machines == 20_736


@settings(deadline=None, max_examples=100)
@given(tables(), st.data())
def test_a_random_machine_on_a_random_tape_agrees_with_a_simulator(text, data):
    made, sparse = reading(4, 4)
    machine = made.machine(parse(text))
    tape = data.draw(tapes(machine.symbols))
    prompt = prompt_rows(machine, tape)
    replay = replayed(machine, prompt, decoded(sparse.stream(), prompt, 1500))
    assert replay.run() == simulate(parse(text), tape, replay.steps)
    assert replay.halted or replay.steps == 1500


@settings(deadline=None, max_examples=8)
@given(tables(), st.data())
def test_a_random_machine_in_the_weights_agrees_with_a_simulator(text, data):
    machine = turing(parse(text), Odometer(widths=(2, 1, 3)), longest=1000)
    artifact = compile_trace(machine.program)
    for tape in ({}, data.draw(tapes(machine.symbols))):
        prompt = prompt_rows(machine, tape)
        trace = decoded(DenseStream(artifact), prompt, 150)
        assert np.array_equal(trace, interpreted(machine, tape, 150))
        assert replayed(machine, prompt, trace).run() == simulate(parse(text), tape, len(trace))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_model_that_reads_a_table_is_the_interpreters_at_every_position(dtype):
    made, sparse = reading(4, 4, dtype)
    machine = made.machine(parse("1RB2LA1RA1RA_1LB1LA3RB1RZ"))
    prompt, wanted = prompt_rows(machine), interpreted(machine, {}, TRACE)
    assert len(wanted) == TRACE
    whole = np.concatenate([prompt, wanted])
    for stream in (DenseStream(sparse.artifact), sparse.stream()):
        assert np.array_equal(stream.feed(whole)[len(prompt) - 1 : -1], wanted)


def test_a_universal_machine_inside_a_universal_machine_does_what_the_tag_system_does():
    made, sparse = reading(4, 6)
    machine = made.machine(table("rogozhin4x6"))
    system = TagSystem(produces=((0, 0),))
    coding = rogozhin_4x6(system, (0, 0, 1))
    prompt = prompt_rows(machine, coding.tape)
    replay = replayed(machine, prompt, decoded(sparse.stream(), prompt, 3000))
    assert (replay.steps, replay.halted) == (518, True)
    assert rogozhin_4x6_result(coding, replay.run().tape) == (*system.run((0, 0, 1), 9)[0][2:], system.halting)


@pytest.mark.parametrize(("row", "steps"), [("0RA1RA", 32), ("0LA1LA", 33)])
def test_a_head_that_leaves_the_tape_ends_in_a_token_that_says_so(row, steps):
    machine = turing(parse(row), Odometer(widths=(2, 2, 2)), longest=200)
    artifact = compile_trace(machine.program)
    for engine in ("sparse", "dense"):
        outcome = run(machine, artifact, engine=engine)
        assert (outcome.end, outcome.replay.steps, outcome.replay.halted) == ("edge", steps, False)


def test_swapped_weights_under_the_same_loop_run_the_other_machine():
    one, other = "1RB1LB_1LA1RZ", "1RB1LB_0LA1RZ"
    artifacts = [compile_trace(turing(parse(text)).program) for text in (one, other)]
    assert artifacts[0].spec == artifacts[1].spec
    swapped = replace(artifacts[0], weights=artifacts[1].weights, outputs=artifacts[1].outputs)
    machine = turing(parse(other))
    prompt = prompt_rows(machine)
    for stream in (DenseStream, lambda artifact: Sparse(artifact).stream()):
        first, second = (decoded(stream(artifact), prompt, 60) for artifact in (artifacts[0], swapped))
        assert len(first) == 6
        assert np.array_equal(second, interpreted(machine, {}, 60))


@pytest.mark.parametrize(
    "where", ["blocks.0.attn.W_V", "blocks.1.attn.W_K", "blocks.0.mlp.W_in", "blocks.1.mlp.W_out", "embed.W_E"]
)
def test_a_damaged_weight_gives_another_trace(where):
    artifact = model("bb5", "float64")
    machine = machine_of(artifact)
    prompt, wanted = prompt_rows(machine), interpreted(machine, {}, 400)
    weight = artifact.weights[where]
    changed = weight.clone()
    # Embeddings of tokens that do not come in this trace may change as they like: the first token's are taken.
    places = (weight[wanted[0]] != 0).nonzero() if where == "embed.W_E" else (weight != 0).nonzero()
    for place in places:
        at = (int(wanted[0]), int(place[0])) if where == "embed.W_E" else tuple(place.tolist())
        changed[at] = -weight[at]
    damaged = replace(artifact, weights={**artifact.weights, where: changed})
    assert not torch.equal(changed, weight)
    stream = DenseStream(damaged)
    chosen = stream.feed(np.concatenate([prompt, wanted]))[len(prompt) - 1 : -1]
    assert not np.array_equal(chosen, wanted)


def test_a_wrong_trace_is_not_what_the_weights_choose():
    artifact = model("bb4", "float64")
    machine = machine_of(artifact)
    prompt, wanted = prompt_rows(machine), interpreted(machine, {}, 100)
    for at in (1, 50, 99):
        wrong = wanted.copy()
        wrong[at] = wanted[at - 1] if wanted[at - 1] != wanted[at] else wanted[at - 2]
        chosen = DenseStream(artifact).feed(np.concatenate([prompt, wrong]))[len(prompt) - 1 : -1]
        assert chosen[at] == wanted[at] != wrong[at]


def test_a_longer_trace_than_float32_can_carry_is_refused():
    with pytest.raises(NotProvedError, match="float32"):
        turing_model("bb5", "float32", max_length=1 << 22)


def test_a_saved_machine_is_known_again_and_runs_the_same(tmp_path):
    save(model("bb4", "float64"), tmp_path / "bb4")
    save(reading(2, 2)[1].artifact, tmp_path / "any")
    kept = load(tmp_path / "bb4").artifact
    assert run(machine_of(kept), kept).replay.run() == simulate(table("bb4"))
    with pytest.raises(UsageError, match="asked for 1RB1LB_1LA1RZ"):
        machine_of(kept, table("bb2"))
    reader = load(tmp_path / "any").artifact
    assert run(machine_of(reader, table("bb2")), reader).replay.steps == 6
    with pytest.raises(UsageError, match="none was given"):
        machine_of(reader)


def test_a_folder_that_holds_no_turing_machine_is_refused(tmp_path):
    kept = replace(model("bb2", "float64"), provenance={"program": "reverse"})
    with pytest.raises(FolderError, match="no Turing machine"):
        machine_of(kept)
    other = replace(model("bb2", "float64"), provenance=model("bb3", "float64").provenance)
    with pytest.raises(FolderError, match="tokens"):
        machine_of(other)


def _generated(artifact, folder, prompt):
    """What `transformers` makes of a saved folder: its own loop, its own forward pass."""
    import transformers

    save(artifact, folder)
    foreign = transformers.AutoModelForCausalLM.from_pretrained(folder)
    assert foreign.dtype == torch.float32
    given_rows = torch.from_numpy(prompt)[None]
    mask = torch.ones_like(given_rows)
    made = foreign.generate(given_rows, attention_mask=mask, max_new_tokens=TRACE, do_sample=False)
    return made[0, len(prompt) :].numpy()


def test_transformers_generate_decodes_the_saved_folder_identically(tmp_path):
    artifact = model("bb5", "float32")
    machine = machine_of(artifact)
    prompt, wanted = prompt_rows(machine, RUNS_LONG), interpreted(machine, RUNS_LONG, TRACE)
    assert len(wanted) == TRACE
    assert np.array_equal(_generated(artifact, tmp_path / "bb5", prompt), wanted)


@pytest.mark.slow
def test_transformers_generate_decodes_the_model_that_reads_a_table_identically(tmp_path):
    made, sparse = reading(4, 4, "float32")
    machine = made.machine(table("bb2x4"))
    prompt, wanted = prompt_rows(machine), interpreted(machine, {}, TRACE)
    assert len(wanted) == TRACE
    assert np.array_equal(_generated(sparse.artifact, tmp_path / "any", prompt), wanted)


def test_a_wrong_entry_in_the_prompt_gives_another_trace():
    made, sparse = reading(2, 2)
    right, wrong = made.machine(table("bb2")), made.machine(parse("1RB1LB_1LA0RZ"))
    replay = replayed(wrong, prompt_rows(wrong), decoded(sparse.stream(), prompt_rows(wrong), 99))
    assert prompt_rows(right).shape == prompt_rows(wrong).shape
    assert replay.run() == simulate(parse("1RB1LB_1LA0RZ")) != simulate(table("bb2"))


def test_the_interpreter_meets_every_vouched_range():
    """The ranges the compiler builds on hold along a trace; a range too narrow would raise."""
    machine = turing(table("bb2x4"), Odometer(widths=(1, 2, 3, 1)))
    tracer = Tracer(machine.program)
    for token in (*machine.prompt({-3: 2, 4: 3}), *interpret(machine.program, machine.prompt({-3: 2, 4: 3}), 500)):
        tracer.read(machine.program.vocabulary.row(token))
    assert tracer.length > 20
