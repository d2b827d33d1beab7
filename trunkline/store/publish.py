"""Publishing: what is in the store and routing needs, goes to this edge's routing.db.

`publish` reads the changes after the last one that routing.db holds, in one snapshot of the store, and brings each row
that they name to its state in that snapshot. All of them are deleted first and then inserted as they are: a label or
number that went from one row to another never stands in its own way, and doing it twice does no harm. It all happens in
one transaction of SQLite, together with the number of the last change.

It rebuilds instead where the changes do not tell the whole way: routing.db is missing or not ours, stands further back
than the oldest change that is kept, comes from another store (or from this one before a backup of it was restored), or
is so far behind that reading everything is less work.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy import Connection, Engine, Row, select

from trunkline.store import change_log, routing_file
from trunkline.store.database import snapshot
from trunkline.store.errors import RoutingDbUnusable, StoreUnavailable, outages_named
from trunkline.store.models import Change
from trunkline.store.routed_tables import BY_ENTITY, ROUTED
from trunkline.store.routing_file import NOWHERE, Position, RoutingFile

KEEP_CHANGES = 100_000
"""How many changes stay in the store, for edges that were away."""
MOST_CHANGES = 50_000
"""Further behind than that, a rebuild is quicker."""
READ_BATCH = 10_000
"""Rows of a rebuild in memory at a time."""
KEY_BATCH = 500
"""Rows asked for by key in one query."""

_log = logging.getLogger(__name__)


class Publisher:
    """Keeps one routing.db. For one thread at a time; several programs may do it at once, they wait for each other.

    Everything here raises StoreUnavailable when the database is down (routing.db stays as it is, try again later) and
    RoutingDbUnusable when the file cannot be written (a full disk, permissions).
    """

    def __init__(
        self, engine: Engine, routing_db: Path, *, keep_changes: int = KEEP_CHANGES, most_changes: int = MOST_CHANGES
    ) -> None:
        self._engine = engine
        self._snapshot = snapshot(engine)
        self._file = RoutingFile(routing_db)
        self._keep_changes = keep_changes
        self._most_changes = most_changes
        self._pruned_at: int | None = None

    def publish(self) -> int:
        """Bring routing.db up to date. Returns how many changes it took; after a rebuild, how many rows there are."""
        try:
            return self._publish()
        except RoutingDbUnusable as error:
            if not self._file.damaged(error.__cause__):
                raise
            return self.rebuild()

    def rebuild(self) -> int:
        """Write all of routing.db anew, in one transaction. Returns the number of rows."""
        if self._file.refusal() is None:
            rows = self._rebuild_in_place()
        else:
            with self._file.alone():
                reason = self._file.refusal()  # somebody else may have made it meanwhile
                rows = self._rebuild_in_place() if reason is None else self._make_anew(reason)
        self._file.checkpoint()
        self._prune()
        return rows

    def _rebuild_in_place(self) -> int:
        with outages_named(), self._snapshot.connect() as store, self._file.transaction() as routing:
            return _fill(routing, store)

    def _make_anew(self, reason: str) -> int:
        with outages_named(), self._snapshot.connect() as store, self._file.replacement(reason) as routing:
            return _fill(routing, store)

    def position(self) -> int | None:
        """The last change that routing.db holds; None when there is no usable one."""
        return None if self._file.refusal() is not None else self._file.position().change

    def content_digest(self) -> str:
        """See `routing_file.content_digest`."""
        return routing_file.content_digest(self._file.path)

    def close(self) -> None:
        self._file.close()

    def _publish(self) -> int:
        if self._file.refusal() is not None:
            return self.rebuild()
        with outages_named(), self._snapshot.connect() as store:
            # First without the lock on routing.db: nearly always there is nothing to do.
            changes = _changes_after(store, self._file.position(), self._most_changes)
            if changes is not None and not changes:
                return 0
        with outages_named(), self._snapshot.connect() as store, self._file.transaction() as routing:
            changes = _changes_after(store, self._file.position(), self._most_changes)
            if changes is not None:
                try:
                    _apply(routing, store, changes)
                except sqlite3.IntegrityError as error:
                    _log.warning("%s holds what the store does not (%s): rebuilding it", self._file.path, error)
                    changes = None
            taken = _fill(routing, store) if changes is None else len(changes)
        if changes is None:
            self._file.checkpoint()
        self._prune()
        return taken

    def _prune(self) -> None:
        """Every now and then, forget the oldest changes. It can wait, so no error of the store comes out of here."""
        newest = self._file.position().change
        if self._pruned_at is not None and newest - self._pruned_at < self._keep_changes // 10:
            return
        try:
            with outages_named(), self._engine.begin() as connection:
                change_log.prune(connection, self._keep_changes)
        except StoreUnavailable as error:
            _log.warning("old changes stay in the store for now: %s", error)
            return
        self._pruned_at = newest


def _changes_after(store: Connection, position: Position, most: int) -> Sequence[Row[int, str, str, int]] | None:
    """The changes after `position`, in order; None when they do not lead from there to the store's present state."""
    # The one at `position` is read, too: it has to be there, and to be the same.
    query = select(Change.seq, Change.entity, Change.key, Change.date_created_us).where(Change.seq >= position.change)
    rows = store.execute(query.order_by(Change.seq).limit(most + 2)).all()
    if position != NOWHERE:
        if not rows or _mark(rows[0]) != position:
            return None
        rows = rows[1:]
    elif rows and rows[0].seq != 1:
        return None
    if len(rows) > most or any(row.entity == change_log.EVERYTHING for row in rows):
        return None
    return rows


def _mark(change: Row[int, str, str, int]) -> Position:
    seq, entity, key, date_created_us = change
    return Position(seq, f"{entity} {key} {date_created_us}")


def _newest(store: Connection) -> Position:
    query = select(Change.seq, Change.entity, Change.key, Change.date_created_us)
    row = store.execute(query.order_by(Change.seq.desc()).limit(1)).first()
    return NOWHERE if row is None else _mark(row)


def _apply(routing: sqlite3.Connection, store: Connection, changes: Sequence[Row[int, str, str, int]]) -> None:
    keys: dict[str, set[tuple[str, ...]]] = {}
    for change in changes:
        keys.setdefault(change.entity, set()).add(tuple(change.key.split("|")))
    # A table that this program does not know is none that its routing.db has.
    routed_keys = [(BY_ENTITY[entity], sorted(keys[entity])) for entity in keys if entity in BY_ENTITY]
    for routed, of_entity in routed_keys:
        routing.executemany(routed.delete, of_entity)
    for routed, of_entity in routed_keys:
        for batch in _batches(of_entity, KEY_BATCH):
            routing.executemany(routed.insert, map(tuple, store.execute(routed.rows_of(batch))))
    if changes:
        _write_position(routing, _mark(changes[-1]))


def _fill(routing: sqlite3.Connection, store: Connection) -> int:
    """Write everything; returns the number of rows."""
    count = 0
    for routed in ROUTED:
        routing.execute(f"DELETE FROM {routed.name}")  # noqa: S608  (a name of routed_tables)
        found = store.execute(routed.ordered_rows, execution_options={"yield_per": READ_BATCH})
        # No key is written twice, so the count of changed rows is the count of rows.
        count += routing.executemany(routed.insert, map(tuple, found)).rowcount
    _write_position(routing, _newest(store))
    return count


def _write_position(routing: sqlite3.Connection, position: Position) -> None:
    meta = [("change", str(position.change)), ("change_mark", position.mark)]
    routing.executemany("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", meta)


def _batches(keys: Sequence[tuple[str, ...]], size: int) -> Iterator[Sequence[tuple[str, ...]]]:
    return (keys[start : start + size] for start in range(0, len(keys), size))
