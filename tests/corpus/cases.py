"""The corpus: every program that ships, in the order of the catalogue."""

from __future__ import annotations

from tests.corpus import arithmetic, brackets, finding, orders
from tests.corpus.case import CATALOGUE, Case

_ALL = {(c.file, c.name): c for room in (orders, brackets, finding, arithmetic) for c in room.CASES}

CORPUS: tuple[Case, ...] = tuple(_ALL[listed.file, listed.name] for listed in CATALOGUE.PROGRAMS)
