from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from postgres import PostgresServer
from spool_events import START, CallEvents
from sqlalchemy import Engine, func, select

from trunkline.core.call_alerts import AlertRecord, alerts_of_call
from trunkline.core.cdr import Cdr, MediaFigures, add_figures, cdr_of
from trunkline.store import schema
from trunkline.store.call_log import Batch, CallLog, CallsKnown, PositionMoved, RowRefused
from trunkline.store.database import Database, open_engine
from trunkline.store.errors import StoreUnavailable
from trunkline.store.models import Alert, Attempt, Call

SEGMENT = "events-29333333.jsonl"
START_US = round(START * 1_000_000)


@pytest.fixture
def log(database: Database) -> CallLog:
    return CallLog(database, "spool-1")


def alert(number: int = 1) -> AlertRecord:
    refused = CallEvents(number).rejected()
    (raised,) = alerts_of_call(cdr_of([refused]), refused)
    return raised


def counted(engine: Engine) -> tuple[int, int, int]:
    """Calls, attempts, alerts."""
    with engine.connect() as connection:
        calls, attempts, alerts = (
            connection.scalar(select(func.count()).select_from(model)) or 0 for model in (Call, Attempt, Alert)
        )
    return calls, attempts, alerts


def test_new_calls_come_back_as_they_were(log: CallLog) -> None:
    call = cdr_of(CallEvents(1).completed())
    add_figures(call, MediaFigures(500, 7, 3.0, 4.2, 21.5), MediaFigures(packets=490))
    failover = [CallEvents(2).invite(), CallEvents(2).attempt_failed(1, 503, goes_on=True), CallEvents(2).attempt(1, 1)]
    other = cdr_of(failover)
    log.store(Batch({}, {SEGMENT: 100}, new_calls=[call, other]))
    loaded = log.load([call.sid, other.sid, "CA" + "9" * 32])
    assert loaded == {cdr.sid: replace(cdr, from_tag=None) for cdr in (call, other)}


def test_known_calls_go_on(log: CallLog, engine: Engine) -> None:
    events = CallEvents(1).completed()
    log.store(Batch({}, {SEGMENT: 100}, new_calls=[cdr_of(events[:2])]))
    log.store(Batch({SEGMENT: 100}, {SEGMENT: 200}, known_calls=[cdr_of(events)]))
    (stored,) = log.load([CallEvents(1).sid]).values()
    assert stored == replace(cdr_of(events), from_tag=None)
    assert counted(engine) == (1, 1, 0)
    with engine.connect() as connection:
        created, updated = connection.execute(select(Call.date_created_us, Call.date_updated_us)).one()
    assert created < updated


def test_an_invite_that_comes_late_completes_its_call(log: CallLog) -> None:
    events = CallEvents(1).completed()
    log.store(Batch({}, {SEGMENT: 100}, new_calls=[cdr_of(events[1:])]))
    log.store(Batch({SEGMENT: 100}, {SEGMENT: 200}, renewed_calls=[cdr_of(events)]))
    (stored,) = log.load([CallEvents(1).sid]).values()
    assert (stored.started_us, stored.sip_call_id, stored.edge) == (START_US, "call-1@pbx", "edge-1")


def test_alerts_are_stored_once(log: CallLog, engine: Engine) -> None:
    log.store(Batch({}, {SEGMENT: 100}, alerts=[alert(1)]))
    log.store(Batch({SEGMENT: 100}, {SEGMENT: 200}, alerts=[alert(1), alert(2)]))
    assert counted(engine) == (0, 0, 2)
    with engine.connect() as connection:
        row = connection.execute(select(Alert).where(Alert.sid == alert(1).sid)).one()
    assert (row.error_code, row.alert_text) == (32202, alert(1).alert_text)
    assert row.request_variables == alert(1).request_variables


@pytest.mark.parametrize(
    "sent",
    [
        "'; DROP TABLE calls;--",
        '" OR 1=1 --',
        "$1 %s %(sid)s :sid {sid} \\' \\",
        "<script>alert(1)</script>",
        "a\0b\x1b[31m\u202e\ud800",
        "Jürgen Müller",
    ],
)
def test_texts_of_strangers_are_kept_as_text(log: CallLog, engine: Engine, sent: str) -> None:
    """Character by character, with ? for what no database takes and no terminal should get."""
    kept = "".join(c if c.isprintable() else "?" for c in sent)
    names = ("call_id", "source", "ruri", "caller", "called", "user_agent", "text")
    events = CallEvents(1)
    refused = events.rejected() | dict.fromkeys(names, sent)
    relayed = CallEvents(2).invite() | dict.fromkeys(names[:-1], sent)
    relayed["attempt"] |= {"uri": sent}
    failed = CallEvents(2).attempt_failed(0.2, 486, reason=sent, why=sent)
    calls = [cdr_of([refused]), cdr_of([relayed, failed, CallEvents(2).final(0.2, 486, reason=sent)])]
    log.store(Batch({}, {SEGMENT: 100}, new_calls=calls, alerts=alerts_of_call(calls[0], refused)))
    with engine.connect() as connection:
        row = Call.sip_call_id, Call.source_address, Call.caller, Call.called, Call.user_agent
        assert [set(found) for found in connection.execute(select(*row))] == [{kept}, {kept}]
        assert connection.scalar(select(Call.sip_reason).where(Call.sid == calls[1].sid)) == kept
        assert set(connection.execute(select(Attempt.uri, Attempt.sip_reason, Attempt.next)).one()) == {kept}
        found = connection.execute(select(Alert)).one()
        assert (found.alert_text, found.request_variables["ruri"]) == (kept, kept)
    assert counted(engine) == (2, 1, 1)


# --- exactly once


def test_the_same_batch_again_changes_nothing(log: CallLog, engine: Engine) -> None:
    batch = Batch({}, {SEGMENT: 100}, new_calls=[cdr_of(CallEvents(1).completed())], alerts=[alert()])
    log.store(batch)
    for again in (batch, replace(batch, before={SEGMENT: 50}), replace(batch, before={SEGMENT: 101})):
        with pytest.raises(PositionMoved, match="spool-1/events"):
            log.store(again)
    assert counted(engine) == (1, 1, 1)
    assert log.offsets() == {SEGMENT: 100}


def test_a_call_that_is_there_is_never_written_over(log: CallLog, engine: Engine) -> None:
    """The positions were lost (say, the spool's folder was put back from a backup), the calls were not."""
    log.store(Batch({}, {SEGMENT: 100}, new_calls=[cdr_of(CallEvents(1).completed())]))
    again = [cdr_of([CallEvents(2).invite()]), cdr_of([CallEvents(1).invite()])]
    with pytest.raises(CallsKnown):
        log.store(Batch({}, {"events-29333334.jsonl": 70}, new_calls=again))
    assert counted(engine) == (1, 1, 0)
    assert log.load([CallEvents(1).sid])[CallEvents(1).sid].status == "completed"
    assert log.offsets() == {SEGMENT: 100}


def test_segments_are_kept_apart_and_forgotten(log: CallLog, database: Database) -> None:
    log.store(Batch({}, {"events-1.jsonl": 10, "events-2.jsonl": 20}))
    CallLog(database, "spool-10").store(Batch({}, {"events-1.jsonl": 99}))
    log.store(Batch({"events-1.jsonl": 10, "events-2.jsonl": 20}, {"events-2.jsonl": 25}))
    assert log.offsets() == {"events-1.jsonl": 10, "events-2.jsonl": 25}
    log.forget(["events-1.jsonl"])
    assert log.offsets() == {"events-2.jsonl": 25}
    assert CallLog(database, "spool-10").offsets() == {"events-1.jsonl": 99}


# --- rows that no database takes


def test_a_row_that_cannot_be_stored_does_not_take_the_others_along(log: CallLog, engine: Engine) -> None:
    good, bad = cdr_of(CallEvents(1).completed()), cdr_of(CallEvents(2).completed())
    bad.user_agent = "\ud800"
    batch = Batch({}, {SEGMENT: 100}, new_calls=[bad, good], alerts=[alert()])
    with pytest.raises(RowRefused):
        log.store(batch)
    assert counted(engine) == (0, 0, 0)
    ((sid, why),) = log.store_each(batch)
    assert sid == bad.sid
    assert "refuses a row" in why
    assert counted(engine) == (1, 1, 1)
    assert log.offsets() == {SEGMENT: 100}


# --- a restarted edge


def test_unanswered_calls_of_an_edge(log: CallLog) -> None:
    ringing = [CallEvents(1).invite(), CallEvents(1).ringing(1)]
    calls = [
        cdr_of(ringing),
        cdr_of([*ringing[:1], CallEvents(1).answered(2)]),
        cdr_of(CallEvents(3).busy()),
        cdr_of([CallEvents(4, edge="edge-2").invite()]),
        cdr_of([CallEvents(5, at=START + 60).invite()]),
    ]
    calls[1].sid = calls[1].attempts[0].call_sid = CallEvents(2).sid
    log.store(Batch({}, {SEGMENT: 100}, new_calls=calls))
    found = log.unanswered("edge-1", START_US + 30_000_000)
    assert found == {calls[0].sid: replace(calls[0], from_tag=None)}


# --- outages


@pytest.mark.postgresql
def test_outage_is_named_and_over_again(postgres_server: PostgresServer, postgres_url: str) -> None:
    schema.upgrade(postgres_url)
    database = Database(open_engine(postgres_url))
    log = CallLog(database, "spool-1")
    log.store(Batch({}, {SEGMENT: 10}, new_calls=[cdr_of(CallEvents(1).completed())]))
    postgres_server.stop()
    try:
        for action in (log.offsets, lambda: log.store(Batch({SEGMENT: 10}, {SEGMENT: 20})), lambda: log.load(["CA1"])):
            with pytest.raises(StoreUnavailable):
                action()
    finally:
        postgres_server.start()
    log.store(Batch({SEGMENT: 10}, {SEGMENT: 20}))
    assert log.offsets() == {SEGMENT: 20}
    database.close()


# --- speed


def batches(count: int, size: int) -> Iterator[list[Cdr]]:
    for first in range(0, count, size):
        yield [cdr_of(CallEvents(number, at=START + number / 300).completed()) for number in range(first, first + size)]


def test_cpu_per_call(log: CallLog, engine: Engine) -> None:
    """Each call is stored when it begins, when it is answered, when it ends: batches of 100 ms at 300 calls/s."""
    used, offset = 0.0, 0
    for calls in batches(1500, 30):
        before = time.process_time()
        for turn in range(3):
            here = {SEGMENT: offset} if offset else {}
            offset += 1
            log.store(Batch(here, {SEGMENT: offset}, **{"known_calls" if turn else "new_calls": calls}))
        used += time.process_time() - before
    assert counted(engine) == (1500, 1500, 0)
    print(f"\n{engine.dialect.name}: {used / 1500 * 1e6:.0f} us of CPU per call, stored three times")  # noqa: T201
