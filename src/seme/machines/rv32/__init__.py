"""The RV32IM computer, without its weights: what it is, how C gets there, and what it must answer.

Takes C or ELF files, gives a `Program`; takes a `Program`, gives what every instruction does, twice: `reference` in
plain Python, `emulator` by an independent library. Imports `core` only, so neither leans on the weights they judge.
"""
