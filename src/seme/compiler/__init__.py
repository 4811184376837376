"""The compiler: a program becomes a transformer whose weights compute it, with a certificate.

Takes a `lang` program, gives an `Artifact`, through passes that are each verified: lower, schedule, allocate,
emit, certify. Imports `lang`, `ir`, `model`, `execute` and `core`.
"""
