"""The compiled RV32IM machine, made once for a process."""

from __future__ import annotations

import pytest

from seme.execute.sparse import Sparse
from support.rv32_weights import compiled


@pytest.fixture(scope="session")
def rv32_sparse() -> Sparse:
    """The machine with 8-bit digits, proved for 2^32 tokens in float64; `.artifact` is its weights."""
    return Sparse(compiled())
