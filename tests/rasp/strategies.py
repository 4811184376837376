"""Random RASP expressions whose values are integers, booleans and None.

Means are taken of integers over at most four keys and multiplied by twelve, so that evaluation in floating point and
exact evaluation can be compared for equality.
"""

import operator

from hypothesis import strategies as st

from seme import rasp

MOST_TOKENS = 4
TOKENS = (0, 1, 2, 3)

_constants = st.sampled_from([-1, 0, 1, 2, True, False])
_operators = st.sampled_from(
    [
        operator.add, operator.sub, operator.mul, operator.lt, operator.le, operator.gt, operator.ge, operator.eq,
        operator.ne, operator.and_, operator.or_,
    ]
)  # fmt: skip
_functions = st.sampled_from(
    [lambda x: x % 2, lambda x: None if x == 1 else x, lambda x: x is None, lambda x: 0 if x is None else x]
)
_predicates = st.one_of(
    st.sampled_from(list(rasp.Comparison)),
    st.sampled_from([lambda k, q: k == 1, lambda k, q: k is not None and q is not None and k + q > 2, operator.eq]),
)


def _twelvefold(x):
    return round(x * 12)


@st.composite
def selectors(draw: st.DrawFn, depth: int) -> rasp.Selector:
    how = draw(st.sampled_from(["select", "select", "and", "or", "not"] if depth else ["select"]))
    simplify = draw(st.booleans())
    if how == "select":
        return rasp.Select(draw(sops(depth)), draw(sops(depth)), draw(_predicates))
    inner = draw(selectors(depth - 1))
    if how == "not":
        return rasp.selector_not(inner, simplify=simplify)
    combine = rasp.selector_and if how == "and" else rasp.selector_or
    return combine(inner, draw(selectors(depth - 1)), simplify=simplify)


@st.composite
def sops(draw: st.DrawFn, depth: int) -> rasp.SOp:
    if not depth:
        leaf = st.sampled_from([rasp.tokens, rasp.indices, rasp.length])
        return draw(st.one_of(leaf, st.builds(rasp.Full, _constants)))
    inner = sops(depth - 1)
    kinds = ["constant", "constant", "reflected", "operator", "not", "map", "pair", "linear", "width", "aggregate"]
    match draw(st.sampled_from(kinds)):
        case "constant":
            return draw(_operators)(draw(inner), draw(_constants))
        case "reflected":
            return draw(_operators)(draw(_constants), draw(inner))
        case "operator":
            return draw(_operators)(draw(inner), draw(inner))
        case "not":
            return ~draw(inner)
        case "map":
            return rasp.Map(draw(_functions), draw(inner), simplify=draw(st.booleans()))
        case "pair":
            return rasp.SequenceMap(lambda x, y: (x + 2 * y) % 3, draw(inner), draw(inner))
        case "linear":
            factors = st.sampled_from([-2, -1, -1.0, 0, 1, 3.0])
            return rasp.LinearSequenceMap(draw(inner), draw(inner), draw(factors), draw(factors))
        case "width":
            return rasp.SelectorWidth(draw(selectors(depth - 1)))
    default = draw(st.sampled_from([None, 0, 1]))
    return rasp.Map(_twelvefold, rasp.Aggregate(draw(selectors(depth - 1)), draw(inner), default), simplify=False)
