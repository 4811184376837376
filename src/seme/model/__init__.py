"""The transformer itself: what a model is (`Artifact`) and its forward pass.

Takes shapes and weights, gives logits. Knows nothing of programs: imports `core` only.
"""

from seme.model.artifact import Architecture, Artifact, OutputBlock, Spec, TokenTable
from seme.model.names import shapes
from seme.model.transformer import Hook, forward, run_with_cache

__all__ = [
    "Architecture",
    "Artifact",
    "Hook",
    "OutputBlock",
    "Spec",
    "TokenTable",
    "forward",
    "run_with_cache",
    "shapes",
]
