"""Reading and writing registers. Blocks 6 and 7.

A register is written at the token that retires the instruction. Which one is known there from what the position before
decoded; the value is the number that ends here, or, where no number was emitted, what the position before knew.

Beside the 32 registers there are two that hold intermediate numbers, and one that is never written. x0 is never written
either, and what was never written is 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from seme.lang.trace import Word, bank, latest, previous, relu, total, within, word
from seme.machines.rv32.machine.decode import KNOWN, RD, RS1, RS2, Decoded
from seme.machines.rv32.machine.history import Number, Phase
from seme.machines.rv32.machine.logic import WORD, bit, conjunction, exclusive, many, some
from seme.machines.rv32.machine.vocabulary import LONG, Token

A0, A1, A2, A7 = 10, 11, 12, 17
INPUT_COUNT, SCRATCH, VOID = 32, 33, 64
"""Names of the other registers: bytes read from the standard input so far, times 4; the intermediate number; none."""

NAME_BITS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Operands:
    """What the registers hold.

    Attributes:
        first: 32 bits of rs1, or of what the phase asks for.
        second: 32 bits of rs2, or of what the phase asks for; 0 where the second operand is a constant.
        other: 32 bits: the second operand, be it a register or a constant.
        writes: Whether rd is not x0.
    """

    first: list[Word]
    second: list[Word]
    other: list[Word]
    writes: Word


def read_registers(token: Token, now: Number, phase: Phase, found: Decoded) -> Operands:
    """What the operands hold after all that retired before."""
    name, value, where = _written(token, now, phase, found)
    first, second = _asked(phase, found)
    rs1 = many(latest(value, key=name, query=first, where=where, name="rs1"))
    rs2 = many(latest(value, key=name, query=second, where=where, name="rs2"))
    small = [some([conjunction([found.with_constant, found.word[i]])], name=f"constant{i}") for i in range(20, WORD)]
    return Operands(
        first=rs1,
        second=rs2,
        other=[bit(rs2[i] + small[min(i, 11)], f"other{i}") for i in range(WORD)],
        writes=1 - bank([(1, 1 - total([(1, found.word[i]) for i in RD]))], lo=0, hi=1, name="rd_is_x0"),
    )


def _written(token: Token, now: Number, phase: Phase, found: Decoded) -> tuple[list[Word], list[Word], Word]:
    """Name, value and whether one is written, at the token that retires the instruction."""
    to_a0 = exclusive(found.name["ecall"], phase.compare, phase.take)
    target = [bit(found.word[place] + (to_a0 if A0 >> i & 1 else 0), f"rd{i}") for i, place in enumerate(RD)]
    before = many(previous([*target, found.any(*KNOWN), *found.known], 1, name="before"))
    rd, was_known, known = before[:5], before[5], before[6:]
    aside = token.any("a", "write", "read")
    name = [within(relu(rd[i] - aside, name=f"name{i}"), 0, 1) for i in range(5)]
    name[0] = bit(name[0] + aside - phase.input_ended, "name0")
    name += [aside, word(0)]
    # Where nothing was known before, all bits of `known` are 0.
    shared = now.bits is now.bytes
    unsaid = token.any("d", "j", "s", *(kind for kind in LONG if not shared or kind not in ("w", "v")))
    said = []
    for i in range(WORD):
        terms = [now.bits[i] - unsaid]
        terms += [] if shared else [conjunction([now.bytes[i], token.any("w", "v")])]
        said.append(some(terms, name=f"said{i}"))
    value = [bit(known[i] + said[i], f"value{i}") for i in range(WORD)]
    result = conjunction([token.any("z", "f", "w", "v"), 1 - phase.loading])
    scratch = conjunction([token.any("a", "write", "read")], [phase.word_ended])
    recomputed = conjunction([was_known, token.any("j", "s")])
    to_x0 = recomputed - total([(1, r) for r in rd])
    where = bank([(1, result), (1, scratch), (1, recomputed), (-1, to_x0)], lo=0, hi=1, name="writes")
    return name, value, where


def _asked(phase: Phase, found: Decoded) -> tuple[list[Word], list[Word]]:
    """Names of the registers to read. In phases other than `run` the instruction's bits are 0."""
    ecall = found.name["ecall"]
    first = _name(
        [found.word[i] for i in RS1],
        [
            *((ecall, A7), (phase.put, A1), (phase.store, A1), (phase.compare, SCRATCH), (phase.handled, SCRATCH)),
            *((phase.take, INPUT_COUNT), (phase.counted, INPUT_COUNT)),
        ],
    )
    second = _name(
        [found.word[i] for i in RS2],
        [(ecall, A0), (phase.compare, A2), (phase.put, SCRATCH), (phase.store, SCRATCH), (phase.take, SCRATCH)],
    )
    second[-1] = found.with_constant
    return first, second


def _name(field: list[Word], cases: Iterable[tuple[Word, int]]) -> list[Word]:
    bits = [*field, *(total([]) for _ in range(NAME_BITS - len(field)))]
    for condition, register in cases:
        bits = [b + condition if register >> i & 1 else b for i, b in enumerate(bits)]
    return [bit(b) for b in bits]
