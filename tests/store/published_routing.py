"""What the tests of publishing share."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import Engine

from trunkline.store.accounts import create_account
from trunkline.store.carriers import add_carrier_address, add_target, create_carrier, set_rate
from trunkline.store.credentials import add_credential, create_credential_list
from trunkline.store.database import Database
from trunkline.store.destination_rules import set_destination_rule
from trunkline.store.ip_access_control_lists import (
    add_ip_address,
    create_ip_access_control_list,
)
from trunkline.store.models import (
    Trunk,
)
from trunkline.store.phone_numbers import add_caller_id, add_phone_number
from trunkline.store.publish import Publisher
from trunkline.store.routing_file import content_digest
from trunkline.store.trunks import (
    add_origination_url,
    attach_credential_list,
    attach_ip_access_control_list,
    create_trunk,
)


def rows(path: Path, query: str) -> list[tuple]:
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def rebuilt_digest(engine: Engine, path: Path) -> str:
    """The digest of a routing.db that was never anything but rebuilt."""
    publisher = Publisher(engine, path)
    publisher.rebuild()
    publisher.close()
    return content_digest(path)


def fill_store(database: Database) -> Trunk:
    """One of everything."""
    with database.write() as session:
        account = create_account(session, billing="prepaid", balance_micros=1)
        trunk = create_trunk(session, account.sid, domain_name="Acme.pstn.twilio.com", secure=True)
        add_origination_url(session, trunk, "sip:pbx.example.com", priority=1, weight=2, enabled=False)
        users = create_credential_list(session, account.sid, "PBX")
        add_credential(session, users, "pbx", "secret", "sip.twilio.com")
        attach_credential_list(session, trunk, users)
        addresses = create_ip_access_control_list(session, account.sid, "PBX")
        add_ip_address(session, addresses, "192.0.2.7", 24)
        attach_ip_access_control_list(session, trunk, addresses)
        add_phone_number(session, account.sid, "+15550100100", trunk=trunk)
        add_caller_id(session, account.sid, "+15550100200", verified=True)
        add_caller_id(session, account.sid, "+15550100300")
        set_destination_rule(session, account.sid, "+4930", False)
        carrier = create_carrier(session, "Carrier", priority=3)
        add_target(session, carrier, "sip:127.0.0.1:5070", priority=4)
        add_carrier_address(session, carrier, "2001:db8::1/32")
        set_rate(session, carrier, "+49", 12_000)
        return trunk
