"""Where registered PBXs are: one small SQLite file in the home, written by the SIP workers.

Runs inside Kamailio: standard library and core only. Not Kamailio's usrloc, which keeps contacts in its memory: these
outlive a killed Kamailio and a restart of the node (docs/decisions/0009-registrations.md). A connection per process,
opened when it is needed first, so that a node whose trunks take no registrations has no such file open.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from trunkline.core.registration import Contact, Registered, in_order

BUSY_SECONDS = 1.0
"""How long a worker waits for another one's write, which takes a millisecond."""
_COLUMNS = ", ".join(Contact._fields)
_PUT = f"INSERT OR REPLACE INTO contacts ({_COLUMNS}) VALUES ({', '.join('?' * len(Contact._fields))})"  # noqa: S608
_DDL = """
CREATE TABLE IF NOT EXISTS contacts (
    trunk_sid TEXT NOT NULL, uri TEXT NOT NULL, q REAL NOT NULL,
    source_ip TEXT NOT NULL, source_port INTEGER NOT NULL, transport TEXT NOT NULL,
    until REAL NOT NULL, refreshed REAL NOT NULL, call_id TEXT NOT NULL, cseq INTEGER NOT NULL,
    instance TEXT NOT NULL, user_agent TEXT NOT NULL,
    PRIMARY KEY (trunk_sid, uri)
) WITHOUT ROWID
"""


class Registrations:
    """The contacts of this node. Every method raises sqlite3.Error where the file cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: sqlite3.Connection | None = None
        self._inode = 0

    def contacts(self, trunk_sid: str, now: float) -> tuple[Contact, ...]:
        """Of one trunk, those that have not expired, in the order in which calls try them. `now`: Unix seconds."""
        return in_order(self._rows("WHERE trunk_sid = ? AND until > ?", trunk_sid, now))

    def all(self, now: float) -> list[Contact]:
        """Of all trunks, those that have not expired."""
        return self._rows("WHERE until > ? ORDER BY trunk_sid, uri", now)

    def change(self, trunk_sid: str, now: float, judge: Callable[[Sequence[Contact]], Registered]) -> Registered:
        """What `judge` makes of the trunk's contacts, stored; two workers never judge at a time. Those that have
        expired stay until `take_expired` tells of them.
        """
        try:
            return self._change(trunk_sid, now, judge)
        except sqlite3.OperationalError:  # busy for too long, or the disk is full
            raise
        except sqlite3.DatabaseError:
            # A damaged file: what was in it the PBXs say again, and nothing may keep them from it.
            self.close()
            self._path.replace(self._path.with_name(f"{self._path.name}.damaged"))
            return self._change(trunk_sid, now, judge)

    def _change(self, trunk_sid: str, now: float, judge: Callable[[Sequence[Contact]], Registered]) -> Registered:
        connection = self._connection(create=True)
        connection.execute("BEGIN IMMEDIATE")
        try:
            before = self._rows("WHERE trunk_sid = ? AND until > ?", trunk_sid, now)
            outcome = judge(before)
            if outcome.status == 200 and set(before) != set(outcome.contacts):
                connection.execute("DELETE FROM contacts WHERE trunk_sid = ? AND until > ?", (trunk_sid, now))
                connection.executemany(_PUT, outcome.contacts)
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        return outcome

    def take_expired(self, now: float) -> list[Contact]:
        """Forget those that have expired, and say which."""
        if not self._path.exists():
            return []
        connection = self._connection(create=False)
        expired = self._rows("WHERE until <= ?", now)
        if expired:
            connection.execute("DELETE FROM contacts WHERE until <= ?", (now,))
        return expired

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def _rows(self, condition: str, *values: object) -> list[Contact]:
        if not self._path.exists():
            return []
        return [Contact(*row) for row in self._connection(create=False).execute(*_select(condition, *values))]

    def _connection(self, *, create: bool) -> sqlite3.Connection:
        if self._open is not None and self._inode != _inode(self._path):
            self.close()  # another file is in its place
        if self._open is None:
            if create:
                os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            connection = sqlite3.connect(
                self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            # A killed process loses nothing by it; a machine without power loses what the PBXs say again by themselves.
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(_DDL)
            self._open, self._inode = connection, _inode(self._path)
        return self._open


def _select(condition: str, *values: object) -> tuple[str, tuple[object, ...]]:
    return f"SELECT {_COLUMNS} FROM contacts {condition}", values  # noqa: S608  columns are our own names


def _inode(path: Path) -> int:
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return 0
