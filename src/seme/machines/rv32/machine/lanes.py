"""Loading and storing. Blocks 10 to 13.

Memory has four lanes: the byte at address a is in lane a mod 4. An access touches each lane at most once, so a head per
lane serves bytes, halves and words wherever they begin; lanes below the first byte's are in the next word.

The words of memory in the prompt are stored at the number's last token, the bytes of the standard input likewise, in
a space of their own. Two more heads look whether the word of the machine's next instruction was stored to since it was
last put out after `code`: the block that looks up instructions is below this one and sees no store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seme.lang.trace import Word, latest, step, total, word
from seme.machines.rv32.machine.decode import LOADS, STORES, Decoded
from seme.machines.rv32.machine.history import TARGET, Clock, Number, Phase
from seme.machines.rv32.machine.logic import (
    WORD,
    bit,
    both,
    conjunction,
    exclusive,
    joined,
    many,
    matches,
    one,
    pattern,
    some,
)
from seme.machines.rv32.machine.registers import Operands

LANES = 4
BYTE = 8
GROUP = 10
"""Bits of an address that are looked at together to carry 1 through them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What stands in memory at the address that was added up.

    Attributes:
        lanes: For each lane, 8 bits.
        given: Whether the standard input has such a byte.
        stale: Whether each of two looks found the instruction's word overwritten.
        first: For each lane, what must be on and what off for it to be that of the address.
    """

    lanes: list[list[Word]]
    given: Word
    stale: tuple[Word, Word]
    first: list[tuple[list[Word], list[Word]]]


def access(clock: Clock, phase: Phase, now: Number, found: Decoded, operands: Operands, summed: list[Word]) -> Memory:
    """Stores what is to be stored, and looks up what stands there.

    Args:
        clock: Where the machine is.
        phase: What it does.
        now: The number at the position.
        found: The instruction.
        operands: What is stored.
        summed: Where to look, 32 bits, where memory is meant; noisy.
    """
    # Every token has a key, though hardly any can be found: where no memory is meant all have the same.
    meant = (phase.store, phase.put, phase.take, phase.fetch, phase.loading)
    meant = joined(found.any(*LOADS, *STORES), *meant, name="at_memory")
    address = [step(of + meant, 2, name=f"place{i}") for i, of in enumerate(summed)]
    reaches = joined(found.any(*LOADS, *STORES), phase.store, phase.put, name="reaches")
    wrapped = _wrapped(reaches, summed)
    # Whether all lower bits are 1, at the beginning of each group: added up at once they would be noisy keys.
    full = [step(total([(1, b) for b in summed[2 : 2 + at]]), at, name=f"full{at}") for at in range(0, TARGET, GROUP)]
    first = [matches(address[:2], pattern(lane, range(2))) for lane in range(LANES)]
    words = [*(_next_word(address[2:], full, wrapped[lane], f"lane{lane}") for lane in range(LANES - 1)), address[2:]]
    stale = _stale(clock, phase, found, words, first)
    covered = [_covered(phase, found, first, lane, stale) for lane in range(LANES)]
    zero = total([])
    foreign = _foreign(phase)
    lanes, given = [], zero
    for lane in range(LANES):
        data = _data(lane, phase, now, found, operands, first)
        brought = latest(
            [*data, *([word(1)] if lane == 0 else [])],
            key=[*words[lane], foreign],
            query=[*words[lane], foreign],
            where=bit(covered[lane] + phase.image),
            name=f"lane{lane}",
        )
        brought = many(brought)
        lanes.append(brought[:BYTE])
        given = brought[BYTE] if lane == 0 else given
    return Memory(lanes=lanes, given=given, stale=stale, first=first)


def _stale(
    clock: Clock,
    phase: Phase,
    found: Decoded,
    words: list[list[Word]],
    first: list[tuple[list[Word], list[Word]]],
) -> tuple[Word, Word]:
    """Whether the instruction's word was stored to since it was last put out: it must not be carried out then.

    The word of the last lane is that of the address; a store that reaches lane 0 reaches the word of that lane. An
    instruction whose word was just put out is carried out even if it stores to itself.
    """
    stores = exclusive(found.any(*STORES), phase.store)
    reaches = {LANES - 1: stores, 0: _covered(phase, found, first, 0, ())}
    looks = [
        latest(
            1 - phase.fetch,
            key=[*words[lane], total([])],
            query=[*clock.address, phase.renewed],
            where=exclusive(where, phase.fetch),
            name=f"stale{lane}",
        )
        for lane, where in reaches.items()
    ]
    return one(looks[0]), one(looks[1])


def _foreign(phase: Phase) -> Word:
    """1 where the standard input is meant, not memory."""
    return bit(both(phase.loading, phase.stdin, name="input_word") + phase.take)


def _wrapped(reaches: Word, address: list[Word]) -> list[Word]:
    """For each lane, whether an access finds it in the next word: whether it is below the address's own lane."""
    both_bits = address[0] + address[1]
    return [
        step(2 * reaches + both_bits, 3, name="wrapped0"),
        step(reaches + address[1], 2, name="wrapped1"),
        step(reaches + both_bits, 3, name="wrapped2"),
    ]


def _next_word(upper: list[Word], full: list[Word], wrapped: Word, name: str) -> list[Word]:
    """The 30 bits of the word, or of the one after where `wrapped` is 1; no neuron is on where it is 0.

    The carry into a bit needs all lower bits to be 1.
    """
    carries = [wrapped]
    for i in range(1, TARGET + 1):
        group = (i - 1) // GROUP
        own = upper[GROUP * group : i]
        of = total([(1, b) for b in (*own, full[group])]) - (len(own) + 2) * (1 - wrapped)
        carries.append(step(of, len(own) + 1, name=f"{name}_carry{i}"))
    return [bit(upper[i] + carries[i] - 2 * carries[i + 1], f"{name}_word{i}") for i in range(TARGET)]


def _covered(
    phase: Phase, found: Decoded, first: list[tuple[list[Word], list[Word]]], lane: int, stale: Sequence[Word]
) -> Word:
    """Whether a byte is stored in a lane, by an instruction that is not stale."""
    name = found.name
    cases = [(name["sb"], lane), (name["sh"], lane), (name["sh"], lane - 1)]
    terms = [conjunction([*first[at % LANES][0], which], [*first[at % LANES][1], *stale]) for which, at in cases]
    terms += [conjunction([name["sw"]], stale), _at(first, lane, phase.store)]
    return some(terms, name=f"covered{lane}")


def _data(
    lane: int,
    phase: Phase,
    now: Number,
    found: Decoded,
    operands: Operands,
    first: list[tuple[list[Word], list[Word]]],
) -> list[Word]:
    """The 8 bits that go to a lane: byte j of the register where the address has lane - j; or what the tokens say."""
    stores = joined(found.any(*STORES), name=f"stores{lane}")
    bits = []
    for b in range(BYTE):
        terms = [_at(first, lane - j, stores, operands.second[BYTE * j + b]) for j in range(LANES)]
        terms += [_at(first, lane, phase.store, now.bits[b]), conjunction([phase.image, now.bits[BYTE * lane + b]])]
        bits.append(some(terms, name=f"data{lane}_{b}"))
    return bits


def _at(first: list[tuple[list[Word], list[Word]]], lane: int, *on: Word) -> Word:
    own, off = first[lane % LANES]
    return conjunction([*own, *on], off)


def loaded(phase: Phase, found: Decoded, memory: Memory) -> list[list[Word]]:
    """For each bit of what is loaded, conjunctions of which one holds where it is 1."""
    name, fetch = found.name, phase.fetch
    wide = [
        joined(found.any(*LOADS), fetch, phase.put, phase.take, name="loads1"),
        joined(found.any("lh", "lhu", "lw"), fetch, name="loads2"),
        joined(name["lw"], fetch, name="loads4"),
    ]
    wide.append(wide[-1])
    results = []
    for i in range(WORD):
        j, b = divmod(i, BYTE)
        terms = [_at(memory.first, lane, wide[j], memory.lanes[(lane + j) % LANES][b]) for lane in range(LANES)]
        if j >= 1:
            terms += [_at(memory.first, lane, name["lb"], memory.lanes[lane][-1]) for lane in range(LANES)]
        if j >= 2:
            terms += [
                _at(memory.first, lane, name["lh"], memory.lanes[(lane + 1) % LANES][-1]) for lane in range(LANES)
            ]
        results.append(terms)
    return results
