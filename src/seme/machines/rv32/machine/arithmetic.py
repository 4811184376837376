"""Adding, comparing and shifting 32-bit numbers without chains: what a byte passes on is two steps of its sum.

Blocks 7 to 9: operands, what bytes pass on, bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seme.lang.trace import Word, number, step, total
from seme.machines.rv32.machine.decode import BRANCHES, LOADS, STORES, Decoded
from seme.machines.rv32.machine.history import Clock, Phase
from seme.machines.rv32.machine.logic import WORD, bit, conjunction, exclusive, some
from seme.machines.rv32.machine.registers import Operands

BYTE = 8
BYTES = range(0, WORD, BYTE)


def add(a: list[Word], b: list[Word], carry: Word, name: str) -> list[Word]:
    """The 32 bits of a + b + carry: 8 steps, then 32.

    What byte k passes on is 2 where it overflows by itself, 1 where it would pass a carry on, 0 else. The carry into
    bit i of byte k is 1 where 2^k times what lies below that bit in the byte, plus the sum of 2^j times what byte j
    passes on, is at least 2^(i + k).
    """
    columns = [a[i] + b[i] + (carry if i == 0 else 0) for i in range(WORD)]
    passed = []
    for k, at in enumerate(BYTES):
        of = number(columns[at : at + BYTE])
        passed.append(step(of, 255, name=f"{name}_full{k}") + step(of, 256, name=f"{name}_over{k}"))
    carries = [carry]
    for i in range(1, WORD + 1):
        k, at = divmod(i - 1, BYTE)
        below = number(columns[BYTE * k : i])
        sums = total([((1 << k), below), *((1 << j, passed[j]) for j in range(k))])
        carries.append(step(sums, 1 << (at + 1 + k), name=f"{name}_carry{i}"))
    return [bit(a[i] + b[i] + carries[i] - 2 * carries[i + 1], f"{name}{i}") for i in range(WORD)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How the first operand compares with the other.

    Attributes:
        least: first >= other, without sign.
        least_signed: The same with sign.
        equal: first == other.
    """

    least: Word
    least_signed: Word
    equal: Word


def compare(first: list[Word], other: list[Word]) -> Order:
    """Byte by byte, then all bytes at once: 10 steps, then 4. The upper byte that differs outweighs all below."""
    signs = []
    for k, at in enumerate(BYTES):
        difference = number(first[at : at + BYTE]) - number(other[at : at + BYTE])
        signs.append(_sign(difference, f"byte{k}"))
    top = WORD - 1
    flipped = (1 << BYTE) * (other[top] - first[top])
    upper = number(first[BYTES[-1] :]) - number(other[BYTES[-1] :]) + flipped
    low = total([(1 << k, s) for k, s in enumerate(signs[:-1])])
    plain, signed = low + 8 * signs[-1], low + 8 * _sign(upper, "signed_byte")
    least = step(plain, 0, name="least")
    return Order(
        least=least,
        least_signed=step(signed, 0, name="least_signed"),
        equal=bit(least - step(plain, 1, name="above"), "equal"),
    )


def _sign(of: Word, name: str) -> Word:
    return step(of, 0, name=f"{name}_least") + step(of, 1, name=f"{name}_above") - 1


def taken(found: Decoded, order: Order) -> Word:
    """Whether the instruction is a branch that is taken."""
    holds = {"beq": ([order.equal], []), "bne": ([], [order.equal])}
    holds |= {"bge": ([order.least_signed], []), "blt": ([], [order.least_signed])}
    holds |= {"bgeu": ([order.least], []), "bltu": ([], [order.least])}
    terms = [conjunction([found.name[name], *holds[name][0]], holds[name][1]) for name in BRANCHES]
    return some(terms, name="taken")


def shift_some(found: Decoded, operands: Operands) -> list[Word]:
    """The first operand, shifted by the lowest 3 bits of the other: one neuron for each bit, amount and direction."""
    return [some(terms, name=f"shifted{i}") for i, terms in enumerate(_shifts(found, operands.first, operands, 1))]


def shift_rest(found: Decoded, operands: Operands, shifted: list[Word]) -> list[list[Word]]:
    """For each bit of the shift's result, conjunctions of which one holds where it is 1."""
    return _shifts(found, shifted, operands, BYTE)


def _shifts(found: Decoded, bits: list[Word], operands: Operands, unit: int) -> list[list[Word]]:
    right, left = found.any("srl", "sra"), found.name["sll"]
    sign = [operands.first[WORD - 1], found.name["sra"]]
    amount = operands.other[:3] if unit == 1 else operands.other[3:5]
    results: list[list[Word]] = [[] for _ in range(WORD)]
    for by in range(1 << len(amount)):
        on, off = [a for j, a in enumerate(amount) if by >> j & 1], [a for j, a in enumerate(amount) if not by >> j & 1]
        for i, terms in enumerate(results):
            if i >= unit * by:
                terms.append(conjunction([bits[i - unit * by], left, *on], off))
            if i + unit * by < WORD:
                terms.append(conjunction([bits[i + unit * by], right, *on], off))
            else:
                terms.append(conjunction([*sign, *on], off))
    return results


def add_operands(clock: Clock, phase: Phase, found: Decoded, operands: Operands) -> list[Word]:
    """The one addition of an instruction: its result, its target, or the address it loads from or stores to."""
    relative = found.any("auipc", "jal", *BRANCHES)
    at_address = exclusive(phase.fetch, phase.loading, found.across, relative)
    address = [total([]), total([]), *clock.address]
    first = [
        some([operands.first[i] - at_address, conjunction([address[i], at_address])], name=f"left{i}")
        for i in range(WORD)
    ]
    plain = exclusive(found.name["add"], found.name["addi"], phase.put, phase.store)
    subtract = found.name["sub"]
    second = []
    for i in range(WORD):
        terms = [conjunction([operands.other[i], plain]), subtract - operands.second[i]]
        terms += [conjunction([found.word[source[i]], which]) for which, source in _immediates(found) if i in source]
        second.append(some(terms, name=f"right{i}"))
    second[0] = bit(second[0] + phase.handled)
    second[2] = bit(second[2] + exclusive(found.across, phase.counted))
    return add(first, second, subtract, "sum")


def _immediates(found: Decoded) -> list[tuple[Word, Mapping[int, int]]]:
    """For each layout that is added, whether the instruction has it, and from which bit of the word each bit comes."""
    top = WORD - 1
    sign = dict.fromkeys(range(WORD), top)
    i_kind = sign | {i: i + 20 for i in range(11)}
    s_kind = sign | {i: i + 7 for i in range(5)} | {i: i + 20 for i in range(5, 11)}
    b_kind = s_kind | {11: 7}
    j_kind = sign | {i: i for i in range(12, 20)} | {11: 20} | {i: i + 20 for i in range(11)}
    del b_kind[0], j_kind[0]
    return [
        (found.any(*LOADS, "jalr"), i_kind),
        (found.any(*STORES), s_kind),
        (found.any(*BRANCHES), b_kind),
        (found.name["auipc"], {i: i for i in range(12, WORD)}),
        (found.name["jal"], j_kind),
    ]
