"""Where a program finds things, and the calls it makes: the constants of docs/machines.md."""

from __future__ import annotations

from enum import IntEnum

MASK = 0xFFFF_FFFF
"""Addresses and registers have 32 bits; all arithmetic on them wraps."""

LOAD_ADDRESS = 0
"""Code and data are linked from here upwards: low addresses are short numbers, and short numbers are few tokens."""

STACK_TOP = 0
"""The stack pointer at the start, as every register: the first push lands just below 2^32, a small negative number."""

HEAP_END = 0x8000_0000
"""`malloc` stays below; the upper half belongs to the stack."""


class Call(IntEnum):
    """Numbers of ECALL in a7, as in Linux."""

    READ = 63
    WRITE = 64
    EXIT = 93


INPUT = 0
"""The one file number that can be read."""

OUTPUTS = (1, 2)
"""The file numbers that can be written. Both are the one output: a machine has one stream of tokens."""

BAD_FILE = -9 & MASK
"""EBADF: what reading or writing any other file number returns."""

NO_SUCH_CALL = -38 & MASK
"""ENOSYS: what any other call returns."""
