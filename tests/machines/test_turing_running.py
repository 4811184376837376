"""Runs of Turing machines: checkpoints, limits, interruption, traces that contradict themselves."""

from dataclasses import replace

import pytest
import torch

from machines.turing_machines import RUNS_LONG, model
from seme.compiler.trace import compile_trace
from seme.core.errors import FolderError, SemeError, TraceError, UsageError
from seme.machines.turing import Odometer, machine_of, parse, run, simulate, table, turing


def test_a_run_goes_on_from_its_checkpoint_to_the_same_trace(tmp_path):
    artifact = model("bb5", "float64")
    machine, kept = machine_of(artifact), tmp_path / "kept"
    tape = RUNS_LONG
    for most in (1, 70_000, 150_000):
        outcome = run(machine, artifact, tape=tape, most=most, checkpoint=kept)
        assert outcome.replay.steps == most
        assert outcome.replay.run() == simulate(table("bb5"), tape, most)
    assert outcome.tokens == 80_000
    whole = run(machine, artifact, tape=tape, most=160_000)
    assert whole.replay.run() == run(machine, artifact, tape=tape, most=160_000, checkpoint=kept).replay.run()


def test_a_checkpoint_of_another_run_or_a_damaged_one_is_refused(tmp_path):
    artifact = model("bb5", "float64")
    machine, kept = machine_of(artifact), tmp_path / "kept"
    run(machine, artifact, most=1000, checkpoint=kept)
    with pytest.raises(FolderError, match="another machine, or of another tape"):
        run(machine, artifact, tape={0: 1}, most=2000, checkpoint=kept)
    with pytest.raises(FolderError, match="another machine, or of another tape"):
        run(machine_of(model("bb4", "float64")), model("bb4", "float64"), checkpoint=kept)
    data = kept.read_bytes()
    for bad in (
        data[:100],
        b"",
        data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :],
    ):
        kept.write_bytes(bad)
        with pytest.raises(SemeError):
            run(machine, artifact, most=2000, checkpoint=kept)
    with pytest.raises(UsageError, match="needs --engine sparse"):
        run(machine, artifact, most=10, checkpoint=kept, engine="dense")


def test_a_run_ends_when_it_is_told_to_and_says_what_is_known():
    artifact = model("bb5", "float64")
    asked = []
    outcome = run(machine_of(artifact), artifact, tick=asked.append, stop=lambda: len(asked) == 2)
    assert outcome.end == "stopped"
    assert outcome.replay.steps == sum(asked) == outcome.tokens
    assert outcome.replay.run() == simulate(table("bb5"), most=outcome.replay.steps)


def test_a_run_ends_at_the_longest_trace_that_is_proved():
    machine = turing(parse("1RB1LB_1LA1RA"), Odometer(widths=(3, 3)), longest=500)
    artifact = compile_trace(machine.program)
    for engine in ("sparse", "dense"):
        outcome = run(machine, artifact, engine=engine)
        assert outcome.end == "length"
        assert outcome.replay.steps == 500 - len(machine.prompt())


def test_damaged_weights_that_make_a_trace_contradict_itself_are_noticed():
    artifact = model("bb5", "float64")
    weight = artifact.weights["blocks.0.mlp.W_in"]
    damaged = replace(artifact, weights={**artifact.weights, "blocks.0.mlp.W_in": torch.zeros_like(weight)})
    with pytest.raises(TraceError):
        run(machine_of(artifact), damaged, most=500, engine="dense")
