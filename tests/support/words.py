"""What words are for given bits, and what they cost: for tests of parts of machines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from seme.lang.trace import TraceProgram, Tracer, Word, previous, trace_program, vocabulary
from seme.lang.trace.program import ordered
from seme.lang.trace.words import (
    Bank,
    Before,
    Field,
    Found,
    Later,
    Part,
    RunningSum,
    Several,
    Stairs,
    Step,
    Sum,
    Tables,
    Within,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What words take of a model.

    Attributes:
        semes: Words that are stored.
        neurons: Their neurons.
        heads: Their heads.
        nonzeros: Weights of the neurons that are not zero.
        depth: Blocks from fields of tokens to the last of them.
    """

    semes: int
    neurons: int
    heads: int
    nonzeros: int
    depth: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Words over bits that the prompt gives.

    Attributes:
        program: Reads a token a bit.
        words: What is asked for.
    """

    program: TraceProgram
    words: tuple[Word, ...]
    widths: tuple[int, ...]

    def __call__(self, *numbers: int) -> list[int]:
        """What the words are where the bits are those of these numbers."""
        tracer = Tracer(self.program)
        for width, given in zip(self.widths, numbers, strict=True):
            for i in range(width):
                tracer.read(given >> i & 1)
        return [tracer.value(word) for word in self.words]


def bench(widths: Sequence[int], make: Callable[..., Sequence[Word]]) -> Bench:
    """Words made from quantities of so many bits."""
    tokens = vocabulary({str(bit): {"bit": bit} for bit in (0, 1)})
    bit, count = tokens["bit"], sum(widths)
    given = [bit if i == count - 1 else previous(bit, count - 1 - i) for i in range(count)]
    starts = [sum(widths[:i]) for i in range(len(widths))]
    words = tuple(make(*[given[at : at + width] for at, width in zip(starts, widths, strict=True)]))
    # What is emitted does not matter, only that every word is one that the program depends on.
    anything = sum(words, start=bit) * 0 + bit
    program = trace_program(tokens, emit={"bit": _kept(anything, words)}, longest=64)
    return Bench(program=program, words=words, widths=tuple(widths))


def _kept(of: Word, words: tuple[Word, ...]) -> Word:
    return Sum(lo=of.lo, hi=of.hi, terms=((1, of), *((0, word) for word in words)), name="kept")


def cost(words: Sequence[Word], given: Sequence[Word], operands: Sequence[Word] | None = None) -> Cost:
    """What words take beyond others that are there already.

    Args:
        words: What is asked for.
        given: Words that count nothing.
        operands: Those of them from which the depth is counted; all where not told.
    """
    there = {id(word) for word in given}
    depths: dict[int, int] = {id(word): 0 for word in (given if operands is None else operands)}
    kept: set[int] = set()
    stack: list[Word | Several] = [*words]
    while stack:
        node = stack.pop()
        if id(node) in kept or id(node) in there or isinstance(node, Field):
            continue
        kept.add(id(node))
        stack.extend((node.of,) if isinstance(node, Part) else node.parts())
    semes = neurons = nonzeros = 0
    heads: set[tuple] = set()
    for node in ordered(words):
        if id(node) not in kept:
            continue
        parts = (node.of,) if isinstance(node, Part) else node.parts()
        below = [depths[id(part)] for part in parts if id(part) in depths]
        depth = max(below) if below else None
        match node:
            case Bank() | Step() | Stairs() | Tables():
                count, reads, writes = _neurons(node, there)
                semes, neurons, nonzeros = semes + writes, neurons + count, nonzeros + reads
                depth = None if depth is None else depth + 1
            case Found() | Before() | RunningSum():
                semes += len(node.los) if isinstance(node, Several) else 1
                at = tuple(map(id, (*node.key, *node.query, node.where))) if isinstance(node, Found) else ()
                heads.add((type(node).__name__, getattr(node, "offset", 0), at, depth))
        if depth is not None:
            depths[id(node)] = depth
    most = max(depths.get(id(word), 0) for word in words)
    return Cost(semes=semes, neurons=neurons, heads=len(heads), nonzeros=nonzeros, depth=most)


def _neurons(node: Bank | Step | Stairs | Tables, there: set[int]) -> tuple[int, int, int]:
    """Neurons of a node, the weights around them that are not 0, and the words it stores."""
    match node:
        case Bank():
            return len(node.terms), sum(len(_reads(term, there)) + 2 for _, term in node.terms), 1
        case Step():
            return 2, 2 * (len(_reads(node.of, there)) + 2), 1
        case Stairs():
            return 2 * node.hi, 2 * node.hi * (len(_reads(node.of, there)) + 2), 1
        case Tables():
            changed = 2 * sum(a != b for a, b in pairwise(node.rows))
            return changed, changed * (len(_reads(node.of, there)) + 1 + len(node.los)), len(node.los)


def _reads(of: Word, there: set[int]) -> dict[int, int]:
    """The stored words that an affine form reads, with their factors."""
    if id(of) in there:
        return {id(of): 1}
    if isinstance(of, Sum):
        out: dict[int, int] = {}
        for weight, term in of.terms:
            for key, factor in _reads(term, there).items():
                out[key] = out.get(key, 0) + weight * factor
        return {key: factor for key, factor in out.items() if factor}
    return _reads(of.parts()[0], there) if isinstance(of, (Within, Later)) else {id(of): 1}
