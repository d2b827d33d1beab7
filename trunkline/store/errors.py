"""What can go wrong in the store, by whose fault it is.

StoreError
├── StoreUnavailable        the database does not answer; try again
├── DatabaseUrlInvalid      the operator's: the setting cannot be used
├── SchemaError             the operator's: the database has another schema than this program
│   ├── SchemaTooNew            a newer Trunkline has been here
│   └── SchemaTooOld            `trunkline db upgrade` has not run
├── RoutingDbUnusable       the operator's: routing.db cannot be written or read (disk full, permissions)
├── ReadOnly                ours: a change in a transaction that was opened for reading
├── ChangeNotLogged         ours: a bulk statement that the change log would not see
└── Refused                 the caller's: what was asked for cannot be; the text says why
    ├── DomainInvalid (DomainHasSubLabels)  DomainTaken  DomainIsAccountSid
    ├── AddressInvalid  NumberInvalid  SipUriInvalid
    ├── DuplicateAddress  DuplicateFriendlyName  DuplicateCredential  DuplicateNumber
    ├── NotTheAccounts
    ├── AlreadyAttached  StillAttached
    ├── LimitReached
    └── Conflict                somebody else changed or deleted it at the same moment
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError


class StoreError(Exception):
    """Never raised itself."""


class StoreUnavailable(StoreError):
    """The database does not answer, or not in time; try again.

    Nothing of the transaction was stored, unless the connection broke while it was being committed.
    """


class DatabaseUrlInvalid(StoreError):
    """`--database-url` cannot be used; the text says what to write instead."""


class SchemaError(StoreError):
    """The database has another schema than this program."""


class SchemaTooNew(SchemaError):
    """A newer Trunkline has migrated this database."""


class SchemaTooOld(SchemaError):
    """The database is empty or has an older schema."""


class RoutingDbUnusable(StoreError):
    """The file system, or another writer, does not let routing.db be written or read."""


class ReadOnly(StoreError):
    """A row was changed in a transaction that was opened with `Database.read`."""


class ChangeNotLogged(StoreError):
    """A bulk UPDATE, DELETE or INSERT of a table that routing reads, by a session: the change log would miss it."""


class Refused(StoreError):
    """What was asked for cannot be."""


class DomainInvalid(Refused):
    """The domain name is not one label under a known suffix."""


class DomainHasSubLabels(DomainInvalid):
    """More than one label stands before the suffix."""


class DomainTaken(Refused):
    """Another trunk of this platform has that label."""


class DomainIsAccountSid(Refused):
    """The label is the SID of another account."""


class AddressInvalid(Refused):
    """Not an IPv4 or IPv6 address, or a prefix length that it cannot have."""


class NumberInvalid(Refused):
    """Not a number in E.164: `+` and at most 15 digits."""


class SipUriInvalid(Refused):
    """Not a `sip:` or `sips:` URI with a host."""


class DuplicateAddress(Refused):
    """The list, or the carrier, has that network already."""


class DuplicateFriendlyName(Refused):
    """The account has a list of that name already."""


class DuplicateCredential(Refused):
    """The list has that user name already."""


class DuplicateNumber(Refused):
    """Some account has that number already, or this account has that caller ID already."""


class NotTheAccounts(Refused):
    """Two things that belong to different accounts cannot be tied together."""


class AlreadyAttached(Refused):
    """That list is attached to that trunk already."""


class StillAttached(Refused):
    """The list is attached to a trunk and cannot go."""


class Conflict(Refused):
    """Somebody else changed or deleted what this is about at the same moment; look again."""


class LimitReached(Refused):
    """`what` (say, `trunks of the account`) has reached `limit`."""

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"At most {limit} {what}.")
        self.what = what
        self.limit = limit


@contextmanager
def outages_named() -> Iterator[None]:
    """Raise StoreUnavailable where the database, or the way to it, is down; let every other error be what it is."""
    try:
        yield
    except PoolTimeout as error:
        raise StoreUnavailable("all connections to the database are busy") from error
    except DBAPIError as error:
        if not _is_outage(error):
            raise
        raise StoreUnavailable(f"the database does not answer: {error.orig}") from error


@contextmanager
def conflicts_named() -> Iterator[None]:
    """Raise Conflict where a row that was read is gone when it is written, or what it refers to is."""
    try:
        yield
    except StaleDataError as error:
        raise Conflict("it was deleted at the same moment") from error
    except IntegrityError as error:
        raise Conflict("it was changed at the same moment, or something that it refers to") from error


def _is_outage(error: DBAPIError) -> bool:
    if error.connection_invalidated or isinstance(error, InterfaceError):
        return True
    if getattr(error.orig, "sqlite_errorcode", None) in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return True
    # SQLite says "no such table" by the same class as "disk I/O error"; the first is a bug and not an outage.
    return isinstance(error, OperationalError) and "no such " not in str(error.orig)
