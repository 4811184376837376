"""ELF files: what runs is read, what cannot run is refused with the reason."""

import random
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from seme.core.errors import ElfError
from seme.machines.rv32.elf import Program, Segment, parse_elf, read_elf
from seme.machines.rv32.toolchain import build_elf, compile_c

HELLO = Path(__file__).parents[2] / "examples" / "c" / "hello.c"
TYPE, MACHINE, ENTRY, FLAGS = 16, 18, 24, 36
"""Offsets in the header of a 32-bit ELF file."""


def elf(*, segments=((1, 0x1000, b"\x13\0\0\0"),), entry=0x1000, cut=0) -> bytes:
    """A file of program headers (type, address, bytes), as the ELF standard lays it out."""
    count = len(segments)
    header = b"\x7fELF" + bytes([1, 1, 1]) + bytes(9)
    header += struct.pack("<HHIIIIIHHHHHH", 2, 243, 1, entry, 52, 0, 0, 52, 32, count, 40, 0, 0)
    offset, table, body = 52 + 32 * count, b"", b""
    for kind, address, data in segments:
        table += struct.pack("<IIIIIIII", kind, offset + len(body), address, address, len(data), len(data), 7, 4)
        body += data
    whole = header + table + body
    return whole[: len(whole) - cut]


def changed(offset: int, form: str, value: int) -> bytes:
    data = bytearray(elf())
    struct.pack_into(form, data, offset, value)
    return bytes(data)


def test_segments_and_entry_are_read():
    program = parse_elf(elf(segments=((1, 0x2000, b"data"), (1, 0x1000, b"\x13\0\0\0"), (4, 0, b"note"))))
    assert program == Program(
        entry=0x1000, segments=(Segment(address=0x1000, data=b"\x13\0\0\0"), Segment(address=0x2000, data=b"data"))
    )


def test_words_are_those_that_are_not_zero():
    program = Program(
        entry=0, segments=(Segment(address=2, data=b"\1\2\0\0\0\0\0"), Segment(address=9, data=b"\0\0\3"))
    )
    assert list(program.words()) == [(0, 0x0201_0000), (8, 0x0300_0000)]


def test_a_file_of_the_compiler_is_read_as_compiling_gives_it(tmp_path):
    build_elf(HELLO, tmp_path / "hello.elf")
    assert read_elf(tmp_path / "hello.elf") == compile_c(HELLO)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is not an ELF file"),
        (b"int main() {}", "is not an ELF file"),
        (elf()[:20], "is a damaged ELF file"),
        (elf()[:60], "is a damaged ELF file"),
        (elf(cut=1), "is cut short: its segment at 0x1000 ends at byte 88 of 87"),
        (changed(MACHINE, "<H", 62), "is for another machine: EM_X86_64, 32 bits, little-endian"),
        (changed(MACHINE, "<H", 40), "is for another machine: EM_ARM"),
        (changed(5, "<B", 2), "is for another machine"),
        (changed(TYPE, "<H", 3), "is not a static executable: its type is ET_DYN"),
        (changed(TYPE, "<H", 1), "is not a static executable: its type is ET_REL"),
        (changed(FLAGS, "<I", 1), "uses compressed instructions"),
        (changed(FLAGS, "<I", 4), "passes floats in registers"),
        (changed(ENTRY, "<I", 0x1002), "starts at 0x1002, which is not a multiple of 4"),
        (elf(segments=((3, 0, b"/lib/ld.so"), (1, 0, b"abcd"))), "is linked dynamically: it has a segment PT_INTERP"),
        (elf(segments=((2, 0, b"12345678"), (1, 0, b"abcd"))), "is linked dynamically: it has a segment PT_DYNAMIC"),
        (elf(segments=()), "holds nothing to load"),
        (elf(segments=((1, 0x1000, b""),)), "holds nothing to load"),
        (elf(segments=((1, 0xFFFF_FFFE, b"abcd"),)), "does not fit: its segment at 0xfffffffe of 4 bytes"),
        (elf(segments=((1, 0x1000, b"abcd"), (1, 0x1002, b"ab"))), "is damaged: two segments overlap at 0x1002"),
    ],
)
def test_what_cannot_run_is_refused_with_the_reason(data, reason):
    with pytest.raises(ElfError) as caught:
        parse_elf(data, name="program")
    assert caught.value.message.startswith(f"`program` {reason}")
    assert (caught.value.code, caught.value.exit_code) == ("S041", 4)
    assert caught.value.hint


def test_files_of_this_machine_are_refused(tmp_path):
    with pytest.raises(ElfError, match=r"is not an ELF file|is for another machine"):
        read_elf(sys.executable)


@pytest.mark.parametrize("target", ["riscv64-freestanding-none", "x86_64-linux-musl", "aarch64-freestanding-none"])
def test_programs_for_other_machines_are_refused(target, tmp_path):
    (tmp_path / "a.c").write_text("void _start(void) { for (;;) continue; }")
    command = ["cc", "-target", target, "-nostdlib", "-static", "-o", str(tmp_path / "a"), str(tmp_path / "a.c")]
    subprocess.run([sys.executable, "-m", "ziglang", *command], check=True, capture_output=True)
    with pytest.raises(ElfError, match="is for another machine"):
        read_elf(tmp_path / "a")


def test_compressed_programs_are_refused(tmp_path):
    with pytest.raises(ElfError, match="uses compressed instructions"):
        compile_c(HELLO, cflags=["-mcpu=generic_rv32+m+c"])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ElfError, match=r"cannot read `.*nothing.elf`: No such file"):
        read_elf(tmp_path / "nothing.elf")


@pytest.mark.parametrize("seed", range(30))
def test_a_damaged_file_is_read_or_refused_by_its_name(seed):
    draw, data, refused = random.Random(seed), bytearray(elf()), []
    for _ in range(40):
        damaged = bytearray(data)
        for _ in range(draw.randrange(1, 4)):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        try:
            parse_elf(bytes(damaged), name="program")
        except ElfError as error:
            refused.append(error)
    assert 0 < len(refused) < 40
    assert all(error.message.startswith("`program` ") and error.hint for error in refused)
