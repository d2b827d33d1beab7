"""Calls and alerts: the published faces and our own."""

from __future__ import annotations

import pytest
from api_answers import code, made, phone_number

from trunkline.api.calls import formatted
from trunkline.store.models import Alert, Attempt, Call, CallerId, now_us

DAY = 86_400_000_000
NOON = 1_714_564_800_000_000  # 2024-05-01T12:00:00Z


def add(api, row):
    with api.database.write() as session:
        session.add(row)
        session.flush()
        return row.sid


def call(account_sid, started_us=NOON, **fields):
    facts = {
        "direction": "trunking-terminating",
        "caller": "+15550100001",
        "called": "+15550100002",
        "status": "completed",
    }
    return Call(account_sid=account_sid, started_us=started_us, **(facts | fields))


@pytest.fixture
def finished(api, customer):
    facts = {
        "trunk_sid": "TK" + "1" * 32,
        "answered_us": NOON + 2_500_000,
        "ended_us": NOON + 12_600_000,
        "duration": 10,
        "sip_status": 200,
        "sip_call_id": "a84b4c@pbx",
        "customer_packets": 500,
        "customer_mos": 4.3,
        "ended_by": "caller",
    }
    sid = add(api, call(customer.sid, **facts))
    add_attempts = [
        Attempt(call_sid=sid, n=0, uri="sip:a", started_us=NOON, sip_status=503, outcome="failed", next="next target"),
        Attempt(call_sid=sid, n=1, uri="sip:b", started_us=NOON + 1, sip_status=200, outcome="answered"),
    ]
    with api.database.write() as session:
        session.add_all(add_attempts)
    add(
        api, Alert(account_sid=customer.sid, error_code=32011, resource_sid=sid, generated_us=NOON, log_level="warning")
    )
    return sid


def test_the_published_face(customer, finished):
    row = customer.get(customer.path(f"Calls/{finished}.json")).json()
    assert row["start_time"] == "Wed, 01 May 2024 12:00:00 +0000"
    assert row["end_time"] == "Wed, 01 May 2024 12:00:12 +0000"
    assert (row["duration"], row["status"], row["direction"]) == ("10", "completed", "trunking-terminating")
    assert (row["from"], row["from_formatted"]) == ("+15550100001", "(555) 010-0001")
    assert (row["price"], row["price_unit"], row["phone_number_sid"]) == (None, "USD", None)
    assert {"notifications", "recordings", "events"} <= set(row["subresource_uris"])
    assert customer.get(customer.path("Calls.json")).json()["calls"] == [row]


def test_all_that_we_know(owner, customer, stranger, finished):
    path = f"/trunkline/v1/Calls/{finished}"
    row = customer.get(path).json()
    assert [(a["n"], a["sip_status"], a["outcome"], a["next"]) for a in row["attempts"]] == [
        (0, 503, "failed", "next target"),
        (1, 200, "answered", ""),
    ]
    assert row["customer_side"] == {
        "packets": 500, "lost": None, "jitter_ms": None, "mos": 4.3, "round_trip_ms": None,
    }  # fmt: skip
    assert (row["answered_us"], row["ended_by"], row["sip_call_id"]) == (NOON + 2_500_000, "caller", "a84b4c@pbx")
    assert [alert["error_code"] for alert in row["alerts"]] == [32011]
    assert owner.get(path).json() == row
    assert code(stranger.get(path), 404) == 20404
    assert code(stranger.get(stranger.path(f"Calls/{finished}.json")), 404) == 20404
    found = owner.get("/trunkline/v1/Calls", params={"SipCallId": "a84b4c@pbx"}).json()["calls"]
    assert finished in [each["sid"] for each in found]
    assert stranger.get("/trunkline/v1/Calls").json()["calls"] == []


def test_the_platform_account_sees_calls_of_nobody(api, owner, customer):
    sid = add(api, call(None, started_us=now_us(), status="failed"))
    assert owner.get(f"/trunkline/v1/Calls/{sid}").json()["account_sid"] is None
    assert sid in [row["sid"] for row in owner.get("/trunkline/v1/Calls").json()["calls"]]
    assert code(customer.get(f"/trunkline/v1/Calls/{sid}"), 404) == 20404


def test_filters(api, customer):
    at = {
        "april": add(api, call(customer.sid, NOON - DAY, ended_us=NOON - DAY, status="busy")),
        "midnight": add(api, call(customer.sid, NOON - DAY // 2, caller="+15550100009")),
        "noon": add(api, call(customer.sid, NOON + 999_999, called="+15550100008", ended_us=NOON + DAY)),
        "next": add(api, call(customer.sid, NOON + DAY, status="failed")),
    }
    names = {sid: name for name, sid in at.items()}

    def calls(**filters):
        rows = customer.get(customer.path("Calls.json"), params=filters).json()["calls"]
        return [names[row["sid"]] for row in rows]

    assert calls() == ["next", "noon", "midnight", "april"]
    assert calls(Status="busy") == ["april"]
    assert calls(From="+15550100009") == ["midnight"]
    assert calls(To="+15550100008") == ["noon"]
    assert calls(ParentCallSid="CA" + "0" * 32) == []
    assert calls(StartTime="2024-05-01") == ["noon", "midnight"]
    assert calls(StartTime="2024-05-01T12:00:00Z") == ["noon"]
    assert calls(**{"StartTime>": "2024-05-01T12:00:00Z"}) == ["next", "noon"]
    assert calls(**{"StartTime<": "2024-05-01"}) == ["midnight", "april"]
    assert calls(**{"StartTime<": "2024-05-01T12:00:00Z"}) == ["noon", "midnight", "april"]
    assert calls(**{"StartTime>": "2024-05-01", "StartTime<": "2024-05-02"}) == ["noon", "midnight"]
    assert calls(**{"EndTime>": "2024-05-02"}) == ["noon"]
    for bad in ({"Status": "done"}, {"StartTime": "yesterday"}, {"EndTime<": "x"}):
        assert code(customer.get(customer.path("Calls.json"), params=bad)) == 20422


def test_the_number_of_a_call(api, owner, customer):
    number, foreign = phone_number(), phone_number()
    path = f"/2010-04-01/Accounts/{customer.sid}/IncomingPhoneNumbers.json"
    own = made(owner.post(path, data={"PhoneNumber": number}))["sid"]
    verified = add(api, CallerId(account_sid=customer.sid, phone_number=foreign, verified=True))
    originating = add(api, call(customer.sid, called=number, direction="trunking-originating"))
    terminating = add(api, call(customer.sid, caller=foreign))
    rows = {row["sid"]: row["phone_number_sid"] for row in customer.get(customer.path("Calls.json")).json()["calls"]}
    assert rows == {originating: own, terminating: verified}


@pytest.mark.parametrize(
    ("number", "text"), [("+15550100123", "(555) 010-0123"), ("+4930123456", "+4930123456"), ("anonymous", "anonymous")]
)
def test_formatted(number, text):
    assert formatted(number) == text


def test_alerts(api, owner, customer, stranger):
    now = now_us()
    facts = {"error_code": 32201, "alert_text": "not in the list", "service_sid": "TK" + "1" * 32}
    sid = add(
        api, Alert(account_sid=customer.sid, generated_us=now, request_variables={"source": "192.0.2.1"}, **facts)
    )
    old = add(api, Alert(account_sid=customer.sid, generated_us=now - 40 * DAY, log_level="warning", **facts))
    nobody = add(api, Alert(account_sid=None, generated_us=now, **facts))
    (row,) = customer.get("/v1/Alerts").json()["alerts"]
    assert (row["sid"], row["error_code"], row["log_level"]) == (sid, "32201", "error")
    assert row["more_info"] == f"{api.url}/docs/errors/32201"
    fetched = customer.get(f"/v1/Alerts/{sid}").json()
    assert fetched["request_variables"] == '{"source": "192.0.2.1"}'
    assert {key: fetched[key] for key in row} == row

    def alerts(**filters):
        return [each["sid"] for each in customer.get("/v1/Alerts", params=filters).json()["alerts"]]

    assert alerts(StartDate="2000-01-01") == [sid, old]
    assert alerts(StartDate="2000-01-01", LogLevel="warning") == [old]
    assert alerts(StartDate="2000-01-01", EndDate="2001-01-01") == []
    assert code(customer.get("/v1/Alerts", params={"LogLevel": "loud"})) == 20422
    assert code(customer.get("/v1/Alerts", params={"StartDate": "x"})) == 20422
    assert code(stranger.get(f"/v1/Alerts/{sid}"), 404) == 20404
    assert code(customer.get(f"/v1/Alerts/{nobody}"), 404) == 20404
    assert owner.get(f"/v1/Alerts/{nobody}").json()["account_sid"] is None
    assert nobody in [each["sid"] for each in owner.get("/v1/Alerts").json()["alerts"]]
