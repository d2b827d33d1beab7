from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spool_events import ACCOUNT, ANSWER_SDP, CARRIER, START, TARGET, TRUNK, CallEvents, Event, edge_started

from trunkline.core.cdr import (
    Cdr,
    EventError,
    MediaFigures,
    add_figures,
    cdr_of,
    close_unanswered,
    note,
    settle,
)

START_US = round(START * 1_000_000)
CALL = CallEvents()
PBX = CallEvents(origination=True)


def test_answered_call() -> None:
    cdr = cdr_of(CALL.completed(ring=0.1, answer=2.0, end=12.3))
    assert (cdr.status, cdr.sip_status, cdr.sip_reason) == ("completed", 200, "OK")
    assert (cdr.error_code, cdr.cause) == (None, None)
    assert (cdr.started_us, cdr.ringing_us) == (START_US, START_US + 100_000)
    assert (cdr.answered_us, cdr.ended_us) == (START_US + 2_000_000, START_US + 12_300_000)
    assert (cdr.duration, cdr.pdd_ms, cdr.ended_by, cdr.codec) == (10, 100, "caller", "PCMA")
    assert (cdr.account_sid, cdr.trunk_sid, cdr.edge) == (ACCOUNT, TRUNK, "edge-1")
    assert (cdr.caller, cdr.called, cdr.direction) == ("+15550100", "+15550101", "trunking-terminating")
    assert (cdr.sip_call_id, cdr.source_address) == ("call-1@pbx", "udp:192.0.2.1:5060")
    (attempt,) = cdr.attempts.values()
    assert (attempt.n, attempt.outcome, attempt.sip_status) == (0, "answered", 200)
    assert (attempt.target_sid, attempt.carrier_sid) == (TARGET, CARRIER)
    assert (attempt.ringing_us, attempt.answered_us) == (cdr.ringing_us, cdr.answered_us)


FINALS: dict[str, tuple[list[Event], str, int | None, str | None]] = {
    # what happened: (events after the INVITE, status, SIP status, ended by)
    "busy": ([CALL.attempt_failed(1, 486), CALL.final(1, 486)], "busy", 486, "callee"),
    "busy everywhere": ([CALL.attempt_failed(1, 600), CALL.final(1, 600)], "busy", 600, "callee"),
    "declined": ([CALL.ringing(0.1), CALL.attempt_failed(1, 603), CALL.final(1, 603)], "busy", 603, "callee"),
    "not available": ([CALL.attempt_failed(1, 480), CALL.final(1, 480)], "no-answer", 480, "callee"),
    "rang unheard": ([CALL.ringing(0.1), CALL.attempt_failed(60, 408), CALL.final(60, 408)], "no-answer", 408, "edge"),
    "nothing came back": ([CALL.attempt_failed(4, 408), CALL.final(4, 408)], "failed", 408, "edge"),
    "unknown number": ([CALL.attempt_failed(1, 404), CALL.final(1, 404)], "failed", 404, "callee"),
    "carriers exhausted": (
        [CALL.attempt_failed(1, 503), CALL.final(1, 503, cause="CARRIERS_EXHAUSTED")], "failed", 503, "edge"),
    "exhausted, best answer was 480": (
        [CALL.attempt_failed(1, 480), CALL.final(1, 480, cause="ORIGINATION_EXHAUSTED")], "failed", 480, "edge"),
    "no status of SIP": ([CALL.attempt_failed(1, 700), CALL.final(1, 502)], "failed", 502, "callee"),
    "canceled": ([CALL.ringing(0.1), *CALL.canceled(5)], "canceled", 487, "caller"),
    "487 from the callee": (
        [CALL.ringing(0.1), CALL.attempt_failed(5, 487), CALL.final(5, 487)], "no-answer", 487, "callee"),
}  # fmt: skip


@pytest.mark.parametrize("name", FINALS)
def test_unanswered_call(name: str) -> None:
    events, status, sip_status, ended_by = FINALS[name]
    cdr = cdr_of([CALL.invite(), *events])
    assert (cdr.status, cdr.sip_status, cdr.ended_by, cdr.duration) == (status, sip_status, ended_by, 0)
    assert cdr.attempts[0].outcome == ("canceled" if name == "canceled" else "failed")
    assert cdr.codec is None


IN_PROGRESS = {
    "queued": [CALL.invite()],
    "ringing": [CALL.invite(), CALL.ringing(0.2)],
    "in-progress": [CALL.invite(), CALL.ringing(0.2), CALL.answered(1)],
}


@pytest.mark.parametrize("status", IN_PROGRESS)
def test_call_in_progress(status: str) -> None:
    cdr = cdr_of(IN_PROGRESS[status])
    assert (cdr.status, cdr.duration, cdr.ended_us, cdr.ended_by) == (status, None, None, None)


def test_refused_call_has_its_cause_and_no_attempt() -> None:
    cdr = cdr_of([CALL.rejected()])
    assert (cdr.status, cdr.sip_status, cdr.cause, cdr.error_code) == ("failed", 403, "BAD_CREDENTIALS", 32202)
    assert (cdr.sip_reason, cdr.ended_us, cdr.ended_by, cdr.duration) == ("Forbidden", cdr.started_us, "edge", 0)
    assert (cdr.attempts, cdr.pdd_ms) == ({}, None)


def test_a_603_for_want_of_funds_is_no_busy_callee() -> None:
    assert cdr_of([CALL.rejected("NO_FUNDS", 603, 10001)]).status == "failed"


def test_failover_keeps_every_attempt_and_what_the_matrix_said() -> None:
    cdr = cdr_of([
        CALL.invite(), CALL.attempt_failed(0.2, 503, 0, goes_on=True, why="503: the carrier failed", q850=41),
        CALL.attempt(0.2, 1), CALL.ringing(0.9, 1), CALL.answered(3, 1), CALL.bye(4),
    ])  # fmt: skip
    first, second = cdr.attempts[0], cdr.attempts[1]
    assert (first.outcome, first.sip_status, first.q850_cause) == ("failed", 503, 41)
    assert first.next == "503: the carrier failed"
    assert first.ended_us == second.started_us == START_US + 200_000
    assert (second.outcome, second.uri) == ("answered", "sip:+15550101@203.0.113.2:5060")
    assert (cdr.status, cdr.sip_status, cdr.pdd_ms, cdr.q850_cause) == ("completed", 200, 900, None)


@pytest.mark.parametrize(
    ("answer", "end", "duration"), [(1, 1, 1), (1, 1.001, 1), (1, 2, 1), (1, 2.49, 1), (1, 2.5, 2), (0.5, 3600.5, 3600)]
)
def test_duration_is_the_nearest_second_and_never_none_of_an_answered_call(
    answer: float, end: float, duration: int
) -> None:
    assert cdr_of(CALL.completed(answer=answer, end=end)).duration == duration


PDD: dict[str, tuple[list[Event], int | None]] = {
    "first 18x": ([CALL.ringing(1.2345), CALL.ringing(2, 1), CALL.answered(3)], 1235),
    "answer without ringing": ([CALL.answered(0.8)], 800),
    "final without ringing": ([CALL.attempt_failed(0.4, 404), CALL.final(0.4, 404)], 400),
    "nothing was heard": ([CALL.attempt_failed(4, 408), CALL.final(4, 408)], None),
    "canceled before anything was heard": (CALL.canceled(2), None),
    "nothing yet": ([], None),
}


@pytest.mark.parametrize("name", PDD)
def test_post_dial_delay(name: str) -> None:
    events, pdd_ms = PDD[name]
    assert cdr_of([CALL.invite(), *events]).pdd_ms == pdd_ms


Q850 = {
    'Q.850;cause=16;text="Normal call clearing"': 16,
    "SIP;cause=200;text=x, q.850 ; cause = 31": 31,
    "SIP;cause=200": None,
    "Q.850;cause=999": None,
    "Q.850;cause=\x00\xff": None,
    "": None,
}


@pytest.mark.parametrize("header", Q850)
def test_q850_cause_of_the_bye(header: str) -> None:
    call = [CALL.invite(), CALL.answered(1), CALL.bye(2, "callee", header)]
    cdr = cdr_of(call)
    assert (cdr.q850_cause, cdr.ended_by) == (Q850[header], "callee")


def test_q850_cause_of_the_last_attempt() -> None:
    failed = [CALL.attempt_failed(1, 404, q850="1"), CALL.final(1, 404)]
    assert cdr_of([CALL.invite(), *failed]).q850_cause == 1


def test_call_ended_by_the_edge() -> None:
    cdr = cdr_of([CALL.invite(), CALL.answered(1), CALL.ended(5)])
    assert (cdr.status, cdr.ended_by, cdr.cause, cdr.duration) == ("completed", "edge", "MEDIA_LOST", 4)


# --- order, repetition, gaps


STORIES = {
    "completed": CALL.completed(),
    "busy": CALL.busy(),
    "canceled": [CALL.invite(), CALL.ringing(0.5), *CALL.canceled(3)],
    "failover": [
        CALL.invite(), CALL.attempt_failed(0.2, 503, goes_on=True, why="503"), CALL.attempt(0.2, 1),
        CALL.ringing(0.9, 1), CALL.answered(3, 1), CALL.bye(4, "callee", "Q.850;cause=16"),
    ],
    "ended by the edge": [CALL.invite(), CALL.ringing(0.1), CALL.answered(1), CALL.ended(5)],
    "origination exhausted": [
        PBX.invite(), PBX.attempt_failed(4, 408, goes_on=True, why="x"), PBX.attempt(4, 1),
        PBX.attempt_failed(5, 503, 1, why="y"), PBX.final(5, 480, cause="ORIGINATION_EXHAUSTED", error_code=32010),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", STORIES)
@given(data=st.data())
def test_order_and_repetition_do_not_matter(name: str, data: st.DataObject) -> None:
    events = STORIES[name]
    expected = cdr_of(events)
    shuffled = data.draw(st.permutations(events + data.draw(st.lists(st.sampled_from(events), max_size=6))))
    assert cdr_of(shuffled) == expected


@pytest.mark.parametrize("name", STORIES)
@pytest.mark.parametrize("seed", range(20))
def test_batches_in_between_and_a_reload_do_not_matter(name: str, seed: int) -> None:
    """What `settle` worked out after one batch does not stand in the way of the next one."""
    events = random.Random(seed).sample(STORIES[name], len(STORIES[name]))
    cdr = Cdr(CALL.sid)
    for event in events * 2:
        note(cdr, event)
        settle(cdr)
        cdr = replace(cdr, from_tag=None)
    assert cdr == replace(cdr_of(STORIES[name]), from_tag=None)


def test_call_without_its_invite_begins_at_its_first_event() -> None:
    cdr = cdr_of([CALL.answered(2), CALL.ringing(1), CALL.bye(5)])
    assert (cdr.status, cdr.started_us, cdr.duration, cdr.pdd_ms) == ("completed", START_US + 1_000_000, 3, None)


def test_call_without_its_answer() -> None:
    cdr = cdr_of([CALL.invite(), CALL.bye(5)])
    assert (cdr.status, cdr.duration, cdr.ended_us) == ("completed", None, START_US + 5_000_000)


def test_bye_before_the_answer_in_the_file() -> None:
    cdr = cdr_of([CALL.invite(), CALL.bye(5)])
    note(cdr, CALL.answered(1))
    settle(cdr)
    assert (cdr.status, cdr.duration, cdr.attempts[0].outcome) == ("completed", 4, "answered")


# --- a restarted edge


def test_restart_of_the_edge_closes_what_was_being_set_up() -> None:
    cdr = cdr_of([CALL.invite(), CALL.ringing(1)])
    assert close_unanswered(cdr, START_US + 9_000_000)
    settle(cdr)
    assert (cdr.status, cdr.cause, cdr.ended_by, cdr.sip_status) == ("failed", "EDGE_RESTARTED", "edge", None)
    assert (cdr.ended_us, cdr.attempts[0].outcome) == (START_US + 9_000_000, "failed")


@pytest.mark.parametrize(
    "events", [[CALL.invite(), CALL.answered(1)], CALL.completed(), CALL.busy()], ids=["answered", "completed", "busy"]
)
def test_restart_of_the_edge_leaves_other_calls_alone(events: list[Event]) -> None:
    cdr = cdr_of(events)
    assert not close_unanswered(cdr, START_US + 100_000_000)
    assert cdr == cdr_of(events)


def test_restart_of_the_edge_leaves_later_calls_alone() -> None:
    assert not close_unanswered(cdr_of([CALL.invite()]), START_US - 1)


def test_an_answer_that_was_written_late_undoes_the_closing() -> None:
    cdr = cdr_of([CALL.invite()])
    close_unanswered(cdr, START_US + 9_000_000)
    settle(cdr)
    note(cdr, CALL.answered(8.9))
    settle(cdr)
    assert (cdr.status, cdr.cause, cdr.ended_us, cdr.duration) == ("in-progress", None, None, None)


# --- fields from the network


def test_what_strangers_send_is_made_fit_for_any_database() -> None:
    invite = CALL.invite() | {"user_agent": "a\x00b\ud800c\n" + "x" * 5000, "caller": None}
    cdr = cdr_of([invite])
    assert cdr.user_agent.startswith("a?b?c?xxx")
    assert len(cdr.user_agent) == 512
    assert cdr.caller == ""


BAD = {
    "unknown kind": {"e": "party", "sid": CALL.sid, "at": START},
    "no kind": {"sid": CALL.sid, "at": START},
    "kind of the wrong kind": {"e": [], "sid": CALL.sid, "at": START},
    "edge_started is no event of a call": edge_started(START),
    "no time": {"e": "bye", "sid": CALL.sid, "by": "caller"},
    "time in words": CALL.bye(1) | {"at": "yesterday"},
    "no such time": CALL.bye(1) | {"at": float("inf")},
    "time is not a number": CALL.bye(1) | {"at": float("nan")},
    "no attempt number": {"e": "ringing", "sid": CALL.sid, "at": START, "code": 180},
    "attempt number too big": CALL.ringing(1) | {"n": 10**12},
    "not hex": CALL.answered(1) | {"sdp_hex": "xyz"},
    "verdict": CALL.invite() | {"verdict": "maybe"},
    "relay without attempt": {key: value for key, value in CALL.invite().items() if key != "attempt"},
    "attempt is no object": CALL.invite() | {"attempt": 7},
    "SIP status": CALL.final(1, 200),
    "text that is none": CALL.invite() | {"caller": 5},
    "account that is none": CALL.invite() | {"account": {}},
}


@pytest.mark.parametrize("name", BAD)
def test_bad_event_is_refused(name: str) -> None:
    cdr = Cdr(CALL.sid)
    with pytest.raises(EventError):
        note(cdr, BAD[name])
    assert cdr == Cdr(CALL.sid)


# --- media


@pytest.mark.parametrize(
    ("call", "caller_side"), [(CALL, "customer"), (PBX, "carrier")], ids=["termination", "origination"]
)
def test_figures_go_to_the_side_of_the_caller(call: CallEvents, caller_side: str) -> None:
    cdr = cdr_of(call.completed())
    add_figures(cdr, MediaFigures(500, 7, 3.0, 4.2, 21.5), MediaFigures(packets=490))
    callee_side = "carrier" if caller_side == "customer" else "customer"
    names = ("packets", "lost", "jitter_ms", "mos", "round_trip_ms")
    assert [getattr(cdr, f"{caller_side}_{name}") for name in names] == [500, 7, 3.0, 4.2, 21.5]
    assert [getattr(cdr, f"{callee_side}_{name}") for name in names] == [490, None, None, None, None]


def test_codec_comes_from_the_answer() -> None:
    opus = ANSWER_SDP.replace("AVP 8 101", "AVP 96 8").replace("a=rtpmap:8 PCMA/8000", "a=rtpmap:96 opus/48000/2")
    assert cdr_of([CALL.invite(), CALL.answered(1, sdp=opus)]).codec == "OPUS"
