"""The RV32IM machine as a trace program: what each block adds, in order."""

from __future__ import annotations

from seme.lang.trace import TraceProgram, clean, number, trace_program
from seme.machines.rv32.long import Here, Operation, long_operation
from seme.machines.rv32.machine.arithmetic import add_operands, compare, shift_rest, shift_some, taken
from seme.machines.rv32.machine.control import State, calls, choose_kind, next_token, result_bits
from seme.machines.rv32.machine.decode import PRODUCTS, decode, fetch
from seme.machines.rv32.machine.history import Number, read_history, read_number
from seme.machines.rv32.machine.lanes import access
from seme.machines.rv32.machine.logic import bit
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
    summed = add_operands(clock, phase, found, operands)
    address = [clean(of, name=f"address{i}") for i, of in enumerate(summed)]
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
        memory=access(clock, phase, now, found, operands, summed),
    )
    operation = Operation(**{name: found.name[name] for name in PRODUCTS})
    long = long_operation(operands.first, operands.second, operation, _here(token, now))
    emit = next_token(state, result_bits(state, shifts), long)
    return trace_program(
        tokens.vocabulary, emit=emit, stops=tokens.stops, longest=longest, name=f"rv32im, {digit_bits}-bit digits"
    )


def _here(token: Token, now: Number) -> Here:
    """The token as long operations see it."""
    kind = token.kinds
    return Here(
        starts=1 - token.any("l", "e", "u", "n", "q", "r"),
        more=kind["u"],
        left_more=kind["l"],
        left_end=kind["e"],
        announces=kind["n"],
        idle=token.idle,
        takes=bit(token.any("q", "r") - token.idle),
        said=token.said,
        bits=token.bits[:8],
        rung=token.rung,
        rung_bits=token.rung_bits,
        place=now.bytes_out,
        digits=[number(now.bytes[at : at + 4]) for at in range(0, 32, 4)],
    )
