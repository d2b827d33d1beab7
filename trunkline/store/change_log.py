"""The change log: whatever routing reads and somebody changes leaves a row in `changes`, in the same transaction.

How it works. Mapper events tell of each row as its INSERT, UPDATE or DELETE is sent, so cascades and foreign keys that
a flush sets to NULL are seen like everything else. At the end of the flush the rows of `changes` are written.

The order. The publisher asks for "everything after seq N", so a row must never become visible after one with a higher
number. On PostgreSQL a transaction therefore takes an advisory lock before it sends its first change and holds it to
its end. On SQLite every write transaction begins with BEGIN IMMEDIATE (`database.py`), which is such a lock.

What it does not see. Bulk statements: `session.execute(update(Trunk)…)` raises ChangeNotLogged. Who loads millions of
rows does it by `Connection.execute` and calls `request_rebuild` in the same transaction.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, event, func, insert, inspect, select
from sqlalchemy.orm import Mapper, ORMExecuteState, Session, UOWTransaction, object_session

from trunkline.store.base import Base, now_us
from trunkline.store.carrier_models import CarrierRate
from trunkline.store.errors import ChangeNotLogged, ReadOnly
from trunkline.store.limit_models import DestinationRule
from trunkline.store.models import (
    Account,
    CallerId,
    Carrier,
    CarrierAddress,
    CarrierTarget,
    Change,
    Credential,
    IpAddress,
    OriginationUrl,
    PhoneNumber,
    Trunk,
    TrunkCredentialList,
    TrunkIpAccessControlList,
)

LOGGED: tuple[type[Base], ...] = (
    Account,
    Trunk,
    DestinationRule,
    OriginationUrl,
    Credential,
    TrunkCredentialList,
    IpAddress,
    TrunkIpAccessControlList,
    PhoneNumber,
    CallerId,
    Carrier,
    CarrierTarget,
    CarrierAddress,
    CarrierRate,
)
"""The models that routing reads. Lists are not among them, only their members and where they are attached."""

EVERYTHING = "*"
"""As `entity`: whatever was known before is to be read again."""
READ_ONLY = "trunkline_read_only"
"""In `Session.info`: the session was opened for reading."""
ADVISORY_LOCK = 0x54726B6C
"""Key of the lock under which changes are numbered ("Trkl")."""

_PENDING = "trunkline_pending_changes"


def key_of(row: Base) -> str:
    """The primary key as `changes.key` has it: its parts joined by `|`."""
    mapper: Mapper[Any] = inspect(row).mapper
    return "|".join(str(part) for part in mapper.primary_key_from_instance(row))


def lock(connection: Connection) -> None:
    """Wait for one's turn to number changes; kept until the transaction ends. May be taken again.

    It is not remembered whether the transaction has it: rolling back to a savepoint gives it up silently.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(ADVISORY_LOCK)))


def request_rebuild(connection: Connection) -> None:
    """Note that everything may have changed. Every publisher then rebuilds its routing.db."""
    _write(connection, {(EVERYTHING, ""): None})


def prune(connection: Connection, keep: int) -> int:
    """Forget all changes but the newest `keep` numbers; tells how many went.

    A routing.db that stands further back is rebuilt. At least one row stays, so that it can be seen how far it all is.
    """
    newest = connection.scalar(select(func.max(Change.seq)))
    if newest is None:
        return 0
    return connection.execute(delete(Change).where(Change.seq <= newest - max(keep, 1))).rowcount


def _write(connection: Connection, changes: dict[tuple[str, str], None]) -> None:
    lock(connection)
    now = now_us()
    rows = [{"entity": entity, "key": key, "date_created_us": now, "date_updated_us": now} for entity, key in changes]
    connection.execute(insert(Change), rows)


def _remember(_mapper: Mapper[Any], _connection: Connection, row: Base) -> None:
    session = object_session(row)
    assert session is not None, "a flush without a session"
    session.info.setdefault(_PENDING, {})[(row.__tablename__, key_of(row))] = None


def _remember_update(mapper: Mapper[Any], connection: Connection, row: Base) -> None:
    # The event also comes for a row of which only a collection changed: no UPDATE was sent for it.
    session = object_session(row)
    if session is not None and session.is_modified(row, include_collections=False):
        _remember(mapper, connection, row)


def _before_flush(session: Session, _context: UOWTransaction, _instances: Any) -> None:
    if session.info.get(READ_ONLY):
        raise ReadOnly("this transaction was opened for reading; open it with Database.write to change something")
    session.info.pop(_PENDING, None)  # of a flush that failed
    touched = (row for rows in (session.new, session.dirty, session.deleted) for row in rows)
    if any(isinstance(row, LOGGED) for row in touched):
        # Before the first row is locked: two that take row and lock in different order would wait for each other.
        lock(session.connection())


def _after_flush(session: Session, _context: UOWTransaction) -> None:
    pending: dict[tuple[str, str], None] | None = session.info.pop(_PENDING, None)
    if pending:
        _write(session.connection(), pending)


def _refuse_bulk(state: ORMExecuteState) -> None:
    if not (state.is_update or state.is_delete or state.is_insert):
        return
    mapper = state.bind_mapper
    if mapper is not None and issubclass(mapper.class_, LOGGED):
        raise ChangeNotLogged(
            f"a bulk statement on {mapper.class_.__tablename__} passes the change log by; change the objects, "
            "or use Connection.execute with change_log.request_rebuild"
        )


def _listen() -> None:
    for model in LOGGED:
        event.listen(model, "after_insert", _remember)
        event.listen(model, "after_update", _remember_update)
        event.listen(model, "after_delete", _remember)
    event.listen(Session, "before_flush", _before_flush)
    event.listen(Session, "after_flush", _after_flush)
    event.listen(Session, "do_orm_execute", _refuse_bulk)


_listen()
