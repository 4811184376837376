"""Read: where a transformer keeps positions, tokens and everything else.

Takes plain arrays (a position table, a token table, scores, activations) and gives measures, each with its
null and its interval; `read.run` puts them together for a checkpoint on disk. Sees weights only: imports
`core`, never a program. Every measure is a function that can be used alone::

    from seme.read.positions import measure_positions
    report = measure_positions(table, seed=0)
"""
