"""The schema of the store: bring a database up to what this program knows, and say what it has.

The migrations lie inside the package and run without a configuration file. A migration is one transaction on both
databases: it happens as a whole or not at all. Several programs may start at once: the first migrates, the others wait.

Each program of a node looks here when it starts, and there is nearly never anything to do: Alembic, a quarter of what
such a program loads, is loaded where there is.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, func, inspect, select, text
from sqlalchemy.exc import DBAPIError

from trunkline.store.database import open_engine
from trunkline.store.errors import SchemaError, SchemaTooNew, SchemaTooOld, outages_named

MIGRATIONS = Path(__file__).parent / "migrations"
UPGRADE_LOCK = 0x54726B6D
"""Advisory lock on PostgreSQL under which one program migrates at a time ("Trkm")."""


def newest() -> str:
    """The revision that this program was written for."""
    return max(_known())


def current(url: str | URL) -> str | None:
    """The revision of the database; None when it has none (an empty one). Raises StoreUnavailable."""
    engine = open_engine(url)
    try:
        with outages_named(), engine.connect() as connection:
            return revision_of(connection)
    finally:
        engine.dispose()


def revision_of(connection: Connection) -> str | None:
    """The same, over an open connection."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def upgrade(url: str | URL) -> str:
    """Migrate the database to `newest()`, which is returned. Does nothing where that is done already.

    Raises SchemaTooNew (nothing is touched), SchemaError (a database of something else), StoreUnavailable.
    """
    engine = open_engine(url, foreign_keys=False)
    try:
        with outages_named(), engine.begin() as connection:
            _upgrade(connection)
        return newest()
    finally:
        engine.dispose()


def check(engine: Engine) -> None:
    """Raise SchemaTooOld or SchemaTooNew unless the database has this program's schema; StoreUnavailable when down."""
    with outages_named(), engine.connect() as connection:
        revision = revision_of(connection)
    _refuse_newer(revision)
    if revision != newest():
        raise SchemaTooOld(
            f"the database has schema {revision or 'none'}, this Trunkline needs {newest()}: run `trunkline db upgrade`"
        )


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(UPGRADE_LOCK)))
    revision = revision_of(connection)
    _refuse_newer(revision)
    if revision == newest():
        return
    _migrate(connection)
    _check_foreign_keys(connection)


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    # The path is no place for interpolation: a % in it is a %.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except DBAPIError as error:
        if "already exists" not in str(error.orig):
            raise
        raise SchemaError(
            f"the database holds tables that Trunkline did not make ({error.orig}): give it one of its own"
        ) from error


def _refuse_newer(revision: str | None) -> None:
    if revision is not None and revision not in _known():
        raise SchemaTooNew(
            f"the database has schema {revision}, which this Trunkline ({newest()}) does not know: a newer one has "
            "migrated it. Start that one, or restore a backup from before its upgrade"
        )


def _check_foreign_keys(connection: Connection) -> None:
    """SQLite migrates with foreign keys off; look at them all before the commit."""
    if connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise SchemaError(
            f"the migration would leave a row of {broken[0]} that refers to nothing in {broken[2]}; undone"
        )


@cache
def _known() -> frozenset[str]:
    """Alembic's revisions, which are the numbers that their files' names begin with."""
    return frozenset(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9][0-9][0-9][0-9]_*.py"))
