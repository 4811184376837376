"""Execution: an artifact and tokens in, outputs out.

`dense` is the definition. Sees weights only: never a program or a graph. Imports `model` and `core`.
"""
