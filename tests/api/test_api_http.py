"""The HTTP face itself: errors in one shape, dispatch by host and path, bad bytes, health, help."""

from __future__ import annotations

import json
import logging
import socket
import threading

import pytest
from api_answers import code, label, made
from live_api import live_api
from sqlalchemy.orm import SessionTransaction

from trunkline.api import help_pages
from trunkline.api.api_error import ApiError
from trunkline.api.dispatch import canonical_path
from trunkline.api.error_codes import API_ERRORS
from trunkline.api.healthz import HealthReport
from trunkline.api.refusals import CODES, refusal
from trunkline.core.cause import Cause
from trunkline.store import errors as store

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("/2010-04-01/Accounts/AC1.json", "/2010-04-01/Accounts/AC1"),
        ("/2010-04-01/Accounts/AC1", "/2010-04-01/Accounts/AC1"),
        ("/2010-04-01/Accounts/AC1/", "/2010-04-01/Accounts/AC1"),
        ("/trunking/v1/Trunks/", "/v1/Trunks"),
        ("/api/2010-04-01/Accounts.json", "/2010-04-01/Accounts"),
        ("/monitor/v1/Trunks", "/monitor/v1/Trunks"),
        ("/v1/Trunks.json", "/v1/Trunks.json"),
        ("/", "/"),
        ("", "/"),
    ],
)
def test_canonical_path(path, canonical):
    assert canonical_path(path) == canonical


@pytest.mark.parametrize(
    "path",
    [
        "/", "/v1", "/v1/Trunk", "/v1/Trunks/a/b/c/d", "/v1/Trunks/%00", "/v1/Trunks/%FF",
        "/v1/Trunks/TK" + "0" * 32 + "%0a", "/2010-04-01", "/2010-04-01/Accounts/AC/Nope.json", "/../etc/passwd",
        "/docs", "/docs/errors/1", "/docs/errors/x", "/openapi.json", "/redoc",
    ],
)  # fmt: skip
def test_unknown_paths_are_404_in_the_vendors_shape(customer, path):
    response = customer.get(path)
    assert code(response, 404) == 20404
    assert response.headers["X-Twilio-Error-Code"] == "20404"


def test_the_message_names_the_path_as_it_was_asked_for(customer):
    path = customer.path("SIP/CredentialLists/CLx.json")
    assert path in customer.get(path).json()["message"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_other_methods_are_405_with_those_that_there_are(customer, method):
    response = customer.request(method, "/v1/Trunks")
    assert code(response, 405) == 20004
    assert response.headers["Allow"] == "GET, POST"


def test_every_answer_has_a_request_id_and_a_duration(customer):
    first, second = customer.get("/v1/Trunks"), customer.get("/nope")
    assert first.headers["Twilio-Request-Id"] != second.headers["Twilio-Request-Id"]
    assert second.headers["Twilio-Request-Id"].startswith("RQ")
    assert float(first.headers["Twilio-Request-Duration"]) >= 0


# Host and prefix


def test_a_vendor_host_gets_canonical_links(customer, api):
    made(customer.post("/v1/Trunks", headers={"Host": "trunking.twilio.com"}))
    made(customer.post("/v1/Trunks"))
    listed = customer.get(
        "/v1/Trunks", params={"PageSize": 1}, headers={"Host": "trunking.ashburn.us1.twilio.com"}
    ).json()
    assert listed["meta"]["next_page_url"].startswith(
        "https://trunking.twilio.com/v1/Trunks?PageSize=1&Page=1&PageToken="
    )
    assert listed["trunks"][0]["links"]["phone_numbers"].startswith("https://trunking.twilio.com/v1/Trunks/TK")
    error = customer.get("/v1/Trunks/TKx", headers={"Host": "trunking.twilio.com"}).json()
    assert error["more_info"] == f"{api.url}/docs/errors/20404"


@pytest.mark.parametrize("host", ["api.twilio.com", "voice.twilio.com", "monitor.twilio.com:443"])
def test_a_vendor_host_serves_its_own_paths_only(customer, host):
    assert code(customer.get("/v1/Trunks", headers={"Host": host}), 404) == 20404


def test_a_product_as_prefix_and_a_slash_at_the_end(customer):
    assert customer.get("/trunking/v1/Trunks/").json()["trunks"] == []
    assert customer.get("/api" + customer.path("Calls")).json()["calls"] == []


# Bad input


@pytest.mark.parametrize(
    "body", [b"FriendlyName=%FF", b"FriendlyName=\xff", b"FriendlyName=%00", b"%00=x", b"FriendlyName=%1b"]
)
def test_bytes_that_are_no_text(customer, body):
    assert code(customer.post("/v1/Trunks", content=body, headers=FORM)) == 20001
    query = b"?" + body.replace(b"\xff", b"%FF").replace(b"FriendlyName", b"Status")
    assert code(customer.get(customer.path("Calls.json") + query.decode())) == 20001


def test_other_content_types(customer):
    for kind in ("text/plain", "multipart/form-data; boundary=x", "application/json"):
        assert code(customer.post("/v1/Trunks", content=b"{}", headers={"Content-Type": kind}), 415) == 20001


def test_a_body_of_more_than_a_megabyte(customer):
    big = b"FriendlyName=" + b"x" * 1_100_000
    assert code(customer.post("/v1/Trunks", content=big, headers=FORM), 413) == 20001

    def chunks():
        for _ in range(12):
            yield b"x" * 100_000

    assert code(customer.post("/v1/Trunks", content=chunks(), headers=FORM), 413) == 20001


def test_sql_is_text(customer):
    name = "'; DROP TABLE trunks; --"
    sid = made(customer.post("/v1/Trunks", data={"FriendlyName": name}))["sid"]
    assert customer.get(f"/v1/Trunks/{sid}").json()["friendly_name"] == name
    assert (
        customer.get(customer.path("OutgoingCallerIds.json"), params={"FriendlyName": "x' OR '1'='1"}).status_code
        == 200
    )
    assert code(customer.get("/v1/Trunks/' OR 1=1 --"), 404) == 20404


def test_nothing_that_is_secret_is_logged(customer, owner, caplog):
    caplog.set_level(logging.DEBUG)
    made_list = made(customer.post(customer.path("SIP/CredentialLists.json"), data={"FriendlyName": label()}))["sid"]
    secret = "Correct4HorseBattery"
    path = customer.path(f"SIP/CredentialLists/{made_list}/Credentials.json")
    made(customer.post(path, data={"Username": "a", "Password": secret}))
    customer.get(path, params={"Token": secret})
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("trunkline")]
    assert any(path in line and " 201 " in line and customer.sid in line for line in ours)
    text = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("http"))
    for hidden in (secret, customer.token, owner.token):
        assert hidden not in text


def test_a_fault_of_ours_is_20500_and_one_line_of_log(api, customer, monkeypatch, caplog):
    def break_it(*_arguments, **_named):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("trunkline.api.trunks.view", break_it)
    response = customer.post("/v1/Trunks", data={"FriendlyName": "undone"})
    assert code(response, 500) == 20500
    assert "secret detail" not in response.text
    (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert "RuntimeError" in line
    assert "\n" not in line
    assert "secret detail" not in line
    assert response.headers["Twilio-Request-Id"] in line
    monkeypatch.undo()
    assert customer.get("/v1/Trunks").json()["trunks"] == []


def test_a_database_that_is_away_is_20503(api, customer, monkeypatch):
    def away(*_arguments):
        raise store.StoreUnavailable("down")

    monkeypatch.setattr("trunkline.api.context.authenticate", away)
    assert code(customer.get("/v1/Trunks"), 503) == 20503
    assert code(customer.post("/v1/Trunks"), 503) == 20503


def test_a_commit_that_fails_is_seen_by_the_client(customer, monkeypatch):
    """The answer is made before the commit; it must not go out when the commit fails."""

    def fail(_transaction, *_arguments, **_named):
        raise store.StoreUnavailable("down")

    with monkeypatch.context() as patched:
        patched.setattr(SessionTransaction, "commit", fail)
        assert code(customer.post("/v1/Trunks"), 503) == 20503
    assert customer.get("/v1/Trunks").json()["trunks"] == []


def test_broken_http_does_not_hurt(api, customer):
    host, port = api.url.removeprefix("http://").split(":")
    for raw in (b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"INVITE sip:x SIP/2.0\r\n\r\n"):
        with socket.create_connection((host, int(port)), 5) as connection:
            connection.sendall(raw)
            assert b"Traceback" not in connection.recv(4096)
    assert customer.get("/v1/Trunks").status_code == 200


def test_a_burst_of_writers_and_readers(api, customer):
    """More at a time than there are database connections, threads and SQLite writers: each gets its answer."""
    statuses = []

    def write():
        with api.client(customer) as client:
            statuses.append(client.post("/v1/Trunks").status_code)
            statuses.append(client.get("/v1/Trunks", params={"PageSize": 1}).status_code)

    threads = [threading.Thread(target=write) for _ in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(statuses) == [200] * 60 + [201] * 60


# Refusals of the store, help, health


def all_refusals(kind=store.Refused):
    for sub in kind.__subclasses__():
        yield sub
        yield from all_refusals(sub)


@pytest.mark.parametrize("kind", list(all_refusals()), ids=lambda kind: kind.__name__)
def test_every_refusal_of_the_store_has_a_code(kind):
    error = kind("things", 3) if kind is store.LimitReached else kind("the reason")
    assert any(base in CODES for base in kind.__mro__), f"{kind.__name__} is missing in trunkline/api/refusals.py"
    assert refusal(error).message[0].isupper()
    assert refusal(error, {kind: 20404}).code == 20404


def test_every_code_has_a_help_page(api):
    with api.anyone() as anyone:
        for number, error in API_ERRORS.items():
            page = anyone.get(f"/docs/errors/{number}")
            assert page.status_code == 200
            assert error.title in page.text
            assert ApiError(number, "").http_status == error.http_status
        for cause in Cause:
            if cause.code is not None:
                page = anyone.get(f"/docs/errors/{cause.code}")
                assert cause.name in page.text
                assert help_pages.sections()[cause.name] in page.text
                assert page.text.count("What to do: ") >= sum(other.code == cause.code for other in Cause)
                assert "{" not in page.text, "a template's placeholder"


def test_health_of_the_api_alone(api):
    with api.anyone() as anyone:
        response = anyone.get("/healthz")
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "parts": {"api": "ok", "database": "ok"}, "not_working": []}


def test_health_names_what_does_not_work(tmp_path):
    def report():
        return HealthReport({"kamailio": None, "rtpengine": "no answer to ping from 127.0.0.1:2223"})

    with live_api(tmp_path, health=report) as running, running.anyone() as anyone:
        response = anyone.get("/healthz")
    assert response.status_code == 503
    assert json.loads(response.text) == {
        "status": "unhealthy",
        "parts": {
            "api": "ok", "database": "ok", "kamailio": "ok", "rtpengine": "no answer to ping from 127.0.0.1:2223",
        },
        "not_working": ["rtpengine"],
    }  # fmt: skip
