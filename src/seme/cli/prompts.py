"""Random prompts for models that continue their input."""

from __future__ import annotations

import random
from collections.abc import Iterator

from seme.core.errors import FolderError, UsageError
from seme.machines.rv32.computer import vocabulary_of
from seme.machines.rv32.elf import Program, Segment
from seme.machines.rv32.instructions import encode
from seme.machines.rv32.machine import Tokens, prompt_rows
from seme.machines.turing import Machine, machine_of, table
from seme.model.artifact import Artifact, TokenTable

LONGEST = 20
"""Tokens of a random prompt, and cells of a random tape."""

SMALL = "bb3"
"""What a machine that reads its table is given to read: one that halts, with all that a table can say."""

OPERATIONS = ("add", "sub", "xor", "or", "and", "sll", "srl", "sra", "slt", "sltu", "mul", "mulhu", "divu", "rem")
REGISTERS = (5, 6, 7, 10)
STEPS = 8
"""Operations of a random program."""


def prompts(artifact: Artifact, seed: int) -> Iterator[list[int]]:
    """Endless random prompts: programs and tapes for our machines, tokens for anything else.

    Yields:
        Rows of the embedding, the begin token first.
    """
    rng = random.Random(seed)
    machine, tokens = _turing(artifact), _rv32(artifact)
    while True:
        if machine is not None:
            tape = {at: rng.randrange(machine.symbols) for at in range(-rng.randrange(3), rng.randrange(LONGEST))}
            rows = [machine.program.vocabulary.row(token) for token in machine.prompt(tape)]
        elif tokens is not None:
            rows = prompt_rows(tokens, _program(rng))
        else:
            longest = min(LONGEST, artifact.spec.n_positions // 2)
            rows = [rng.randrange(len(artifact.tokens.values)) for _ in range(rng.randint(1, max(longest, 1)))]
        yield [TokenTable.BEGIN_ID, *(row + TokenTable.FIRST_ID for row in rows)]


def _turing(artifact: Artifact) -> Machine | None:
    try:
        return machine_of(artifact)
    except UsageError:
        return machine_of(artifact, table(SMALL))
    except FolderError:
        return None


def _rv32(artifact: Artifact) -> Tokens | None:
    try:
        return vocabulary_of(artifact)
    except FolderError:
        return None


def _program(rng: random.Random) -> Program:
    """Constants, operations, a store and a load of what came out; then nothing, which traps."""
    words = [encode("addi", rd=register, immediate=rng.randint(-2048, 2047)) for register in REGISTERS]
    third = REGISTERS[0]
    for _ in range(STEPS):
        first, second, third = rng.choices(REGISTERS, k=3)
        words.append(encode(rng.choice(OPERATIONS), rd=third, rs1=first, rs2=second))
    words.append(encode("sw", rs1=0, rs2=third, immediate=1024))
    words.append(encode("lb", rd=third, rs1=0, immediate=1024 + rng.randrange(4)))
    data = b"".join(word.to_bytes(4, "little") for word in words)
    return Program(entry=0, segments=(Segment(address=0, data=data),))
