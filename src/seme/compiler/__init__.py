"""The compiler: a program becomes a transformer whose weights compute it, with a certificate.

Takes a `lang` program, gives an `Artifact` in the hand (a `Model`), through passes that are each verified: lower,
schedule, allocate, certify, emit. Imports `lang`, `ir`, `exchange`, `execute`, `model` and `core`.
"""

from seme.compiler.pipeline import compile

__all__ = ["compile"]
