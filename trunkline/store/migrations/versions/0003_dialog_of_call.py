"""What the edge can end an answered call by, while it is up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("calls", sa.Column("dialog", sa.String(), nullable=True))
