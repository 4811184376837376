"""Execution: an artifact and tokens in, outputs out.

`dense` is the definition. Sees weights only: never a program or a graph. Imports `model` and `core`.
"""

from seme.execute.decode import decode
from seme.execute.dense import Dense
from seme.execute.encode import Encoder
from seme.execute.stream import DenseStream, Stream, next_block

__all__ = ["Dense", "DenseStream", "Encoder", "Stream", "decode", "next_block"]
