"""What is put out: the kind of the next token and its digits. Blocks 8 to 14.

Every position works out all 32 bits of the result, and puts out the digit that is due; the mark at a number's end says
what the upper digits are, so that they need not be put out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seme.lang.trace import Word, bank, stairs, total, within, word
from seme.machines.rv32.long import Next
from seme.machines.rv32.machine.arithmetic import Order
from seme.machines.rv32.machine.decode import BRANCHES, PRODUCTS, RESULTS, STORES, Decoded
from seme.machines.rv32.machine.history import TARGET, Clock, Number, Phase
from seme.machines.rv32.machine.lanes import Memory, loaded
from seme.machines.rv32.machine.logic import WORD, bit, both, conjunction, exclusive, is_number, some
from seme.machines.rv32.machine.registers import Operands
from seme.machines.rv32.machine.vocabulary import HEX, KINDS, Tokens
from seme.machines.rv32.memory_map import BAD_FILE, INPUT, NO_SUCH_CALL, OUTPUTS, Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """What ECALL is to do. At most one is 1.

    Attributes:
        exit: The machine exits.
        write: WRITE begins.
        read: READ begins.
        bad_file: The file cannot be written or read.
        unknown: There is no such call.
    """

    exit: Word
    write: Word
    read: Word
    bad_file: Word
    unknown: Word


def calls(found: Decoded, operands: Operands) -> Calls:
    """By a7 and a0. Blocks 6 and 7."""
    ecall = found.name["ecall"]
    wanted = {call: is_number(operands.first, call, name=call.name.lower()) for call in Call}
    outputs = [is_number(operands.second, file, name=f"file{file}") for file in OUTPUTS]
    takes = is_number(operands.second, INPUT, name=f"file{INPUT}")
    known = some([conjunction([ecall, exclusive(wanted[Call.WRITE], wanted[Call.READ])])], name="transfers")
    exits = both(ecall, wanted[Call.EXIT], name="exits")
    writes = both(ecall, wanted[Call.WRITE], exclusive(*outputs), name="starts_write")
    reads = both(ecall, wanted[Call.READ], takes, name="starts_read")
    return Calls(
        exit=exits,
        write=writes,
        read=reads,
        bad_file=bit(known - writes - reads),
        unknown=bit(ecall - exits - known),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What kind of token is due if the instruction's word is not stale. Block 9.

    Attributes:
        result: A digit of the result.
        jump: A digit of the target.
        plain: The instruction retires, and nothing need be said.
        trap: The machine stands still.
        all_handled: In a call: all bytes were.
    """

    result: Word
    jump: Word
    plain: Word
    trap: Word
    all_handled: Word


def choose_kind(
    phase: Phase, found: Decoded, operands: Operands, order: Order, call: Calls, is_taken: Word, address: list[Word]
) -> Choice:
    """Jumps to addresses that are no multiple of 4 trap; bit 0 of a target is never 1, or JALR clears it."""
    jumps = exclusive(found.any("jal", "jalr"), is_taken)
    aligned = both(jumps, off=[address[1]], name="jumps")
    results = found.any(*RESULTS)
    writes = both(results, operands.writes, name="says_result")
    products = found.any(*PRODUCTS)
    silent = both(products, off=[operands.writes], name="product_to_x0")
    plain = [results - writes, silent, found.any("lui", "fence", *STORES), found.any(*BRANCHES) - is_taken]
    return Choice(
        result=exclusive(writes, call.bad_file, call.unknown),
        jump=aligned,
        plain=exclusive(*map(bit, plain)),
        trap=bit(found.runs - found.legal + jumps - aligned),
        all_handled=both(phase.compare, order.equal, name="all_handled"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """All that is known before the result is put together."""

    tokens: Tokens
    now: Number
    clock: Clock
    phase: Phase
    found: Decoded
    operands: Operands
    order: Order
    call: Calls
    choice: Choice
    address: list[Word]
    memory: Memory


def result_bits(state: State, more: list[list[Word]]) -> list[Word]:
    """The 32 bits that are put out digit by digit: a result, a target, a byte, an intermediate number. Block 13.

    Args:
        state: What is known.
        more: For each bit, further conjunctions of which one holds where it is 1: shifts, long operations.
    """
    phase, found, operands, order = state.phase, state.found, state.operands, state.order
    call, choice, address, memory = state.call, state.choice, state.address, state.memory
    added = exclusive(found.any("add", "addi", "sub", "auipc"), phase.handled, phase.counted)
    jumps = exclusive(choice.jump, found.across)
    unequal = exclusive(found.name["xor"], found.name["or"])
    equal = exclusive(found.name["and"], found.name["or"])
    loads = loaded(phase, found, memory)
    bits = []
    for i in range(WORD):
        a, b, second = operands.first[i], operands.other[i], operands.second[i]
        terms = [conjunction([address[i], added]), *loads[i], *more[i]]
        terms += [conjunction([unequal, a], [b]), conjunction([unequal, b], [a]), conjunction([equal, a, b])]
        # A call gives the number of bytes handled: all that were asked for, or those until the input's end.
        terms += [conjunction([second, choice.all_handled]), conjunction([second, phase.take], [memory.given])]
        if i < TARGET:
            terms.append(conjunction([address[i + 2], jumps]))
        if i < 8:
            terms.append(conjunction([second, call.exit]))
        if i == 0:
            terms += [found.name["slt"] - order.least_signed, found.name["sltu"] - order.least]
        constants = [c for c, value in ((call.bad_file, BAD_FILE), (call.unknown, NO_SUCH_CALL)) if value >> i & 1]
        bits.append(bit(some(terms, name=f"result{i}") + total([(1, c) for c in constants]), f"result{i}"))
    return bits


def next_token(state: State, result: list[Word], long: Next) -> Mapping[str, Word]:
    """The fields of the token that follows. Blocks 13 and 14.

    Args:
        state: What is known.
        result: 32 bits.
        long: What a multiplication or division says.
    """
    tokens, now, clock, phase, found = state.tokens, state.now, state.clock, state.phase, state.found
    call, choice, memory = state.call, state.choice, state.memory
    stale = memory.stale

    def fresh(of: Word, name: str) -> Word:
        return bank([(1, of - stale[0] - stale[1])], lo=0, hi=1, name=name)

    at_end = both(phase.take, off=[memory.given], name="at_end")
    own = [conjunction([found.runs, stale[0]]), conjunction([found.runs, stale[1]], [stale[0]])]
    code = some(own, name="code")
    plain = fresh(choice.plain, "plain")
    says = exclusive(fresh(choice.result, "result"), choice.all_handled, at_end)
    jumps = exclusive(fresh(choice.jump, "jump"), found.across)
    mean = exclusive(phase.handled, phase.counted, phase.fetch)
    goes_on = bit(phase.compare - choice.all_handled)
    said = _long(state, long)
    clocks = exclusive(plain, found.syncs, goes_on, said["n"])
    due = [bit(now.out[0] - code - clocks), *now.out[1:]]
    ends = _ends(tokens, due, result, says, jumps, mean)
    emit = dict.fromkeys(KINDS, word(0)) | ends | said
    emit["d"] = bit(says + jumps + mean - total([(1, end) for end in ends.values()]))
    emit |= {"s": plain, "y": found.syncs, "g": goes_on, "o": phase.put, "i": bit(phase.take - at_end)}
    emit |= {"x": fresh(call.exit, "exit"), "write": fresh(call.write, "write"), "read": fresh(call.read, "read")}
    emit |= {"count": phase.store, "next": phase.again, "code": code, "trap": fresh(choice.trap, "trap")}
    return emit | _digit(tokens, due, result, clock, clocks)


def _ends(tokens: Tokens, due: list[Word], result: list[Word], says: Word, jumps: Word, mean: Word) -> dict[str, Word]:
    """Whether the digit that is due is the last: all bits above are 0, or, for results, all are 1."""
    zeros: dict[str, list[Word]] = {"z": [], "j": [], "a": []}
    ones = []
    for k, is_due in enumerate(due):
        above = result[(k + 1) * tokens.digit_bits :]
        some_above = total([(1, b) for b in above])
        for kind, which in (("z", says), ("j", jumps), ("a", mean)):
            zeros[kind].append(conjunction([is_due, which]) - some_above)
        if above:
            ones.append(conjunction([is_due, says]) + some_above - len(above))
    return {kind: some(terms, name=kind) for kind, terms in (*zeros.items(), ("f", ones))}


def _digit(tokens: Tokens, due: list[Word], result: list[Word], clock: Clock, clocks: Word) -> dict[str, Word]:
    emit = {}
    for b in range(tokens.digit_bits):
        places = [k * tokens.digit_bits + b for k in range(tokens.digits)]
        terms = [conjunction([result[p], is_due]) for p, is_due in zip(places, due, strict=True) if p < WORD]
        if b < len(clock.low):
            terms.append(conjunction([clock.low[b], clocks]))
        emit[f"say{b}"] = some(terms, name=f"say{b}")
    return emit


def _long(state: State, long: Next) -> dict[str, Word]:
    """What a long operation says, where its word is not stale and its result is wanted."""
    stale = state.memory.stale
    unwanted = stale[0] + stale[1] + 1 - state.operands.writes
    kinds = {"u": long.more, "w": long.zeros, "v": long.ones, "l": long.left_more, "e": long.left_end}
    kinds |= {"n": long.announces, "q": long.digit, "r": long.again, "rung": long.rung}
    said = {kind: bank([(1, of - of.hi * unwanted)], lo=0, hi=of.hi, name=f"long_{kind}") for kind, of in kinds.items()}
    wanted = long.said - 256 * unwanted
    high = stairs(wanted, HEX, "long_high")
    return said | {"high": high, "low": within(stairs(wanted - HEX * high, 1, "long_low"), 0, HEX - 1)}
