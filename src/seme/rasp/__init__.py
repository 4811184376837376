"""A drop-in for Tracr's `tracr.rasp.rasp`: the same names and meanings, compiled by Seme.

Takes RASP expressions, gives `lang` programs. Imports `lang` and `core`.
"""
