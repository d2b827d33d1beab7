"""What an operator does by hand to a node's memory: bring its database up to date, write its routing.db anew."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trunkline.settings import Settings
from trunkline.store import schema
from trunkline.store.database import database_url, open_database
from trunkline.store.errors import StoreError
from trunkline.store.publish import Publisher


class StorageProblem(Exception):
    """It could not be done; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """One rebuild of routing.db."""

    path: str
    rows: int
    change: int | None
    """The last change of the store that it holds."""
    content: str
    """Digest of the content: equal for equal content, however it came to be."""


def upgrade_database(settings: Settings) -> str:
    """Migrate; the revision afterwards. Raises StorageProblem."""
    try:
        return schema.upgrade(database_url(settings))
    except StoreError as problem:
        raise StorageProblem(str(problem)) from None


def rebuild_routing(settings: Settings) -> Rebuilt:
    """Write all of routing.db in one transaction. Raises StorageProblem."""
    _refuse_empty(settings)
    database = open_database(settings)
    try:
        schema.check(database.engine)
        publisher = Publisher(database.engine, settings.routing_db)
        try:
            rows = publisher.rebuild()
            return Rebuilt(str(settings.routing_db), rows, publisher.position(), publisher.content_digest())
        finally:
            publisher.close()
    except StoreError as problem:
        raise StorageProblem(str(problem)) from None
    finally:
        database.close()


def _refuse_empty(settings: Settings) -> None:
    """A mistyped home must not become a new, empty database whose routing.db refuses every call."""
    path = Path(settings.database_url_or_default.removeprefix("sqlite:///"))
    if settings.database_url is None and not path.exists():
        raise StorageProblem(f"there is no database in {settings.home}: name the node's --home, or start it first")
