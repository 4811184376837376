"""The RV32IM machine as a trace program: what each block adds, in order."""

from __future__ import annotations

from seme.lang.trace import TraceProgram, trace_program
from seme.machines.rv32.machine.arithmetic import add_operands, compare, shift_rest, shift_some, taken
from seme.machines.rv32.machine.control import State, calls, choose_kind, next_token, result_bits
from seme.machines.rv32.machine.decode import decode, fetch
from seme.machines.rv32.machine.history import read_history, read_number
from seme.machines.rv32.machine.lanes import access
from seme.machines.rv32.machine.logic import constant
from seme.machines.rv32.machine.registers import read_registers
from seme.machines.rv32.machine.vocabulary import Token, Tokens

LONGEST = 1 << 32
"""Tokens for which the machine is asked to be right."""


def rv32_program(digit_bits: int = 8, longest: int = LONGEST) -> TraceProgram:
    """The machine.

    Args:
        digit_bits: Bits of a digit: 8, 12 or 16.
        longest: The most tokens of a trace.

    Raises:
        UsageError: The digits have another size.
    """
    tokens = Tokens(digit_bits)
    token = Token(tokens)
    now = read_number(token)
    clock, phase = read_history(token, now)
    found = decode(fetch(clock, phase, now), clock, phase)
    operands = read_registers(token, now, phase, found)
    order = compare(operands.first, operands.other)
    call = calls(found, operands)
    address = add_operands(clock, phase, found, operands)
    shifts = shift_rest(found, operands, shift_some(found, operands))
    choice = choose_kind(phase, found, operands, order, call, taken(found, order), address)
    state = State(
        tokens=tokens,
        now=now,
        clock=clock,
        phase=phase,
        found=found,
        operands=operands,
        order=order,
        call=call,
        choice=choice,
        address=address,
        memory=access(clock, phase, now, found, operands, address),
    )
    emit = next_token(state, result_bits(state, shifts), constant(0))
    return trace_program(
        tokens.vocabulary, emit=emit, stops=tokens.stops, longest=longest, name=f"rv32im, {digit_bits}-bit digits"
    )
