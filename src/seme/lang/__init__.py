"""The language: how programs are written, and the interpreter that says what they mean.

Takes Python expressions over sequences, gives a `Program` and, through `interpret`, its one true answer.
Imports `core` only: no torch, no weights.
"""
