"""The corpus in RASP: every program with its statement in words, and answers derived by hand from the statement."""

from tests.rasp.counting_sorting_brackets import BRACKETS, COUNTING, ORDERING
from tests.rasp.entry import RaspProgram
from tests.rasp.moving_adding_freer import FREER, MOVING

PROGRAMS: tuple[RaspProgram, ...] = COUNTING + ORDERING + BRACKETS + MOVING + FREER

__all__ = ["PROGRAMS", "RaspProgram"]
