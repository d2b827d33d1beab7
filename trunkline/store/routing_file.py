"""routing.db as a file: made, opened, replaced, read. What goes into it, `publish.py` knows.

The publisher is its only writer, the edge's workers read it. A file that serves is changed in place, in one transaction
of SQLite, so a reader has the old state or the new one. A file that does not (missing, of another schema, no database)
is made anew beside it and then takes its place: readers go on with what they have open, and see by the inode of the
path that there is another one. The old file stays under another name.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from trunkline.core.routing_schema import DDL, SCHEMA, TABLES
from trunkline.store.errors import RoutingDbUnusable
from trunkline.store.wal import POLL_S, switch_to_wal

BUSY_TIMEOUT_S = 60
"""How long to wait for another writer, say `trunkline routing rebuild` beside a running node."""
WAL_LIMIT_BYTES = 32 * 1024 * 1024
"""To what size the -wal file shrinks again after a rebuild."""

_log = logging.getLogger(__name__)
_DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


@dataclass(frozen=True, slots=True)
class Position:
    """The last change that the file holds."""

    change: int
    """`changes.seq`; 0 before the first."""
    mark: str
    """What that change was. The same number with another mark is another store, or an older backup of this one."""


NOWHERE = Position(0, "")
"""Before the first change."""


class RoutingFile:
    """One open routing.db. For one thread at a time. Raises RoutingDbUnusable for what the file system refuses."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None
        self._inode: int | None = None

    def refusal(self) -> str | None:
        """Why the file cannot serve and has to be made anew, in words; None when it is open and serves."""
        if self._connection is not None and self._inode == _inode(self.path):
            return None
        self.close()
        if not self.path.exists():
            return "it does not exist"
        with self._named():
            reason = _foreign(self.path)
            if reason is None:
                self._connection = _connect(self.path)
                self._inode = _inode(self.path)
        return reason

    @property
    def connection(self) -> sqlite3.Connection:
        assert self._connection is not None, "ask refusal() first"
        return self._connection

    def position(self) -> Position:
        with self._named():
            meta = dict(self.connection.execute("SELECT key, value FROM meta").fetchall())
        return Position(int(meta["change"]), meta["change_mark"])

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write in place: all of it, or nothing when the block raises."""
        connection = self.connection
        with self._named():
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other programs from making the file anew at the same time; ask `refusal` again inside."""
        with self._named():
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(f"{self.path}.lock", os.O_CREAT | os.O_RDWR, 0o600)
            try:
                _wait_for(lock)
                yield
            finally:
                os.close(lock)

    @contextmanager
    def replacement(self, reason: str) -> Iterator[sqlite3.Connection]:
        """Write a new file, which takes the place of this one at the end; nothing happens when the block raises.

        Only inside `alone`.
        """
        beside = self.path.with_name(self.path.name + ".new")
        with self._named():
            _remove(beside)  # of a program that was killed
            os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))  # it holds HA1s
            connection = _connect(beside)
            try:
                connection.executescript(f"BEGIN IMMEDIATE; {DDL}")
                connection.execute("INSERT INTO meta VALUES ('schema', ?)", (str(SCHEMA),))
                yield connection
                connection.execute("COMMIT")
                connection.close()  # the last one to close folds the -wal file into the database
                self._take_place(beside, reason)
            finally:
                connection.close()
                _remove(beside)

    def _take_place(self, beside: Path, reason: str) -> None:
        self.close()
        if self.path.exists():
            kept = _aside(self.path)
            os.link(self.path, kept)
            # A -wal file goes by the name of its database: left here, it would be taken for the new one's.
            for ending in ("-wal", "-shm"):
                if (old := Path(f"{self.path}{ending}")).exists():
                    old.replace(f"{kept}{ending}")
            _log.warning("%s is made anew: %s; the old file is kept as %s", self.path, reason, kept.name)
        else:
            _log.info("%s is made anew: %s", self.path, reason)
        beside.replace(self.path)
        assert self.refusal() is None, "the new file does not serve"

    def checkpoint(self) -> None:
        """Fold the -wal file into the database and cut it, as far as readers allow at this moment."""
        with self._named():
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def damaged(self, error: BaseException | None) -> bool:
        """Whether this error says that the file is broken; it is then closed, and `refusal` says so."""
        if not isinstance(error, sqlite3.DatabaseError) or error.sqlite_errorcode not in _DAMAGED:
            return False
        self.close()
        return True

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise RoutingDbUnusable(f"{self.path} cannot be written: {error}") from error


def content_digest(path: Path) -> str:
    """SHA-256 in hex over all rows of all tables, in a canonical order; `meta` aside. Raises RoutingDbUnusable."""
    digest = hashlib.sha256()
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        connection.execute("BEGIN")
        for table in sorted(TABLES):
            digest.update(f"{table}\n".encode())
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            names = ", ".join(sorted(columns))
            for row in connection.execute(f"SELECT {names} FROM {table} ORDER BY {names}"):  # noqa: S608
                digest.update(f"{row!r}\n".encode())
    except sqlite3.Error as error:
        raise RoutingDbUnusable(f"{path} cannot be read: {error}") from error
    finally:
        connection.close()
    return digest.hexdigest()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        switch_to_wal(connection, BUSY_TIMEOUT_S)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")
        connection.execute("PRAGMA cache_size = -65536")  # KiB
    except BaseException:
        connection.close()
        raise
    return connection


def _foreign(path: Path) -> str | None:
    """Why this file is none of ours, in words. Changes nothing in it: it may be somebody's."""
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    try:
        return _other_content(connection)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode not in _DAMAGED:
            raise
        return f"it is no database ({error})"
    finally:
        connection.close()


def _other_content(connection: sqlite3.Connection) -> str | None:
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return "it is empty"
    if not tables >= {"meta", *TABLES}:
        return "it has other tables"
    meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
    if meta.get("schema") != str(SCHEMA):
        return f"it has schema {meta.get('schema')}, this Trunkline writes {SCHEMA}"
    if not {"change", "change_mark"} <= meta.keys():
        return "it does not say up to which change it goes"
    return None


def _wait_for(lock: int) -> None:
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
        time.sleep(POLL_S)


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def _aside(path: Path) -> Path:
    """A name beside `path` that is free."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    number = 0
    while (name := path.with_name(f"{path.name}.old-{stamp}{f'-{number}' if number else ''}")).exists():
        number += 1
    return name


def _remove(path: Path) -> None:
    for ending in ("", "-wal", "-shm", "-journal"):
        Path(f"{path}{ending}").unlink(missing_ok=True)
