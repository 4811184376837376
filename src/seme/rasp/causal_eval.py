"""What an expression gives in a causal model, where no position sees those after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seme.rasp.base import RASPExpr
from seme.rasp.evaluation import DefaultRASPEvaluator
from seme.rasp.selectors import Selector
from seme.rasp.sops import LengthType


class CausalEvaluator(DefaultRASPEvaluator):
    """Removes from every selector the keys that come after the query."""

    def evaluate(self, expr: RASPExpr, xs: Sequence[Any]) -> Any:
        """The value of `expr` on the tokens `xs`."""
        value = super().evaluate(expr, xs)
        if not isinstance(expr, Selector):
            return value
        return [[bool(s) and k <= q for k, s in enumerate(row)] for q, row in enumerate(value)]

    def eval_length(self, sop: LengthType, xs: Sequence[Any]) -> list[Any]:
        """How many tokens each position sees: a causal model cannot know of more."""
        return list(range(1, len(xs) + 1))


evaluate = CausalEvaluator().evaluate
