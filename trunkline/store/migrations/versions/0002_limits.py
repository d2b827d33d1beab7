"""Limits of accounts and trunks, where an account may call, and what it spends.

The defaults of the new columns are for the rows that are there; new rows get theirs from the models.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _add("accounts", "cps_limit", sa.Double(), "1000")
    _add("accounts", "concurrent_calls_limit", sa.Integer(), "20000")
    op.add_column("accounts", sa.Column("daily_spend_cap_micros", BIG, nullable=True, server_default="10000000000"))
    _add("accounts", "default_rate_micros", BIG, "10000")
    _add("accounts", "spend_capped", sa.Boolean(), sa.false())
    _add("trunks", "cps_limit", sa.Double(), "1000")
    _add("trunks", "concurrent_calls_limit", sa.Integer(), "20000")
    _add("trunks", "max_call_seconds", sa.Integer(), "86400")
    _add("trunks", "emergency_enabled", sa.Boolean(), sa.false())
    _add("trunks", "number_rules", sa.String(), "[]")
    op.create_table(
        "destination_rules",
        sa.Column("account_sid", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("date_created_us", BIG, nullable=False),
        sa.Column("date_updated_us", BIG, nullable=False),
        sa.ForeignKeyConstraint(["account_sid"], ["accounts.sid"], name=op.f("fk_destination_rules_account_sid")),
        sa.PrimaryKeyConstraint("account_sid", "scope", name=op.f("pk_destination_rules")),
    )
    op.create_table(
        "spendings",
        sa.Column("account_sid", sa.String(), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("edge", sa.String(), nullable=False),
        sa.Column("spent_micros", BIG, nullable=False),
        sa.Column("date_created_us", BIG, nullable=False),
        sa.Column("date_updated_us", BIG, nullable=False),
        sa.PrimaryKeyConstraint("account_sid", "day", "edge", name=op.f("pk_spendings")),
    )


def _add(table: str, name: str, kind: Any, default: Any) -> None:
    op.add_column(table, sa.Column(name, kind, nullable=False, server_default=default))
