from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path

import pytest
from spool_events import START, CallEvents, Event, edge_alert, edge_started, write_spool

from trunkline.core.cdr import Cdr, cdr_of
from trunkline.node.call_ledger import EVICT_SECONDS, REMEMBER_SECONDS, CallLedger, Gathered
from trunkline.node.spool_reader import Line, Portion, SpoolReader
from trunkline.store.errors import StoreUnavailable

CALL = CallEvents()


class MemoryStore:
    """What the ledger asks of the store, in a dictionary."""

    def __init__(self) -> None:
        self.calls: dict[str, Cdr] = {}
        self.asked: list[str] = []
        self.away = False

    def load(self, sids: Iterable[str]) -> dict[str, Cdr]:
        if self.away:
            raise StoreUnavailable("away")
        self.asked += sids
        return {sid: deepcopy(self.calls[sid]) for sid in sids if sid in self.calls}

    def unanswered(self, edge: str, before_us: int) -> dict[str, Cdr]:
        if self.away:
            raise StoreUnavailable("away")
        waiting = {
            sid: cdr
            for sid, cdr in self.calls.items()
            if cdr.edge == edge and cdr.ended_us is None and cdr.answered_us is None and cdr.started_us < before_us
        }
        return deepcopy(waiting)


def portion(*events: Event) -> Portion:
    return Portion(lines=[Line(event, "events-1.jsonl", number) for number, event in enumerate(events)])


class Desk:
    """A ledger with its store: what was gathered is stored at once."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.now = 1000.0
        self.ledger = CallLedger(self.store, "spool-1", self.now)

    def take(self, *events: Event) -> Gathered:
        gathered = self.ledger.gather(portion(*events))
        kept = deepcopy(gathered)
        self.store.calls.update(deepcopy(gathered.calls))
        self.ledger.committed(gathered, self.now)
        return kept

    def restart(self) -> None:
        self.ledger = CallLedger(self.store, "spool-1", self.now)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_call_in_one_portion(desk: Desk) -> None:
    gathered = desk.take(*CALL.completed())
    assert gathered.new == {CALL.sid: cdr_of(CALL.completed())}
    assert (gathered.known, gathered.renewed, gathered.alerts, gathered.bad) == ({}, {}, [], [])
    assert [cdr.sid for cdr in gathered.over] == [CALL.sid]
    assert gathered.over[0].from_tag == "tag1"
    assert desk.store.asked == []


def test_a_call_line_by_line_is_new_once_and_over_once(desk: Desk) -> None:
    taken = [desk.take(event) for event in CALL.completed()]
    assert [list(gathered.new) for gathered in taken] == [[CALL.sid], [], [], []]
    assert [list(gathered.known) for gathered in taken] == [[], [CALL.sid], [CALL.sid], [CALL.sid]]
    assert [len(gathered.over) for gathered in taken] == [0, 0, 0, 1]
    assert desk.store.calls[CALL.sid] == cdr_of(CALL.completed())
    assert desk.store.asked == []


def test_after_a_restart_calls_come_from_the_store(desk: Desk) -> None:
    events = CALL.completed()
    for event in events:
        desk.restart()
        desk.take(event)
    assert desk.store.calls[CALL.sid] == cdr_of(events)
    assert desk.store.asked == [CALL.sid] * 3


def test_a_late_line_of_a_call_that_is_over(desk: Desk) -> None:
    invite, ringing, answered, bye = CALL.completed()
    desk.take(invite, answered, bye)
    late = desk.take(ringing)
    assert (list(late.known), late.over) == ([CALL.sid], [])
    assert desk.store.calls[CALL.sid] == cdr_of(CALL.completed())


def test_an_invite_that_comes_after_its_call(desk: Desk) -> None:
    invite, *rest = CALL.completed()
    desk.take(*rest)
    assert list(desk.take(invite).renewed) == [CALL.sid]
    assert desk.store.calls[CALL.sid] == cdr_of(CALL.completed())


def test_memory_stays_small(desk: Desk) -> None:
    for number in range(100):
        desk.take(*CallEvents(number).completed())
    desk.take(CallEvents(500).invite())
    for number in (200, 201):
        desk.now += REMEMBER_SECONDS
        desk.take(*CallEvents(number).completed())
    desk.now += REMEMBER_SECONDS
    desk.take(*CallEvents(202).completed())
    assert len(desk.ledger) <= 3
    desk.ledger.evict(START + EVICT_SECONDS - 1)
    desk.take(CallEvents(500).ringing(1))
    assert desk.store.asked == []
    desk.ledger.evict(START + EVICT_SECONDS + 1)
    desk.take(CallEvents(500).answered(2))
    assert desk.store.asked == [CallEvents(500).sid]
    assert desk.store.calls[CallEvents(500).sid].status == "in-progress"


def test_alerts(desk: Desk) -> None:
    refused = CallEvents(2).rejected()
    gathered = desk.take(edge_alert(START), refused, CALL.invite())
    assert [alert.error_code for alert in gathered.alerts] == [32210, 32202]
    assert gathered.over[0].attempts == {}


# --- a restarted edge


@pytest.mark.parametrize("restart", [False, True], ids=["same recorder", "new recorder"])
def test_restart_of_the_edge(desk: Desk, restart: bool) -> None:
    waiting, answered, elsewhere = CallEvents(1), CallEvents(2), CallEvents(3, edge="edge-2")
    desk.take(waiting.invite(), answered.invite(), answered.answered(1), elsewhere.invite())
    if restart:
        desk.restart()
    after = CallEvents(4, at=START + 20)
    gathered = desk.take(edge_started(START + 10), after.invite())
    assert list(gathered.known) == [waiting.sid]
    assert [cdr.sid for cdr in gathered.over] == [waiting.sid]
    statuses = {sid: cdr.status for sid, cdr in desk.store.calls.items()}
    assert statuses == {
        waiting.sid: "failed", answered.sid: "in-progress", elsewhere.sid: "queued", after.sid: "queued",
    }  # fmt: skip
    assert desk.store.calls[waiting.sid].cause == "EDGE_RESTARTED"


def test_call_and_restart_of_the_edge_in_one_portion(desk: Desk) -> None:
    gathered = desk.take(CALL.invite(), edge_started(START + 10))
    assert gathered.new[CALL.sid].status == "failed"
    assert [cdr.sid for cdr in gathered.over] == [CALL.sid]


# --- what goes wrong


def test_nothing_is_noted_while_the_store_is_away(desk: Desk) -> None:
    invite, ringing, *rest = CALL.completed()
    desk.take(invite)
    desk.restart()
    desk.store.away = True
    new = CallEvents(2).invite()
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            desk.ledger.gather(portion(new, ringing))
        with pytest.raises(StoreUnavailable):
            desk.ledger.gather(portion(new, edge_started(START + 1)))
    assert len(desk.ledger) == 0
    desk.store.away = False
    desk.take(new, ringing, *rest)
    assert desk.store.calls[CALL.sid] == cdr_of(CALL.completed())


def test_what_was_stored_before_is_completed_and_not_doubled(desk: Desk) -> None:
    """The spool's positions were lost: everything is read again, and each INVITE looks new."""
    desk.take(*CALL.completed())
    desk.restart()
    again = portion(*CALL.completed(), *CallEvents(2).busy())
    gathered = desk.ledger.gather(again)
    assert list(gathered.new) == [CALL.sid, CallEvents(2).sid]
    desk.ledger.reconcile(gathered, again)
    assert (list(gathered.new), list(gathered.renewed)) == ([CallEvents(2).sid], [CALL.sid])
    assert gathered.renewed[CALL.sid] == desk.store.calls[CALL.sid]


BAD = {
    "sid of something else": CALL.invite() | {"sid": "TK" + "0" * 32},
    "no sid": {"e": "bye", "at": START},
    "sid is a number": CALL.invite() | {"sid": 5},
    "unknown kind": CALL.invite() | {"e": "party"},
    "no kind": {"at": START},
    "edge without a name": {"e": "edge_started", "at": START},
    "alert without a code": {"e": "alert", "at": START, "text": "x"},
    "attempt without its number": {"e": "ringing", "sid": CALL.sid, "at": START},
}


@pytest.mark.parametrize("name", BAD)
def test_bad_event(desk: Desk, name: str) -> None:
    other = CallEvents(2)
    gathered = desk.take(other.invite(), BAD[name], other.ringing(1))
    assert list(gathered.calls) == [other.sid]
    assert gathered.calls[other.sid].status == "ringing"
    (bad,) = gathered.bad
    assert (bad.segment, bad.offset) == ("events-1.jsonl", 1)
    (alert,) = gathered.alerts
    assert (alert.error_code, alert.log_level, alert.account_sid) == (20500, "error", None)
    assert "rejected.jsonl" in alert.alert_text


def test_bad_lines_of_the_reader_raise_alerts_too(desk: Desk, tmp_path: Path) -> None:
    write_spool(tmp_path, [CALL.invite()])
    with next(tmp_path.iterdir()).open("ab") as segment:
        segment.write(b"rubbish\n")
    read = SpoolReader(tmp_path, {}).read(START)
    first, again = desk.ledger.gather(read), desk.ledger.gather(read)
    assert first.alerts == again.alerts
    assert len(first.alerts) == len(first.bad) == 1
