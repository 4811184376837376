"""How far a program reaches: for each float type the longest `max_length` that is proved.

Lengths are doubled from the asked one until the proof fails, then the gap is halved a few times. A length that is
reported was itself planned and proved; a longer one may be provable where the search stopped early.
"""

from __future__ import annotations

from dataclasses import replace

from seme.compiler.certify import certify
from seme.compiler.pipeline import ROBUSTNESS, Activation, Plan, attempt
from seme.core.errors import SemeError
from seme.core.numerics import FLOAT_TYPES
from seme.ir import Attend, Neurons
from seme.lang import expressions as e
from seme.lang.program import Program, walk

LONGEST = 4096
"""No longer length is tried."""

FINENESS = 8
"""The gap between a proved and an unproved length is halved until it is at most this part of the proved one."""

MOST_WORK = 800_000
"""Steps a longer plan may be expected to take; a step is about a microsecond. What is counted is values rather than
time, so that the same program gives the same certificate on every machine."""

PER_JOIN, PER_SELECT, PER_PAIR, PER_VALUE = 3.0, 1.0, 0.25, 16.0
"""Steps per pair of positions for each map of two values and each selector, and for any program; and per value that
a head or a bank of neurons tells apart. Measured on the examples, to within a factor of about three."""


def exact_up_to(program: Program, activation: Activation = "relu") -> dict[str, int]:
    """For each float type, the longest `max_length` found that could be asked for and is proved.

    Args:
        program: A closed program; the search starts from its `max_length`.
        activation: "relu" or "gelu".

    Returns:
        Float type -> length, at most `LONGEST`; 0 where not even one token is proved. For one to `FINENESS` tokens
        the next longer length is known to be unproved; above, a longer one by up to an eighth may be provable, or by
        more where a plan would take more than `MOST_WORK` steps.
    """
    search = _Search(program, activation)
    return {name: search.longest(name) for name in FLOAT_TYPES}


class _Search:
    """Plans made so far, shared by all float types."""

    def __init__(self, program: Program, activation: Activation) -> None:
        self.program = program
        self.activation: Activation = activation
        self.plans: dict[tuple[int, int], Plan | None] = {}
        expressions = [node for output in program.outputs.values() for node in walk(output)]
        joins = sum(isinstance(node, e.Map) and _varying(node) > 1 for node in expressions)
        selects = sum(isinstance(node, e.Select) for node in expressions)
        self.per_pair = PER_JOIN * joins + PER_SELECT * selects + PER_PAIR

    def longest(self, dtype: str) -> int:
        """The longest length proved in one float type."""
        proved, unproved = self._bracket(dtype)
        while proved and unproved - proved > max(1, proved // FINENESS):
            middle = (proved + unproved) // 2
            if self.proved(middle, dtype):
                proved = middle
            else:
                unproved = middle
        return proved

    def _bracket(self, dtype: str) -> tuple[int, int]:
        """A proved length and the next longer one that was found unproved; one above it where none was."""
        length = min(self.program.max_length, LONGEST)
        if self.proved(length, dtype):
            while length < LONGEST and self.work(length) <= MOST_WORK:
                following = min(2 * length, LONGEST)
                if not self.proved(following, dtype):
                    return length, following
                length = following
            return length, length + 1
        while length > 1:
            shorter = length // 2
            if self.proved(shorter, dtype):
                return shorter, length
            length = shorter
        return 0, 1

    def proved(self, length: int, dtype: str) -> bool:
        """Whether one of the ways to compile is proved."""
        return any(self._holds(length, dtype, robust=robust) for robust in ROBUSTNESS)

    def _holds(self, length: int, dtype: str, *, robust: int) -> bool:
        plan = self.plan(length, robust=robust)
        if plan is None:
            return False
        if plan.certificate.dtype == dtype:
            return plan.certificate.proved
        kind = FLOAT_TYPES[dtype]
        return certify(plan.graph, plan.placed, plan.plan, kind, activation=self.activation).proved

    def plan(self, length: int, *, robust: int) -> Plan | None:
        """The plan for a length, or None where the compiler refuses it in every float type."""
        key = (length, robust)
        if key not in self.plans:
            asked = replace(self.program, max_length=length)
            try:
                self.plans[key] = attempt(asked, dtype="float64", activation=self.activation, robust=robust)
            except SemeError:
                self.plans[key] = None
        return self.plans[key]

    def work(self, length: int) -> float:
        """Steps that the plan for twice the length is expected to take."""
        plan = self.plan(length, robust=0)
        values = 0
        for node in plan.graph.nodes if plan is not None else ():
            if isinstance(node, Neurons) and node.points is not None:
                values += len(node.points)
            elif isinstance(node, Attend):
                values += sum(len(queries) + len(keys) for queries, keys in node.factors)
        return 4 * (self.per_pair * length**2 + PER_VALUE * values)


def _varying(node: e.Map) -> int:
    return sum(not isinstance(argument, e.Constant) for argument in node.inputs)
