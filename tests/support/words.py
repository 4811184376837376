"""What words are for given bits, and what they cost: for tests of parts of machines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seme.lang.trace import TraceProgram, Tracer, Word, previous, trace_program, vocabulary
from seme.lang.trace.program import ordered
from seme.lang.trace.words import Bank, Before, Found, Later, Part, RunningSum, Several, Step, Sum, Tables, Within


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


def cost(words: Sequence[Word], given: Sequence[Word]) -> Cost:
    """What words take, counted from others that are there already."""
    depths: dict[int, int] = {id(word): 0 for word in given}
    heads: set[tuple] = set()
    semes = neurons = nonzeros = 0
    inputs: dict[int, dict[int, int]] = {}

    def read(node: Word) -> dict[int, int]:
        """The stored words that an affine form reads."""
        if id(node) in inputs:
            return inputs[id(node)]
        if isinstance(node, Sum) and id(node) not in depths_given:
            out: dict[int, int] = {}
            for weight, term in node.terms:
                for key, factor in read(term).items():
                    out[key] = out.get(key, 0) + weight * factor
            out = {key: factor for key, factor in out.items() if factor}
        elif isinstance(node, (Within, Later)) and id(node) not in depths_given:
            out = read(node.parts()[0])
        else:
            out = {id(node): 1}
        inputs[id(node)] = out
        return out

    depths_given = set(depths)
    for node in ordered(words):
        if id(node) in depths_given:
            continue
        below = 0
        for part in (node.of,) if isinstance(node, Part) else node.parts():
            below = max(below, depths.get(id(part), 0))
        match node:
            case Bank():
                semes, neurons = semes + 1, neurons + len(node.terms)
                nonzeros += sum(len(read(term)) + 2 for _, term in node.terms)
                below += 1
            case Step():
                semes, neurons, nonzeros = semes + 1, neurons + 2, nonzeros + 2 * (len(read(node.of)) + 2)
                below += 1
            case Tables():
                changed = 2 * sum(a != b for a, b in zip(node.rows, node.rows[1:], strict=False))
                semes, neurons = semes + len(node.los), neurons + changed
                nonzeros += changed * (len(read(node.of)) + 1 + len(node.los))
                below += 1
            case Found() | Before() | RunningSum():
                semes += len(node.los) if isinstance(node, Several) else 1
                at = tuple(map(id, (*node.key, *node.query, node.where))) if isinstance(node, Found) else ()
                heads.add((type(node).__name__, getattr(node, "offset", 0), at, below))
                # Neurons of the block that looks see what it finds.
        depths[id(node)] = below
    return Cost(
        semes=semes,
        neurons=neurons,
        heads=len(heads),
        nonzeros=nonzeros,
        depth=max(depths.get(id(w), 0) for w in words),
    )
