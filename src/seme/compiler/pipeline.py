"""From a program to an artifact: lower, share, fold, schedule, allocate, certify, emit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import torch

from seme.compiler.certify import certify
from seme.compiler.emit import emit
from seme.compiler.exact import certify_exact
from seme.compiler.layout import Layout, layout
from seme.compiler.lower import Lowered, lower
from seme.compiler.margins import Certificate
from seme.compiler.meaning import meaning
from seme.compiler.outputs import Output, unique_texts
from seme.compiler.passes import fold, prune, share_embeddings
from seme.compiler.schedule import Schedule, schedule
from seme.core.errors import NotProvedError, SemeError, UsageError
from seme.core.numerics import FLOAT_TYPES, FloatType
from seme.exchange import Model
from seme.ir import Graph, dump
from seme.lang.program import Program
from seme.lang.program import program as make_program
from seme.model.artifact import Artifact, OutputBlock, Spec, TokenTable

Activation = Literal["relu", "gelu"]

ROBUSTNESS = (0, 1, 2)
"""How much is spent against noise, cheapest first; see `values.code`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """Everything that is decided before weights are written.

    Attributes:
        graph: The folded graph.
        outputs: How its outputs are read.
        placed: Which block computes what.
        plan: Where everything stands.
        certificate: What is proved in the asked float type.
    """

    graph: Graph
    outputs: tuple[Output, ...]
    placed: Schedule
    plan: Layout
    certificate: Certificate


def compile(
    program: Any,
    *,
    vocab: Iterable[Any] | None = None,
    max_length: int | None = None,
    causal: bool | None = None,
    dtype: str = "float32",
    activation: Activation = "relu",
) -> Model:
    """Compiles a program into an ordinary transformer that computes it exactly.

    Args:
        program: A `seme.program(...)`, or a bare expression with `vocab` and `max_length`.
        vocab: The tokens a user may give; overrides the program's.
        max_length: The most tokens a user may give; overrides the program's.
        causal: Overrides the program's.
        dtype: The float type the weights are proved for and kept in.
        activation: "relu" or "gelu".

    Returns:
        The model: call it on a list, or save it.

    Raises:
        ProgramError: The program is not well formed for its vocabulary.
        NotProvedError: It cannot be proved exact at this length in this float type.
        UsageError: An option is unknown.

    >>> from seme.lang import tokens
    >>> compile(tokens, vocab="ab", max_length=3)("ba")
    ['b', 'a']
    """
    closed = close(program, vocab=vocab, max_length=max_length, causal=causal)
    check_options(dtype, activation)
    return Model(build(plan(closed, dtype=dtype, activation=activation), closed, activation=activation))


def close(
    program: Any,
    *,
    vocab: Iterable[Any] | None = None,
    max_length: int | None = None,
    causal: bool | None = None,
    name: str = "",
) -> Program:
    """A program with its vocabulary and length, from a program or a bare expression.

    Raises:
        UsageError: A bare expression comes without vocabulary or length.
    """
    if isinstance(program, Program):
        return make_program(
            program.outputs,
            vocab=program.vocab if vocab is None else vocab,
            max_length=program.max_length if max_length is None else max_length,
            causal=program.causal if causal is None else causal,
            name=program.name or name,
        )
    if vocab is None or max_length is None:
        raise UsageError(
            "a bare expression needs a vocabulary and a length",
            hint="compile(expression, vocab='abc', max_length=20), or --vocab and --max-length",
        )
    return make_program(program, vocab=vocab, max_length=max_length, causal=bool(causal), name=name)


def check_options(dtype: str, activation: str) -> None:
    """Refuses unknown options.

    Raises:
        UsageError: The float type or the activation is not known.
    """
    if dtype not in FLOAT_TYPES:
        raise UsageError(f"unknown float type {dtype!r}", hint=f"use one of {', '.join(FLOAT_TYPES)}")
    if activation not in ("relu", "gelu"):
        raise UsageError(f"unknown activation {activation!r}", hint="use relu or gelu")


def plan(program: Program, *, dtype: str, activation: Activation) -> Plan:
    """Decides everything; spends more neurons where the cheap way cannot be proved.

    Raises:
        NotProvedError: No way can be proved.
    """
    tried: list[Plan] = []
    for robust in ROBUSTNESS:
        tried.append(attempt(program, dtype=dtype, activation=activation, robust=robust))
        if tried[-1].certificate.proved:
            return tried[-1]
    best = min(tried, key=lambda p: p.certificate.margins[0].used)
    raise refusal(program, best, dtype, proved=longest_below(program, dtype, activation))


def longest_below(program: Program, dtype: str, activation: Activation) -> int:
    """The longest shorter length found that is proved, to within an eighth; 0 where there is none."""

    def proved(length: int) -> bool:
        shorter = replace(program, max_length=length)
        try:
            return any(
                attempt(shorter, dtype=dtype, activation=activation, robust=robust).certificate.proved
                for robust in ROBUSTNESS
            )
        except SemeError:
            return False

    good, bad = program.max_length, program.max_length
    while good and not (good < bad and proved(good)):
        good, bad = good // 2, good
    while good and bad - good > max(1, good // 8):
        middle = (good + bad) // 2
        good, bad = (middle, bad) if proved(middle) else (good, middle)
    return good


def attempt(program: Program, *, dtype: str, activation: Activation, robust: int) -> Plan:
    """One way to compile, proved or not."""
    return arrange(lower(program, robust=robust), dtype=dtype, activation=activation)


def arrange(lowered: Lowered, *, dtype: str, activation: Activation, named: frozenset[str] = frozenset()) -> Plan:
    """Shares, folds, schedules, allocates and certifies a graph, proved or not.

    Args:
        lowered: The graph and its outputs.
        dtype: The float type to prove it for.
        activation: "relu" or "gelu".
        named: Embeddings that a person has named, and which stay as they are.
    """
    graph = fold(share_embeddings(prune(lowered.graph), keep=named))
    placed = schedule(graph)
    where = layout(graph, placed)
    certificate = certify(graph, placed, where, FLOAT_TYPES[dtype], activation=activation)
    return Plan(graph=graph, outputs=lowered.outputs, placed=placed, plan=where, certificate=certificate)


def refusal(program: Program, best: Plan, dtype: str, *, proved: int = 0) -> NotProvedError:
    """The error for what cannot be proved: node, margin, remedies; `proved` is a length that can be, if known."""
    worst = best.certificate.margins[0]
    note = next((n.note for n in best.graph.nodes if n.name == worst.node), "")
    wider = {"float16": "float32", "bfloat16": "float32", "float32": "float64"}.get(dtype)
    remedies = [f"use --dtype {wider}"] if wider else []
    remedies += [f"--max-length {proved}, which is proved"] if proved else []
    return NotProvedError(
        f"cannot prove `{program.name or 'the program'}` exact for length {program.max_length} in {dtype}: "
        f"`{worst.node}`{f' from {note}' if note else ''}: {worst.what} is {worst.have:.3g}, "
        f"must stay below {worst.need:.3g}",
        hint=", or ".join(remedies) or "shorten the vocabulary, or split the numbers into digits",
    )


def build(decided: Plan, program: Program, *, activation: Activation) -> Artifact:
    """Writes the weights of a plan."""
    certificate, where, graph = decided.certificate, decided.plan, decided.graph
    float_type = FLOAT_TYPES[certificate.dtype]
    # 16-bit weights are rounded once, by torch, from float64.
    kept = np.float64 if certificate.dtype in ("float64", "bfloat16", "float16") else np.float32
    arrays = emit(graph, where, dict(certificate.scales), dict(certificate.gains), float_type.norm_gain, kept)
    dtype = getattr(torch, certificate.dtype)
    weights = {name: torch.from_numpy(array).to(dtype) for name, array in arrays.items()}
    blocks, at = [], 0
    for output in decided.outputs:
        blocks.append(_block(output, at, certificate.errors.get(output.name, 0.0)))
        at += blocks[-1].width
    spec = Spec(
        architecture="gpt2" if program.causal else "bert",
        layers=where.layers,
        d_model=where.d_model,
        heads=where.n_heads,
        d_head=where.d_head,
        d_mlp=where.d_mlp,
        d_vocab=len(program.vocab) + TokenTable.FIRST_ID,
        n_positions=program.max_length + 1,
        d_logits=at,
        activation=activation,
        norm_eps=float_type.norm_gain**2,
        dtype=certificate.dtype,
    )
    return Artifact(
        spec=spec,
        weights=weights,
        tokens=token_table(program.vocab),
        outputs=tuple(blocks),
        meaning=meaning(graph, where),
        certificate=summary(decided),
        provenance={"made_by": "seme compile", "program": program.name, "max_length": program.max_length},
        graph=dump(graph),
    )


def _block(output: Output, start: int, error: float) -> OutputBlock:
    if output.kind == "category":
        labels = tuple(float(v) if isinstance(v, Fraction) else v for v in output.labels)
        return OutputBlock(name=output.name, kind="category", start=start, labels=labels)
    most = output.max_denominator
    return OutputBlock(
        name=output.name,
        kind="number",
        start=start,
        integers=most == 1,
        max_denominator=most if most > 1 else 0,
        unit=output.unit,
        error=float(error + output.error),
    )


def token_table(vocab: tuple[Any, ...]) -> TokenTable:
    """Texts of the tokens, all different, and two more for begin and padding."""
    texts = unique_texts(vocab)
    special = []
    for name in ("BEGIN", "PAD"):
        text = f"[{name}]"
        while text in texts:
            text = f"[{text}]"
        special.append(text)
    return TokenTable(values=vocab, texts=texts, begin=special[0], pad=special[1])


def summary(decided: Plan) -> dict[str, Any]:
    """The certificate as plain JSON."""
    own = decided.certificate
    types: dict[str, Any] = {}
    for name, float_type in sorted(FLOAT_TYPES.items(), key=lambda item: item[1].unit):
        # 16-bit types round more than float32 throughout, and keep too few digits for sums of whole numbers.
        hopeless = types.get("float32", {}).get("proved") is False or bool(own.offsets)
        if hopeless and float_type.unit > FLOAT_TYPES["float32"].unit:
            types[name] = {"proved": False, "any_order": False, "errors": {}, "worst": []}
            continue
        other = own if name == own.dtype else _elsewhere(decided, float_type)
        types[name] = {
            "proved": other.proved,
            "any_order": other.any_order,
            "errors": dict(other.errors),
            "worst": [
                {"node": m.node, "what": m.what, "bound": m.have, "limit": m.need, "used": m.used}
                for m in other.margins[:5]
            ],
        }
    return {"dtype": own.dtype, "length": own.length, "types": {name: types[name] for name in FLOAT_TYPES}}


def _elsewhere(decided: Plan, float_type: FloatType) -> Certificate:
    """What is proved of the same weights in another float type."""
    own, parts = decided.certificate, (decided.graph, decided.placed, decided.plan, float_type)
    if own.offsets:
        return certify_exact(*parts, offsets=own.offsets)
    return certify(*parts, activation=_activation(own), scales=own.scales)


def _activation(certificate: Certificate) -> Activation:
    gelu = any((gain != 1).any() for gain in certificate.gains.values())
    return "gelu" if gelu else "relu"
