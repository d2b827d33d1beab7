"""What accounts spend in a day, against their cap; and calls that are up too long."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from trunkline.store.accounts import create_account
from trunkline.store.database import Database
from trunkline.store.long_calls import too_long
from trunkline.store.models import Account, Attempt, Call, Change
from trunkline.store.spending import DAY_US, Usage, judge_spending, spent_on, usage_of_day, usage_of_running
from trunkline.store.trunks import create_trunk

DAY = 20_000
NOON = DAY * DAY_US + DAY_US // 2
EDGE = "192.0.2.1:5060"
ANSWERED = {"direction": "trunking-terminating", "edge": EDGE, "answered_us": NOON, "started_us": NOON}


@pytest.fixture
def account(database: Database) -> str:
    with database.write() as session:
        return create_account(session, daily_spend_cap_micros=1_000_000, default_rate_micros=100_000).sid


def add_call(database: Database, account_sid: str, seconds: int, **changes: object) -> None:
    fields = {**ANSWERED, "ended_us": NOON + seconds * 1_000_000, "duration": seconds, **changes}
    with database.write() as session:
        session.add(Call(account_sid=account_sid, **fields))


def test_begun_minutes_of_a_day(database: Database, account: str) -> None:
    for seconds in (1, 60, 61, 119):
        add_call(database, account, seconds)
    add_call(database, account, 600, price_micros=3_000)
    add_call(database, account, 1, price_micros=4_000)
    add_call(database, account, 600, direction="trunking-originating")
    add_call(database, account, 0, answered_us=None)
    add_call(database, account, 600, ended_us=NOON + DAY_US)
    add_call(database, account, 600, edge="192.0.2.2:5060")
    assert usage_of_day(database, EDGE, DAY) == {account: Usage(6, 7_000)}
    assert usage_of_day(database, EDGE, DAY - 1) == {}


def test_calls_that_are_up_count_with_what_they_have_cost(database: Database, account: str) -> None:
    up = {"ended_us": None, "duration": None}
    for number in range(3):
        add_call(database, account, 0, sid=f"CA{number:032}", **up)
    add_call(database, account, 0, sid="CA" + "d" * 32, **up, direction="trunking-originating")
    add_call(database, account, 0, sid="CA" + "e" * 32, **up, answered_us=None)
    add_call(database, account, 0, sid="CA" + "f" * 32, **up, edge="192.0.2.2:5060")
    add_call(database, account, 30)
    with database.write() as session:
        session.add(_attempt(f"CA{1:032}", 0, "failed", 9_000_000))
        session.add(_attempt(f"CA{1:032}", 1, "answered", 600_000))
        session.add(_attempt(f"CA{2:032}", 0, "answered", 60_000, first=1))
    assert usage_of_running(database, EDGE, NOON) == {}
    assert usage_of_running(database, EDGE, NOON + 30_000_000) == {account: Usage(1, 600_000 + 30_000)}
    assert usage_of_running(database, EDGE, NOON + 90_000_000) == {account: Usage(2, 900_000 + 90_000)}


def _attempt(call_sid: str, n: int, outcome: str, rate: int, first: int = 60) -> Attempt:
    return Attempt(
        call_sid=call_sid,
        n=n,
        outcome=outcome,
        started_us=NOON,
        rate_micros=rate,
        rate_first_seconds=first,
        rate_next_seconds=first,
    )


def test_the_cap_closes_and_a_new_day_opens(database: Database, account: str) -> None:
    assert judge_spending(database, EDGE, DAY, {account: Usage(5)}) == []
    assert judge_spending(database, "192.0.2.2:5060", DAY, {account: Usage(4)}) == []
    assert judge_spending(database, EDGE, DAY, {account: Usage(6)}) == [account], "both edges together"
    with database.read() as session:
        assert session.get_one(Account, account).spend_capped
        assert spent_on(session, account, DAY) == 1_000_000
        assert session.scalars(select(Change.key)).all()[-1] == account, "it is published"
    assert judge_spending(database, EDGE, DAY, {account: Usage(6)}) == []
    assert judge_spending(database, EDGE, DAY + 1, {}) == [account]
    with database.read() as session:
        assert not session.get_one(Account, account).spend_capped


def test_calls_with_a_rate_cost_what_it_says(database: Database, account: str) -> None:
    assert judge_spending(database, EDGE, DAY, {account: Usage(2, 799_999)}) == []
    assert judge_spending(database, EDGE, DAY, {account: Usage(2, 800_000)}) == [account]


def test_a_higher_cap_or_none_opens(database: Database, account: str) -> None:
    assert judge_spending(database, EDGE, DAY, {account: Usage(10)}) == [account]
    with database.write() as session:
        session.get_one(Account, account).daily_spend_cap_micros = None
    assert judge_spending(database, EDGE, DAY, {}) == [account]
    assert judge_spending(database, EDGE, DAY, {"AC" + "0" * 32: Usage(1)}) == [], "an account that is gone"


def test_calls_that_are_up_too_long(database: Database, account: str) -> None:
    with database.write() as session:
        trunk = create_trunk(session, account)
        trunk.max_call_seconds = 60
    add_call(database, account, 0, sid="CA" + "1" * 32, trunk_sid=trunk.sid, ended_us=None, duration=None)
    add_call(database, account, 90, trunk_sid=trunk.sid)
    assert too_long(database, EDGE, NOON + 59_000_000) == []
    assert too_long(database, EDGE, NOON + 60_000_000) == [("CA" + "1" * 32, 60)]
    assert too_long(database, "another", NOON + 60_000_000) == []
