"""One SQLite file of runs, with leases so that two sweeps over one file never do the same run twice."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from seme.core.errors import FolderError
from seme.store._key import canonical_json, content_key

SCHEMA_VERSION = 1
_SCHEMA = """
create table if not exists runs (
    key text primary key,
    study text not null,
    configuration text not null,
    result text not null,
    seconds real not null,
    finished text not null
) without rowid;
create index if not exists runs_by_study on runs (study, finished);
create table if not exists leases (
    key text primary key,
    owner text not null,
    expires real not null
) without rowid;
"""
# A lease outlives every silence of a healthy worker (which renews it) and bounds the wait after a crash.
LEASE_SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A finished run.

    Attributes:
        key: Hash of study and configuration.
        study: Name of the study.
        configuration: What decided the result.
        result: What came out, plain JSON.
        seconds: Wall time the run took.
        finished: UTC time of storing, ISO 8601.
    """

    key: str
    study: str
    configuration: dict[str, Any]
    result: dict[str, Any]
    seconds: float
    finished: str


class Store:
    """Results by configuration, in a SQLite file; also a context manager that closes the file.

    Processes may share one file: writes are transactions (write-ahead log), and `lease` hands each key
    to one owner at a time.

    Args:
        path: The file, made when missing, in a folder that exists; `":memory:"` keeps everything in memory.

    Raises:
        FolderError: The file cannot be made, is not a SQLite database, or not a store of this schema.

    >>> store = Store(":memory:")
    >>> store.put("demo", {"width": 64}, {"gap": 0.25}, seconds=1.0).key == content_key("demo", {"width": 64})
    True
    >>> store.get("demo", {"width": 64}).result
    {'gap': 0.25}
    >>> store.close()
    """

    def __init__(self, path: str | Path):
        self.path = str(path)
        started = _started(os.getpid())
        self._owner = f"{os.uname().nodename}:{os.getpid()}:{started}:{os.urandom(4).hex()}"
        self._database: sqlite3.Connection | None = None
        try:
            self._database = sqlite3.connect(self.path, timeout=60.0, isolation_level=None)
            self._prepare(self._database)
        except sqlite3.Error as error:
            self.close()
            raise FolderError(
                f"cannot open {self.path} as a results store: {error}",
                hint="name another file, or move this one away",
            ) from error

    def _prepare(self, database: sqlite3.Connection) -> None:
        version = database.execute("pragma user_version").fetchone()[0]
        if version not in (0, SCHEMA_VERSION):
            self.close()
            raise FolderError(
                f"{self.path} has schema {version}, this version of seme reads schema {SCHEMA_VERSION}",
                hint="name another file, or use the version of seme that wrote this one",
            )
        database.execute("pragma journal_mode = wal")
        database.executescript(_SCHEMA)
        database.execute(f"pragma user_version = {SCHEMA_VERSION}")

    @property
    def _db(self) -> sqlite3.Connection:
        if self._database is None:
            raise FolderError(f"the results store {self.path} is closed", hint="open it again with Store(path)")
        return self._database

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._db.execute("begin immediate")
        try:
            yield self._db
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")

    def get(self, study: str, configuration: Mapping[str, Any]) -> Run | None:
        """The finished run of a configuration, or None when it has not been run."""
        row = self._db.execute("select * from runs where key = ?", (content_key(study, configuration),)).fetchone()
        return None if row is None else _run(row)

    def runs(self, study: str | None = None) -> tuple[Run, ...]:
        """All finished runs, oldest first; of one study when it is named."""
        rows = self._db.execute("select * from runs where ?1 is null or study = ?1 order by finished, key", (study,))
        return tuple(_run(row) for row in rows)

    def lease(self, study: str, configuration: Mapping[str, Any], *, seconds: float = LEASE_SECONDS) -> bool:
        """Reserves a configuration for this store object; renews a lease already held.

        Args:
            study: Name of the study.
            configuration: What is to be run.
            seconds: After this long without renewal another owner may take it (its worker is taken for dead).

        Returns:
            True when the run is ours to do; False when it is finished or another live owner does it.
        """
        key, now = content_key(study, configuration), time.time()
        with self._transaction() as database:
            if database.execute("select 1 from runs where key = ?", (key,)).fetchone():
                return False
            held = database.execute("select owner, expires from leases where key = ?", (key,)).fetchone()
            if held is not None and held[0] != self._owner and held[1] > now and not _is_dead(held[0]):
                return False
            database.execute("replace into leases values (?, ?, ?)", (key, self._owner, now + seconds))
        return True

    def holder(self, study: str, configuration: Mapping[str, Any]) -> str | None:
        """Who else does a configuration now, as "process N on NODE"; None when nobody does."""
        row = self._db.execute(
            "select owner from leases where key = ? and owner != ? and expires > ?",
            (content_key(study, configuration), self._owner, time.time()),
        ).fetchone()
        if row is None:
            return None
        node, pid, *_ = row[0].split(":")
        return f"process {pid} on {node}"

    def release(self, study: str, configuration: Mapping[str, Any]) -> None:
        """Gives up our lease, so that another owner may run the configuration; holding none is no error."""
        with self._transaction() as database:
            database.execute(
                "delete from leases where key = ? and owner = ?",
                (content_key(study, configuration), self._owner),
            )

    def put(self, study: str, configuration: Mapping[str, Any], result: Mapping[str, Any], *, seconds: float) -> Run:
        """Keeps a result; the first one stays when the configuration has one already.

        Args:
            study: Name of the study.
            configuration: What decided the result.
            result: Plain JSON; NaN and infinity are refused, write None.
            seconds: Wall time of the run.

        Returns:
            The run as stored (the earlier one, where there was one).

        Raises:
            UsageError: Configuration or result is not plain JSON.
        """
        key = content_key(study, configuration)
        finished = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        row = (
            key,
            study,
            canonical_json(dict(configuration)),
            canonical_json(dict(result)),
            seconds,
            finished,
        )
        with self._transaction() as database:
            database.execute("insert or ignore into runs values (?, ?, ?, ?, ?, ?)", row)
            database.execute("delete from leases where key = ?", (key,))
            return _run(database.execute("select * from runs where key = ?", (key,)).fetchone())

    def close(self) -> None:
        """Closes the file; leases stay until they expire or their process is seen to be dead."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _run(row: tuple[Any, ...]) -> Run:
    return Run(
        key=row[0],
        study=row[1],
        configuration=json.loads(row[2]),
        result=json.loads(row[3]),
        seconds=row[4],
        finished=row[5],
    )


def _is_dead(owner: str) -> bool:
    """Whether the owner's process ran here and has ended; owners elsewhere are judged by time alone.

    A process that took the number of one that ended started at another time.
    """
    node, pid, started, *_ = owner.split(":")
    return node == os.uname().nodename and _started(int(pid)) != started


def _started(pid: int) -> str:
    """When a process of this machine began, in clock ticks since boot; empty when it has ended, reaped or not.

    Where there is no /proc it is "?" for every process that runs.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[19]
    except OSError:
        pass
    if Path("/proc/self/stat").exists():
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "?"
