"""Machines written as trace programs: Turing machines, a RISC-V computer.

Takes a table, a program or an executable file; gives trace programs, the artifacts they compile to, and what a run of
one means. May import `compiler`, `exchange`, `execute`, `lang`, `model` and `core`. The loop that decodes is
`execute`'s: it knows nothing of machines.
"""
