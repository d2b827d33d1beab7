"""What the recorder watches beside its records: durations and money, against a real store."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from node_fixtures import settings_in
from sqlalchemy import URL

from trunkline.core.cause import Cause
from trunkline.core.cdr import Cdr
from trunkline.node import call_ender, program_log
from trunkline.node.duration_watch import EVERY, DurationWatch
from trunkline.node.spending_watch import QUIET_EVERY, SpendingWatch
from trunkline.store import schema
from trunkline.store.accounts import create_account
from trunkline.store.database import Database, open_engine
from trunkline.store.models import Account, Call, Trunk
from trunkline.store.trunks import create_trunk

EDGE = "192.0.2.1:5060"
SID = "CA" + "5" * 32


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    url = URL.create("sqlite", database=str(tmp_path / "a store.db"))
    schema.upgrade(url)
    database = Database(open_engine(url))
    yield database
    database.close()


@pytest.fixture
def trunk(database: Database) -> Trunk:
    with database.write() as session:
        account = create_account(session, daily_spend_cap_micros=2_000_000, default_rate_micros=1_000_000)
        return create_trunk(session, account.sid)


class Ended:
    def __init__(self) -> None:
        self.calls: list[tuple[str, Cause, float]] = []

    def end(self, cdr: Cdr, cause: Cause, limit: float) -> None:
        self.calls.append((cdr.sid, cause, limit))


def test_a_call_is_ended_once_and_a_new_limit_holds_for_it(database: Database, trunk: Trunk) -> None:
    ago_us = time.time_ns() // 1000 - 5_000_000
    with database.write() as session:
        session.add(
            Call(
                sid=SID, account_sid=trunk.account_sid, trunk_sid=trunk.sid, direction="trunking-terminating",
                edge=EDGE, started_us=ago_us, answered_us=ago_us, sip_call_id="x",
            )
        )  # fmt: skip
    ended = Ended()
    watch = DurationWatch(database, EDGE, ended)
    watch.look(100.0)
    assert ended.calls == []
    with database.write() as session:
        session.get_one(Trunk, trunk.sid).max_call_seconds = 3
    watch.look(100.0 + EVERY / 2)
    assert ended.calls == [], "it looks once a second"
    for now in (100.0 + EVERY, 100.0 + 2 * EVERY):
        watch.look(now)
    assert ended.calls == [(SID, Cause.MAX_DURATION, 3)], "until the record follows, once is enough"


def ended_call(trunk: Trunk, seconds: int) -> Cdr:
    now_us = time.time_ns() // 1000
    return Cdr(
        SID, trunk.account_sid, trunk.sid, "trunking-terminating", edge=EDGE, started_us=now_us, answered_us=now_us,
        ended_us=now_us, duration=seconds,
    )  # fmt: skip


def capped(database: Database, trunk: Trunk) -> bool:
    with database.read() as session:
        return session.get_one(Account, trunk.account_sid).spend_capped


def test_calls_add_up_to_the_cap(database: Database, trunk: Trunk) -> None:
    watch = SpendingWatch(database)
    watch.judge([EDGE], 100.0)
    watch.note_ended([ended_call(trunk, 59)])
    watch.judge([EDGE], 110.0)
    assert not capped(database, trunk)
    watch.note_ended([ended_call(trunk, 1), Cdr("CA" + "6" * 32)])
    watch.judge([EDGE], 111.0)
    assert not capped(database, trunk), "every two seconds"
    watch.judge([EDGE], 113.0)
    assert capped(database, trunk)


def test_a_call_that_is_up_reaches_the_cap_by_itself(database: Database, trunk: Trunk) -> None:
    """Nobody has hung up, and nothing new was dialled."""
    watch = SpendingWatch(database)
    now_us = time.time_ns() // 1000
    fields = {"account_sid": trunk.account_sid, "direction": "trunking-terminating", "edge": EDGE, "started_us": now_us}
    with database.write() as session:
        session.add(Call(sid=SID, answered_us=now_us - 30_000_000, **fields))
    watch.judge([EDGE], 100.0)
    assert not capped(database, trunk)
    with database.write() as session:
        session.get_one(Call, SID).answered_us = now_us - 90_000_000
    watch.judge([EDGE], 100.0 + QUIET_EVERY)
    assert capped(database, trunk)


def test_a_higher_cap_opens_without_any_call(database: Database, trunk: Trunk) -> None:
    watch = SpendingWatch(database)
    watch.judge([EDGE], 100.0)
    watch.note_ended([ended_call(trunk, 200)])
    watch.judge([EDGE], 110.0)
    assert capped(database, trunk)
    with database.write() as session:
        session.get_one(Account, trunk.account_sid).daily_spend_cap_micros = None
    watch.judge([EDGE], 110.0 + QUIET_EVERY)
    assert not capped(database, trunk)


def test_who_did_not_hear_of_an_end_is_named_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody answers the BYEs: the line has what the call's other lines are found by."""
    monkeypatch.setattr(call_ender, "SEND_TIMES", 1)
    settings = settings_in(tmp_path / "home")
    settings.spool_dir.mkdir(parents=True)
    cdr = Cdr(sid=SID, sip_call_id="x@y", dialog=json.dumps(["leg-a", "leg-b", "tag-a", "tag-b"]))
    call_ender.CallEnder(settings).end(cdr, Cause.MEDIA_TIMEOUT, 600)
    (said,) = [json.loads(program_log.JsonLines().format(record)) for record in caplog.records]
    assert said["level"] == "warning"
    assert "no answer to BYE" in said["message"]
    assert (said["call_id"], said["call_sid"]) == ("x@y", SID)
