from __future__ import annotations

from pathlib import Path

import pytest
from published_routing import rows
from sqlalchemy import select

from trunkline.store.carriers import (
    ONE_BY_ONE,
    add_carrier_address,
    add_target,
    canonical_target,
    create_carrier,
    replace_rates,
    set_rate,
)
from trunkline.store.database import Database
from trunkline.store.errors import AddressInvalid, DuplicateAddress, SipUriInvalid
from trunkline.store.models import Carrier, CarrierAddress, CarrierTarget
from trunkline.store.publish import Publisher


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("sip:127.0.0.1:5070", "sip:127.0.0.1:5070;transport=udp"),
        ("sip:Carrier.example.com", "sip:carrier.example.com;transport=udp"),
        ("sip:Carrier.example.com:5060", "sip:carrier.example.com:5060;transport=udp"),
        ("sip:192.0.2.1", "sip:192.0.2.1:5060;transport=udp"),
        ("sip:[2001:db8::1];transport=tls", "sip:[2001:db8::1]:5061;transport=tls"),
        ("sip:carrier.example.com;transport=TLS", "sip:carrier.example.com;transport=tls"),
        ("sip:[2001:db8::1]:5060;lr;transport=tcp", "sip:[2001:db8::1]:5060;transport=tcp;lr"),
    ],
)
def test_a_target_says_port_and_transport(text: str, canonical: str):
    assert canonical_target(text) == canonical


@pytest.mark.parametrize(
    "text",
    ["", "carrier.example.com", "tel:+15550100", "sip:", "sip:host:0", "sip:host:70000", "sip:host;transport=sctp",
     "sip:user@host", "sip:host name", "sips:host"],
)  # fmt: skip
def test_what_is_no_target_is_refused(text: str):
    with pytest.raises(SipUriInvalid, match="no carrier target"):
        canonical_target(text)


def test_a_carrier_and_what_goes_with_it(database: Database):
    with database.write() as session:
        carrier = create_carrier(session, "Carrier", priority=1)
        add_target(session, carrier, "sip:127.0.0.1:5070", weight=3)
        add_carrier_address(session, carrier, "192.0.2.7/24")
        with pytest.raises(DuplicateAddress):
            add_carrier_address(session, carrier, "192.0.2.0/24")
        with pytest.raises(AddressInvalid):
            add_carrier_address(session, carrier, "carrier.example.com")
        add_carrier_address(session, create_carrier(session, "Other"), "192.0.2.0/24")
    with database.write() as session:
        session.delete(session.get_one(Carrier, carrier.sid))
    with database.read() as session:
        assert session.scalars(select(CarrierTarget)).all() == []
        assert len(session.scalars(select(CarrierAddress)).all()) == 1


@pytest.mark.parametrize("count", [3, ONE_BY_ONE + 3], ids=["one by one", "at once"])
def test_a_deck_of_rates_is_published(database: Database, publisher: Publisher, routing_db: Path, count: int) -> None:
    deck = {f"+{n:04d}": (n, 60, 60) for n in range(count)}
    with database.write() as session:
        carrier = create_carrier(session, "Dear")
        set_rate(session, create_carrier(session, "Other"), "+1", 1)
        set_rate(session, carrier, "+0000", 7)
        set_rate(session, carrier, "+99", 7)
        replace_rates(session, carrier, deck)
        sid = carrier.sid
    publisher.publish()
    query = f"SELECT prefix, price_micros FROM carrier_rates WHERE carrier_sid = '{sid}' ORDER BY prefix"
    assert rows(routing_db, query) == [(prefix, rate[0]) for prefix, rate in deck.items()]
    with database.write() as session:
        replace_rates(session, session.get_one(Carrier, sid), deck)
    assert publisher.publish() == 0, "nothing has changed"
    with database.write() as session:
        replace_rates(session, session.get_one(Carrier, sid), {})
    publisher.publish()
    assert rows(routing_db, "SELECT prefix FROM carrier_rates") == [("+1",)]
