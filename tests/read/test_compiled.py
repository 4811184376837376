"""Calibration on compiled models, where the truth is known from how they were made, not planted in arrays."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import seme
from seme import hand
from seme.lang import aggregate, count, length, positions, select, tokens
from seme.read.run import Reading, Settings, read

LENGTH, TURNS = 64, 6
TABLES = {name: f"bert.embeddings.{name}_embeddings.weight" for name in ("word", "position")}


def quick(folder: Path) -> Reading:
    return read(str(folder), settings=Settings(quick=True, length=LENGTH))


def answer(reading: Reading, claim: str) -> str:
    return next(verdict.answer for verdict in reading.verdicts if verdict.claim == claim)


@pytest.fixture(scope="module")
def helix(tmp_path_factory) -> tuple[Path, list[str]]:
    """A compiled model that answers the three coordinates of a helix and four things about tokens."""
    model = hand.Model(vocab="abcdefghijklmnop", max_length=LENGTH)
    turn = 2 * np.pi * TURNS / LENGTH
    curve = model.positions(
        "helix",
        {"x": lambda i: np.cos(turn * i), "y": lambda i: np.sin(turn * i), "z": lambda i: 2.5 * (i / LENGTH - 0.5)},
    )
    bits = {f"bit{k}": [word for i, word in enumerate("abcdefghijklmnop") if i >> k & 1] for k in range(4)}
    letter = model.tokens("letter", bits)
    for label in ("x", "y", "z"):
        model.output(label, curve[label])
    for label in bits:
        model.output(label, {"on": letter[label]}, otherwise="off")
    weights = model.compile()
    folder = tmp_path_factory.mktemp("helix") / "model"
    weights.save(folder)
    return folder, list(weights.artifact.meaning["directions"])


def changed(folder: Path, to: Path, change) -> Path:
    """A copy of a model folder with its tables changed."""
    shutil.copytree(folder, to)
    held = load_file(to / "model.safetensors")
    names = {short: next(name for name in held if name.endswith(end[5:])) for short, end in TABLES.items()}
    for short, table in change(*(held[names[short]].clone() for short in TABLES)).items():
        held[names[short]] = table.contiguous()
    save_file(held, to / "model.safetensors", metadata={"format": "pt"})
    return to


def test_a_compiled_helix_is_found_where_it_was_put(helix):
    reading = quick(helix[0])
    assert answer(reading, "helix, rings or neither") == "helix"
    assert answer(reading, "lower-dimensional than a smooth curve") == "yes"
    assert reading.without_row0.rank == 3
    assert reading.without_row0.helix.ring.period == pytest.approx(LENGTH / TURNS, rel=0.03)
    assert answer(reading, "avoids token directions") == "yes"
    assert answer(reading, "adding loses nothing here") == "yes"
    assert reading.tokens.energy_top_k.value < 1e-12


def test_the_same_model_with_its_rows_in_another_order_is_no_helix(helix, tmp_path):
    def shuffle(word, position):
        order = torch.randperm(LENGTH, generator=torch.Generator().manual_seed(0)) + 1
        return {"position": torch.cat([position[:1], position[order]])}

    reading = quick(changed(helix[0], tmp_path / "m", shuffle))
    assert answer(reading, "helix, rings or neither") == "neither"
    assert answer(reading, "similarity depends on distance only") in ("no", "partly")


def test_tokens_written_into_the_positions_directions_are_said_to_seek_them(helix, tmp_path):
    """Overlap: what tokens wrote to three bits of their own they write to the helix's three directions."""
    folder, names = helix
    own = [names.index(f"{sign}letter.bit{k}") for k in range(3) for sign in "+-"]
    theirs = [names.index(f"{sign}helix.{label}") for label in "xyz" for sign in "+-"]

    def move(word, position):
        word[:, theirs], word[:, own] = word[:, own], torch.zeros(len(word), len(own))
        return {"word": word}

    reading = quick(changed(folder, tmp_path / "m", move))
    assert answer(reading, "avoids token directions") == "no, it seeks them"
    assert answer(reading, "adding loses nothing here").startswith("no: ")
    assert reading.tokens.energy_top_k.value == pytest.approx(3 / 4, abs=0.06), "three bits of four, begin token aside"


def heads_of(weights, folder: Path):
    weights.save(folder)
    return [head for head in quick(folder).heads if head.kind != "uniform"]


def test_a_compiled_previous_token_head_is_pure_position(tmp_path):
    model = hand.Model(vocab="abcd", max_length=24, causal=True)
    letter = model.tokens("letter", {"a": "a", "b": "b"})
    where = lambda key, query: key == query - 1  # noqa: E731
    before = model.head("before", query=model.position, key=model.position, where=where, value=letter)
    model.output("output", {"a": before["a"], "b": before["b"]}, otherwise="other")
    (head,) = heads_of(model.compile(), tmp_path / "m")
    assert head.kind == "previous token"
    assert head.offset_mass.value > 0.95
    assert head.shares["position-position"] == pytest.approx(1, abs=1e-6)


def test_a_compiled_head_that_compares_tokens_is_pure_content(tmp_path):
    program = seme.program(aggregate(select(tokens, tokens, "=="), positions), vocab="abc", max_length=20)
    heads = heads_of(seme.compile(program), tmp_path / "m")
    same = [head for head in heads if head.kind == "same token"]
    assert same
    assert all(head.shares["content-content"] == pytest.approx(1, abs=1e-6) for head in same)
    assert all(head.same_token_mass > 0.8 for head in same)


def test_a_deeper_head_that_mirrors_positions_is_position(tmp_path):
    """Its parts are those of the mean decomposition: the length, known from a head before it, is in the rest."""
    mirrored = aggregate(select(positions, length - 1 - positions, "=="), tokens)
    program = seme.program(mirrored, vocab="abc", max_length=20)
    heads = heads_of(seme.compile(program), tmp_path / "m")
    (mirror,) = [head for head in heads if head.layer == 1]
    assert mirror.kind == "position"
    assert mirror.shares["position-position"] + mirror.shares["rest-position"] == pytest.approx(1, abs=1e-6)
    assert mirror.against["position-position"].p_above == pytest.approx(0.05)
    assert mirror.against["position-position"].value > 10 * mirror.against["position-position"].null


def test_a_compiled_model_that_uses_no_positions_is_said_to_have_none_and_still_run(tmp_path):
    seen = seme.program(count(select(tokens, tokens, "==")), vocab="abc", max_length=20)
    for dtype in ("float32", "float64"):
        seme.compile(seen, dtype=dtype).save(tmp_path / dtype)
        reading = quick(tmp_path / dtype)
        assert any("is all zeros" in note for note in reading.notes)
        assert reading.all_rows is None
        assert [head.kind for head in reading.heads if head.kind != "uniform"] == ["same token"]
