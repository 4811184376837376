"""The RV32IM computer as a trace program: every step of it is looked up and worked out by words, and so by weights.

Takes the size of digits, gives a `TraceProgram`, the prompt for a program, and what emitted tokens say.
"""

from seme.machines.rv32.machine.program import rv32_program
from seme.machines.rv32.machine.prompt import prompt_rows, prompt_texts
from seme.machines.rv32.machine.said import Listener, Said
from seme.machines.rv32.machine.vocabulary import Tokens

__all__ = ["Listener", "Said", "Tokens", "prompt_rows", "prompt_texts", "rv32_program"]
