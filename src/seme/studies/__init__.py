"""Studies: one module per scientific question, each turning a grid of settings into rows of the store.

Takes settings and a `Store`, gives stored runs and their summary as plain JSON. A run in the store is not
repeated. Imports `store`, `learn`, `read` and what is below them.
"""
