"""The instruction set: which words are instructions of RV32IM, what their fields are, and how they are written.

Source: The RISC-V Instruction Set Manual, volume I, chapters "RV32I", "Zifencei" and "M", and its opcode listings.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from seme.core.errors import MissingExtraError
from seme.machines.rv32.memory_map import MASK


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One instruction of the set.

    Args:
        name: Mnemonic.
        kind: Layout of the fields: R, I, S, B, U, J, or, for shifts by a constant, H; "-" has no fields that count.
        opcode: Bits 0 to 6.
        funct3: Bits 12 to 14, where the kind has them.
        funct7: Bits 25 to 31, for kinds R and H.
    """

    name: str
    kind: str
    opcode: int
    funct3: int = 0
    funct7: int = 0


def _forms() -> tuple[Form, ...]:
    def family(kind: str, opcode: int, names: dict[str, int], funct7: int = 0) -> list[Form]:
        return [Form(name=n, kind=kind, opcode=opcode, funct3=f, funct7=funct7) for n, f in names.items()]

    product = {"mul": 0, "mulh": 1, "mulhsu": 2, "mulhu": 3, "div": 4, "divu": 5, "rem": 6, "remu": 7}
    logic = {"add": 0, "sll": 1, "slt": 2, "sltu": 3, "xor": 4, "srl": 5, "or": 6, "and": 7}
    return (
        Form(name="lui", kind="U", opcode=0x37),
        Form(name="auipc", kind="U", opcode=0x17),
        Form(name="jal", kind="J", opcode=0x6F),
        Form(name="jalr", kind="I", opcode=0x67),
        *family("B", 0x63, {"beq": 0, "bne": 1, "blt": 4, "bge": 5, "bltu": 6, "bgeu": 7}),
        *family("I", 0x03, {"lb": 0, "lh": 1, "lw": 2, "lbu": 4, "lhu": 5}),
        *family("S", 0x23, {"sb": 0, "sh": 1, "sw": 2}),
        *family("I", 0x13, {"addi": 0, "slti": 2, "sltiu": 3, "xori": 4, "ori": 6, "andi": 7}),
        *family("H", 0x13, {"slli": 1, "srli": 5}),
        *family("H", 0x13, {"srai": 5}, 0x20),
        *family("R", 0x33, logic),
        *family("R", 0x33, {"sub": 0, "sra": 5}, 0x20),
        *family("R", 0x33, product, 1),
        *family("-", 0x0F, {"fence": 0, "fence.i": 1}),
        Form(name="ecall", kind="-", opcode=0x73),
        Form(name="ebreak", kind="-", opcode=0x73),
    )


FORMS = _forms()
"""All 49 instructions: 40 of RV32I, FENCE.I, 8 of M."""

BY_NAME = {form.name: form for form in FORMS}
ECALL, EBREAK = 0x0000_0073, 0x0010_0073

_BY_FIELDS = {
    (form.opcode, form.funct3, form.funct7 if form.kind in "RH" else None): form
    for form in FORMS
    if form.name not in ("ecall", "ebreak")
}
_WITHOUT_FUNCT3 = frozenset({0x37, 0x17, 0x6F})


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """A word read as an instruction.

    Args:
        name: Mnemonic.
        kind: Layout, as in `Form`.
        word: The 32 bits.
        rd: Register written; 0 where the kind has none.
        rs1: First register read; 0 where the kind has none.
        rs2: Second register read; 0 where the kind has none.
        immediate: With its sign; for U the upper 20 bits in place, for H the shift amount, for B and J relative to the
            instruction. FENCE's fields are ignored, as the manual asks.
    """

    name: str
    kind: str
    word: int
    rd: int = 0
    rs1: int = 0
    rs2: int = 0
    immediate: int = 0


@lru_cache(maxsize=1 << 16)
def decode(word: int) -> Instruction | None:
    """The instruction that a word is, or None when it is illegal here.

    Illegal are, among others, the all-zero word, CSR instructions, and everything compressed.

    >>> decode(0x00A28293)
    Instruction(name='addi', kind='I', word=10650259, rd=5, rs1=5, rs2=0, immediate=10)
    >>> decode(0) is None
    True
    """
    if word == ECALL:
        return Instruction(name="ecall", kind="-", word=word)
    if word == EBREAK:
        return Instruction(name="ebreak", kind="-", word=word)
    opcode, funct3, funct7 = word & 0x7F, word >> 12 & 7, word >> 25
    if opcode in _WITHOUT_FUNCT3:
        funct3 = 0
    form = _BY_FIELDS.get((opcode, funct3, None)) or _BY_FIELDS.get((opcode, funct3, funct7))
    if form is None:
        return None
    kind = form.kind
    return Instruction(
        name=form.name,
        kind=kind,
        word=word,
        rd=word >> 7 & 31 if kind in "RIHUJ" else 0,
        rs1=word >> 15 & 31 if kind in "RIHSB" else 0,
        rs2=word >> 20 & 31 if kind in "RSB" else 0,
        immediate=_immediate(kind, word),
    )


def _immediate(kind: str, word: int) -> int:
    sign = -(word >> 31)
    if kind == "I":
        return sign << 12 | word >> 20
    if kind == "S":
        return sign << 12 | word >> 25 << 5 | word >> 7 & 31
    if kind == "B":
        return sign << 12 | (word >> 7 & 1) << 11 | (word >> 25 & 63) << 5 | (word >> 8 & 15) << 1
    if kind == "U":
        return sign << 32 | word & 0xFFFF_F000
    if kind == "J":
        return sign << 20 | (word >> 12 & 255) << 12 | (word >> 20 & 1) << 11 | (word >> 21 & 1023) << 1
    return word >> 20 & 31 if kind == "H" else 0


def encode(name: str, *, rd: int = 0, rs1: int = 0, rs2: int = 0, immediate: int = 0) -> int:
    """The word of an instruction; the inverse of `decode`.

    Args:
        name: Mnemonic, one of `BY_NAME`.
        rd: Register written, where the kind has one.
        rs1: First register read, where the kind has one.
        rs2: Second register read, where the kind has one.
        immediate: As `Instruction.immediate`. It must fit: this is checked by decoding the word again.

    Raises:
        ValueError: A field does not fit the instruction.

    >>> hex(encode("addi", rd=5, rs1=5, immediate=10))
    '0xa28293'
    """
    form, i = BY_NAME[name], immediate
    word = form.opcode | form.funct3 << 12
    if name == "ebreak":
        word = EBREAK
    if form.kind in "RIHUJ":
        word |= (rd & 31) << 7
    if form.kind in "RIHSB":
        word |= (rs1 & 31) << 15
    if form.kind in "RSB":
        word |= (rs2 & 31) << 20
    if form.kind in "RH":
        word |= form.funct7 << 25
    word |= _immediate_bits(form.kind, i)
    found = decode(word)
    assert found is not None
    if (found.name, found.rd, found.rs1, found.rs2, found.immediate) != (name, rd, rs1, rs2, immediate):
        raise ValueError(f"`{name}` cannot hold rd={rd}, rs1={rs1}, rs2={rs2}, immediate={immediate}")
    return word


def _immediate_bits(kind: str, i: int) -> int:
    if kind == "I":
        return (i & 0xFFF) << 20
    if kind == "H":
        return (i & 31) << 20
    if kind == "S":
        return (i >> 5 & 127) << 25 | (i & 31) << 7
    if kind == "B":
        return (i >> 12 & 1) << 31 | (i >> 5 & 63) << 25 | (i >> 1 & 15) << 8 | (i >> 11 & 1) << 7
    if kind == "U":
        return i & 0xFFFF_F000
    if kind == "J":
        return (i >> 20 & 1) << 31 | (i >> 1 & 1023) << 21 | (i >> 11 & 1) << 20 | (i >> 12 & 255) << 12
    return 0


def disassemble(word: int, pc: int = 0) -> str:
    """The word as assembly text, by an independent disassembler; `.word 0x...` when it is illegal here.

    Args:
        word: The 32 bits.
        pc: Address of the word; capstone prints targets of jumps relative to the instruction, so they are added here.

    Raises:
        MissingExtraError: `capstone` is not installed.
    """
    try:
        import capstone
    except ImportError as error:
        raise MissingExtraError("disassembling", "machines") from error
    found = decode(word)
    if found is None:
        return f".word {word:#010x}"
    engine = capstone.Cs(capstone.CS_ARCH_RISCV, capstone.CS_MODE_RISCV32)
    lines = list(engine.disasm_lite(word.to_bytes(4, "little"), pc))
    # Reserved fields of FENCE are legal here; the disassembler does not print all of them.
    text = f"{lines[0][2]} {lines[0][3]}".strip() if lines else found.name
    return f"{text}  # {(pc + found.immediate) & MASK:#x}" if found.kind in "BJ" else text
