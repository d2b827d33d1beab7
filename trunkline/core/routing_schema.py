"""The tables of routing.db (docs/architecture.md). The publisher creates and fills them, the edge reads them.

One row per row of the store that routing needs, same SIDs. No foreign keys: rows arrive one by one, in the order of the
change log, and a replay must never fail. Every index serves one look-up of `routing_data.RoutingData`.
"""

from __future__ import annotations

SCHEMA = 3
"""Version of these tables, in `meta` under `schema`. Raise it with every change of the text below: the publisher then
rebuilds.
"""

TABLES = (
    "accounts",
    "trunks",
    "destination_rules",
    "trunk_credential_lists",
    "credentials",
    "trunk_acls",
    "acl_addresses",
    "phone_numbers",
    "caller_ids",
    "origination_urls",
    "carriers",
    "carrier_targets",
    "carrier_addresses",
    "carrier_rates",
)
"""Every table besides `meta`."""

DDL = """
CREATE TABLE IF NOT EXISTS meta (
    key TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS accounts (
    sid TEXT PRIMARY KEY NOT NULL,
    status TEXT NOT NULL,
    funds INTEGER NOT NULL,
    spend_ok INTEGER NOT NULL,
    cps REAL NOT NULL,
    calls INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS trunks (
    sid TEXT PRIMARY KEY NOT NULL,
    account_sid TEXT NOT NULL,
    label TEXT UNIQUE,
    secure INTEGER NOT NULL,
    caller_id_policy TEXT NOT NULL,
    default_caller_id TEXT,
    digest_algorithm TEXT NOT NULL,
    cps REAL NOT NULL,
    calls INTEGER NOT NULL,
    longest INTEGER NOT NULL,
    emergency INTEGER NOT NULL,
    number_rules TEXT NOT NULL,
    registration INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS trunks_by_registration ON trunks (sid) WHERE registration = 1;

CREATE TABLE IF NOT EXISTS destination_rules (
    account_sid TEXT NOT NULL,
    scope TEXT NOT NULL,
    allowed INTEGER NOT NULL,
    PRIMARY KEY (account_sid, scope)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS trunk_credential_lists (
    trunk_sid TEXT NOT NULL,
    list_sid TEXT NOT NULL,
    PRIMARY KEY (trunk_sid, list_sid)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS trunk_credential_lists_by_list ON trunk_credential_lists (list_sid);

CREATE TABLE IF NOT EXISTS credentials (
    sid TEXT PRIMARY KEY NOT NULL,
    list_sid TEXT NOT NULL,
    username TEXT NOT NULL,
    ha1_md5 TEXT NOT NULL,
    ha1_sha256 TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS credentials_by_username ON credentials (username, list_sid);

CREATE TABLE IF NOT EXISTS trunk_acls (
    trunk_sid TEXT NOT NULL,
    acl_sid TEXT NOT NULL,
    PRIMARY KEY (trunk_sid, acl_sid)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS trunk_acls_by_acl ON trunk_acls (acl_sid);

CREATE TABLE IF NOT EXISTS acl_addresses (
    sid TEXT PRIMARY KEY NOT NULL,
    acl_sid TEXT NOT NULL,
    network TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS acl_addresses_by_acl ON acl_addresses (acl_sid, network);
CREATE INDEX IF NOT EXISTS acl_addresses_by_network ON acl_addresses (network, acl_sid);

CREATE TABLE IF NOT EXISTS phone_numbers (
    phone_number TEXT PRIMARY KEY NOT NULL,
    sid TEXT NOT NULL,
    account_sid TEXT NOT NULL,
    trunk_sid TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS phone_numbers_by_sid ON phone_numbers (sid);

CREATE TABLE IF NOT EXISTS caller_ids (
    account_sid TEXT NOT NULL,
    phone_number TEXT NOT NULL,
    sid TEXT NOT NULL,
    PRIMARY KEY (account_sid, phone_number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS caller_ids_by_sid ON caller_ids (sid);

CREATE TABLE IF NOT EXISTS origination_urls (
    sid TEXT PRIMARY KEY NOT NULL,
    trunk_sid TEXT NOT NULL,
    sip_url TEXT NOT NULL,
    priority INTEGER NOT NULL,
    weight INTEGER NOT NULL,
    enabled INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS origination_urls_by_trunk ON origination_urls (trunk_sid);

CREATE TABLE IF NOT EXISTS carriers (
    sid TEXT PRIMARY KEY NOT NULL,
    enabled INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    weight INTEGER NOT NULL,
    number_format TEXT NOT NULL,
    tech_prefix TEXT NOT NULL,
    caller_header TEXT NOT NULL,
    from_user TEXT,
    from_domain TEXT,
    cps REAL,
    calls INTEGER,
    auth_username TEXT,
    auth_realm TEXT,
    auth_ha1_md5 TEXT,
    auth_ha1_sha256 TEXT,
    probe_seconds INTEGER NOT NULL,
    probe_misses INTEGER NOT NULL,
    register INTEGER NOT NULL,
    registrar TEXT,
    register_expires INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS carrier_targets (
    sid TEXT PRIMARY KEY NOT NULL,
    carrier_sid TEXT NOT NULL,
    sip_uri TEXT NOT NULL,
    priority INTEGER NOT NULL,
    weight INTEGER NOT NULL,
    enabled INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS carrier_targets_by_carrier ON carrier_targets (carrier_sid);

CREATE TABLE IF NOT EXISTS carrier_addresses (
    sid TEXT PRIMARY KEY NOT NULL,
    carrier_sid TEXT NOT NULL,
    network TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS carrier_addresses_by_network ON carrier_addresses (network);

CREATE TABLE IF NOT EXISTS carrier_rates (
    carrier_sid TEXT NOT NULL,
    prefix TEXT NOT NULL,
    sid TEXT NOT NULL,
    price_micros INTEGER NOT NULL,
    first_seconds INTEGER NOT NULL,
    next_seconds INTEGER NOT NULL,
    PRIMARY KEY (carrier_sid, prefix)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS carrier_rates_by_sid ON carrier_rates (sid);
"""
"""All tables and indexes, for `executescript`; harmless when they exist."""
