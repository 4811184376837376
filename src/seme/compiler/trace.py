"""From a trace program to an artifact: lower, fold, schedule, allocate, certify, emit."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import torch

from seme.compiler.certify import certify
from seme.compiler.emit import emit
from seme.compiler.exact import certify_exact
from seme.compiler.layout import Layout, layout, write_matrix
from seme.compiler.meaning import meaning
from seme.compiler.passes import fold, prune, share_embeddings
from seme.compiler.pipeline import Activation, Plan, check_options, summary, token_table
from seme.compiler.rescale import rescaled, sizes
from seme.compiler.reuse import in_time
from seme.compiler.schedule import schedule
from seme.compiler.sums import Norms
from seme.compiler.trace_lower import lower_trace
from seme.core.errors import NotProvedError, TooLargeError
from seme.core.memory import free_memory
from seme.core.numerics import FLOAT_TYPES
from seme.ir import Attend, Embed, Graph, Node, dump, verify
from seme.lang.trace import TraceProgram
from seme.lang.trace.words import RunningSum
from seme.model.artifact import Artifact, OutputBlock, PositionRule, Spec, TokenTable

RESIDUES = (2.0**20, 2.0**16, 2.0**12)
"""Noise, in units of rounding, up to which an erased value's directions are used again: the first that is proved."""

AIMS = tuple(2.0**k for k in range(10, 18))
"""Offsets that values are sized for; the first that is proved is taken."""

TABLE = 4096
"""Rows of the position table that is written out where no length is asked for."""


def compile_trace(
    program: TraceProgram,
    *,
    dtype: str = "float64",
    activation: Activation = "relu",
    max_length: int | None = None,
) -> Artifact:
    """Compiles a trace program into a GPT-2-shaped model that continues a prompt as the program does.

    Args:
        program: The program.
        dtype: The float type the weights are proved for and kept in.
        activation: "relu" or "gelu".
        max_length: Tokens for which position rows are written out; an executor that knows the rule of positions goes
            on beyond, up to the program's `longest`.

    Raises:
        NotProvedError: The program cannot be proved exact for traces of its `longest` in this float type.
        ProgramError: A word depends on itself.
        TooLargeError: A table or running sum is too large, or the model for what memory is free.
        UsageError: An option is unknown.
    """
    check_options(dtype, activation)
    decided = plan_trace(program, dtype=dtype, activation=activation)
    if not decided.certificate.proved:
        worst = decided.certificate.margins[0]
        note = next((n.note for n in decided.graph.nodes if n.name == worst.node), "")
        raise NotProvedError(
            f"cannot prove `{program.name or 'the program'}` exact for traces of {decided.graph.max_length:,} tokens "
            f"in {dtype}: `{worst.node}`{f' from {note}' if note else ''}: {worst.what} is {worst.have:.3g}, "
            f"must stay below {worst.need:.3g}",
            hint="shorten the longest trace, use float64, or clean(...) the bits that are looked up",
        )
    return build_trace(decided, program, activation=activation, rows=max_length or TABLE)


def plan_trace(program: TraceProgram, *, dtype: str, activation: Activation) -> Plan:
    """Decides everything.

    In float32 first with whole numbers throughout, where nothing is ever off. Otherwise noise is bounded: keys and
    queries are freed of it where the certificate asks for that, and then the stream is made narrow, as far as what
    erased values leave behind allows.
    """
    averages = any(isinstance(word, RunningSum) for word in program.words())
    if dtype == "float32" and activation == "relu" and not averages:
        decided = plan_exact(program, dtype=dtype)
        if decided.certificate.proved:
            return decided
    clean: frozenset[str] = frozenset()
    while True:
        decided = _arranged(lower_trace(program, clean=clean), (), dtype=dtype, activation=activation)
        noisy = _noisy(decided) - clean
        if decided.certificate.proved or not noisy:
            break
        clean |= noisy
    if not decided.certificate.proved:
        return decided
    for most in RESIDUES:
        narrow = _arranged(decided.graph, _ending(decided, most), dtype=dtype, activation=activation)
        if narrow.certificate.proved:
            return narrow
    return decided


def _ending(decided: Plan, most: float) -> frozenset[str]:
    """Nodes whose directions may be used again: whole numbers with little noise."""
    limit = most * FLOAT_TYPES[decided.certificate.dtype].unit
    quiet = {name for name, noise in decided.certificate.noise.items() if noise <= limit}
    return frozenset(node.name for node in decided.graph.nodes if node.name in quiet and _is_whole(node))


def _is_whole(node: Node) -> bool:
    """Whether all values are whole numbers, which a gelu erases as a relu does: no shares, no positions."""
    if isinstance(node, Attend):
        return node.pattern == "recent"
    return not (isinstance(node, Embed) and node.source == "position")


def _noisy(decided: Plan) -> frozenset[str]:
    """The looks into the history that fail though no look they depend on does: all else follows from these."""
    failed = {margin.node for margin in decided.certificate.margins if margin.used >= 1}
    spoiled: set[str] = set()
    noisy: set[str] = set()
    for node in decided.graph.nodes:
        sources = {name for form in node.forms() for name, _ in form.terms}
        own = node.name in failed and isinstance(node, Attend)
        if own and not sources & spoiled:
            noisy.add(node.name.split("~")[0])
        if own or sources & spoiled:
            spoiled.add(node.name)
    return frozenset(noisy)


def _arranged(graph: Graph, ending: Collection[str], *, dtype: str, activation: Activation) -> Plan:
    graph = fold(share_embeddings(prune(graph)))
    placed = schedule(graph)
    graph = verify(replace(graph, nodes=in_time(graph, placed)))
    where = layout(graph, placed, ending=ending)
    certificate = certify(graph, placed, where, FLOAT_TYPES[dtype], activation=activation)
    return Plan(graph=graph, outputs=(), placed=placed, plan=where, certificate=certificate)


def plan_exact(program: TraceProgram, *, dtype: str) -> Plan:
    """A plan in which every sum is one of whole numbers, proved or not: nothing is rounded but what norms round away.

    Args:
        program: The program; with running sums, which are averages, it is never proved.
        dtype: "float32" or "float64".
    """
    graph = fold(share_embeddings(prune(lower_trace(program, exact=True))))
    placed = schedule(graph)
    graph = verify(replace(graph, nodes=in_time(graph, placed)))
    ending = [node.name for node in graph.nodes if _is_whole(node)]
    norms = Norms(graph, placed, layout(graph, placed, ending=ending, halving=True))
    tried: list[Plan] = []
    sums, float_type = norms.all_sums, FLOAT_TYPES[dtype]
    least = sums.largest(np.zeros(norms.count), norms.reach)  # whatever the offsets are
    for aim in AIMS[:1] if (least * float_type.sum_unit >= sums.unit).any() else AIMS:
        by = sizes(norms, float_type, aim)
        small = rescaled(graph, norms, by)
        where = replace(layout(small, placed, ending=ending, halving=True), begin_size=float(by[0]))
        certificate = certify_exact(small, placed, where, float_type)
        tried.append(Plan(graph=small, outputs=(), placed=placed, plan=where, certificate=certificate))
        if certificate.proved:
            return tried[-1]
    return min(tried, key=lambda plan: plan.certificate.margins[0].used)


def _expect_room(need: int) -> None:
    """Embedding and unembedding are made once, as they are kept; with many tokens all else is small beside them."""
    free = free_memory()
    if free and need > free:
        raise TooLargeError(
            f"not enough memory for this model: its embedding, unembedding and positions take {need / 1e9:.1f} GB to "
            f"make; {free / 1e9:.1f} GB are free",
            hint="use fewer tokens (of the RV32 machine: --digit-bits 8), a shorter --max-length, or float32",
        )


def build_trace(decided: Plan, program: TraceProgram, *, activation: Activation, rows: int) -> Artifact:
    """Writes the weights of a plan."""
    certificate, where, graph = decided.certificate, decided.plan, decided.graph
    float_type = FLOAT_TYPES[certificate.dtype]
    kept = np.float64 if certificate.dtype in ("float64", "bfloat16", "float16") else np.float32
    follows_rule = all(n.slope is not None for n in graph.nodes if isinstance(n, Embed) and n.source == "position")
    rows = min(rows, graph.max_length) if follows_rule else graph.max_length
    _expect_room((2 * graph.vocab_size + rows) * where.d_model * np.dtype(kept).itemsize)
    arrays = emit(
        graph,
        where,
        dict(certificate.scales),
        dict(certificate.gains),
        float_type.norm_gain,
        kept,
        rows,
        certificate.offsets,
    )
    dtype = getattr(torch, certificate.dtype)
    tokens = token_table(program.vocabulary.texts)
    d_vocab = len(tokens.values) + TokenTable.FIRST_ID
    spec = Spec(
        architecture="gpt2",
        layers=where.layers,
        d_model=where.d_model,
        heads=where.n_heads,
        d_head=where.d_head,
        d_mlp=where.d_mlp,
        d_vocab=d_vocab,
        n_positions=rows + 1,
        d_logits=d_vocab,
        activation=activation,
        norm_eps=float_type.norm_gain**2,
        continues=True,
        dtype=certificate.dtype,
    )
    labels = (tokens.begin, tokens.pad, *tokens.texts)
    stops = tuple(program.vocabulary.row(stop) + TokenTable.FIRST_ID for stop in program.stops)
    return Artifact(
        spec=spec,
        weights={name: torch.from_numpy(array).to(dtype) for name, array in arrays.items()},
        tokens=tokens,
        outputs=(OutputBlock(name="next", kind="next", start=0, labels=labels, stops=stops),),
        meaning=meaning(graph, where),
        certificate=summary(decided),
        provenance={"made_by": "seme trace", "program": program.name, "longest": graph.max_length},
        graph=dump(graph),
        positions=_rule(graph, where, dtype) if follows_rule else None,
    )


def _rule(graph: Graph, where: Layout, dtype: torch.dtype) -> PositionRule:
    """How the position table goes on."""
    nodes = [n for n in graph.nodes if isinstance(n, Embed) and n.source == "position"]
    period = int(np.lcm.reduce([len(n.table) for n in nodes])) if nodes else 1
    repeated, slope = np.zeros((period, where.d_model)), np.zeros((1, where.d_model))
    for node in nodes:
        assert node.slope is not None
        first = where.seme_of[node.name]
        repeated += write_matrix(node.table[np.arange(period) % len(node.table)], first, where)
        slope += write_matrix(node.slope[None], first, where)
    return PositionRule(
        repeated=torch.from_numpy(repeated).to(dtype),
        slope=torch.from_numpy(slope[0]).to(dtype),
        longest=graph.max_length,
    )


__all__ = ["build_trace", "compile_trace", "plan_trace"]
