"""Turing machines as trace programs, one token a step."""
