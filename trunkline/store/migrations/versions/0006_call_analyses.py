"""What the trace analyzer says of calls that the trunk carried."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "call_analyses",
        sa.Column("call_sid", sa.String(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("problems", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("capture", sa.LargeBinary(), nullable=False),
        sa.Column("date_created_us", BIG, nullable=False),
        sa.Column("date_updated_us", BIG, nullable=False),
        sa.PrimaryKeyConstraint("call_sid", name=op.f("pk_call_analyses")),
    )
