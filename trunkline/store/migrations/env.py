"""What Alembic runs for every command: migrate over the connection that `schema.py` handed in."""

from __future__ import annotations

from alembic import context

from trunkline.store import call_analyses  # noqa: F401  (its table belongs to the metadata)
from trunkline.store.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite, too: the engine of the store begins its transactions itself, so DDL rolls back there as on PostgreSQL.
    transactional_ddl=True,
    # SQLite cannot alter a column: Alembic then makes the table anew and copies.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
