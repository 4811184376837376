"""Loading and storing. Blocks 10 to 12.

Memory has four lanes: the byte at address a is in lane a mod 4. An access touches each lane at most once, so a head per
lane serves bytes, halves and words wherever they begin; lanes below the first byte's are in the next word.

The words of memory in the prompt are stored at the number's last token, the bytes of the standard input likewise, in
a space of their own. Two more heads look whether the word of the machine's next instruction was stored to since it was
last put out after `code`: the block that looks up instructions is below this one and sees no store.
"""

from __future__ import annotations

from dataclasses import dataclass

from seme.lang.trace import Word, bank, clean, latest, step, total, word
from seme.machines.rv32.machine.decode import LOADS, STORES, Decoded
from seme.machines.rv32.machine.history import TARGET, Clock, Number, Phase
from seme.machines.rv32.machine.logic import WORD, bit, both, conjunction, exclusive, many, matches, one, pattern, some
from seme.machines.rv32.machine.registers import Operands

LANES = 4
BYTE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What stands in memory at the address that was added up.

    Attributes:
        lanes: For each lane, 8 bits.
        given: Whether the standard input has such a byte.
        stale: How many of the two looks found the instruction's word overwritten.
        first: For each lane, what must be on and what off for it to be that of the address.
    """

    lanes: list[list[Word]]
    given: Word
    stale: tuple[Word, Word]
    first: list[tuple[list[Word], list[Word]]]


def access(clock: Clock, phase: Phase, now: Number, found: Decoded, operands: Operands, address: list[Word]) -> Memory:
    """Stores what is to be stored, and looks up what stands there."""
    # A misaligned access needs more neurons, all of which this bit turns off.
    reaches = exclusive(found.any(*LOADS, *STORES), phase.store, phase.put)
    aligned = bank([(1, reaches - address[0] - address[1])], lo=0, hi=1, name="aligned")
    misaligned = bit(reaches - aligned)
    address = [clean(b, name=f"address{i}") for i, b in enumerate(address)]
    first = [matches(address[:2], pattern(lane, range(2))) for lane in range(LANES)]
    words = [_word_of_lane(address, lane, misaligned) for lane in range(LANES)]
    covered = _covered(phase, found, first)
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
    stores = exclusive(found.any(*STORES), phase.store)
    # The word of the last lane is that of the address; a store that reaches lane 0 reaches the word of that lane.
    stale = [
        latest(
            1 - phase.fetch,
            key=words[lane],
            query=clock.address,
            where=exclusive(stores if lane else covered[0], phase.fetch),
            name=f"stale{lane}",
        )
        for lane in (LANES - 1, 0)
    ]
    return Memory(lanes=lanes, given=given, stale=(one(stale[0]), one(stale[1])), first=first)


def _foreign(phase: Phase) -> Word:
    """1 where the standard input is meant, not memory."""
    return bit(both(phase.loading, phase.stdin, name="input_word") + phase.take)


def _word_of_lane(address: list[Word], lane: int, misaligned: Word) -> list[Word]:
    """The 30 bits of the word in which an access that begins at the address finds this lane."""
    upper = address[2:]
    if lane == LANES - 1:
        return upper
    # One more where the lane is below that of the address; the carry into bit i needs all lower bits to be 1.
    carries = []
    for i in range(TARGET + 1):
        start = 2 * address[1] + address[0] + LANES * (i + 1) * (misaligned - 1)
        of = LANES * total([(1, b) for b in upper[:i]]) + start
        carries.append(step(of, LANES * i + lane + 1, name=f"lane{lane}_carry{i}"))
    return [bit(upper[i] + carries[i] - 2 * carries[i + 1], f"lane{lane}_word{i}") for i in range(TARGET)]


def _covered(phase: Phase, found: Decoded, first: list[tuple[list[Word], list[Word]]]) -> list[Word]:
    """For each lane, whether a byte is stored there."""
    byte, half = exclusive(found.name["sb"], phase.store), found.name["sh"]
    covered = []
    for lane in range(LANES):
        terms = [_at(first, lane, byte), _at(first, lane, half), _at(first, lane - 1, half)]
        covered.append(bit(some(terms, name=f"covered{lane}") + found.name["sw"]))
    return covered


def _data(
    lane: int,
    phase: Phase,
    now: Number,
    found: Decoded,
    operands: Operands,
    first: list[tuple[list[Word], list[Word]]],
) -> list[Word]:
    """The 8 bits that go to a lane: byte j of the register where the address has lane - j; or what the tokens say."""
    stores = found.any(*STORES)
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
        exclusive(found.any("lb", "lh", "lw", "lbu", "lhu"), fetch, phase.put, phase.take),
        exclusive(found.any("lh", "lhu", "lw"), fetch),
        exclusive(name["lw"], fetch),
        exclusive(name["lw"], fetch),
    ]
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
