"""Turing machines as trace programs, one token for every step.

Takes a table in the busy-beaver community's text form, or a name; gives the trace program, its model, and runs of it.

    table      text -> table; what is malformed, by state and symbol
    named      champions and published universal machines
    tag        tag systems, and how the universal machines hold one on their tape
    simulator  what a table means, apart from all else
    odometer   the head's place as digits, and the code of a step
    head       words of the head: its place, the cell a token wrote, the next code
    program    one machine: its table is in the weights
    universal  one program for all machines of a size: the table stands in the prompt
    said       what tokens say; replay reads a trace with it
    model      artifacts; running decodes them
"""

from seme.machines.turing.model import machine_of, turing_model
from seme.machines.turing.named import NAMED, table
from seme.machines.turing.odometer import Odometer
from seme.machines.turing.program import Machine, turing
from seme.machines.turing.replay import Replay
from seme.machines.turing.running import Outcome, run
from seme.machines.turing.simulator import Run, simulate
from seme.machines.turing.table import Entry, Table, parse
from seme.machines.turing.universal import Universal, universal

__all__ = [
    "NAMED",
    "Entry",
    "Machine",
    "Odometer",
    "Outcome",
    "Replay",
    "Run",
    "Table",
    "Universal",
    "machine_of",
    "parse",
    "run",
    "simulate",
    "table",
    "turing",
    "turing_model",
    "universal",
]
