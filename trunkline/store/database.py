"""The connection to the store and its transactions: SQLite in the home, or PostgreSQL by URL.

A transaction is opened for writing (`Database.write`) or for reading (`Database.read`). SQLite needs to know: a write
transaction begins with BEGIN IMMEDIATE, so that it waits for its turn at its start. One that begins by reading and
writes later fails at once, whatever the timeout, when somebody else wrote in between (SQLITE_BUSY_SNAPSHOT).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from trunkline.settings import Settings
from trunkline.store import change_log
from trunkline.store.errors import DatabaseUrlInvalid, conflicts_named, outages_named
from trunkline.store.wal import switch_to_wal

BUSY_TIMEOUT_MS = 15_000
"""How long a SQLite writer waits for the one before it."""
CONNECT_TIMEOUT_S = 5
"""How long a connection to PostgreSQL may take."""
WAL_LIMIT_BYTES = 64 * 1024 * 1024
"""To what size the -wal file shrinks again after a large transaction."""
READING = "trunkline_reading"
"""Execution option of an engine whose transactions only read."""

_HINT = "write sqlite:////absolute/path.db or postgresql+psycopg://user:password@host:5432/name"


def database_url(settings: Settings) -> URL:
    """The URL of the node's store: `settings.database_url`, else `trunkline.db` in the home."""
    if settings.database_url is None:
        return URL.create("sqlite", database=str(settings.home / "trunkline.db"))
    return parse_url(settings.database_url)


def parse_url(text: str | URL) -> URL:
    """A URL that the store can use. `postgres://` and `postgresql://` mean psycopg 3, our driver.

    Raises DatabaseUrlInvalid with a text that does not repeat the password.
    """
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise DatabaseUrlInvalid(f"the database URL cannot be read: {_HINT}") from error
    if url.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() != "sqlite":
        raise DatabaseUrlInvalid(f"the database URL begins with {url.drivername}, which is not supported: {_HINT}")
    if url.database in (None, "", ":memory:"):
        raise DatabaseUrlInvalid(f"the database URL names no file, and several programs share it: {_HINT}")
    return url.set(drivername="sqlite+pysqlite")


def open_engine(url: str | URL, *, foreign_keys: bool = True) -> Engine:
    """An engine with everything set that the store relies on. Makes SQLite's folder and file (0600) where missing.

    `foreign_keys=False` is for migrations, which rebuild SQLite tables under the feet of those that refer to them.
    """
    url = parse_url(url)
    if url.get_backend_name() == "postgresql":
        return create_engine(
            url,
            pool_pre_ping=True,  # after an outage the pool holds dead connections
            hide_parameters=True,  # credentials and tokens stay out of logs and tracebacks
            connect_args={"connect_timeout": CONNECT_TIMEOUT_S, "application_name": "trunkline"},
        )
    _make_private_file(Path(str(url.database)))
    engine = create_engine(url, hide_parameters=True)
    event.listen(engine, "connect", _sqlite_pragmas(foreign_keys))
    event.listen(engine, "begin", _sqlite_begin)
    return engine


def reading(engine: Engine) -> Engine:
    """The same engine and pool, for transactions that only read."""
    return engine.execution_options(**{READING: True})


def snapshot(engine: Engine) -> Engine:
    """The same engine and pool, for transactions in which every statement sees the same state of the database."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ", **{READING: True})
    return reading(engine)


class Database:
    """The store of a node. Safe to share between threads; sessions are not."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._reading = reading(engine)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that commits when the block ends well, and leaves no trace when it raises.

        Raises StoreUnavailable when the database is down, Conflict when somebody else was quicker. Objects stay
        readable after the commit.
        """
        session = Session(self.engine, expire_on_commit=False)
        with outages_named(), conflicts_named(), session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only reads and makes nobody wait. Raises StoreUnavailable, and ReadOnly on a change."""
        with outages_named(), Session(self._reading, expire_on_commit=False) as session:
            session.info[change_log.READ_ONLY] = True
            yield session

    def close(self) -> None:
        self.engine.dispose()


def open_database(settings: Settings) -> Database:
    """The store that the settings name. Nothing is connected yet; migrate first with `schema.upgrade`."""
    return Database(open_engine(database_url(settings)))


def _make_private_file(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise DatabaseUrlInvalid(f"the database file {path} cannot be opened: {error.strerror}") from error


def _sqlite_pragmas(foreign_keys: bool) -> Any:
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself: _sqlite_begin does
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        switch_to_wal(connection, BUSY_TIMEOUT_MS / 1000)
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")
        cursor.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
        cursor.close()

    return prepare


def _sqlite_begin(connection: Connection) -> None:
    only_reads = connection.get_execution_options().get(READING, False)
    connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")
