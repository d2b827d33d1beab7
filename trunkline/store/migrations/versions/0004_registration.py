"""Whether a PBX may register with a trunk."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("trunks", sa.Column("registration", sa.String(), nullable=False, server_default="refused"))
