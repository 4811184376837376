"""Exchange: artifacts to and from the files of other tools (transformers, ONNX, TransformerLens).

Takes an `Artifact`, gives a folder, and back. Sees weights only. Imports `model`, `execute` and `core`.
"""

from seme.exchange.model import Model
from seme.exchange.reader import load, load_artifact
from seme.exchange.writer import save

__all__ = ["Model", "load", "load_artifact", "save"]
