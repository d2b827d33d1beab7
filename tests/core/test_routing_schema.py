"""The DDL is SQLite's, repeatable, and has the columns that the rows of `routing_data` have."""

from __future__ import annotations

import sqlite3

import pytest

from trunkline.core import routing_data
from trunkline.core.routing_schema import DDL, TABLES


@pytest.fixture
def database():
    connection = sqlite3.connect(":memory:")
    connection.executescript(DDL)
    yield connection
    connection.close()


def columns(database, table):
    return [row[1] for row in database.execute(f"PRAGMA table_info({table})")]


def test_it_can_be_run_again(database):
    database.executescript(DDL)
    names = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert names == {*TABLES, "meta"}


@pytest.mark.parametrize(
    ("row", "table"),
    [
        (routing_data.AccountRow, "accounts"),
        (routing_data.TrunkRow, "trunks"),
        (routing_data.CredentialRow, "credentials"),
        (routing_data.PhoneNumberRow, "phone_numbers"),
        (routing_data.OriginationUrlRow, "origination_urls"),
        (routing_data.CarrierRow, "carriers"),
        (routing_data.CarrierTargetRow, "carrier_targets"),
    ],
)
def test_rows_are_the_columns_in_their_order(database, row, table):
    assert list(row._fields) == columns(database, table)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM trunks WHERE label = ?",
        "SELECT 1 FROM trunk_credential_lists WHERE trunk_sid = ?",
        "SELECT trunk_sid FROM trunk_credential_lists WHERE list_sid = ?",
        "SELECT * FROM credentials WHERE username = ?",
        "SELECT network FROM acl_addresses WHERE acl_sid = ?",
        "SELECT acl_sid FROM acl_addresses WHERE network = ?",
        "SELECT trunk_sid FROM trunk_acls WHERE acl_sid = ?",
        "SELECT * FROM phone_numbers WHERE phone_number = ?",
        "SELECT * FROM phone_numbers WHERE sid = ?",
        "SELECT * FROM origination_urls WHERE trunk_sid = ?",
        "SELECT * FROM carrier_targets WHERE carrier_sid = ?",
        "SELECT 1 FROM caller_ids WHERE account_sid = ? AND phone_number = 'x'",
        "SELECT 1 FROM caller_ids WHERE sid = ?",
    ],
)
def test_every_look_up_has_its_index(database, query):
    plan = " ".join(row[3] for row in database.execute("EXPLAIN QUERY PLAN " + query, ("x",)))
    assert "SEARCH" in plan
    assert "SCAN" not in plan
