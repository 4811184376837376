"""The intermediate representation: a typed graph over named spaces, its verifier, evaluator and text form.

Takes nodes of five kinds (Embed, Affine, Neurons, Attend, Unembed), gives a checked `Graph`. Everything written
by a person lowers to it; everything that makes weights starts from it. Imports `core` only.
"""
