from __future__ import annotations

import json

import pytest
from spool_events import ACCOUNT, START, TRUNK, URL, CallEvents, Event, edge_alert

from trunkline.core.call_alerts import AlertRecord, alert_of_edge, alert_sid, alerts_of_call
from trunkline.core.cdr import Cdr, cdr_of, note

CALL = CallEvents()
PBX = CallEvents(origination=True)


def alerts(events: list[Event]) -> list[AlertRecord]:
    cdr = Cdr(events[0]["sid"])
    raised = []
    for event in events:
        note(cdr, event)
        raised += alerts_of_call(cdr, event)
    return raised


def test_refusal() -> None:
    (alert,) = alerts([CALL.rejected()])
    assert (alert.error_code, alert.log_level, alert.alert_text) == (32202, "error", "The user name is unknown.")
    assert (alert.account_sid, alert.service_sid, alert.resource_sid) == (ACCOUNT, TRUNK, CALL.sid)
    assert alert.generated_us == START * 1_000_000
    seen = alert.request_variables
    assert (seen["source"], seen["ruri"]) == ("udp:192.0.2.1:5060", "sip:+15550101@acme.pstn.twilio.com")
    assert (seen["from"], seen["to"], seen["sip_status"]) == ("+15550100", "+15550101", 403)
    json.dumps(seen)


def test_level_is_the_causes() -> None:
    (alert,) = alerts([CALL.rejected("NUMBER_NOT_E164", 400, 32101)])
    assert alert.log_level == "warning"


def test_refusal_without_a_debugger_code_is_no_alert() -> None:
    assert alerts([CALL.rejected("NO_CARRIER", 503, None)]) == []


@pytest.mark.parametrize("events", [CALL.completed(), CALL.busy(), PBX.busy(), PBX.completed()])
def test_calls_that_go_as_they_should_raise_nothing(events: list[Event]) -> None:
    assert alerts(events) == []


def test_a_request_within_the_call_that_is_refused() -> None:
    """One alert for each cause, however often the request came; the call goes on, and its record is as it was."""
    call = CALL.completed()
    events = [
        *call[:-1],
        *(CALL.refused(3 + n, "TRANSFER_REFUSED") for n in range(2)),
        CALL.refused(6, "BODY_NOT_TAKEN"),
    ]
    raised = alerts([*events, call[-1]])
    assert {alert.sid: (alert.error_code, alert.log_level) for alert in raised} == {
        raised[0].sid: (32218, "error"),
        raised[2].sid: (32102, "warning"),
    }
    first = raised[0]
    assert (first.account_sid, first.service_sid, first.resource_sid) == (ACCOUNT, TRUNK, CALL.sid)
    assert first.generated_us == round((START + 3) * 1_000_000)
    assert first.alert_text.startswith("A REFER within the call between +15550100 and +15550101 was refused")
    assert (first.request_variables["source"], first.request_variables["cause"]) == ("192.0.2.1", "TRANSFER_REFUSED")
    assert cdr_of([*events, call[-1]]) == cdr_of(call)


def test_a_refusal_within_the_call_of_a_later_version_is_no_alert() -> None:
    assert alerts([CALL.invite(), CALL.refused(3, "NOT_KNOWN_YET")]) == []


def test_origination_with_failover_and_nobody_left() -> None:
    raised = alerts([
        PBX.invite(), PBX.attempt_failed(4, 408, 0, goes_on=True, why="nothing came back in time"),
        PBX.attempt(4, 1), PBX.attempt_failed(5, 503, 1, why="503: the PBX failed; no target is left"),
        PBX.final(5, 480, cause="ORIGINATION_EXHAUSTED", error_code=32010),
    ])  # fmt: skip
    levels = [(alert.error_code, alert.log_level) for alert in raised]
    assert levels == [(32011, "warning"), (32011, "warning"), (32010, "error")]
    first, second, last = raised
    assert first.alert_text == "The attempt to sip:+15550101@192.0.2.1:5060 failed: nothing came back in time."
    assert (first.request_variables["origination_url_sid"], first.request_variables["sip_status"]) == (URL, 408)
    assert second.generated_us == round((START + 5) * 1_000_000)
    assert TRUNK in last.alert_text
    assert len({alert.sid for alert in raised}) == 3


@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        (PBX.attempt_failed(1, 407, why="407: the PBX asks for credentials"), [32011]),
        (PBX.attempt_failed(1, 477), [32011]),
        (PBX.attempt_failed(1, 486), []),
        (PBX.attempt_failed(1, 404), []),
        (PBX.attempt_failed(1, 603), []),
        (PBX.canceled(1)[0], []),
    ],
    ids=["challenge", "not sent", "busy", "unknown", "declined", "canceled"],
)
def test_last_failed_attempt(failure: Event, raised: list[int]) -> None:
    assert [alert.error_code for alert in alerts([PBX.invite(), failure])] == raised


def test_termination_attempts_are_the_carriers_business() -> None:
    assert alerts([CALL.invite(), CALL.attempt_failed(1, 503, goes_on=True, why="503")]) == []


def test_same_event_same_sid() -> None:
    events = [PBX.invite(), PBX.attempt_failed(4, 408, goes_on=True, why="x")]
    assert alerts(events) == alerts(events)
    assert alerts(events)[0].sid != alerts([CALL.rejected()])[0].sid


def test_alert_of_the_edge() -> None:
    alert = alert_of_edge(edge_alert(START), "spool/events-1.jsonl:0")
    assert (alert.error_code, alert.log_level, alert.resource_sid) == (32210, "error", None)
    assert alert.request_variables == {"source": "192.0.2.7", "method": "REGISTER"}
    assert alert_of_edge(edge_alert(START), "spool/events-1.jsonl:0").sid == alert.sid
    assert alert_of_edge(edge_alert(START), "spool/events-1.jsonl:9").sid != alert.sid


def test_alert_of_the_edge_about_a_call_that_goes_on() -> None:
    event = edge_alert(START) | {"sid": CALL.sid, "code": 32204, "level": "warning", "seen": {}}
    first, again = alert_of_edge(event, "here"), alert_of_edge(event, "there")
    assert (first.sid, first.resource_sid, first.log_level) == (again.sid, CALL.sid, "warning")


def test_what_was_seen_is_made_fit_for_any_database() -> None:
    event = edge_alert(START) | {"seen": {"a\x00": "b\ud800", "list": [1, "\x00"], "number": 5, "none": None}}
    seen = alert_of_edge(event, "here").request_variables
    assert (seen["a?"], seen["number"], seen["none"]) == ("b?", 5, None)
    assert "\x00" not in json.dumps(seen)


@pytest.mark.parametrize("missing", ["code", "text", "at"])
def test_bad_alert_of_the_edge(missing: str) -> None:
    event = {key: value for key, value in edge_alert(START).items() if key != missing}
    with pytest.raises((KeyError, TypeError, ValueError)):
        alert_of_edge(event, "here")


def test_sid_looks_like_one() -> None:
    sid = alert_sid(CALL.sid, 0, 32011)
    assert sid.startswith("NO")
    assert len(sid) == 34
    assert sid[2:] == sid[2:].lower()


def test_a_carrier_that_refuses_us_is_the_operators_to_know_once_an_hour() -> None:
    refused = CALL.attempt_failed(1, 403, 0, goes_on=True, why="403: the carrier refuses us")
    (alert,) = alerts([CALL.invite(), refused])
    assert (alert.account_sid, alert.resource_sid, alert.error_code) == (None, None, 32400)
    assert "answered 403 to a call to sip:" in alert.alert_text
    (again,) = alerts([CALL.invite(), CALL.attempt_failed(2, 407, 0, goes_on=False, why="407")])
    assert again.sid == alert.sid
    assert alerts([CALL.invite(), CALL.attempt_failed(1, 503, 0, goes_on=True, why="503")]) == []
