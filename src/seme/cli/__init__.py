"""The command line: one file per command under `commands/`, each a thin call of the library.

Takes arguments, gives data on stdout and messages on stderr. May import every room, but only inside a
command's body: `seme --help` must not load torch.
"""

from seme.cli.main import main

__all__ = ["main"]
