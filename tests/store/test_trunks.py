from __future__ import annotations

import threading

import pytest
from sqlalchemy import func, select

from trunkline.store.accounts import create_account
from trunkline.store.credentials import create_credential_list
from trunkline.store.database import Database
from trunkline.store.errors import (
    AlreadyAttached,
    DomainIsAccountSid,
    DomainTaken,
    LimitReached,
    NotTheAccounts,
    Refused,
)
from trunkline.store.ip_access_control_lists import create_ip_access_control_list
from trunkline.store.models import Account, Trunk
from trunkline.store.trunks import (
    add_origination_url,
    attach_credential_list,
    attach_ip_access_control_list,
    create_trunk,
    set_domain,
)


@pytest.fixture
def account(database: Database) -> Account:
    with database.write() as session:
        return create_account(session)


def test_a_trunk_has_the_published_defaults(database: Database, account: Account):
    with database.write() as session:
        trunk = create_trunk(session, account.sid)
    assert (trunk.domain_name, trunk.domain_label, trunk.secure) == (None, None, False)
    assert (trunk.recording_mode, trunk.recording_trim) == ("do-not-record", "do-not-trim")
    assert (trunk.transfer_mode, trunk.transfer_caller_id) == ("disable-all", "from-transferee")
    assert (trunk.caller_id_policy, trunk.digest_algorithm) == ("reject", "MD5")


def test_labels_are_unique_on_the_platform_whatever_the_suffix(database: Database, account: Account):
    with database.write() as session:
        other = create_account(session)
        trunk = create_trunk(session, account.sid, domain_name="acme.pstn.twilio.com")
        with pytest.raises(DomainTaken):
            create_trunk(session, other.sid, domain_name="ACME.sip.example.com", suffixes=["sip.example.com"])
        second = create_trunk(session, other.sid, domain_name="acme2.pstn.twilio.com")
        with pytest.raises(DomainTaken):
            set_domain(session, second, "acme.pstn.twilio.com", ())
        set_domain(session, trunk, "acme.sip.example.com", ["sip.example.com"])
        assert (trunk.domain_name, trunk.domain_label) == ("acme.sip.example.com", "acme")
        set_domain(session, trunk, None, ())
        session.flush()
        set_domain(session, second, "acme.pstn.twilio.com", ())


def test_a_label_is_not_another_accounts_sid(database: Database, account: Account):
    with database.write() as session:
        other = create_account(session)
        with pytest.raises(DomainIsAccountSid):
            create_trunk(session, account.sid, domain_name=f"{other.sid}.pstn.twilio.com")
        mine = create_trunk(session, account.sid, domain_name=f"{account.sid}.pstn.twilio.com")
        assert mine.domain_label == account.sid.lower()


def test_limits(database: Database, account: Account):
    with database.write() as session:
        trunk = create_trunk(session, account.sid, most=1)
        with pytest.raises(LimitReached, match="At most 1 trunks of an account"):
            create_trunk(session, account.sid, most=1)
        add_origination_url(session, trunk, "sip:a", most=1)
        with pytest.raises(LimitReached) as caught:
            add_origination_url(session, trunk, "sip:b", most=1)
        assert caught.value.limit == 1


def test_limits_and_labels_hold_when_many_create_at_once(database: Database, account: Account):
    refused: list[Refused] = []
    barrier = threading.Barrier(4)

    def create(label: str) -> None:
        barrier.wait()
        try:
            with database.write() as session:
                create_trunk(session, account.sid, domain_name=f"{label}.pstn.twilio.com", most=2)
        except Refused as error:
            refused.append(error)

    threads = [threading.Thread(target=create, args=(label,)) for label in ("same", "same", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {type(error) for error in refused} <= {DomainTaken, LimitReached}
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Trunk)) == 2


def test_lists_are_attached_once_and_only_the_accounts(database: Database, account: Account):
    with database.write() as session:
        trunk = create_trunk(session, account.sid)
        other = create_account(session)
        for create, attach in (
            (create_credential_list, attach_credential_list),
            (create_ip_access_control_list, attach_ip_access_control_list),
        ):
            mine = create(session, account.sid, "PBX")
            attach(session, trunk, mine)
            with pytest.raises(AlreadyAttached):
                attach(session, trunk, mine)
            with pytest.raises(NotTheAccounts):
                attach(session, trunk, create(session, other.sid, "PBX"))
    with database.read() as session:
        again = session.get_one(Trunk, trunk.sid)
        assert len(again.credential_list_links) == len(again.ip_access_control_list_links) == 1
