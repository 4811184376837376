"""The sparse executor on compiled trace programs: what their weights show, and the same tokens as the dense one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from benchmarks.sparse import CELLS, counter

from seme.compiler.trace import compile_trace
from seme.execute.sparse import Sparse
from seme.execute.sparse.generate_heads import owners
from seme.execute.sparse.plan import plan
from seme.execute.stream import DenseStream
from seme.lang.trace import (
    TraceProgram,
    bits,
    count,
    first,
    latest,
    previous,
    table,
    trace_program,
    vocabulary,
)
from seme.model.artifact import Artifact, TokenTable


def history(*, counts: bool) -> TraceProgram:
    """A token from the three before it, the first large one, and (or not) how many large ones there were."""
    tokens = vocabulary({str(value): {"n": value} for value in range(32)})
    n = tokens["n"]
    total = previous(n) + 2 * previous(n, 2, default=3) + previous(n, 3) + n + first(n, where=n > 20, default=5)
    if counts:
        total = total + (count(n > 15, longest=400, name="large") > 7)
    mixed = table(total, {value: (7 * value + 3) % 32 for value in range(total.lo, total.hi + 1)})
    return trace_program(tokens, emit={"n": mixed}, longest=400, name="history")


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SEME_CACHE", str(tmp_path))


def same(artifact: Artifact, prompt: list[int], most: int) -> Sparse:
    sparse = Sparse(artifact)
    dense, fast = DenseStream(artifact), sparse.stream()
    assert fast.feed(prompt).tolist() == dense.feed(prompt).tolist()
    assert fast.run(most).tolist() == dense.run(most).tolist()
    return sparse


def test_fixed_offsets_are_an_index_and_tables_are_tables():
    sparse = same(compile_trace(history(counts=False)), [0, 9, 11], 300)
    heads = sparse.report["heads"]
    assert sorted(head["turns"][0] for head in heads if head["turns"]) == [1, 2, 3]
    assert [head["keeps"] for head in heads if not head["turns"]] == ["first"]
    assert sum(part["tables"] for part in sparse.report["neurons"]) == 1


def test_places_without_a_rule_are_read_for_one():
    artifact = compile_trace(history(counts=True))
    assert artifact.positions is None
    sparse = same(artifact, [0, 9, 11], 300)
    heads = sparse.report["heads"]
    assert sorted(head["turns"][0] for head in heads if head["turns"]) == [1, 2, 3]
    assert "sum" in [head["keeps"] for head in heads]


def test_a_bent_table_of_places_is_no_rule_and_agrees():
    artifact = compile_trace(history(counts=True))
    places = artifact.weights["pos_embed.W_pos"].clone()
    risen = int(places[1:].abs().max(0).values.nonzero()[0])
    places[200, risen - risen % 2] *= 1.0 + 2.0**-20
    places[200, risen - risen % 2 + 1] = -places[200, risen - risen % 2]
    bent = replace(artifact, weights={**artifact.weights, "pos_embed.W_pos": places})
    sparse = same(bent, [0, 9, 11], 120)
    assert [head["keeps"] for head in sparse.report["heads"]] != [
        head["keeps"] for head in Sparse(artifact).report["heads"]
    ]


@pytest.mark.parametrize("apart", [False, True])
def test_two_looks_among_the_same_keys_share_them_and_others_do_not(apart):
    tokens = vocabulary(
        {f"{n}": {"n": n, "large": int(n > 40)} | {f"b{bit}": n >> bit & 1 for bit in range(7)} for n in range(128)}
    )
    n, own = tokens["n"], [tokens[f"b{bit}"] for bit in range(7)]
    one, other = (bits(table(n, {v: (v * by + 1) % 128 for v in range(128)}), 7, f"to{by}") for by in (3, 5))
    first_found = latest(n, key=own, query=one, where=tokens["large"], default=1, name="one")
    other_found = latest(n, key=own, query=other, where=1 - tokens["large"] if apart else tokens["large"], name="other")
    total = n + 2 * first_found + other_found
    mixed = table(total, {value: (7 * value + 3) % 128 for value in range(total.lo, total.hi + 1)})
    artifact = compile_trace(trace_program(tokens, emit={"n": mixed}, longest=600, name="two"), max_length=600)
    prompt = [0, *(2 + 37 * i % 128 for i in range(90))]
    sparse = same(artifact, prompt, 300)
    stream = sparse.stream()
    stream.feed(prompt)
    rows = [stream.kept[at][0] for at, head in enumerate(sparse.report["heads"]) if head["components"] == 7]
    large = len({row - 2 for row in prompt[1:] if row - 2 > 40})
    assert rows[0] >= large
    own = [owner == at for at, owner in enumerate(owners(plan(artifact)))]
    assert own == [True, apart]


def test_a_counting_machine_agrees_for_as_long_as_the_dense_one_is_asked():
    program = counter()
    start = [0, program.vocabulary.row(f"0.0.{1 << CELLS - 1}") + TokenTable.FIRST_ID]
    sparse = same(compile_trace(program, max_length=256), start, 1500)
    (head,) = sparse.report["heads"]
    assert (head["keeps"], head["components"]) == ("latest", CELLS)
    assert sparse.report["logits"]["sums"] == 3
