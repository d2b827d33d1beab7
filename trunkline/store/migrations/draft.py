"""Prints the next migration: what is in the models and not yet in the migrations. For whoever changes `models.py`.

python -m trunkline.store.migrations.draft "trunks have a registration setting" > 0002_registration.py
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.runtime.migration import MigrationContext
from sqlalchemy import URL

from trunkline.store import (
    call_analyses,  # noqa: F401  (both fill the metadata)
    models,  # noqa: F401
    schema,
)
from trunkline.store.base import Base
from trunkline.store.database import open_engine

TEMPLATE = '''"""{subject}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {down_revision!r}


def upgrade() -> None:
    {body}
'''


def draft(subject: str) -> str:
    """The text of a migration file from what the migrations give to what the models say."""
    has_one = any((schema.MIGRATIONS / "versions").glob("0*.py"))
    with tempfile.TemporaryDirectory() as folder:
        url = URL.create("sqlite", database=str(Path(folder) / "draft.db"))
        if has_one:
            schema.upgrade(url)
        engine = open_engine(url)
        with engine.connect() as connection:
            found = produce_migrations(MigrationContext.configure(connection), Base.metadata)
        engine.dispose()
    assert found.upgrade_ops is not None
    previous = schema.newest() if has_one else None
    return TEMPLATE.format(
        subject=subject,
        revision=f"{int(previous or 0) + 1:04}",
        down_revision=previous,
        body=render_python_code(found.upgrade_ops, render_as_batch=bool(previous)),
    )


if __name__ == "__main__":
    sys.stdout.write(draft(" ".join(sys.argv[1:]) or "Describe the change"))
