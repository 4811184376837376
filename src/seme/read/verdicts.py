"""Verdicts in words, each with the numbers behind it and what would change it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from seme.read.attention import Head
from seme.read.causal import CausalReport
from seme.read.nulls import CLAIM, Comparison
from seme.read.positions import PositionReport
from seme.read.readout import Readout
from seme.read.spaces import Agreement, Tie, mean_pairs
from seme.read.tokens import TokenReport

HELIX_SCORE = 0.5
"""A helix also has to be a good one: straightness x share x ring of at least one half. MiniLM, which is
none, has .2; a planted helix with 2% noise .8."""

NO_COST = 1e-6
"""A cost below float32 rounding of outputs: without positions nothing changes."""

LOST = 0.01
"""Reading back less by more than one percentage point than concatenation counts as losing."""

ENOUGH = 0.05
"""Few components are enough when they cost no more than this share of what no positions cost."""

TIED, FREE = 0.3, 0.1
"""Mean same-basis agreement from which the stream is called tied, and below which nodes are called free: MiniLM has
.66 and .02."""

TIED_MORE = 0.1
"""How much more the stream must agree than with weights in random order, whose draws differ by .02: MiniLM has .66
against .29; untrained GPT-2 .91 against .91, since skip connections alone tie a stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One answer.

    Attributes:
        claim: What was asked.
        answer: yes, no, or in words.
        because: The numbers behind it.
        unless: What would change it.
    """

    claim: str
    answer: str
    because: str
    unless: str


def beside(found: Comparison) -> str:
    """Puts a value beside its null in words.

    >>> from seme.read.nulls import compare
    >>> beside(compare(1.0, [0.25, 0.5, 0.75]))
    '1 against 0.5 (95% of 3 null draws in 0.263 to 0.738)'
    """
    low, high = found.null_interval
    spread = f"95% of {found.draws} null draws in {low:.3g} to {high:.3g}"
    return f"{found.value:.3g} against {found.null:.3g} ({spread})"


def position_verdicts(report: PositionReport) -> tuple[Verdict, ...]:
    """Answers what the position table is."""
    return (_dimension(report), _shape(report), _distance(report))


def _dimension(report: PositionReport) -> Verdict:
    claim = "lower-dimensional than a smooth curve"
    if report.rank <= 1:
        words = "rows that all lie on one line" if report.rank else "rows that are all the same"
        return Verdict(
            claim=claim,
            answer="no answer: the table has no more than one direction",
            because=f"rank {report.rank}: {words} hold all variance in one component, and so do their nulls",
            unless="a table of two or more directions can be compared with walks of as many",
        )
    k = max(count for count in report.against["random_walk"] if count <= 3)
    walk, shuffled = (report.against[name][k] for name in ("random_walk", "shuffled_increments"))
    flat = report.rank <= k  # walks of the table's own steps then lie in k directions too: that null cannot tell
    lower = walk.p_above <= CLAIM and (shuffled.p_above <= CLAIM or flat)
    higher = walk.p_below <= CLAIM and shuffled.p_below <= CLAIM
    steps = (
        f"a walk of the table's own steps cannot tell, since the table has rank {report.rank}"
        if flat
        else f"{beside(shuffled)} for a walk of the table's own steps"
    )
    nulls = "the random walk" if flat else "both nulls"
    answer = "yes" if lower else "no" + (", higher-dimensional" if higher else "")
    return Verdict(
        claim=claim,
        answer=answer,
        because=f"variance in {k} components: {beside(walk)} for a random walk; {steps}; "
        f"participation ratio {report.participation_ratio:.3g}",
        unless=f"variance in {k} components above {nulls} would make it yes, below both higher-dimensional",
    )


def _shape(report: PositionReport) -> Verdict:
    helical = report.helix_score.p_above <= CLAIM and report.helix_score.value >= HELIX_SCORE
    planar = [band for band in report.bands if band.planarity.p_above <= CLAIM and band.planarity.draws]
    ringed = report.ring_score.p_above <= CLAIM
    answer = "helix" if helical else "rings" if ringed else "neither"
    periods = ", ".join(f"{band.period:.3g}" for band in planar) or "none"
    return Verdict(
        claim="helix, rings or neither",
        answer=answer,
        because=f"helix score {beside(report.helix_score)}; best ring {beside(report.ring_score)}; "
        f"periods in tokens of bands that lie in a plane, each tested alone: {periods}",
        unless=f"a helix needs a score of {HELIX_SCORE} above its null, rings a best pair of the first six "
        "components above its null",
    )


def _distance(report: PositionReport) -> Verdict:
    value = report.toeplitz.value
    word = "yes" if value >= 0.9 else "mostly" if value >= 0.5 else "partly"
    return Verdict(
        claim="similarity depends on distance only",
        answer=word if report.toeplitz.p_above <= CLAIM else "no",
        because=f"Toeplitz R^2 of the centred Gram matrix {beside(report.toeplitz)}",
        unless="R^2 of .9 is called yes, .5 mostly, less partly",
    )


def token_verdicts(tokens: TokenReport, reading: Readout) -> tuple[Verdict, ...]:
    """Answers how tokens and positions share the space."""
    top = tokens.energy_top_k
    if top.p_below <= CLAIM / 2:
        answer = "yes"
    elif top.p_above <= CLAIM / 2:
        answer = "no, it seeks them"
    else:
        answer = "no more than chance"
    raw = tokens.energy_by_k_raw.get(top.k)
    low, high = top.null_interval
    losses = {
        "of the position's variance": reading.concatenated.position_r2 - reading.position_r2.value,
        "of the tokens": reading.concatenated.token_identity - reading.token_identity,
    }
    names = " and ".join(f"{_percent(share)} {what}" for what, share in losses.items() if share > LOST)
    gain = reading.position_r2
    against = (
        "more than chance keeps" if gain.p_above <= CLAIM else "less" if gain.p_below <= CLAIM else "what chance keeps"
    )
    return (
        Verdict(
            claim="avoids token directions",
            answer=answer,
            because=f"centred token energy in the top {top.k} position directions {top.value:.3g} (95% "
            f"over tokens {top.interval[0]:.3g} to {top.interval[1]:.3g}) against {top.null:.3g} ({low:.3g} to "
            f"{high:.3g})"
            + (f"; uncentred {beside(raw)}" if raw else "")
            + f"; cosine of the means {tokens.cosine_of_means:.2f}",
            unless="centring can change it where the two means are not orthogonal: both are given",
        ),
        Verdict(
            claim="adding loses nothing here",
            answer=f"no: {names}" if names else "yes",
            because=f"position read back with R^2 {beside(gain)}, {against}; concatenation gives "
            f"{reading.concatenated.position_r2:.3g}; tokens recognised {reading.token_identity:.3g} (rotated "
            f"{reading.token_identity_rotated:.3g})",
            unless="this asks a linear reader of one vector over all used tokens equally; attention may need less",
        ),
    )


def _percent(share: float) -> str:
    """Writes a share with one decimal below ten percent.

    >>> _percent(0.0445), _percent(0.4074), _percent(0.9996)
    ('4.5%', '41%', '100%')
    """
    return f"{share:.1%}" if share < 0.0995 else f"{share:.0%}"


def head_verdict(heads: Sequence[Head]) -> Verdict:
    """Answers what the first layer's attention is made of."""
    first = [head for head in heads if head.layer == 0]
    weights = [head.deviation**2 for head in first]
    names = ("content-content", "position-position")
    means = [sum(head.shares[name] for head in first) / len(first) for name in names]
    total = sum(weights) or 1.0
    pooled = [
        sum(weight * head.shares[name] for weight, head in zip(weights, first, strict=True)) / total for name in names
    ]
    kinds = ", ".join(f"{count} {kind}" for kind, count in Counter(head.kind for head in first).most_common())
    return Verdict(
        claim="the first layer attends by",
        answer=kinds,
        because=f"content-content {means[0]:.0%} and position-position {means[1]:.0%} of the score's "
        f"variance in the mean over heads; {pooled[0]:.0%} and {pooled[1]:.0%} pooled by variance",
        unless="one head with large scores rules the pooled figure: read the heads one by one",
    )


def causal_verdict(report: CausalReport) -> Verdict:
    """Answers whether few components of the positions are enough for this model."""
    cuts = [each for each in report.effects if each.change == "truncate"]
    without = next(each for each in cuts if each.amount == 0)
    limit, (low, high) = ENOUGH * max(without.cost, NO_COST), without.interval
    enough = next((each.amount for each in cuts if each.cost <= limit), None)
    three = report.cost("truncate", 3)
    answer = "yes" if three is not None and three <= limit else "no"
    seen = f"; within {ENOUGH:.0%} of the first from rank {enough}"
    if low <= NO_COST:
        seen = ""
        unseen = "no cost of leaving positions out is seen"
        answer = "positions do not matter here" if without.cost <= NO_COST else unseen
    costs = {
        "three components": three,
        "without the top three": report.cost("remove_top", 3),
        "without three random ones": report.cost("remove_random", 3),
        "permuted rows": report.cost("permute"),
    }
    shown = ", ".join(f"{name} {cost:.3g}" for name, cost in costs.items() if cost is not None)
    unit = "nats" if report.measure == "loss" else "shares of the output variance"
    return Verdict(
        claim="three position components are enough",
        answer=answer,
        because=f"cost in {unit}: no position {without.cost:.3g} ({low:.3g} to {high:.3g}), {shown}{seen}",
        unless=f"measured on {report.contexts} sequences of {report.positions} tokens; longer ones use more rows",
    )


def space_verdict(found: Agreement, own: Tie, redrawn: Sequence[Tie]) -> Verdict:
    """Answers whether the residual stream ties meanings and everything else is free, more than its wiring does."""
    others = [i for i, name in enumerate(found.names) if ".attn." in name or ".mlp." in name]
    chance = mean_pairs(found.null_basis, others)
    rotated, null = mean_pairs(found.best_rotation, others), mean_pairs(found.null_rotation, others)
    wired = sum(each.stream for each in redrawn) / len(redrawn)
    place = {name: index for index, name in enumerate(found.names)}
    pairs = [
        abs(float(found.same_basis[i, place[key]]))
        for name, i in place.items()
        if ".hook_q." in name and (key := name.replace(".hook_q.", ".hook_k.")) in place
    ]
    if own.stream <= own.inner:
        answer = "no"
    elif own.stream <= wired + TIED_MORE:
        answer = "no more than this architecture with weights in random order"
    else:
        answer = "yes" if own.stream > TIED and own.inner < FREE else "partly"
    return Verdict(
        claim="the residual stream ties the semantics, everything else is free",
        answer=answer,
        because=f"mean size of same-basis agreement {own.stream:.2f} between points of the stream ({wired:.2f} with "
        f"weights in random order), {own.inner:.2f} between queries, keys, values and hidden layers, {chance:.2f} by "
        f"chance; those agree {rotated:.2f} after the best rotation, {null:.2f} by chance"
        + (f"; a head's own query and key {sum(pairs) / len(pairs):.2f}" if pairs else ""),
        unless=f"same basis asks for equal coordinates; yes needs {TIED} in the stream, {TIED_MORE} more than with "
        f"weights in random order, and under {FREE} elsewhere",
    )
