"""The instruction at the machine's address, and what is known from its word alone. Block 5.

The word is looked up among the words of memory in the prompt and those emitted after `code`. In any phase but `run`
nothing is found: all bits are 0, which is no instruction, so that nothing below needs to ask for the phase.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seme.lang.trace import Word, latest, total
from seme.machines.rv32.instructions import BY_NAME, ECALL
from seme.machines.rv32.machine.history import Clock, Number, Phase
from seme.machines.rv32.machine.logic import WORD, both, conjunction, exclusive, many, matches, pattern, some

OPCODE = range(7)
FUNCT3 = range(12, 15)
FUNCT7 = range(25, 32)
RD, RS1, RS2 = range(7, 12), range(15, 20), range(20, 25)

BRANCHES = ("beq", "bne", "blt", "bge", "bltu", "bgeu")
LOADS = ("lb", "lh", "lw", "lbu", "lhu")
STORES = ("sb", "sh", "sw")
WITH_CONSTANT = ("addi", "slti", "sltiu", "xori", "ori", "andi", "slli", "srli", "srai")
PRODUCTS = ("mul", "mulh", "mulhsu", "mulhu", "div", "divu", "rem", "remu")

JOINED = {
    "slt": ("slt", "slti"),
    "sltu": ("sltu", "sltiu"),
    "xor": ("xor", "xori"),
    "or": ("or", "ori"),
    "and": ("and", "andi"),
    "sll": ("sll", "slli"),
    "srl": ("srl", "srli"),
    "sra": ("sra", "srai"),
    "fence": ("fence", "fence.i"),
}
"""Instructions that are the same once their second operand is there."""

ALONE = ("lui", "auipc", "jal", "jalr", *BRANCHES, *LOADS, *STORES, "addi", "add", "sub", *PRODUCTS)
KNOWN = ("lui", "jal", "jalr")
"""Their results are known without the registers."""

RESULTS = ("auipc", *LOADS, "addi", "add", "sub", "slt", "sltu", "xor", "or", "and", "sll", "srl", "sra")
"""What puts out the digits of a result, unless rd is x0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """The instruction.

    Attributes:
        word: Its 32 bits.
        name: Whether it is this instruction; those of `JOINED` together, and `ecall`. At most one is 1.
        runs: Whether an instruction is to be carried out.
        across: Whether a jump to the next stretch is to be put out first.
        syncs: Whether the address is to be said first.
        with_constant: Whether the second operand is a constant.
        known: 32 bits: the result of LUI, JAL and JALR; else 0.
    """

    word: list[Word]
    name: Mapping[str, Word]
    runs: Word
    across: Word
    syncs: Word
    with_constant: Word
    known: list[Word]

    def any(self, *names: str) -> Word:
        """Whether it is one of these; free."""
        return exclusive(*(self.name[name] for name in names))

    @property
    def legal(self) -> Word:
        """Whether it is any instruction; free."""
        return exclusive(*self.name.values())


def fetch(clock: Clock, phase: Phase, now: Number) -> list[Word]:
    """The 32 bits of the instruction, all 0 where none is to be carried out."""
    zero = total([])
    is_code = both(phase.image, off=[phase.stdin], name="is_code")
    found = latest(
        now.bits,
        key=[*clock.address, zero, zero, zero],
        query=[*clock.address, 1 - phase.run, clock.across, phase.sync],
        where=exclusive(is_code, phase.word_ended),
        name="fetch",
    )
    return many(found)


def decode(word: list[Word], clock: Clock, phase: Phase) -> Decoded:
    """What the word says, by one neuron for each way to be an instruction."""
    name = {one: some([_is(word, one)], name=one) for one in ALONE}
    name |= {joined: some([_is(word, one) for one in ones], name=joined) for joined, ones in JOINED.items()}
    name["ecall"] = some([conjunction(*matches(word, pattern(ECALL, range(WORD))))], name="ecall")
    immediate = _fields(word, {OPCODE: BY_NAME["addi"].opcode})
    return Decoded(
        word=word,
        name=name,
        runs=both(phase.run, off=[clock.across, phase.sync], name="runs"),
        across=both(phase.run, clock.across, name="across"),
        syncs=both(phase.sync, off=[clock.across], name="syncs"),
        with_constant=some([immediate], name="with_constant"),
        known=_known(word, clock),
    )


def _is(word: list[Word], name: str) -> Word:
    form = BY_NAME[name]
    fields: dict[range, int] = {OPCODE: form.opcode}
    if form.kind not in "UJ":
        fields[FUNCT3] = form.funct3
    if form.kind in "RH":
        fields[FUNCT7] = form.funct7
    return _fields(word, fields)


def _fields(word: list[Word], fields: Mapping[range, int]) -> Word:
    places: dict[int, int] = {}
    for field, value in fields.items():
        places |= pattern(value, field)
    return conjunction(*matches(word, places))


def _known(word: list[Word], clock: Clock) -> list[Word]:
    """LUI's constant, or the address after a jump."""
    lui = matches(word, pattern(BY_NAME["lui"].opcode, OPCODE))
    # The opcodes of JAL and JALR differ in bit 3 alone.
    jumps = matches(word, {place: v for place, v in pattern(BY_NAME["jal"].opcode, OPCODE).items() if place != 3})
    # FUNCT3 of JALR need not be looked at: with another one the machine stands still.
    link = [total([]), total([]), *clock.link]
    bits = []
    for i in range(WORD):
        terms = [conjunction([word[i], *lui[0]], lui[1])] if i >= FUNCT3.start else []
        terms += [conjunction([link[i], *jumps[0]], jumps[1])] if i >= 2 else []
        bits.append(some(terms, name=f"known{i}") if terms else total([]))
    return bits
