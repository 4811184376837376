"""Decoding against an independent disassembler, encoding against decoding, and what is illegal."""

import random
import re

import capstone
import pytest

from seme.machines.rv32.instructions import BY_NAME, FORMS, decode, disassemble, encode

ROUNDS = 40
NAMES = "zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6"
REGISTERS = NAMES.split()


def drawn(form, draw):
    """Fields that fit the form; never those that a disassembler writes in a shorter way."""
    fields = {}
    if form.kind in "RIHUJ":
        fields["rd"] = draw.randrange(2, 32)
    if form.kind in "RIHSB":
        fields["rs1"] = draw.randrange(1, 32)
    if form.kind in "RSB":
        fields["rs2"] = draw.randrange(1, 32)
    reach = {"I": (2047, 1), "S": (2047, 1), "B": (4095, 2), "J": ((1 << 20) - 1, 2), "U": ((1 << 31) - 1, 4096)}
    if form.kind in reach:
        top, step = reach[form.kind]
        fields["immediate"] = draw.randrange(-top - 1, top + 1) // step * step
    if form.kind == "H":
        fields["immediate"] = draw.randrange(32)
    return fields


def operands(form, fields):
    name = {key: REGISTERS[value] for key, value in fields.items() if key != "immediate"}
    immediate = fields.get("immediate", 0)
    if form.kind == "R":
        return [name["rd"], name["rs1"], name["rs2"]]
    if form.opcode == 0x03:
        return [name["rd"], immediate, name["rs1"]]
    if form.kind in "IH":
        return [name["rd"], name["rs1"], immediate]
    if form.kind == "S":
        return [name["rs2"], immediate, name["rs1"]]
    if form.kind == "B":
        return [name["rs1"], name["rs2"], immediate]
    if form.kind == "U":
        return [name["rd"], immediate >> 12 & 0xFFFFF]
    return [name["rd"], immediate]


def parsed(text):
    parts = [part for part in re.split(r"[,\s()]+", text) if part]
    return [part if part in REGISTERS else int(part, 0) for part in parts]


@pytest.mark.parametrize("form", [form for form in FORMS if form.kind != "-"], ids=lambda form: form.name)
def test_an_independent_disassembler_reads_what_is_encoded(form):
    draw, engine = random.Random(form.name), capstone.Cs(capstone.CS_ARCH_RISCV, capstone.CS_MODE_RISCV32)
    for _ in range(ROUNDS):
        fields = drawn(form, draw)
        if form.name in ("addi", "xori", "sltiu", "jalr") and fields["immediate"] in (0, 1, -1):
            continue  # written as mv, not, seqz, jr
        word = encode(form.name, **fields)
        [(_, _, mnemonic, text)] = engine.disasm_lite(word.to_bytes(4, "little"), 0)
        assert mnemonic == form.name
        assert parsed(text) == operands(form, fields), (mnemonic, text, fields)


def test_fences_and_calls_are_read_so_too():
    assert [disassemble(encode(name)) for name in ("fence.i", "ecall", "ebreak")] == ["fence.i", "ecall", "ebreak"]
    assert disassemble(0x0FF0000F) == "fence"
    assert disassemble(0x00000000) == ".word 0x00000000"


def test_targets_of_jumps_are_written_in_full():
    assert disassemble(encode("jal", rd=5, immediate=-8), pc=0x100) == "jal t0, -8  # 0xf8"
    assert disassemble(encode("beq", rs1=6, rs2=7, immediate=16), pc=0xFFFFFFF8).endswith("# 0x8")


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_what_is_encoded_decodes_to_the_same(form):
    draw = random.Random(form.name)
    for _ in range(ROUNDS):
        fields = drawn(form, draw)
        found = decode(encode(form.name, **fields))
        assert found is not None
        assert found.name == form.name
        assert {key: getattr(found, key) for key in fields} == fields


def test_exactly_the_words_of_the_manual_are_legal():
    """Counts over opcode, funct3 and funct7, with all other fields free, against the tables of the manual."""
    legal = sum(
        decode(opcode | funct3 << 12 | funct7 << 25) is not None
        for opcode in range(128)
        for funct3 in range(8)
        for funct7 in range(128)
    )
    per_upper, per_funct3 = 8 * 128, 128
    free = (
        3 * per_upper + (1 + 6 + 5 + 3 + 6 + 2) * per_funct3
    )  # lui auipc jal; jalr branch load store constants fences
    fixed = 3 + 10 + 8  # shifts by constants; register operations; M
    assert legal == free + fixed + 1  # ECALL is the word with all other fields 0


@pytest.mark.parametrize(
    "word",
    [0, 0xFFFFFFFF, 0xC0002573, 0x30200073, 0x10500073, 0x00200073, 0x00000001, 0x00000013 ^ 3, 0x0000707B, 0x0005252F],
    ids=["zero", "ones", "rdcycle", "mret", "wfi", "uret", "c.nop", "16-bit", "custom", "lr.w"],
)
def test_words_beyond_rv32im_are_illegal(word):
    assert decode(word) is None


@pytest.mark.parametrize(
    ("name", "fields"),
    [("addi", {"immediate": 2048}), ("beq", {"immediate": 3}), ("lui", {"immediate": 1}), ("slli", {"immediate": 32}),
     ("add", {"rd": 32}), ("sw", {"rd": 1}), ("jal", {"immediate": 1 << 20})],
)  # fmt: skip
def test_fields_that_do_not_fit_are_refused(name, fields):
    with pytest.raises(ValueError, match=f"`{name}` cannot hold"):
        encode(name, **fields)


def test_there_are_forty_nine_instructions():
    assert len(FORMS) == len(BY_NAME) == 49
