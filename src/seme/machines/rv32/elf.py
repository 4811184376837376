"""Static RV32 ELF files to programs: bytes by address, and where to start."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from seme.core.errors import ElfError, MissingExtraError
from seme.machines.rv32.memory_map import MASK

RVC, FLOAT_ABI = 1, 6
"""Bits of e_flags: compressed instructions are used; which registers floats are passed in."""

REBUILD = "build it for RV32IM, static and without compressed instructions: -march=rv32im -mabi=ilp32 -static"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Bytes that memory holds at the start.

    Args:
        address: Of the first byte.
        data: The bytes; what follows them is zero, as all memory that was never written.
    """

    address: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Memory at the start, and the first instruction.

    Args:
        entry: Address of the first instruction, a multiple of 4.
        segments: In order of address, without overlap.
    """

    entry: int
    segments: tuple[Segment, ...]

    def words(self) -> Iterator[tuple[int, int]]:
        """The aligned words that are not zero, by rising address: all that a machine has to be told.

        Returns:
            Pairs of address and little-endian word; two segments that share a word are merged.
        """
        words: dict[int, int] = {}
        for segment in self.segments:
            for offset, byte in enumerate(segment.data):
                if byte:
                    address = (segment.address + offset) & MASK
                    words[address & ~3] = words.get(address & ~3, 0) | byte << 8 * (address & 3)
        return iter(sorted(words.items()))


def read_elf(path: str | Path) -> Program:
    """The program of a static RV32 ELF file.

    Raises:
        ElfError: The file cannot be read, is no ELF file, is for another machine, is linked dynamically, uses
            compressed instructions or hardware floating point, or is damaged.
        MissingExtraError: `pyelftools` is not installed.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ElfError(
            f"cannot read `{path}`: {error.strerror or error}", hint="give the path of an ELF file"
        ) from error
    return parse_elf(data, name=str(path))


def parse_elf(data: bytes, *, name: str = "ELF file") -> Program:
    """The program of a static RV32 ELF file in memory; `name` is for messages. Raises as `read_elf` does."""
    try:
        from elftools.common.exceptions import ELFError
        from elftools.construct import ConstructError
        from elftools.elf.elffile import ELFFile
    except ImportError as error:
        raise MissingExtraError("reading an ELF file", "machines") from error
    if data[:4] != b"\x7fELF":
        raise ElfError(f"`{name}` is not an ELF file: it begins with {data[:4]!r}", hint="give a C file or an ELF file")
    try:
        elf = ELFFile(io.BytesIO(data))
        _check_header(elf, name)
        headers = [segment.header for segment in elf.iter_segments()]
    # A damaged header makes the library fail in any of these ways.
    except (ELFError, ConstructError, ValueError, KeyError, AttributeError, TypeError, UnicodeError) as error:
        raise ElfError(f"`{name}` is a damaged ELF file: {error}", hint=REBUILD) from error
    return Program(entry=elf.header.e_entry, segments=_segments(headers, data, name))


def _check_header(elf: Any, name: str) -> None:
    machine, kind, flags = elf.header.e_machine, elf.header.e_type, elf.header.e_flags
    if machine != "EM_RISCV" or elf.elfclass != 32 or not elf.little_endian:
        order = "little" if elf.little_endian else "big"
        raise ElfError(
            f"`{name}` is for another machine: {machine}, {elf.elfclass} bits, {order}-endian;"
            " expected EM_RISCV, 32 bits, little-endian",
            hint=REBUILD,
        )
    if kind != "ET_EXEC":
        raise ElfError(f"`{name}` is not a static executable: its type is {kind}, expected ET_EXEC", hint=REBUILD)
    if flags & RVC:
        raise ElfError(f"`{name}` uses compressed instructions (e_flags {flags:#x})", hint=REBUILD)
    if flags & FLOAT_ABI:
        raise ElfError(f"`{name}` passes floats in registers that RV32IM lacks (e_flags {flags:#x})", hint=REBUILD)
    if elf.header.e_entry % 4:
        raise ElfError(f"`{name}` starts at {elf.header.e_entry:#x}, which is not a multiple of 4", hint=REBUILD)


def _segments(headers: list[Any], data: bytes, name: str) -> tuple[Segment, ...]:
    dynamic = sorted({header.p_type for header in headers} & {"PT_INTERP", "PT_DYNAMIC"})
    if dynamic:
        raise ElfError(f"`{name}` is linked dynamically: it has a segment {dynamic[0]}, expected none", hint=REBUILD)
    segments = []
    for header in headers:
        if header.p_type != "PT_LOAD" or not header.p_filesz:
            continue
        start, size, address = header.p_offset, header.p_filesz, header.p_vaddr
        where = f"its segment at {address:#x}"
        if start + size > len(data):
            raise ElfError(f"`{name}` is cut short: {where} ends at byte {start + size} of {len(data)}", hint=REBUILD)
        if address + size > MASK + 1:
            raise ElfError(f"`{name}` does not fit: {where} of {size} bytes ends beyond 2^32", hint=REBUILD)
        segments.append(Segment(address=address, data=data[start : start + size]))
    if not segments:
        raise ElfError(f"`{name}` holds nothing to load: no segment PT_LOAD with bytes", hint=REBUILD)
    segments.sort(key=lambda segment: segment.address)
    for first, second in pairwise(segments):
        if first.address + len(first.data) > second.address:
            raise ElfError(f"`{name}` is damaged: two segments overlap at {second.address:#x}", hint=REBUILD)
    return tuple(segments)
