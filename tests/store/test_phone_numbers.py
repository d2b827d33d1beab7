from __future__ import annotations

import pytest

from trunkline.store.accounts import create_account
from trunkline.store.database import Database
from trunkline.store.errors import DuplicateNumber, NotTheAccounts, NumberInvalid
from trunkline.store.models import PhoneNumber
from trunkline.store.phone_numbers import add_caller_id, add_phone_number, attach_to_trunk
from trunkline.store.trunks import create_trunk


def test_a_number_belongs_to_one_account(database: Database):
    with database.write() as session:
        account, other = create_account(session), create_account(session)
        number = add_phone_number(session, account.sid, "+15550100100", options={"voice_url": "https://example.com"})
        assert (number.friendly_name, number.trunk_sid) == ("+15550100100", None)
        for owner in (account, other):
            with pytest.raises(DuplicateNumber):
                add_phone_number(session, owner.sid, "+15550100100")
    with database.read() as session:
        assert session.get_one(PhoneNumber, number.sid).options == {"voice_url": "https://example.com"}


def test_a_number_goes_to_a_trunk_of_its_account(database: Database):
    with database.write() as session:
        account, other = create_account(session), create_account(session)
        trunk = create_trunk(session, account.sid)
        number = add_phone_number(session, account.sid, "+15550100100", trunk=trunk)
        assert number.trunk_sid == trunk.sid
        attach_to_trunk(number, None)
        session.flush()
        assert number.trunk_sid is None
        with pytest.raises(NotTheAccounts):
            add_phone_number(session, other.sid, "+15550100200", trunk=trunk)


@pytest.mark.parametrize(
    "text", ["15550100100", "+0555010010", "+1555010010010010", "+1 555 0100100", "+", "", "anonymous"]
)
def test_what_is_not_e164_is_refused(database: Database, text: str):
    with database.write() as session:
        account = create_account(session)
        with pytest.raises(NumberInvalid, match=r"E\.164"):
            add_phone_number(session, account.sid, text)
        with pytest.raises(NumberInvalid):
            add_caller_id(session, account.sid, text)


def test_a_caller_id_is_unique_within_its_account(database: Database):
    with database.write() as session:
        account, other = create_account(session), create_account(session)
        assert add_caller_id(session, account.sid, "+15550100300", friendly_name="Desk").verified is False
        with pytest.raises(DuplicateNumber):
            add_caller_id(session, account.sid, "+15550100300")
        assert add_caller_id(session, other.sid, "+15550100300", verified=True).verified is True
