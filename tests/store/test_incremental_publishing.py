"""Random customers change things; routing.db, published step by step, always equals one that was rebuilt."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from published_routing import rebuilt_digest, rows
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from trunkline.core import routing_schema
from trunkline.store.accounts import create_account
from trunkline.store.base import Base
from trunkline.store.carriers import add_carrier_address, add_target, create_carrier, set_rate
from trunkline.store.credentials import add_credential, create_credential_list, delete_credential_list
from trunkline.store.database import Database
from trunkline.store.destination_rules import set_destination_rule
from trunkline.store.errors import Conflict, Refused
from trunkline.store.ip_access_control_lists import (
    add_ip_address,
    create_ip_access_control_list,
    delete_ip_access_control_list,
)
from trunkline.store.models import (
    Account,
    CallerId,
    Carrier,
    CarrierAddress,
    CarrierTarget,
    Credential,
    CredentialList,
    IpAccessControlList,
    IpAddress,
    OriginationUrl,
    PhoneNumber,
    Trunk,
    TrunkCredentialList,
    TrunkIpAccessControlList,
)
from trunkline.store.phone_numbers import add_caller_id, add_phone_number, attach_to_trunk
from trunkline.store.publish import Publisher
from trunkline.store.trunks import (
    add_origination_url,
    attach_credential_list,
    attach_ip_access_control_list,
    create_trunk,
    set_domain,
)


class RandomCustomer:
    """Does what customers and operators do, in any order; what is refused is refused."""

    def __init__(self, session: Session, dice: random.Random) -> None:
        self.session = session
        self.dice = dice

    def any(self, model: type[Base]):
        # Not by SID: those differ from run to run, and the same seed has to tell the same story.
        found = self.session.scalars(select(model).order_by(model.date_created_us)).all()
        return self.dice.choice(found) if found else None

    def new_users(self, trunk: Trunk) -> CredentialList:
        return create_credential_list(self.session, trunk.account_sid, "")

    def new_acl(self, trunk: Trunk) -> IpAccessControlList:
        return create_ip_access_control_list(self.session, trunk.account_sid, "")

    def act(self) -> None:
        account = self.any(Account) or create_account(self.session)
        try:
            self.dice.choice(ACTIONS)(self, account)
            self.session.flush()
        except Refused:
            pass


def on(model: type[Base], action: Callable) -> Callable:
    def act(customer: RandomCustomer, _account: Account) -> None:
        row = customer.any(model)
        if row is not None:
            action(customer, row)

    return act


def remove(customer: RandomCustomer, row: Base) -> None:
    customer.session.delete(row)


def label(customer: RandomCustomer) -> str | None:
    return customer.dice.choice([None, "a.pstn.twilio.com", "b.pstn.twilio.com", "c.pstn.twilio.com"])


def number(customer: RandomCustomer) -> str:
    return f"+1555010010{customer.dice.randrange(6)}"


def network(customer: RandomCustomer) -> str:
    return f"192.0.2.{customer.dice.randrange(4)}"


ACTIONS: list[Callable] = [
    lambda c, _: create_account(c.session),
    lambda c, a: setattr(a, "status", c.dice.choice(["active", "suspended", "closed"])),
    lambda c, a: (setattr(a, "billing", "prepaid"), setattr(a, "balance_micros", c.dice.randrange(-1, 2))),
    lambda c, a: set_destination_rule(
        c.session, a.sid, c.dice.choice(["+44", "low:DE"]), c.dice.choice([True, False, None])
    ),
    lambda c, a: create_trunk(c.session, a.sid, domain_name=label(c)),
    lambda c, a: create_trunk(c.session, a.sid, domain_name=label(c)),
    on(Trunk, lambda c, trunk: set_domain(c.session, trunk, label(c), ())),
    on(Trunk, lambda c, trunk: setattr(trunk, "secure", not trunk.secure)),
    on(Trunk, lambda c, trunk: add_origination_url(c.session, trunk, "sip:pbx", weight=c.dice.randrange(3))),
    on(Trunk, remove),
    on(OriginationUrl, remove),
    on(OriginationUrl, lambda c, url: setattr(url, "enabled", not url.enabled)),
    lambda c, a: create_credential_list(c.session, a.sid, ""),
    on(CredentialList, lambda c, users: add_credential(c.session, users, c.dice.choice("xyz"), "p", "realm")),
    on(CredentialList, lambda c, users: delete_credential_list(c.session, users)),
    on(Trunk, lambda c, trunk: attach_credential_list(c.session, trunk, c.any(CredentialList) or c.new_users(trunk))),
    on(Credential, remove),
    on(TrunkCredentialList, remove),
    lambda c, a: create_ip_access_control_list(c.session, a.sid, ""),
    on(IpAccessControlList, lambda c, acl: add_ip_address(c.session, acl, network(c), c.dice.choice([None, 24]))),
    on(IpAccessControlList, lambda c, acl: delete_ip_access_control_list(c.session, acl)),
    on(
        Trunk,
        lambda c, trunk: attach_ip_access_control_list(
            c.session, trunk, c.any(IpAccessControlList) or c.new_acl(trunk)
        ),
    ),
    on(IpAddress, remove),
    on(TrunkIpAccessControlList, remove),
    lambda c, a: add_phone_number(c.session, a.sid, number(c), trunk=c.any(Trunk)),
    on(PhoneNumber, lambda c, found: attach_to_trunk(found, c.any(Trunk))),
    lambda c, a: add_phone_number(c.session, a.sid, number(c), trunk=create_trunk(c.session, a.sid)),
    on(PhoneNumber, remove),
    lambda c, a: add_caller_id(c.session, a.sid, number(c), verified=c.dice.random() < 0.5),
    on(CallerId, lambda c, found: setattr(found, "verified", not found.verified)),
    on(CallerId, remove),
    lambda c, _: create_carrier(c.session, "Carrier"),
    on(Carrier, lambda c, carrier: add_target(c.session, carrier, f"sip:127.0.0.1:{c.dice.randrange(1, 9)}")),
    on(Carrier, lambda c, carrier: add_carrier_address(c.session, carrier, network(c))),
    on(Carrier, lambda c, carrier: setattr(carrier, "priority", c.dice.randrange(9))),
    on(Carrier, lambda c, carrier: set_rate(c.session, carrier, c.dice.choice(["+4", "+49"]), c.dice.randrange(9))),
    lambda c, _: add_target(c.session, create_carrier(c.session, "Carrier"), "sip:127.0.0.1:9"),
    on(Carrier, remove),
    on(CarrierTarget, remove),
    on(CarrierAddress, remove),
]


@pytest.mark.parametrize("seed", range(4))
def test_publishing_step_by_step_gives_what_a_rebuild_gives(
    database: Database, publisher: Publisher, engine: Engine, routing_db: Path, tmp_path: Path, seed: int
):
    dice = random.Random(seed)
    seen: set[str] = set()
    publisher.publish()
    for step in range(50):
        with database.write() as session:
            customer = RandomCustomer(session, dice)
            for _ in range(dice.randrange(1, 12)):
                customer.act()
        if dice.random() < 0.2:
            continue
        publisher.publish()
        seen |= {table for table in routing_schema.TABLES if rows(routing_db, f"SELECT 1 FROM {table} LIMIT 1")}
        if step % 5 == 4:
            assert publisher.content_digest() == rebuilt_digest(engine, tmp_path / "rebuilt.db"), f"after step {step}"
    publisher.publish()
    assert publisher.content_digest() == rebuilt_digest(engine, tmp_path / "rebuilt.db")
    before = publisher.content_digest()
    publisher.rebuild()
    assert publisher.content_digest() == before
    assert seen == set(routing_schema.TABLES), "the story left a table out"


def test_publishing_while_others_write(database: Database, publisher: Publisher, engine: Engine, tmp_path: Path):
    publisher.publish()

    def write(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(15):
            try:
                with database.write() as session:
                    RandomCustomer(session, dice).act()
            except Conflict:
                continue

    writers = [threading.Thread(target=write, args=(seed,)) for seed in range(3)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        publisher.publish()
    publisher.publish()
    assert publisher.content_digest() == rebuilt_digest(engine, tmp_path / "rebuilt.db")
