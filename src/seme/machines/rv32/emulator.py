"""The same machine by the `unicorn` library: an independent opinion on every instruction.

Unicorn knows more than RV32IM: compressed and floating-point instructions, control registers. Those are traps here, so
every word is decoded before it runs. All arithmetic, loads, stores and jumps are the library's own.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from seme.core.errors import MissingExtraError
from seme.machines.rv32.calls import Input, answer
from seme.machines.rv32.elf import Program
from seme.machines.rv32.instructions import EBREAK, ECALL, Instruction, decode
from seme.machines.rv32.memory_map import MASK
from seme.machines.rv32.retired import Retired

CHUNK = 1 << 20
"""Memory is given to unicorn in pieces of this size, when first touched."""

NEVER = MASK
"""An address that no instruction can have, for unicorn's `until`."""

LINE = 6
"""Bits of an address within the lines by which a store to code is noticed: data may follow code closely."""


class Emulator:
    """The machine, at the start of a program. The interface of `Reference`, but memory and registers are not shown.

    Args:
        program: Memory and entry.
        stdin: The standard input.
        ahead: How many instructions unicorn runs at once; `step` hands out what each of them did. It changes nothing
            but the speed.

    Raises:
        MissingExtraError: `unicorn` is not installed.
    """

    def __init__(self, program: Program, stdin: bytes = b"", *, ahead: int = 4096):
        try:
            import unicorn
            from unicorn import riscv_const
        except ImportError as error:
            raise MissingExtraError("the independent emulator", "machines") from error
        # The package names its exports at run time, which type checkers cannot follow.
        library: Any = unicorn
        self._uc = library.Uc(library.UC_ARCH_RISCV, library.UC_MODE_RISCV32)
        self._registers = [0] * 32
        self._x = [riscv_const.UC_RISCV_REG_X0 + n for n in range(32)]
        self._stdin, self._ahead = Input(stdin), ahead
        self._mapped: set[int] = set()
        self._done: deque[Retired] = deque()
        self._last: Retired | None = None
        self._pc = program.entry
        self._pending: Instruction | None = None
        self._stores: list[tuple[int, int, int]] = []
        self._decoded: dict[int, Instruction] = {}
        self._code: set[int] = set()
        self._stale = False
        # Unicorn cannot be given its topmost memory while it runs (it says UC_ERR_MAP); the stack is there.
        self._map(MASK, 1)
        for segment in program.segments:
            self._write(segment.address, segment.data)
        self._uc.hook_add(library.UC_HOOK_CODE, self._on_code)
        self._uc.hook_add(library.UC_HOOK_MEM_WRITE, self._on_store)
        self._uc.hook_add(library.UC_HOOK_MEM_UNMAPPED, self._on_unmapped)

    def step(self) -> Retired:
        """Carries out one instruction. A machine that has halted repeats its last answer."""
        while not self._done:
            if self._last is not None and self._last.halted:
                return self._last
            self._run_ahead()
        self._last = self._done.popleft()
        return self._last

    def _run_ahead(self) -> None:
        word = int.from_bytes(self._read(self._pc, 4), "little")
        found = decode(word)
        if found is None or found.name == "ebreak":
            self._done.append(Retired(pc=self._pc, word=word, trap=True, next_pc=self._pc))
        elif found.name == "ecall":
            self._call(word)
        else:
            self._uc.emu_start(self._pc, NEVER)
            self._audit()
            if self._stale:
                self._forget_code()

    def _audit(self) -> None:
        """Holds all registers of unicorn to what was reported: each instruction changed its own and no other."""
        found = [self._uc.reg_read(x) & MASK for x in self._x]
        trapped = bool(self._done) and self._done[-1].trap
        # After a jump that traps here, unicorn has written the link, and is not asked again.
        assert found == self._registers or trapped, "unicorn changed a register that the instruction does not name"

    def _forget_code(self) -> None:
        self._uc.ctl_flush_tb()
        self._decoded.clear()
        self._code.clear()
        self._stale = False

    def _on_code(self, uc: Any, address: int, size: int, data: Any) -> None:
        if self._pending is not None:
            self._finish(address)
            if address % 4:
                uc.emu_stop()
                return
        found = self._decoded.get(address) or self._decode(address)
        # What unicorn must not run ends the stretch; so does a store to code, which it may have translated already.
        if found is None or self._stale or len(self._done) >= self._ahead:
            self._pc = address
            uc.emu_stop()
            return
        self._pc, self._pending = address, found

    def _decode(self, address: int) -> Instruction | None:
        """The instruction at an address, or None when it is not unicorn's to run."""
        found = decode(int.from_bytes(self._uc.mem_read(address, 4), "little"))
        if found is None or found.word in (ECALL, EBREAK):
            return None
        self._decoded[address] = found
        self._code.add(address >> LINE)
        return found

    def _finish(self, next_pc: int) -> None:
        """Records what the pending instruction did, now that the next one is about to run at `next_pc`."""
        i, self._pending = self._pending, None
        assert i is not None
        if next_pc % 4:
            self._done.append(Retired(pc=self._pc, word=i.word, trap=True, next_pc=self._pc))
            return
        value = self._uc.reg_read(self._x[i.rd]) & MASK if i.rd else 0
        self._registers[i.rd] = value
        self._done.append(
            Retired(
                pc=self._pc,
                word=i.word,
                rd=i.rd,
                value=value,
                stores=tuple(self._stores),
                next_pc=next_pc,
            )
        )
        self._stores.clear()

    def _on_store(self, uc: Any, access: int, address: int, size: int, value: int, data: Any) -> None:
        self._stores.append((address & MASK, size, value & (1 << 8 * size) - 1))
        self._stale = self._stale or address >> LINE in self._code or address + size - 1 >> LINE in self._code

    def _on_unmapped(self, uc: Any, access: int, address: int, size: int, value: int, data: Any) -> bool:
        self._map(address, size)
        return True

    def _map(self, address: int, size: int) -> None:
        for chunk in {(address & MASK) // CHUNK, (address + size - 1 & MASK) // CHUNK}:
            if chunk not in self._mapped:
                self._uc.mem_map(chunk * CHUNK, CHUNK)
                self._mapped.add(chunk)

    def _read(self, address: int, size: int) -> bytes:
        self._map(address, size)
        return bytes(self._uc.mem_read(address, size))

    def _write(self, address: int, data: bytes) -> None:
        for start in range(0, len(data), CHUNK):
            piece = data[start : start + CHUNK]
            self._map(address + start, len(piece))
            self._uc.mem_write(address + start, piece)

    def _call(self, word: int) -> None:
        a0, a1, a2, a7 = (self._uc.reg_read(self._x[n]) & MASK for n in (10, 11, 12, 17))
        said = answer(a7, a0, a1, a2, self._stdin, lambda address: self._read(address, 1)[0])
        pc = self._pc
        if said.value is None:
            self._done.append(Retired(pc=pc, word=word, exit=said.exit, next_pc=pc))
            return
        for address, _, byte in said.stores:
            self._write(address, bytes([byte]))
        if said.stores:
            self._forget_code()
        self._uc.reg_write(self._x[10], said.value)
        self._registers[10] = said.value
        self._pc = pc + 4 & MASK
        self._done.append(
            Retired(
                pc=pc,
                word=word,
                rd=10,
                value=said.value,
                stores=said.stores,
                output=said.output,
                next_pc=self._pc,
            )
        )
