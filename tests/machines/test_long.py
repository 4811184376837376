"""The weights of the long operations: proved in float64, and what they choose is what the interpreter chooses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from seme.compiler.trace import build_trace, compile_trace, plan_trace
from seme.core.errors import NotProvedError
from seme.execute import DenseStream
from seme.lang.trace.words import Bank, Stairs, Step
from seme.machines.rv32 import multiply
from support.batch import BatchTracer
from support.long_operations import NAMES, Machine, machine, make, prompt, result, run_all, words
from support.words import cost

CASES = [
    *(("mul", 0xFFFFFFFF, 0xFFFFFFFF), ("mulhu", 0xFFFFFFFF, 0xFFFFFFFF), ("mulh", 0x80000000, 0x7FFFFFFF)),
    *(("mulhsu", 0x80000000, 0xFFFFFFFF), ("div", 0x80000000, 0xFFFFFFFF), ("div", 7, 0), ("rem", 0xFFFFFF85, 12)),
    *(("divu", 0xFFFFFFFF, 0x01000001), ("remu", 0xDEADBEEF, 0x1234), ("divu", 3, 5), ("mul", 3, 5)),
]


@pytest.fixture(scope="module")
def compiled():
    return compile_trace(machine().program)


def said_by_the_interpreter(made: Machine) -> list[str]:
    """Operands, operations and what they say, one after another."""
    return [text for name, a, b in CASES for text in (*prompt(name, a, b), *run_all(name, [(a, b)], made)[0])]


def wrong(artifact, texts: list[str]) -> int:
    """At how many of the positions at which an operation speaks the weights choose another token."""
    table = artifact.tokens
    rows = [table.BEGIN_ID, *(table.texts.index(text) + table.FIRST_ID for text in texts)]
    chosen = DenseStream(artifact).feed(rows)
    speaks = [not text.startswith(("operand", *NAMES)) for text in texts]
    return sum(int(c != row) for c, row, own in zip(chosen[:-1], rows[1:], speaks, strict=True) if own)


def test_the_weights_are_proved_in_float64_and_say_what_the_interpreter_says(compiled) -> None:
    assert compiled.certificate["types"]["float64"]["proved"]
    assert wrong(compiled, said_by_the_interpreter(machine())) == 0


def test_the_weights_go_on_by_themselves(compiled) -> None:
    table, stream = compiled.tokens, DenseStream(compiled)
    stream.feed([table.BEGIN_ID])
    for name, a, b in (("remu", 0xDEADBEEF, 0x1234), ("mul", 0xFFFFFFFF, 7)):
        stream.feed([table.texts.index(text) + table.FIRST_ID for text in prompt(name, a, b)])
        said = [table.texts[row - table.FIRST_ID] for row in stream.run(48)]
        assert [said] == run_all(name, [(a, b)])


def test_damaged_weights_are_seen(compiled) -> None:
    texts, rng = said_by_the_interpreter(machine()), np.random.default_rng(0)
    layer = compiled.spec.layers - 3
    name = f"blocks.{layer}.mlp.W_out"
    rows = np.flatnonzero(compiled.weights[name].abs().sum(1).numpy())
    seen = 0
    for row in rng.choice(rows, 3, replace=False):
        damaged = compiled.weights[name].clone()
        damaged[row] *= 1.5
        seen += wrong(replace(compiled, weights={**compiled.weights, name: damaged}), texts) > 0
    assert seen >= 2  # a neuron that none of these cases turns on does not show


def test_float32_is_not_proved_but_chooses_the_same_tokens() -> None:
    """Beside the rest of the processor they are: there logits are small. Here whole operands are tokens."""
    program = machine().program
    with pytest.raises(NotProvedError):
        compile_trace(program, dtype="float32")
    decided = plan_trace(program, dtype="float32", activation="relu")
    artifact = build_trace(decided, program, activation="relu", rows=1024)
    assert wrong(artifact, said_by_the_interpreter(machine())) == 0


def test_a_wrong_column_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = multiply.product_column

    def turned(a, b, signed, low, high, place):
        return right(a, b, signed, low, high, [*place[1:], place[0]])

    monkeypatch.setattr("seme.machines.rv32.long.product_column", turned)
    pairs = words(np.random.default_rng(6), 50)
    good, bad = run_all("mul", pairs), run_all("mul", pairs, make())
    assert sum(result(x) != result(y) for x, y in zip(good, bad, strict=True)) > 25


def test_the_long_operations_take_no_more_than_they_say() -> None:
    made = machine()
    taken = cost([getattr(made.next, name) for name in made.next.__slots__], made.given, made.operands)
    assert taken.depth == 5
    assert taken.semes <= 140
    assert taken.neurons <= 690
    assert taken.heads <= 7
    assert taken.nonzeros <= 6450


def test_no_neuron_is_on_where_no_long_operation_is_asked_for() -> None:
    """So an executor may leave all of them out there: the operands are known, the instruction is another one."""
    made = machine()
    program, tracer = made.program, BatchTracer(made.program, 200)
    asked = [prompt("mul", a, b) for a, b in words(np.random.default_rng(7), 200)]
    heard: dict[bool, set[str]] = {False: set(), True: set()}
    for at, texts in enumerate(zip(*asked, strict=True)):
        tracer.read(np.array([program.vocabulary.row(text) for text in texts]))
        for node in program.words():
            if node.name.startswith(("divide", "multiply", "column", "carry", "digit", "long")) and is_on(tracer, node):
                heard[at == 16].add(node.name)
    assert not heard[False]
    assert heard[True]


def is_on(tracer: BatchTracer, node) -> bool:
    """Whether a neuron of a word is."""
    match node:
        case Bank():
            return any((tracer.now[id(term)] > 0).any() for _, term in node.terms)
        case Step():
            return bool((tracer.now[id(node.of)] >= node.least).any())
        case Stairs():
            return bool((tracer.now[id(node.of)] >= node.rise).any())
    return False


def test_the_steps_of_a_carry_leave_room() -> None:
    """What `next_digit` guesses of a carry, over all that columns can be."""
    for upper in range(0, multiply.UPPER + 1, 7):
        for lower in (0, multiply.LOWER):
            for carry in (0, multiply.CARRY - 1):
                exact = (16 * upper + lower + carry) // 256
                assert 0 <= exact - 128 * (upper // multiply.GUESSED) <= multiply.SHORT <= 193
                assert exact < multiply.CARRY
