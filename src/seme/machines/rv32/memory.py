"""A 32-bit memory of bytes. What was never written is zero; addresses wrap."""

from __future__ import annotations

from seme.machines.rv32.elf import Program
from seme.machines.rv32.memory_map import MASK

_BITS = 12
_PAGE = 1 << _BITS


class Memory:
    """Bytes by address, held in pages that are made when first written.

    Args:
        program: What it holds at the start.
    """

    def __init__(self, program: Program):
        self._pages: dict[int, bytearray] = {}
        for segment in program.segments:
            for offset, byte in enumerate(segment.data):
                self._set(segment.address + offset & MASK, byte)

    def load(self, address: int, size: int) -> int:
        """The little-endian number of `size` bytes at `address`; both ends of memory are neighbours."""
        inside = address & _PAGE - 1
        if inside + size > _PAGE:
            return sum(self.load(address + i & MASK, 1) << 8 * i for i in range(size))
        page = self._pages.get(address >> _BITS)
        return int.from_bytes(page[inside : inside + size], "little") if page else 0

    def store(self, address: int, size: int, value: int) -> None:
        """Writes the lowest `size` bytes of `value`, little-endian."""
        for i in range(size):
            self._set(address + i & MASK, value >> 8 * i & 255)

    def _set(self, address: int, byte: int) -> None:
        page = self._pages.get(address >> _BITS)
        if page is None:
            page = self._pages[address >> _BITS] = bytearray(_PAGE)
        page[address & _PAGE - 1] = byte
