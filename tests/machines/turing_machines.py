"""Random machines and tapes, and a trace read back."""

import numpy as np
from hypothesis import strategies as st

from seme.machines.turing.odometer import Odometer
from seme.machines.turing.replay import Replay
from seme.machines.turing.table import LETTERS, OPEN

ODOMETERS = [Odometer(widths=widths) for widths in ((1, 2, 3), (2, 1, 1, 2), (2, 2, 2), (3, 3, 3), (5, 4), (9,))]


@st.composite
def tables(draw, most_states=4, most_symbols=4, open_entries=True):
    states, symbols = draw(st.integers(1, most_states)), draw(st.integers(2, most_symbols))
    entry = st.builds(
        "{}{}{}".format, st.integers(0, symbols - 1), st.sampled_from("LR"), st.sampled_from([*LETTERS[:states], "Z"])
    )
    if open_entries:
        entry = st.one_of(entry, entry, entry, entry, st.just(OPEN))
    row = st.lists(entry, min_size=symbols, max_size=symbols).map("".join)
    return "_".join(draw(st.lists(row, min_size=states, max_size=states)))


def tapes(symbols=2, reach=12):
    return st.dictionaries(st.integers(-reach, reach), st.integers(0, symbols - 1), max_size=12)


def read_back(machine, prompt, trace):
    """What a trace says of the tape and the head."""
    replay, row = Replay(machine), machine.program.vocabulary.row
    replay.prompt(np.array([row(token) for token in prompt]))
    replay.feed(np.array([row(token) for token in trace], dtype=np.int64))
    return replay
