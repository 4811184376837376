"""Machines as trace programs: a computer's tokens, and the words that say which token comes next."""
