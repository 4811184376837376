"""What is read through a selector: how many keys it selects, and what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic

from seme.core.errors import ProgramError
from seme.rasp.base import VT, RASPExpr, expect
from seme.rasp.selectors import Selector
from seme.rasp.sops import SOp


class SelectorWidth(SOp):
    """How many keys each query selects."""

    default_name = "selector_width"

    def __init__(self, selector: Selector):
        super().__init__()
        self.selector: Selector = expect(selector, Selector, "the selector of a SelectorWidth")

    @property
    def children(self) -> Sequence[RASPExpr]:
        """The selector."""
        return [self.selector]


class Aggregate(SOp, Generic[VT]):
    """The value of the one selected key, or the mean of the selected numbers.

    Args:
        selector: Which keys each query sees.
        sop: What they hold.
        default: The answer where nothing is selected.
    """

    default_name = "aggregate"

    def __init__(self, selector: Selector, sop: SOp, default: Any = None):
        super().__init__()
        self.selector: Selector = expect(selector, Selector, "the selector of an Aggregate")
        self.sop: SOp = expect(sop, SOp, "the values of an Aggregate")
        if default is not None and not isinstance(default, (str, float, bool, int)):
            raise ProgramError(
                f"the default of an Aggregate is a {type(default).__name__}, expected a plain value",
                hint="a default is a number, a string, a boolean or None",
            )
        self.default = default

    @property
    def children(self) -> Sequence[RASPExpr]:
        """The selector and the values."""
        return [self.selector, self.sop]
