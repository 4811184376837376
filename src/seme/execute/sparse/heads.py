"""What a head does, read off its matrices: which keys compete, which can be forgotten, how a match is found.

Behind the constant parts of queries and keys, the score of key j for a query is

    sum over r of q_r k_jr  +  a_j  +  slope * t_j         the first token's being a form b of the query,

where a is what constant queries make of the key, t_j the index. A component whose key is constant raises all scores
alike and is left to b. What is read off:

- `latest`: slope is at least the lead. Of two keys that agree in every k_r and in a, the older weighs nothing beside
  the newer, for any query: it is forgotten. Where they differ in a, it is looked at run time which one leads.
- `first`: the same with slope at most -lead; the newer is forgotten.
- `sum`: slope is zero. Keys that agree weigh the same for any query: their values are added and counted.
- `all`: anything else. Every key is kept.
- `turns`: queries and keys depend on (index - 1) % period alone. The key that is found is then a fixed number of
  positions back, if the scores say that it leads all others; they are computed here, once for every turn.
- `forgets`: a key whose a is below a bound is behind the first token by the lead, whatever query comes and however
  large its t: it is never stored.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from scipy import sparse

from seme.execute.sparse.fold import BlockForms, Folded, Forms, HeadForms, Matrix
from seme.execute.sparse.ranges import Range, Ranges, settled

Keeps = Literal["latest", "first", "sum", "all"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeadPlan:
    """One head, or several with one pattern.

    Attributes:
        block: Its block.
        indices: The heads.
        keeps: Which keys are kept.
        query: The components q.
        key: The components k.
        offset: The form a.
        sizes: [2, component]; how large every |q| and |k| probably is, where they are codes: tried first.
        slope: Of the index.
        begin_score: The form b of the query; none where the first token is a key like others.
        begin_value: Its values.
        turns: [period]; where queries and keys are functions of the turn (index - 1) % period: how many positions back
            the key found stands, at each turn, once there are `period` of them; None otherwise. The period is the
            head's own.
        forgets: Keys with a below this are not kept; -inf where nothing is proved.
        value: The values.
        out: [value, feature].
    """

    block: int
    indices: tuple[int, ...]
    keeps: Keeps
    query: Forms
    key: Forms
    offset: Forms
    sizes: np.ndarray
    slope: float
    begin_score: Forms | None
    begin_value: np.ndarray
    turns: tuple[int, ...] | None
    forgets: float
    value: Forms
    out: Matrix

    @property
    def nonzeros(self) -> int:
        """Numbers multiplied for one token."""
        forms = [self.query, self.key, self.offset, self.value]
        forms += [] if self.begin_score is None else [self.begin_score]
        return sum(form.matrix.nnz for form in forms) + self.out.nnz

    def feeds(self) -> np.ndarray:
        """The features it reads, by number; the index may be among them."""
        forms = [self.query, self.key, self.offset, self.value]
        forms += [] if self.begin_score is None else [self.begin_score]
        return np.unique(np.concatenate([form.matrix.indices for form in forms]))


def plan_heads(model: Folded, bounds: Ranges, layer: int, live: np.ndarray) -> tuple[tuple[HeadPlan, ...], np.ndarray]:
    """The heads of a block that write to live features, and what the block's heads add whatever they look at."""
    block = model.blocks[layer]
    bias = block.head_bias.copy()
    plans: list[HeadPlan] = []
    for number, head in enumerate(block.heads):
        out = _only(head.out, live)
        begin = bounds.begin[layer].values[number] if model.paired else None
        value, out, constant = _values(head, out, bounds.before[layer], begin)
        bias += constant
        used = np.diff(out.indptr) > 0
        if not used.any():
            continue
        plan = _pattern(model, bounds, layer, number, block)
        plan = replace(
            plan,
            value=value.take(used),
            out=out[np.flatnonzero(used)],
            begin_value=np.zeros(0) if begin is None else begin[used],
        )
        plan = replace(plan, turns=_turns(model, plan))
        twin = next((n for n, other in enumerate(plans) if _same_pattern(plan, other)), None)
        if twin is None:
            plans.append(plan)
        else:
            plans[twin] = _joined(plans[twin], plan)
    return tuple(plans), bias


def _only(out: Matrix, live: np.ndarray) -> Matrix:
    out = (out @ sparse.diags_array(live.astype(float))).tocsr()
    out.eliminate_zeros()
    return out


def _values(head: HeadForms, out: Matrix, now: Range, begin: np.ndarray | None) -> tuple[Forms, Matrix, np.ndarray]:
    """Values, where they go, and what is added by those that are the same for every key."""
    value = settled(head.value, now)
    if begin is None:
        return value, out, np.zeros(out.shape[1])
    same = (np.diff(value.matrix.indptr) == 0) & (value.bias == begin)
    constant = np.where(same, value.bias, 0.0) @ out
    out = (sparse.diags_array((~same).astype(float)) @ out).tocsr()
    out.eliminate_zeros()
    return value, out, constant


def _pattern(model: Folded, bounds: Ranges, layer: int, number: int, block: BlockForms) -> HeadPlan:
    """Everything about a head but its values."""
    head, now = block.heads[number], bounds.before[layer]
    common: dict[str, Any] = {"block": layer, "indices": (head.index,), "value": head.value, "out": head.out}
    common["begin_value"] = np.zeros(0)
    if not model.paired:
        nothing = _weighted(head.key, np.zeros(len(head.key)))
        return HeadPlan(
            keeps="all",
            query=head.query,
            key=head.key,
            offset=nothing,
            sizes=np.zeros((2, len(head.query))),
            slope=0.0,
            begin_score=None,
            turns=None,
            forgets=-np.inf,
            **common,
        )
    query, key = settled(head.query, now), settled(head.key, now)
    query_moves, key_moves = np.diff(query.matrix.indptr) > 0, np.diff(key.matrix.indptr) > 0
    begin_key = bounds.begin[layer].keys[number] - np.where(key_moves, 0.0, key.bias)
    offset = _weighted(key, np.where(~query_moves & key_moves, query.bias, 0.0))
    begin_score = _weighted(query, begin_key)
    both = query_moves & key_moves
    query, key = query.take(both), key.take(both)
    keeps: Keeps = "all"
    slope = 0.0
    if not key.matrix[:, [-1]].nnz:
        slope, offset = _without_index(offset)
        keeps = _keeps(slope, model.lead)
    rest = begin_score.matrix - sparse.csr_array(begin_key[both][None]) @ query.matrix
    ahead = _most(query, key, begin_key[both], now)
    ahead -= float(now.through(rest.tocsr(), begin_score.bias - begin_key[both] @ query.bias).low[0])
    ahead += max(slope * model.places.most, 0.0)
    return HeadPlan(
        keeps=keeps,
        query=query,
        key=key,
        offset=offset,
        sizes=np.stack([_sizes(query, now), _sizes(key, now)]),
        slope=slope,
        begin_score=begin_score,
        turns=None,
        forgets=-model.lead - ahead,
        **common,
    )


def _weighted(forms: Forms, weights: np.ndarray) -> Forms:
    """One form: the sum of several, each with its weight."""
    matrix = sparse.csr_array(weights[None] @ forms.matrix).reshape(1, -1).tocsr()
    matrix.eliminate_zeros()
    matrix.sort_indices()
    return Forms(matrix=matrix, bias=np.array([weights @ forms.bias]))


def _without_index(offset: Forms) -> tuple[float, Forms]:
    dense = offset.matrix.toarray()
    slope, dense[0, -1] = float(dense[0, -1]), 0.0
    return slope, Forms(matrix=sparse.csr_array(dense), bias=offset.bias)


def _keeps(slope: float, lead: float) -> Keeps:
    if abs(slope) >= lead:
        return "latest" if slope > 0 else "first"
    return "sum" if slope == 0 else "all"


def _turns(model: Folded, plan: HeadPlan) -> tuple[int, ...] | None:
    """How far back a head looks at each turn, where turns decide alone and one key always leads by the lead."""
    if plan.keeps != "latest" or plan.begin_score is None or not model.places.split or not len(plan.query):
        return None
    parts = (plan.query, plan.key, plan.offset, plan.begin_score)
    reads = np.unique(np.concatenate([part.matrix.indices for part in parts]))
    if model.features in reads or not _turning(model, plan.block, reads):
        return None
    period = len(model.places.repeated)
    turned = np.append(model.places.repeated, np.zeros((period, 1)), axis=1).T
    query, key, offset, begin = (part.matrix @ turned + part.bias[:, None] for part in parts)
    whole = np.concatenate([query, key, offset, begin])
    period = next(p for p in range(1, period + 1) if period % p == 0 and np.array_equal(whole, np.roll(whole, p, 1)))
    query, key, offset, begin = (part[:, :period] for part in (query, key, offset, begin))
    own = np.concatenate([key, offset])
    if len(np.unique(own, axis=1).T) < period or (offset < plan.forgets).any():
        return None
    back = np.arange(period)
    out = []
    for turn in range(period):
        scores = query[:, turn] @ key[:, (turn - back) % period] + offset[0, (turn - back) % period]
        scores = scores + plan.slope * (period - 1 - back)
        best = int(scores.argmax())
        others = np.append(np.delete(scores, best), begin[0, turn])
        if scores[best] - others.max() < model.lead:
            return None
        out.append(best)
    return tuple(out)


def _turning(model: Folded, layer: int, features: np.ndarray) -> bool:
    """Whether features hold nothing but what the position's turn adds."""
    out = (model.places.table[1:] == 0).all(axis=0)
    for block in model.blocks[:layer]:
        for head in block.heads:
            out[head.out.indices] = False
        out[block.write.indices] = False
        out &= (block.head_bias == 0) & (block.write_bias == 0)
    return bool(out[features].all()) and not model.embed[1:, features].any()


def _sizes(forms: Forms, now: Range) -> np.ndarray:
    """The size of the constant, as for a bit read as +-1; without one the largest size."""
    ends = now.through(forms.matrix, forms.bias)
    return np.where(forms.bias == 0, np.maximum(abs(ends.low), abs(ends.high)), abs(forms.bias))


def _most(query: Forms, key: Forms, begin_key: np.ndarray, now: Range) -> float:
    """The most by which the components can put a key before the first token."""
    asked, given = now.through(query.matrix, query.bias), now.through(key.matrix, key.bias)
    low, high = given.low - begin_key, given.high - begin_key
    corners = np.stack([asked.low * low, asked.low * high, asked.high * low, asked.high * high])
    return float(corners.max(axis=0).sum()) if len(query) else 0.0


def same_keys(one: HeadPlan, other: HeadPlan) -> bool:
    """Whether two heads of a block take in the same keys with the same values."""
    if one.keeps == "all" or one.turns or other.turns or (one.keeps, one.slope) != (other.keeps, other.slope):
        return False
    pairs = [(one.key, other.key), (one.offset, other.offset), (one.value, other.value)]
    return all(_equal(first, second) for first, second in pairs)


def joint_scale(head: HeadPlan) -> float | None:
    """The positive number that makes each query of the key at its own position; None where no number does."""
    query, key = head.query, head.key
    if not len(key) or not key.bias[0]:
        return None
    scale = float(query.bias[0] / key.bias[0])
    scaled = Forms(matrix=(key.matrix * scale).tocsr(), bias=key.bias * scale)
    return scale if scale > 0 and _equal(scaled, query) else None


def _same_pattern(one: HeadPlan, other: HeadPlan) -> bool:
    if one.begin_score is None or other.begin_score is None:
        return False
    pairs = [(one.query, other.query), (one.key, other.key), (one.offset, other.offset)]
    pairs.append((one.begin_score, other.begin_score))
    return one.slope == other.slope and all(_equal(first, second) for first, second in pairs)


def _equal(one: Forms, other: Forms) -> bool:
    return (
        one.matrix.shape == other.matrix.shape
        and np.array_equal(one.bias, other.bias)
        and (one.matrix != other.matrix).nnz == 0
    )


def _joined(one: HeadPlan, other: HeadPlan) -> HeadPlan:
    value = Forms(
        matrix=sparse.vstack([one.value.matrix, other.value.matrix]).tocsr(),
        bias=np.concatenate([one.value.bias, other.value.bias]),
    )
    return replace(
        one,
        indices=one.indices + other.indices,
        value=value,
        out=sparse.vstack([one.out, other.out]).tocsr(),
        begin_value=np.concatenate([one.begin_value, other.begin_value]),
    )
