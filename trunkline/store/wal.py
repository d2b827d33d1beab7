"""SQLite's write-ahead log: readers and one writer at a time do not wait for each other (https://sqlite.org/wal.html)."""

from __future__ import annotations

import sqlite3
import time

POLL_S = 0.01


def switch_to_wal(connection: sqlite3.Connection, within_s: float) -> None:
    """Turn the database to WAL, which it then stays. Raises sqlite3.OperationalError: not within that many seconds.

    Of two that open a new database at the same moment one is told `database is locked` at once: for this statement
    SQLite does not wait, whatever the busy timeout.
    """
    deadline = time.monotonic() + within_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(POLL_S)
