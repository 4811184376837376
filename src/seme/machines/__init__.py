"""Machines: computers whose every step is taken by constructed weights.

Takes programs (C, ELF files, tables), gives runs of a transformer that computes them. What the weights must do is
defined apart from them: `rv32` holds the processor, its tool chain and the emulators it is held to, `turing` tables and
a plain simulator. Imports the rooms below.
"""
