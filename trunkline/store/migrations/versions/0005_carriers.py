"""What carriers want and what they cost; the cost of a call."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for name, kind, default in (
        ("number_format", sa.String(), "e164"),
        ("tech_prefix", sa.String(), sa.text("''")),
        ("caller_header", sa.String(), "both"),
        ("probe_seconds", sa.Integer(), "30"),
        ("probe_misses", sa.Integer(), "3"),
        ("register_enabled", sa.Boolean(), sa.false()),
        ("register_expires", sa.Integer(), "300"),
    ):
        op.add_column("carriers", sa.Column(name, kind, nullable=False, server_default=default))
    for name in ("from_user", "from_domain", "auth_username", "auth_realm", "auth_ha1_md5", "auth_ha1_sha256"):
        _nullable("carriers", name, sa.String())
    _nullable("carriers", "registrar", sa.String())
    _nullable("carriers", "cps_limit", sa.Double())
    _nullable("carriers", "concurrent_calls_limit", sa.Integer())
    op.create_table(
        "carrier_rates",
        sa.Column("sid", sa.String(), nullable=False),
        sa.Column("carrier_sid", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("price_micros", BIG, nullable=False),
        sa.Column("first_seconds", sa.Integer(), nullable=False),
        sa.Column("next_seconds", sa.Integer(), nullable=False),
        sa.Column("date_created_us", BIG, nullable=False),
        sa.Column("date_updated_us", BIG, nullable=False),
        sa.ForeignKeyConstraint(["carrier_sid"], ["carriers.sid"], name=op.f("fk_carrier_rates_carrier_sid")),
        sa.PrimaryKeyConstraint("sid", name=op.f("pk_carrier_rates")),
        sa.UniqueConstraint("carrier_sid", "prefix", name=op.f("uq_carrier_rates_carrier_sid_prefix")),
    )
    _nullable("calls", "price_micros", BIG)
    _nullable("attempts", "rate_micros", BIG)
    _nullable("attempts", "rate_first_seconds", sa.Integer())
    _nullable("attempts", "rate_next_seconds", sa.Integer())


def _nullable(table: str, name: str, kind: Any) -> None:
    op.add_column(table, sa.Column(name, kind, nullable=True))
