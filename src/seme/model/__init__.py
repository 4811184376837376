"""The transformer itself: what a model is (`Artifact`) and its forward pass.

Takes shapes and weights, gives logits. Knows nothing of programs: imports `core` only.
"""
