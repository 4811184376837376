"""Exchange: artifacts to and from the files of other tools (transformers, ONNX, TransformerLens).

Takes an `Artifact`, gives a folder, and back. Sees weights only. Imports `model`, `execute` and `core`.
"""
