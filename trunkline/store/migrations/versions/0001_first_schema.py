"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _accounts()
    _trunks()
    _credential_lists()
    _ip_access_control_lists()
    _phone_numbers()
    _carriers()
    _calls()
    _attempts_and_alerts()
    _publishing_and_recording()


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("sid", sa.String(), nullable=False),
        sa.Column("friendly_name", sa.String(), nullable=False),
        sa.Column("auth_token", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("owner_account_sid", sa.String(), nullable=True),
        sa.Column("platform", sa.Boolean(), nullable=False),
        sa.Column("billing", sa.String(), nullable=False),
        sa.Column("balance_micros", BIG, nullable=False),
        sa.Column("date_created_us", BIG, nullable=False),
        sa.Column("date_updated_us", BIG, nullable=False),
        sa.ForeignKeyConstraint(["owner_account_sid"], ["accounts.sid"], name=op.f("fk_accounts_owner_account_sid")),
        sa.PrimaryKeyConstraint("sid", name=op.f("pk_accounts")),
    )
    op.create_index(op.f("ix_accounts_owner_account_sid"), "accounts", ["owner_account_sid"], unique=False)


def _trunks() -> None:
    op.create_table(
        "trunks",
        sa.Column("sid", sa.String(), nullable=False),
        sa.Column("account_sid", sa.String(), nullable=False),
        sa.Column("friendly_name", sa.String(), nullable=False),
        sa.Column("domain_name", sa.String(), nullable=True),
        sa.Column("domain_label", sa.String(), nullable=True),
        sa.Column("disaster_recovery_url", sa.String(), nullable=True),
        sa.Column("disaster_recovery_method", sa.String(), nullable=False),
        sa.Column("secure", sa.Boolean(), nullable=False),
        sa.Column("recording_mode", sa.String(), nullable=False),
        sa.Column("recording_trim", sa.String(), nullable=False),
        sa.Column("transfer_mode", sa.String(), nullable=False),
        sa.Column("transfer_caller_id", sa.String(), nullable=False),
        sa.Column("cnam_lookup_enabled", sa.Boolean(), nullable=False),
        sa.Column("symmetric_rtp_enabled", sa.Boolean(), nullable=False),
        sa.Column("caller_id_policy", sa.String(), nullable=False),
        sa.Column("default_caller_id", sa.String(), nullable=True),
        sa.Column("digest_algorithm", sa.String(), nullable=False),
        sa.Column("date_created_us", BIG, nullable=False),
        sa.Column("date_updated_us", BIG, nullable=False),
        sa.ForeignKeyConstraint(["account_sid"], ["accounts.sid"], name=op.f("fk_trunks_account_sid")),
        sa.PrimaryKeyConstraint("sid", name=op.f("pk_trunks")),
        sa.UniqueConstraint("domain_label", name=op.f("uq_trunks_domain_label")),
    )
    op.create_index(op.f("ix_trunks_account_sid"), "trunks", ["account_sid"], unique=False)
    op.create_table(
        "origination_urls",
        sa.Column("sid", sa.String(), nullable=False),
        sa.Column("account_sid", sa.String(), nullable=False),
        sa.Column("trunk_sid", sa.String(), nullable=False),
        sa.Column("friendly_name", sa.String(), nullable=False),
        sa.Column("sip_url", sa.String(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("date_created_us", BIG, nullable=False),
        sa.Column("date_updated_us", BIG, nullable=False),
        sa.ForeignKeyConstraint(["account_sid"], ["accounts.sid"], name=op.f("fk_origination_urls_account_sid")),
        sa.ForeignKeyConstraint(["trunk_sid"], ["trunks.sid"], name=op.f("fk_origination_urls_trunk_sid")),
        sa.PrimaryKeyConstraint("sid", name=op.f("pk_origination_urls")),
    )
    op.create_index(op.f("ix_origination_urls_account_sid"), "origination_urls", ["account_sid"], unique=False)
    op.create_index(op.f("ix_origination_urls_trunk_sid"), "origination_urls", ["trunk_sid"], unique=False)


def _credential_lists() -> None:
    op.create_table(
        "credential_lists",
        sa.Column("sid", sa.String(), nullable=False),
        sa.Column("account_sid", sa.String(), nullable=False),
        sa.Column("friendly_name", sa.String(), nullable=False),
        sa.Column("date_created_us", BIG, nullable=False),
        sa.Column("date_updated_us", BIG, nullable=False),
        sa.ForeignKeyConstraint(["account_sid"], ["accounts.sid"], name=op.f("fk_credential_lists_account_sid")),
        sa.PrimaryKeyConstraint("sid", name=op.f("pk_credential_lists")),
    )
    op.create_index(op.f("ix_credential_lists_account_sid"), "credential_lists", ["account_sid"], unique=False)
    op.create_table(
        "credentials",
        sa.Column("sid", sa.String(), nullable=False),
        sa.Column("account_sid", sa.String(), nullable=False),
        sa.Column("credential_list_sid", sa.String(), nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("realm", sa.String(), nullable=False),
        sa.Column("ha1_md5", sa.String(), nullable=False),
        sa.Column("ha1_sha256", sa.String(), nullable=False),
        sa.Column("date_created_us", BIG, nullable=False),
        sa.Column("date_updated_us", BIG, nullable=False),
        sa.ForeignKeyConstraint(["account_sid"], ["accounts.sid"], name=op.f("fk_credentials_account_sid")),
        sa.ForeignKeyConstraint(
            ["credential_list_sid"], ["credential_lists.sid"], name=op.f("fk_credentials_credential_list_sid")
        ),
        sa.PrimaryKeyConstraint("sid", name=op.f("pk_credentials")),
        sa.UniqueConstraint(
            "credential_list_sid", "username", name=op.f("uq_credentials_credential_list_sid_username")
        ),
    )
    op.create_index(op.f("ix_credentials_account_sid"), "credentials", ["account_sid"], unique=False)
    op.create_index(op.f("ix_credentials_username"), "credentials", ["username"], unique=False)
    op.create_table(
        "trunk_credential_lists",
        sa.Column("trunk_sid", sa.String(), nullable=False),
        sa.Column("credential_list_sid", sa.String(), nullable=False),
        sa.Column("date_created_us", BIG, nullable=False),
        sa.Column("date_updated_us", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["credential_list_sid"],
            ["credential_lists.sid"],
            name=op.f("fk_trunk_credential_lists_credential_list_sid"),
        ),
        sa.ForeignKeyConstraint(["trunk_sid"], ["trunks.sid"], name=op.f("fk_trunk_credential_lists_trunk_sid")),
        sa.PrimaryKeyConstraint("trunk_sid", "credential_list_sid", name=op.f("pk_trunk_credential_lists")),
    )
    op.create_index(
        op.f("ix_trunk_credential_lists_credential_list_sid"),
        "trunk_credential_lists",
        ["credential_list_sid"],
        unique=False,
    )


def _ip_access_control_lists() -> None:
    op.create_table(
        "ip_access_control_lists",
        sa.Column("sid", sa.String(), nullable=False),
        sa.Column("account_sid", sa.String(), nullable=False),
        sa.Column("friendly_name", sa.String(), nullable=False),
        sa.Column("date_created_us", BIG, nullable=False),
        sa.Column("date_updated_us", BIG, nullable=False),
        sa.ForeignKeyConstraint(["account_sid"], ["accounts.sid"], name=op.f("fk_ip_access_control_lists_account_sid")),
        sa.PrimaryKeyConstraint("sid", name=op.f("pk_ip_access_control_lists")),
    )
    op.create_index(
        op.f("ix_ip_access_control_lists_account_sid"), "ip_access_control_lists", ["account_sid"], unique=False
    )
    op.create_table(
        "ip_addresses",
        sa.Column("sid", sa.String(), nullable=False),
        sa.Column("account_sid", sa.String(), nullable=False),
        sa.Column("ip_access_control_list_sid", sa.String(), nullable=False),
        sa.Column("friendly_name", sa.String(), nullable=False),
        sa.Column("ip_address", sa.String(), nullable=False),
        sa.Column("cidr_prefix_length", sa.Integer(), nullable=False),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("date_created_us", BIG, nullable=False),
        sa.Column("date_updated_us", BIG, nullable=False),
        sa.ForeignKeyConstraint(["account_sid"], ["accounts.sid"], name=op.f("fk_ip_addresses_account_sid")),
        sa.ForeignKeyConstraint(
            ["ip_access_control_list_sid"],
            ["ip_access_control_lists.sid"],
            name=op.f("fk_ip_addresses_ip_access_control_list_sid"),
        ),
        sa.PrimaryKeyConstraint("sid", name=op.f("pk_ip_addresses")),
        sa.UniqueConstraint(
            "ip_access_control_list_sid", "network", name=op.f("uq_ip_addresses_ip_access_control_list_sid_network")
        ),
    )
    op.create_index(op.f("ix_ip_addresses_account_sid"), "ip_addresses", ["account_sid"], unique=False)
    op.create_table(
        "trunk_ip_access_control_lists",
        sa.Column("trunk_sid", sa.String(), nullable=False),
        sa.Column("ip_access_control_list_sid", sa.String(), nullable=False),
        sa.Column("date_created_us", BIG, nullable=False),
        sa.Column("date_updated_us", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["ip_access_control_list_sid"],
            ["ip_access_control_lists.sid"],
            name=op.f("fk_trunk_ip_access_control_lists_ip_access_control_list_sid"),
        ),
        sa.ForeignKeyConstraint(["trunk_sid"], ["trunks.sid"], name=op.f("fk_trunk_ip_access_control_lists_trunk_sid")),
        sa.PrimaryKeyConstraint(
            "trunk_sid", "ip_access_control_list_sid", name=op.f("pk_trunk_ip_access_control_lists")
        ),
    )
    op.create_index(
        op.f("ix_trunk_ip_access_control_lists_ip_access_control_list_sid"),
        "trunk_ip_access_control_lists",
        ["ip_access_control_list_sid"],
        unique=False,
    )


def _phone_numbers() -> None:
    op.create_table(
        "phone_numbers",
        sa.Column("sid", sa.String(), nullable=False),
        sa.Column("account_sid", sa.String(), nullable=False),
        sa.Column("phone_number", sa.String(), nullable=False),
        sa.Column("friendly_name", sa.String(), nullable=False),
        sa.Column("trunk_sid", sa.String(), nullable=True),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("date_created_us", BIG, nullable=False),
        sa.Column("date_updated_us", BIG, nullable=False),
        sa.ForeignKeyConstraint(["account_sid"], ["accounts.sid"], name=op.f("fk_phone_numbers_account_sid")),
        sa.ForeignKeyConstraint(["trunk_sid"], ["trunks.sid"], name=op.f("fk_phone_numbers_trunk_sid")),
        sa.PrimaryKeyConstraint("sid", name=op.f("pk_phone_numbers")),
        sa.UniqueConstraint("phone_number", name=op.f("uq_phone_numbers_phone_number")),
    )
    op.create_index(
        op.f("ix_phone_numbers_account_sid_date_created_us_sid"),
        "phone_numbers",
        ["account_sid", "date_created_us", "sid"],
        unique=False,
    )
    op.create_index(op.f("ix_phone_numbers_trunk_sid"), "phone_numbers", ["trunk_sid"], unique=False)
    op.create_table(
        "caller_ids",
        sa.Column("sid", sa.String(), nullable=False),
        sa.Column("account_sid", sa.String(), nullable=False),
        sa.Column("phone_number", sa.String(), nullable=False),
        sa.Column("friendly_name", sa.String(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("date_created_us", BIG, nullable=False),
        sa.Column("date_updated_us", BIG, nullable=False),
        sa.ForeignKeyConstraint(["account_sid"], ["accounts.sid"], name=op.f("fk_caller_ids_account_sid")),
        sa.PrimaryKeyConstraint("sid", name=op.f("pk_caller_ids")),
        sa.UniqueConstraint("account_sid", "phone_number", name=op.f("uq_caller_ids_account_sid_phone_number")),
    )


def _carriers() -> None:
    op.create_table(
        "carriers",
        sa.Column("sid", sa.String(), nullable=False),
        sa.Column("friendly_name", sa.String(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("date_created_us", BIG, nullable=False),
        sa.Column("date_updated_us", BIG, nullable=False),
        sa.PrimaryKeyConstraint("sid", name=op.f("pk_carriers")),
    )
    op.create_table(
        "carrier_targets",
        sa.Column("sid", sa.String(), nullable=False),
        sa.Column("carrier_sid", sa.String(), nullable=False),
        sa.Column("sip_uri", sa.String(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("date_created_us", BIG, nullable=False),
        sa.Column("date_updated_us", BIG, nullable=False),
        sa.ForeignKeyConstraint(["carrier_sid"], ["carriers.sid"], name=op.f("fk_carrier_targets_carrier_sid")),
        sa.PrimaryKeyConstraint("sid", name=op.f("pk_carrier_targets")),
    )
    op.create_index(op.f("ix_carrier_targets_carrier_sid"), "carrier_targets", ["carrier_sid"], unique=False)
    op.create_table(
        "carrier_addresses",
        sa.Column("sid", sa.String(), nullable=False),
        sa.Column("carrier_sid", sa.String(), nullable=False),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("date_created_us", BIG, nullable=False),
        sa.Column("date_updated_us", BIG, nullable=False),
        sa.ForeignKeyConstraint(["carrier_sid"], ["carriers.sid"], name=op.f("fk_carrier_addresses_carrier_sid")),
        sa.PrimaryKeyConstraint("sid", name=op.f("pk_carrier_addresses")),
        sa.UniqueConstraint("carrier_sid", "network", name=op.f("uq_carrier_addresses_carrier_sid_network")),
    )


def _calls() -> None:
    op.create_table(
        "calls",
        sa.Column("sid", sa.String(), nullable=False),
        sa.Column("account_sid", sa.String(), nullable=True),
        sa.Column("trunk_sid", sa.String(), nullable=True),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("caller", sa.String(), nullable=False),
        sa.Column("called", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("sip_status", sa.Integer(), nullable=True),
        sa.Column("sip_reason", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=True),
        sa.Column("error_code", sa.Integer(), nullable=True),
        sa.Column("started_us", BIG, nullable=False),
        sa.Column("ringing_us", BIG, nullable=True),
        sa.Column("answered_us", BIG, nullable=True),
        sa.Column("ended_us", BIG, nullable=True),
        sa.Column("duration", sa.Integer(), nullable=True),
        sa.Column("pdd_ms", sa.Integer(), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("q850_cause", sa.Integer(), nullable=True),
        sa.Column("sip_call_id", sa.String(), nullable=False),
        sa.Column("source_address", sa.String(), nullable=False),
        sa.Column("user_agent", sa.String(), nullable=False),
        sa.Column("codec", sa.String(), nullable=True),
        sa.Column("secure", sa.Boolean(), nullable=False),
        sa.Column("edge", sa.String(), nullable=False),
        sa.Column("customer_packets", BIG, nullable=True),
        sa.Column("customer_lost", BIG, nullable=True),
        sa.Column("customer_jitter_ms", sa.Double(), nullable=True),
        sa.Column("customer_mos", sa.Double(), nullable=True),
        sa.Column("customer_round_trip_ms", sa.Double(), nullable=True),
        sa.Column("carrier_packets", BIG, nullable=True),
        sa.Column("carrier_lost", BIG, nullable=True),
        sa.Column("carrier_jitter_ms", sa.Double(), nullable=True),
        sa.Column("carrier_mos", sa.Double(), nullable=True),
        sa.Column("carrier_round_trip_ms", sa.Double(), nullable=True),
        sa.Column("date_created_us", BIG, nullable=False),
        sa.Column("date_updated_us", BIG, nullable=False),
        sa.PrimaryKeyConstraint("sid", name=op.f("pk_calls")),
    )
    op.create_index(op.f("ix_calls_account_sid_started_us"), "calls", ["account_sid", "started_us"], unique=False)
    op.create_index(op.f("ix_calls_edge_ended_us"), "calls", ["edge", "ended_us"], unique=False)
    op.create_index(op.f("ix_calls_sip_call_id"), "calls", ["sip_call_id"], unique=False)
    op.create_index(op.f("ix_calls_started_us"), "calls", ["started_us"], unique=False)
    op.create_index(op.f("ix_calls_trunk_sid_started_us"), "calls", ["trunk_sid", "started_us"], unique=False)


def _attempts_and_alerts() -> None:
    op.create_table(
        "attempts",
        sa.Column("call_sid", sa.String(), nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("carrier_sid", sa.String(), nullable=True),
        sa.Column("target_sid", sa.String(), nullable=True),
        sa.Column("uri", sa.String(), nullable=False),
        sa.Column("started_us", BIG, nullable=False),
        sa.Column("ringing_us", BIG, nullable=True),
        sa.Column("answered_us", BIG, nullable=True),
        sa.Column("ended_us", BIG, nullable=True),
        sa.Column("sip_status", sa.Integer(), nullable=True),
        sa.Column("sip_reason", sa.String(), nullable=False),
        sa.Column("q850_cause", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("next", sa.String(), nullable=False),
        sa.Column("date_created_us", BIG, nullable=False),
        sa.Column("date_updated_us", BIG, nullable=False),
        sa.PrimaryKeyConstraint("call_sid", "n", name=op.f("pk_attempts")),
    )
    op.create_table(
        "alerts",
        sa.Column("sid", sa.String(), nullable=False),
        sa.Column("account_sid", sa.String(), nullable=True),
        sa.Column("error_code", sa.Integer(), nullable=False),
        sa.Column("log_level", sa.String(), nullable=False),
        sa.Column("alert_text", sa.String(), nullable=False),
        sa.Column("resource_sid", sa.String(), nullable=True),
        sa.Column("service_sid", sa.String(), nullable=True),
        sa.Column("generated_us", BIG, nullable=False),
        sa.Column("request_variables", sa.JSON(), nullable=False),
        sa.Column("date_created_us", BIG, nullable=False),
        sa.Column("date_updated_us", BIG, nullable=False),
        sa.PrimaryKeyConstraint("sid", name=op.f("pk_alerts")),
    )
    op.create_index(op.f("ix_alerts_account_sid_generated_us"), "alerts", ["account_sid", "generated_us"], unique=False)
    op.create_index(op.f("ix_alerts_generated_us"), "alerts", ["generated_us"], unique=False)
    op.create_index(op.f("ix_alerts_resource_sid"), "alerts", ["resource_sid"], unique=False)


def _publishing_and_recording() -> None:
    op.create_table(
        "changes",
        sa.Column("seq", BIG, autoincrement=True, nullable=False),
        sa.Column("entity", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("date_created_us", BIG, nullable=False),
        sa.Column("date_updated_us", BIG, nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_changes")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "spool_positions",
        sa.Column("edge", sa.String(), nullable=False),
        sa.Column("segment", sa.String(), nullable=False),
        sa.Column("offset", BIG, nullable=False),
        sa.Column("date_created_us", BIG, nullable=False),
        sa.Column("date_updated_us", BIG, nullable=False),
        sa.PrimaryKeyConstraint("edge", name=op.f("pk_spool_positions")),
    )
