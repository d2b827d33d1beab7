from __future__ import annotations

import re

from trunkline.core.sid import is_sid
from trunkline.store.accounts import create_account, find_account, new_auth_token, platform_account
from trunkline.store.database import Database


def test_an_account_gets_a_sid_and_a_token(database: Database):
    with database.write() as session:
        account = create_account(session, friendly_name="Acme")
    assert is_sid(account.sid, "AC")
    assert re.fullmatch("[A-Za-z0-9]{32}", account.auth_token)
    assert (account.status, account.billing, account.platform, account.type) == ("active", "postpaid", False, "Full")
    with database.read() as session:
        found = find_account(session, account.sid)
        assert found is not None
        assert found.friendly_name == "Acme"
        assert find_account(session, "AC" + "0" * 32) is None


def test_tokens_differ():
    assert len({new_auth_token() for _ in range(100)}) == 100


def test_there_is_one_platform_account(database: Database):
    with database.write() as session:
        create_account(session)
        first = platform_account(session)
    with database.write() as session:
        assert platform_account(session).sid == first.sid
    assert first.platform
