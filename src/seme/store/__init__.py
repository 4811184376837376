"""The store: results kept in one SQLite file, each under the hash of the configuration that made it.

Takes a configuration and a result (plain JSON values), gives the result back to whoever asks with an equal
configuration. A killed sweep continues where it stopped and no configuration is run twice, even by two sweeps
that share the file. The file is ordinary SQLite: Datasette opens it as it is. Imports `core` only, no torch.
"""

from seme.store._key import canonical_json, content_key
from seme.store._store import Run, Store

__all__ = ["Run", "Store", "canonical_json", "content_key"]
