"""What the tokens so far say before any instruction is looked up: the latest number, where the machine is, its phase.

The address of the next instruction is that of the latest jump plus four times the instructions retired since. Nothing
counts over the whole trace: a token of kind `j`, `s`, `y` or `g` says the lowest 6 bits of the address / 4, at most 64
tokens back, and the instructions retired since are counted in two steps of 8. Code is cut into stretches of 64 words;
where the machine falls through from one to the next it emits a jump, so that the upper bits are the latest jump's.

Blocks 1 to 4.
"""

from __future__ import annotations

from dataclasses import dataclass

from seme.lang.trace import Word, bank, latest, named, number, previous, step, tables, total, within
from seme.machines.rv32.machine.logic import WORD, bit, both, conjunction, constant, exclusive, many, one, some
from seme.machines.rv32.machine.vocabulary import COUNTED, MIDDLE, RETIRE, SAY_ADDRESS, WINDOW_BITS, Token

STRIDE = 8
"""Instructions are counted over 8 tokens, and over 8 times 8."""

REST = 4
"""After so many strides without a token that says the address, one is emitted: an instruction has at most 32 tokens."""

BYTE = 8
STRETCH = 1 << WINDOW_BITS
FINE = 3
"""Bits of a number of instructions below a stride."""

TARGET = 30
"""Bits of an instruction's address / 4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """The number whose last digit is at this position, and how far the number at this position has come.

    Attributes:
        bits: 32 bits, of the digits up to here.
        bytes: 32 bits, of the bytes up to here.
        out: out[k] is 1 where k digits were emitted of a number that has not ended.
        bytes_out: The same, of bytes.
        retired: Instructions retired among the latest 8 tokens, since the latest token that says the address.
        clocked: Whether one of these 8 tokens says the address.
    """

    bits: list[Word]
    bytes: list[Word]
    out: list[Word]
    bytes_out: list[Word]
    retired: Word
    clocked: Word


def read_number(token: Token) -> Number:
    """Block 1: looks at the 7 positions before."""
    size = token.tokens.digit_bits
    retires, clocks = token.any(*COUNTED), token.any(*SAY_ADDRESS)
    # Bytes of long operations are digits like others where digits have 8 bits.
    shared = size == BYTE
    more = [[token.any("d", "l", "u")]] if shared else [[token.any("d")], [token.any("l", "u")]]
    ended, says, earlier = [retires], [clocks], [token.bits]
    for offset in range(1, STRIDE):
        own = token.bits if offset < token.tokens.digits else token.bits[:BYTE] if offset < WORD // BYTE else []
        here = [kind[0] for kind in more]
        found = many(previous([retires, clocks, *here, *own], offset, name=f"back{offset}"))
        ended.append(found[0])
        says.append(found[1])
        for i, kind in enumerate(more):
            kind.append(found[2 + i])
        earlier.append(found[2 + len(more) :])
    bits = _digits(size, more[0], earlier, token.any("f", "v") if shared else token.any("f"), "number")
    out = _progress(more[0], token.tokens.digits, "digits")
    wide = bits if shared else _digits(BYTE, more[1], earlier, token.any("v"), "bytes")
    wide_out = out if shared else _progress(more[1], WORD // BYTE, "bytes")
    retired = bank([(1, conjunction([ended[d]], says[:d])) for d in range(STRIDE)], lo=0, hi=STRIDE, name="retired8")
    clocked = 1 - bank([(1, 1 - total([(1, s) for s in says]))], lo=0, hi=1, name="unclocked8")
    clocked = bit(clocked)
    return Number(bits=bits, bytes=wide, out=out, bytes_out=wide_out, retired=retired, clocked=clocked)


def _digits(width: int, more: list[Word], earlier: list[list[Word]], ones: Word, name: str) -> list[Word]:
    """Digit j is k - j positions back if k digits precede, for k >= j; above k all bits are the fill."""
    digits = -(-WORD // width)
    bits: list[Word] = []
    for j in range(digits):
        fill: Word | None = None
        if j:
            there = conjunction([ones, *more[1 : j + 1]])
            fill = bank([(1, ones), (-1, there)], lo=0, hi=1, name=f"{name}_fill{j}")
        for b in range(min(width, WORD - j * width)):
            terms = []
            for k in range(j, digits):
                end = [more[k + 1]] if k + 1 < digits else []
                terms.append(conjunction([earlier[k - j][b], *more[1 : k + 1]], end))
            own = some(terms, name=f"{name}{len(bits)}")
            bits.append(own if fill is None else within(own + fill, 0, 1))
    return bits


def _progress(more: list[Word], digits: int, name: str) -> list[Word]:
    """out[k]: the latest k tokens are digits that others follow, and the one before is not."""
    atleast = [constant(1), more[0]]
    atleast += [both(*more[:k], name=f"{name}{k}") for k in range(2, digits)]
    return [bit(atleast[k] - (atleast[k + 1] if k + 1 < digits else 0), f"{name}_out{k}") for k in range(digits)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """What the machine is about to do, by the latest tokens. At most one of the attributes up to `image` is 1.

    Attributes:
        run: Carry out an instruction, if `Clock.across` is not 1.
        fetch: Put out the instruction's word, which was overwritten.
        renewed: It was put out: `run` is 1 too.
        compare: In WRITE and READ: see whether all bytes were handled.
        put: Put out the next byte.
        take: Take the next byte of the standard input.
        store: Store it.
        counted: Count the bytes read so far.
        again: Then count the bytes of this call.
        handled: Count the bytes of this call.
        image: At the end of a word of memory in the prompt.
        loading: In the prompt, before `start`.
        stdin: The words that follow in the prompt are the standard input.
        sync: Say the address, because the latest token that did is far back.
        input_ended: An intermediate number has ended here, and it counts the bytes read so far.
        word_ended: The same, and it is the instruction's word.
    """

    run: Word
    fetch: Word
    renewed: Word
    compare: Word
    put: Word
    take: Word
    store: Word
    counted: Word
    again: Word
    handled: Word
    image: Word
    loading: Word
    stdin: Word
    sync: Word
    input_ended: Word
    word_ended: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Where the machine is.

    Attributes:
        address: 30 bits: the next instruction's address / 4.
        across: 1 where it is the first of another stretch of 64 words and no jump said so yet; `address` is then that
            of the word before.
        low: The lowest 6 of these bits, which tokens carry.
        link: 30 bits: the address / 4 after it.
    """

    address: list[Word]
    across: Word
    low: list[Word]
    link: list[Word]


def read_history(token: Token, now: Number) -> tuple[Clock, Phase]:
    """Blocks 2 and 3: the latest jump, the latest marks, and the instructions retired since."""
    started = one(latest(token.any("start"), where=token.any("start"), name="started"))
    is_input = one(latest(token.any("input"), where=token.any("input", "start"), name="input"))
    upper = many(latest(now.bits[WINDOW_BITS:TARGET], where=token.any("j"), name="stretch"))
    low = many(latest(now.bits[:WINDOW_BITS], where=token.any(*SAY_ADDRESS), name="low"))
    retired, clocked = [], [now.clocked]
    for k in range(1, STRIDE):
        count, said = many(previous([now.retired, now.clocked], STRIDE * k, name=f"back{STRIDE * k}"))
        retired.append((1, count - STRIDE * total([(1, c) for c in clocked])))
        clocked.append(said)
    # A word of memory in the prompt stands at the address before it is counted.
    retired.append((-1, conjunction([token.any(*COUNTED)], [started])))
    place = number(low) + now.retired + bank(retired, lo=-1, hi=STRETCH, name="retired")
    clock = _clock(upper, within(place, 0, STRETCH, "place"))
    quiet = bank([(1, 1 - total([(1, c) for c in clocked[:REST]]))], lo=0, hi=1, name="quiet")
    return clock, _phase(token, started, is_input, quiet)


def _clock(upper: list[Word], place: Word) -> Clock:
    last, size = STRETCH - 1, 1 << FINE
    # In two steps of 8: a table of all 65 values would sum large numbers, and keys must be quiet.
    past = [step(place, at, name=f"past{at}") for at in range(size, STRETCH + 1, size)]
    after = [step(place, at, name=f"past{at}") for at in range(size - 1, STRETCH, size)]
    upper_bits = WINDOW_BITS - FINE
    above, next_above = _bits_of_rank(past[:-1], upper_bits), _bits_of_rank(after, upper_bits)
    rest = within(place - size * total([(1, p) for p in past[:-1]]), 0, size, "rest")
    span = range(size + 1)
    columns = [{s: min(s, size - 1) >> i & 1 for s in span} for i in range(FINE)]
    fine = many(tables(rest, [*columns, *({s: s + 1 >> i & 1 for s in span} for i in range(FINE))], name="fine"))
    low, following = [*fine[:FINE], *above], [*fine[FINE:], *next_above]
    # The stretch after this one begins where all lower bits are ones.
    is_last = step(place, last, name="is_last")
    carries = [
        step(total([(1, b) for b in upper[:i]]) + is_last, i + 1, name=f"link_carry{i}") for i in range(len(upper) + 1)
    ]
    carried = [
        within(upper[i] + carries[i] - 2 * carries[i + 1], 0, 1, f"link{i + WINDOW_BITS}") for i in range(len(upper))
    ]
    return Clock(address=[*low, *upper], across=past[-1], low=low, link=[*following, *carried])


def _bits_of_rank(reached: list[Word], count: int) -> list[Word]:
    """The lowest bits of the number of bits that are 1, of which each but the first needs the one before; free."""
    found = []
    for i in range(count):
        turns = [(-1 if at >> i & 1 == 0 else 1, r) for at, r in enumerate(reached, 1) if at % (1 << i) == 0]
        found.append(bit(total(turns)))
    return found


def _phase(token: Token, started: Word, is_input: Word, quiet: Word) -> Phase:
    ends = RETIRE
    calls = [token.any("write"), token.any("read")]
    write, read = many(latest(calls, where=token.any(*ends, "write", "read"), name="call"))
    marks = ("write", "read", "g", "o", "next", "i", "count", "code")
    groups = [
        token.any("write", "read"),
        token.any("g"),
        token.any("o", "next"),
        *map(token.any, ("i", "count", "code")),
    ]
    called, go, out, taken, counting, code = many(latest(groups, where=token.any(*ends, *marks), name="phase"))
    ended = one(latest(token.any("a"), where=1 - token.any("y", *MIDDLE), name="ended"))
    none = 1 - exclusive(called, go, out, taken, counting, code)
    renewed = both(code, ended, name="renewed")
    return Phase(
        run=bit(both(started, none, name="run") + renewed),
        renewed=renewed,
        fetch=both(code, off=[ended], name="fetch"),
        compare=some([conjunction([called]), conjunction([out, ended])], name="compare"),
        put=both(go, write, name="put"),
        take=both(go, read, name="take"),
        store=named(taken, "store"),
        counted=both(counting, off=[ended], name="counted"),
        again=both(counting, ended, name="again"),
        handled=both(out, off=[ended], name="handled"),
        image=both(token.any("z", "f"), off=[started], name="image"),
        loading=1 - started,
        stdin=is_input,
        sync=both(started, none, quiet, off=[ended, token.any(*MIDDLE)], name="sync"),
        input_ended=both(token.any("a"), counting, name="input_ended"),
        word_ended=both(token.any("a"), code, name="word_ended"),
    )
