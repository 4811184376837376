"""Core: errors, spaces, axis names and numerics.

Takes nothing, gives the words every other room is written in. Imports only the standard library and numpy.
"""
