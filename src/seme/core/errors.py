"""Every error Seme raises on purpose: one class per cause, each with a stable code and an exit status.

The house form is: what failed, what was got, what was expected, where; a blank line; `hint:` with the remedy.
`docs/errors.md` has one section per code.
"""

from __future__ import annotations


class SemeError(Exception):
    """Base of all deliberate errors.

    Args:
        message: What failed, what was got, what was expected and where.
        hint: The remedy, without the word "hint".
    """

    code = "S000"
    exit_code = 1

    def __init__(self, message: str, *, hint: str = ""):
        self.message = message
        self.hint = hint
        super().__init__(message)

    def __str__(self) -> str:
        return f"{self.message}\n\n  hint: {self.hint}" if self.hint else self.message


class UsageError(SemeError):
    """The command or call was given arguments that do not fit together."""

    code = "S001"
    exit_code = 2


class MissingExtraError(SemeError):
    """An optional library is not installed.

    Args:
        what: What cannot be done without it.
        extra: The extra of the `seme` package that brings it.
        instead: What can be done without it, if anything.
    """

    code = "S002"
    exit_code = 3

    def __init__(self, what: str, extra: str, *, instead: str = ""):
        super().__init__(
            f"{what} needs an optional library that is not installed",
            hint=f"pip install 'seme[{extra}]'" + (f", or {instead}" if instead else ""),
        )


class ProgramError(SemeError):
    """A program is not well formed: no output, an undefined map, a division by a domain that holds zero."""

    code = "S003"
    exit_code = 4


class InputError(SemeError):
    """An input sequence cannot be run: an unknown token, or too many of them."""

    code = "S004"
    exit_code = 4


class FolderError(SemeError):
    """A model folder is missing something, is damaged, or is not one of ours."""

    code = "S005"
    exit_code = 4


class NotProvedError(SemeError):
    """The compiler cannot prove the asked program exact at the asked length and float type, so it refuses."""

    code = "S006"
    exit_code = 2


class GraphError(SemeError):
    """An intermediate graph breaks a rule of the verifier, or its text form does not parse."""

    code = "S007"
    exit_code = 4


class TooLargeError(SemeError):
    """A domain, a table or a model would be larger than the stated limit."""

    code = "S008"
    exit_code = 2


class UnsuitableModelError(SemeError):
    """A measurement has no meaning here: outputs mix samples or depend on chance, or shapes do not fit."""

    code = "S030"
    exit_code = 4


class DivergedError(SemeError):
    """Training left the finite numbers."""

    code = "S031"
    exit_code = 1


class CompileError(SemeError):
    """A C file does not compile or link for the machine."""

    code = "S040"
    exit_code = 4


class ElfError(SemeError):
    """A file is no static RV32IM executable, or is damaged."""

    code = "S041"
    exit_code = 4


class TrapError(SemeError):
    """A program's machine stands still: an illegal instruction, a misaligned jump, or EBREAK.

    Args:
        message: What trapped, where.
        hint: The remedy.
        ebreak: Whether it was EBREAK; the exit status is then 133, as after SIGTRAP.
    """

    code = "S042"
    exit_code = 132

    def __init__(self, message: str, *, hint: str = "", ebreak: bool = False):
        super().__init__(message, hint=hint)
        if ebreak:
            self.exit_code = 133


class NotHaltedError(SemeError):
    """A program did not end within the instructions it was given."""

    code = "S043"
    exit_code = 1


class DivergenceError(SemeError):
    """The weights did something else than the independent emulator.

    Args:
        message: Which instruction, and what differs.
        hint: The remedy.
        told: The same as plain JSON.
    """

    code = "S044"
    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", told: dict[str, int | str] | None = None):
        super().__init__(message, hint=hint)
        self.told = told or {}


class TuringTableError(SemeError):
    """The table of a Turing machine is not of the form `1RB1LB_1LA1RZ`, or names a state or symbol it does not have."""

    code = "S050"
    exit_code = 4


class TraceError(SemeError):
    """A trace contradicts itself: what one token says is not what follows from those before it."""

    code = "S051"
    exit_code = 1
