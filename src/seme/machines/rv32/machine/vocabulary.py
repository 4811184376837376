"""The tokens of the RV32IM machine.

| text | what it is |
|---|---|
| `d5` | a digit of a number; more digits follow, little-endian |
| `z5` | the last digit of a register's value; the upper digits are zeros; the instruction retires |
| `f5` | the same, the upper digits are all ones |
| `j5` | the last digit of a jump's target / 4; the upper digits are zeros |
| `a5` | the last digit of an intermediate number |
| `s5` | an instruction retires whose result the weights recompute; 5 is its address / 4 modulo 64 |
| `y5` | nothing retires; 5 is the next instruction's address / 4 modulo 64 |
| `g5` | the same, and WRITE or READ goes on with one more byte |
| `o65` `i65` | a byte is put out, or taken from the standard input |
| `x0` | the machine exits with this code |
| `write` `read` | the call begins; the intermediate number is 0 |
| `count` `next` | the number of bytes read, and then the one of bytes handled by this call, is about to grow |
| `code` | the instruction's word was overwritten: it follows as an intermediate number |
| `l5` `e5` | a byte of a product's lower half or of what a division has left: more follow, or it is the last |
| `u5` `w5` `v5` | a byte of a result: more follow; it is the last and zeros follow; it is the last and ones follow |
| `n5` | a division begins at rung 2, 4, 6 or 8; and the address / 4 modulo 64 |
| `q5` `r5` | a division's next digit in base 16, at a rung; the same digit again, one greater |
| `trap` | the machine stands still: an illegal instruction, or a jump to an address that is no multiple of 4 |
| `start` `input` | in prompts only: the machine starts; the words that follow are the standard input |

In a prompt, `j` sets the address, and every register value after it is a word of memory there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from seme.core.errors import UsageError
from seme.lang.trace import Vocabulary, Word
from seme.machines.rv32.machine.logic import exclusive

DIGIT_BITS = (8, 12, 16)
"""Digit sizes for which a machine can be made."""

DIGITS: tuple[str, ...] = ("d", "z", "f", "j", "a")
"""Kinds of tokens that carry a digit of a number."""

CLOCKS: tuple[str, ...] = ("s", "y", "g")
"""Kinds that carry the lowest 6 bits of an instruction's address / 4."""

BYTES: tuple[str, ...] = ("o", "i", "x")
"""Kinds that carry a byte."""

MARKS: tuple[str, ...] = ("write", "read", "count", "next", "code", "trap", "start", "input")
"""Kinds that carry nothing."""

LONG: tuple[str, ...] = ("l", "e", "u", "w", "v", "n", "q", "r")
"""Kinds of which multiplications and divisions are made."""

MIDDLE: tuple[str, ...] = ("d", "l", "e", "u", "n", "q", "r")
"""Kinds after which an instruction or a number goes on."""

SAY_ADDRESS: tuple[str, ...] = ("j", *CLOCKS, "n")
"""Kinds that say the lowest 6 bits of the address / 4."""

RETIRE: tuple[str, ...] = ("z", "f", "j", "s", "w", "v")
"""Kinds that end an instruction."""

COUNTED: tuple[str, ...] = ("z", "f", "s", "w", "v")
"""Those after which the next instruction is the one behind it."""

KINDS = (*DIGITS, *CLOCKS, *BYTES, *LONG, *MARKS)

HEX, RUNGS = 16, 8
"""Divisions are in base 16; a word has 8 such digits."""

WINDOW_BITS = 6
"""Code is cut into stretches of 64 words; between two of them a jump token says where the machine is."""


@dataclass(frozen=True)
class Tokens:
    """The vocabulary for one size of digits.

    Args:
        digit_bits: Bits of a digit: 8, 12 or 16.

    Raises:
        UsageError: The digits have another size.
    """

    digit_bits: int

    def __post_init__(self) -> None:
        if self.digit_bits not in DIGIT_BITS:
            raise UsageError(
                f"digits of {self.digit_bits} bits, expected {', '.join(map(str, DIGIT_BITS))}",
                hint="8 for small models, 12 for speed",
            )

    @property
    def digits(self) -> int:
        """How many digits a 32-bit number has at most."""
        return -(-32 // self.digit_bits)

    @cached_property
    def sizes(self) -> dict[str, int]:
        """How many tokens there are of every kind."""
        sizes = dict.fromkeys(DIGITS, 1 << self.digit_bits)
        sizes.update(dict.fromkeys(CLOCKS, 1 << WINDOW_BITS))
        sizes.update(dict.fromkeys(BYTES, 256))
        sizes.update(dict.fromkeys(LONG, 256), q=RUNGS * HEX, r=RUNGS * HEX, n=RUNGS // 2 << WINDOW_BITS)
        sizes.update(dict.fromkeys(MARKS, 1))
        return sizes

    @cached_property
    def starts(self) -> dict[str, int]:
        """The row of the first token of every kind."""
        starts, at = {}, 0
        for kind in KINDS:
            starts[kind] = at
            at += self.sizes[kind]
        return starts

    def row(self, kind: str, value: int = 0) -> int:
        """The row of a token."""
        return self.starts[kind] + value

    def kind(self, row: int) -> tuple[str, int]:
        """The kind of the token in a row, and the number it carries."""
        for kind in reversed(KINDS):
            if row >= self.starts[kind]:
                return kind, row - self.starts[kind]
        raise IndexError(row)

    def text(self, row: int) -> str:
        """The text of the token in a row."""
        kind, value = self.kind(row)
        return kind if kind in MARKS else f"{kind}{value}"

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The text of every token."""
        return tuple(kind if kind in MARKS else f"{kind}{v}" for kind in KINDS for v in range(self.sizes[kind]))

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The tokens with their fields: one bit per kind, what is read from them, and what they are chosen by.

        `bit0`, ... are the bits of the number. Of intermediate bytes `l` and `e` they are those of the complement; of a
        quotient's digit those of what it takes off: the digit, times 16 on odd rungs, or 1 where it is said again.
        `say0`, ... choose the token where its number is worked out in bits, `high` and `low` where it is not.
        """
        rows = [(kind, value) for kind in KINDS for value in range(self.sizes[kind])]
        fields = {kind: tuple(int(own == kind) for own, _ in rows) for kind in KINDS}
        read, shown = [_read(*row) for row in rows], [0 if kind in LONG[:5] + LONG[6:] else v for kind, v in rows]
        shown = [v % (1 << WINDOW_BITS) if kind == "n" else v for (kind, _), v in zip(rows, shown, strict=True)]
        for bit in range(self.digit_bits):
            fields[f"bit{bit}"] = tuple(value >> bit & 1 for value in read)
            fields[f"say{bit}"] = tuple(value >> bit & 1 for value in shown)
        fields["said"] = tuple(v % HEX if k in "qr" else v if k in LONG[:5] else 0 for k, v in rows)
        fields["high"] = tuple(value // HEX for value in fields["said"])
        fields["low"] = tuple(value % HEX for value in fields["said"])
        fields["rung"] = tuple(_rung(*row) for row in rows)
        for bit in range(3):
            fields[f"rung{bit}"] = tuple(_rung(*row) >> bit & 1 if row[0] in "qr" else 0 for row in rows)
        fields["idle"] = tuple(int(kind == "q" and value % HEX == 0) for kind, value in rows)
        return Vocabulary(texts=self.texts, fields=fields)

    @property
    def stops(self) -> tuple[str, ...]:
        """Texts of the tokens that end a trace."""
        return ("trap", *(f"x{code}" for code in range(256)))


def _rung(kind: str, value: int) -> int:
    """The rung that a token of a division says."""
    if kind == "n":
        return 2 * ((value >> WINDOW_BITS) + 1)
    return value // HEX if kind in ("q", "r") else 0


def _read(kind: str, value: int) -> int:
    """The number whose bits are read from a token."""
    match kind:
        case "l" | "e":
            return 255 - value
        case "n":
            return value % (1 << WINDOW_BITS)
        case "q":
            return value % HEX << 4 * (value // HEX % 2)
        case "r":
            return 1 << 4 * (value // HEX % 2)
        case _:
            return value


@dataclass(frozen=True)
class Token:
    """The token at the position, as words.

    Args:
        tokens: The vocabulary.
    """

    tokens: Tokens

    @cached_property
    def bits(self) -> list[Word]:
        """The bits of the number it carries, lowest first."""
        return [self.tokens.vocabulary[f"bit{bit}"] for bit in range(self.tokens.digit_bits)]

    @cached_property
    def said(self) -> Word:
        """The number that a long operation's token says."""
        return self.tokens.vocabulary["said"]

    @cached_property
    def rung(self) -> Word:
        """The rung that it says."""
        return self.tokens.vocabulary["rung"]

    @cached_property
    def rung_bits(self) -> list[Word]:
        """Its bits, where the token is a quotient's digit."""
        return [self.tokens.vocabulary[f"rung{bit}"] for bit in range(3)]

    @cached_property
    def idle(self) -> Word:
        """Whether it is a quotient's digit 0."""
        return self.tokens.vocabulary["idle"]

    @cached_property
    def kinds(self) -> dict[str, Word]:
        """For every kind, whether it is of that kind."""
        return {kind: self.tokens.vocabulary[kind] for kind in KINDS}

    def any(self, *kinds: str) -> Word:
        """Whether it is of one of these kinds; free."""
        return exclusive(*(self.kinds[kind] for kind in kinds))
