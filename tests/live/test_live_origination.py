"""PSTN → PBX: the simulated carrier calls a number of ours, and the trunk's origination URLs take the call, or not."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from typing import Any

import pytest
from demo_carrier import CALLER, PAUSE, DemoCarrier, add_url, assert_shows, complaints
from live_node import LiveNode, LiveTrunk, free_ports
from plain_sip import PlainSip

from trunkline.api.client import View
from trunkline.node.ports import CARRIER_HOST
from trunkline.testbench.pbx import PbxProcess
from trunkline.testbench.result import SeenInvite

pytestmark = pytest.mark.live

FAILOVER = 4.0
"""Seconds without any response after which the next URL is tried (rulings, "Origination failover")."""


@pytest.fixture(scope="module")
def first(node: LiveNode) -> Iterator[PbxProcess]:
    """The PBX of the first origination URL; with TLS and a certificate that nobody knows."""
    tls = node.settings.tls_dir
    with PbxProcess(
        "--record", "--tls-port", "0", "--tls-cert", f"{tls}/cert.pem", "--tls-key", f"{tls}/key.pem"
    ) as agent:
        yield agent
    assert agent.returncode == 0, agent.stderr()


@pytest.fixture(scope="module")
def second() -> Iterator[PbxProcess]:
    with PbxProcess("--record") as agent:
        yield agent
    assert agent.returncode == 0, agent.stderr()


@pytest.fixture
def pbx(first: PbxProcess) -> PbxProcess:
    first.behave("answer", media="echo")
    return first


@pytest.fixture
def spare(second: PbxProcess) -> PbxProcess:
    second.behave("answer", media="echo")
    return second


def trunk_to(node: LiveNode, *uris: str, **settings: Any) -> tuple[LiveTrunk, list[str]]:
    """A trunk with these origination URLs, in this order of priority; the URLs' SIDs."""
    trunk = node.make_trunk(credentials=False, **settings)
    sids = [add_url(node, trunk, uri, priority=10 * (n + 1)) for n, uri in enumerate(uris)]
    node.wait_published()
    return trunk, sids


def got(pbx: PbxProcess, call_id: str) -> SeenInvite:
    """The call as the PBX saw it, once it is over there too."""

    def over() -> bool:
        return any(call.call_id == call_id and call.ended for call in pbx.seen())

    pbx.wait_until(over, f"the end of {call_id} at the PBX")
    return next(call for call in pbx.seen() if call.call_id == call_id)


def reached(pbx: PbxProcess, call_id: str) -> bool:
    return any(call.call_id == call_id for call in pbx.seen())


def codes(record: View) -> list[int]:
    return [alert["error_code"] for alert in record["alerts"]]


def refused_uri(transport: str = "tcp") -> str:
    """Nobody listens there."""
    return f"sip:127.0.0.1:{free_ports(1)[0]};transport={transport}"


# ---- a call ---------------------------------------------------------------------------------------------------------


def test_the_caller_and_the_pbx_hear_each_other(node: LiveNode, carrier: DemoCarrier, pbx: PbxProcess) -> None:
    trunk, (url,) = trunk_to(node, pbx.sip_uri)
    pbx.behave("answer", media="tone:700", answer_after=0.4)
    result = carrier.call(carrier.plan(trunk.number, seconds=3.0, listen_hz=700.0))
    assert (result.sip_status, result.ended_by) == (200, "caller")
    seen = got(pbx, result.call_id)
    # 700 Hz one way, 1 kHz the other: neither can be an echo of itself.
    assert result.media.tone is not None
    assert seen.media.tone is not None
    for tone in (result.media.tone, seen.media.tone):
        assert tone.ratio > 0.9, tone
        assert tone.tone_seconds > 2.0, tone

    record = node.record(result.call_id)
    assert_shows(
        record,
        direction="trunking-originating",
        status="completed",
        sip_status=200,
        account_sid=node.demo["account_sid"],
        trunk_sid=trunk.sid,
        caller=CALLER,
        called=trunk.number,
        ended_by="caller",
        codec="PCMU",
        cause=None,
        error_code=None,
        alerts=[],
    )
    assert 3_000_000 <= record["ended_us"] - record["answered_us"] < 3_700_000
    assert record["duration"] in (3, 4)
    assert 0 <= record["pdd_ms"] < 400
    assert record["source_address"].startswith(f"udp:{CARRIER_HOST}:")
    (attempt,) = record["attempts"]
    assert (attempt["target_sid"], attempt["outcome"], attempt["carrier_sid"]) == (url, "answered", None)
    # The PBX is the customer, the carrier the carrier; both sent all the time.
    for side, sent in (("customer_side", seen.media.rtp_sent), ("carrier_side", result.media.rtp_sent)):
        assert sent > 100
        assert abs(record[side]["packets"] - sent) <= 3, side
        assert record[side]["lost"] in (0, None), side
    assert complaints(node, result.call_id) == []


def test_the_headers_that_customers_rely_on(node: LiveNode, carrier: DemoCarrier, pbx: PbxProcess) -> None:
    trunk, _ = trunk_to(node, f"{pbx.sip_uri};edge=ashburn?X-Branch=north&X-Twilio-CallSid=CAfake")
    pbx.behave("refuse", sip_status=486)
    result = carrier.call(
        carrier.plan(
            trunk.number,
            caller_name="Ann",
            asserted_identity=f"sip:{CALLER}@carrier.example",
            headers={
                "X-Carrier": "kept",
                "X-Twilio-AccountSid": "ACfake",
                "User-to-User": "616263;encoding=hex",
                "X-Trunkline-Hop": "forged",
            },
        )
    )
    seen = got(pbx, result.call_id)
    record = node.record(result.call_id)
    host = pbx.sip_uri.removeprefix("sip:").partition(";")[0]
    assert seen.ruri == f"sip:{trunk.number}@{host};transport=udp"
    assert seen.caller == CALLER
    assert seen.from_header.startswith('"Ann" <sip:')
    # The number is for the customer; where the carrier is, is not (docs/decisions/0007-topology-hiding.md).
    assert seen.asserted_identity == f"<sip:{CALLER}@{node.host}>"
    assert [value for name, value in seen.headers if name == "X-Twilio-CallSid"] == [record["sid"]]
    assert [value for name, value in seen.headers if name == "X-Twilio-AccountSid"] == [node.demo["account_sid"]]
    assert (seen.header("X-Carrier"), seen.header("X-Branch"), seen.header("User-to-User")) == (
        "kept",
        "north",
        "616263;encoding=hex",
    )
    assert seen.header("Diversion") is None
    assert seen.header("X-Trunkline-Hop") is None
    assert seen.header("Record-Route") is None  # our Contact takes its place (decision 7)


def test_a_fixed_user_shows_the_number_in_diversion(node: LiveNode, carrier: DemoCarrier, pbx: PbxProcess) -> None:
    host = pbx.sip_uri.removeprefix("sip:").partition(";")[0]
    trunk, _ = trunk_to(node, f"sip:reception@{host}")
    pbx.behave("refuse", sip_status=486)
    result = carrier.call(carrier.plan(trunk.number))
    seen = got(pbx, result.call_id)
    assert seen.ruri == f"sip:reception@{host};transport=udp"
    assert seen.header("Diversion") == f"<sip:{trunk.number}@{trunk.domain_name}>;reason=unconditional"


def test_over_tcp(node: LiveNode, carrier: DemoCarrier, pbx: PbxProcess) -> None:
    trunk, _ = trunk_to(node, pbx.uri("tcp"))
    result = carrier.call(carrier.plan(trunk.number))
    assert result.sip_status == 200
    assert result.media.tone is not None
    assert result.media.tone.heard
    assert got(pbx, result.call_id).source.startswith(f"tcp:{node.host}:")
    assert node.record(result.call_id)["status"] == "completed"
    assert complaints(node, result.call_id) == []


@pytest.mark.parametrize("by", ["caller", "callee"])
def test_either_side_hangs_up(node: LiveNode, carrier: DemoCarrier, pbx: PbxProcess, by: str) -> None:
    trunk, _ = trunk_to(node, pbx.sip_uri)
    if by == "callee":
        pbx.behave("answer", media="echo", hang_up_after=1.2)
    result = carrier.call(carrier.plan(trunk.number, seconds=1.2 if by == "caller" else None))
    seen = got(pbx, result.call_id)
    assert (result.sip_status, result.ended_by, seen.ended_by) == (200, by, by)
    record = node.record(result.call_id)
    assert (record["status"], record["ended_by"], record["q850_cause"]) == ("completed", by, 16)
    assert 1.0 <= (record["ended_us"] - record["answered_us"]) / 1e6 < 2.0
    assert complaints(node, result.call_id) == []


def test_the_caller_gives_up_while_it_rings(node: LiveNode, carrier: DemoCarrier, pbx: PbxProcess) -> None:
    trunk, _ = trunk_to(node, pbx.sip_uri)
    pbx.behave("ring")
    result = carrier.call(carrier.plan(trunk.number, cancel_after=0.6))
    assert result.sip_status == 487
    assert got(pbx, result.call_id).cancelled
    record = node.record(result.call_id)
    assert (record["status"], record["ended_by"], record["alerts"]) == ("canceled", "caller", [])
    assert [attempt["outcome"] for attempt in record["attempts"]] == ["canceled"]
    assert complaints(node, result.call_id) == []


@pytest.mark.parametrize("by", ["caller", "callee"])
def test_a_secure_trunk_calls_by_tls_with_srtp(node: LiveNode, carrier: DemoCarrier, pbx: PbxProcess, by: str) -> None:
    """Whatever transport the URL asks for. The carrier's side stays plain."""
    tls_port = pbx.uri("tls").partition(";")[0].rpartition(":")[2]
    trunk, _ = trunk_to(node, f"sip:127.0.0.1:{tls_port}" + (";transport=tls" if by == "caller" else ""), secure=True)
    if by == "callee":
        pbx.behave("answer", media="echo", hang_up_after=2.0)
    result = carrier.call(carrier.plan(trunk.number, seconds=2.0 if by == "caller" else None))
    seen = got(pbx, result.call_id)
    assert (result.sip_status, result.ended_by, seen.ended_by) == (200, by, by)
    assert seen.source.startswith("tls:")
    assert (seen.secure, seen.media.srtp, result.media.srtp) == (True, True, False)
    assert result.media.tone is not None
    assert result.media.tone.tone_seconds > 1.2, result.media.tone
    record = node.record(result.call_id)
    assert (record["status"], record["ended_by"]) == ("completed", by)
    assert record["attempts"][0]["uri"].endswith("transport=tls")
    assert record["secure"] is True
    assert complaints(node, result.call_id) == []


# ---- failover -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dead", ["silent", "refused", "tls refused"])
def test_a_dead_url_is_followed_by_the_next(node: LiveNode, carrier: DemoCarrier, spare: PbxProcess, dead: str) -> None:
    uri = carrier.silent_uri if dead == "silent" else refused_uri("tls" if dead.startswith("tls") else "tcp")
    trunk, urls = trunk_to(node, uri, spare.sip_uri)
    result = carrier.call(carrier.plan(trunk.number))
    assert result.sip_status == 200
    assert result.media.tone is not None
    assert result.media.tone.heard
    answered = result.timeline.answered
    assert answered is not None
    if dead == "silent":
        assert FAILOVER - 0.2 < answered < FAILOVER + 1.2
    else:
        assert answered < FAILOVER
    record = node.record(result.call_id)
    assert record["status"] == "completed"
    assert [(a["target_sid"], a["outcome"]) for a in record["attempts"]] == [(urls[0], "failed"), (urls[1], "answered")]
    (alert,) = record["alerts"]
    assert (alert["error_code"], alert["log_level"]) == (32011, "warning")
    assert uri.removeprefix("sip:") in alert["alert_text"]
    assert {"silent": "nothing came back in time", "refused": "it never left this machine"}.get(dead, "503") in alert[
        "alert_text"
    ]
    assert alert["seen"]["origination_url_sid"] == urls[0]
    # After a TLS target the next one is sent from its own socket again.
    assert not [line for line in complaints(node, result.call_id) if "mismatch" in line]


def test_nothing_is_left(node: LiveNode, carrier: DemoCarrier) -> None:
    trunk, urls = trunk_to(node, refused_uri(), carrier.silent_uri)
    result = carrier.call(carrier.plan(trunk.number))
    assert (result.sip_status, result.twilio_error) == (480, "32010 No origination URL could take the call")
    record = node.record(result.call_id)
    assert_shows(record, status="failed", sip_status=480, cause="ORIGINATION_EXHAUSTED", error_code=32010)
    assert [(a["target_sid"], a["outcome"]) for a in record["attempts"]] == [(urls[0], "failed"), (urls[1], "failed")]
    assert sorted(codes(record)) == [32010, 32011, 32011]
    listed = [row for row in node.api.alerts(most=100) if row["resource_sid"] == record["sid"]]
    assert sorted(row["error_code"] for row in listed) == ["32010", "32011", "32011"]
    assert {row["service_sid"] for row in listed} == {trunk.sid}


def test_a_busy_pbx_is_not_followed_by_the_next(
    node: LiveNode, carrier: DemoCarrier, pbx: PbxProcess, spare: PbxProcess
) -> None:
    trunk, (url, _) = trunk_to(node, pbx.sip_uri, spare.sip_uri)
    pbx.behave("refuse", sip_status=486)
    result = carrier.call(carrier.plan(trunk.number))
    assert (result.sip_status, result.twilio_error) == (486, None)
    record = node.record(result.call_id)
    assert (record["status"], record["q850_cause"], record["alerts"]) == ("busy", 17, [])
    assert [(a["target_sid"], a["sip_status"], a["next"]) for a in record["attempts"]] == [
        (url, 486, "486: the callee is busy")
    ]
    assert not reached(spare, result.call_id)


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (401, "401: the PBX asks for credentials, and a trunk never answers that"),
        (500, "500: the PBX failed"),
        (403, "403: the PBX refused"),
        (302, "302: the PBX redirects"),
    ],
)
def test_a_pbx_that_does_not_take_the_call_is_followed_by_the_next(
    node: LiveNode, carrier: DemoCarrier, pbx: PbxProcess, spare: PbxProcess, status: int, why: str
) -> None:
    trunk, urls = trunk_to(node, pbx.sip_uri, spare.sip_uri)
    # Of a redirect, one that leads nowhere: test_redirects.py has those that are followed.
    headers = {401: {"WWW-Authenticate": 'Digest realm="pbx",nonce="1"'}, 302: {"Contact": "<tel:+15550001111>"}}
    pbx.behave("refuse", sip_status=status, headers=headers.get(status, {}))
    spare.behave("refuse", sip_status=486)
    result = carrier.call(carrier.plan(trunk.number))
    assert result.sip_status == 486
    assert result.challenges == 0
    record = node.record(result.call_id)
    assert [(a["target_sid"], a["sip_status"]) for a in record["attempts"]] == [(urls[0], status), (urls[1], 486)]
    (alert,) = record["alerts"]
    assert alert["error_code"] == 32011
    assert why in alert["alert_text"]


def test_a_challenge_of_the_only_pbx_does_not_reach_the_caller(
    node: LiveNode, carrier: DemoCarrier, pbx: PbxProcess
) -> None:
    trunk, _ = trunk_to(node, pbx.sip_uri)
    pbx.behave("refuse", sip_status=401, headers={"WWW-Authenticate": 'Digest realm="pbx",nonce="1"'})
    result = carrier.call(carrier.plan(trunk.number))
    assert (result.sip_status, result.challenges, result.twilio_error) == (
        480,
        0,
        "32010 No origination URL could take the call",
    )
    assert sorted(codes(node.record(result.call_id))) == [32010, 32011]


# ---- choice ---------------------------------------------------------------------------------------------------------


def call_often(node: LiveNode, number: str, times: int) -> list[str]:
    """Calls of a carrier that hang up on 486; the Call-IDs."""
    with PlainSip(node.host, node.sip_port, source=CARRIER_HOST) as raw:
        replies = []
        for _ in range(times):
            replies.append(raw.invite(f"sip:{number}@{node.host}", caller=CALLER))
            time.sleep(PAUSE)
    assert {reply.status for reply in replies} == {486}
    return [reply.call_id for reply in replies]


def taken(pbx: PbxProcess, calls: list[str]) -> int:
    return len({call.call_id for call in pbx.seen()} & set(calls))


def test_the_lowest_priority_is_tried_first(node: LiveNode, pbx: PbxProcess, spare: PbxProcess) -> None:
    trunk = node.make_trunk(credentials=False)
    add_url(node, trunk, refused_uri(), priority=1, enabled=False)
    add_url(node, trunk, pbx.sip_uri, priority=20, weight=65535)
    add_url(node, trunk, spare.sip_uri, priority=10, weight=1)
    node.wait_published()
    for each in (pbx, spare):
        each.behave("refuse", sip_status=486)
    calls = call_often(node, trunk.number, 8)
    assert (taken(pbx, calls), taken(spare, calls)) == (0, 8)
    assert [len(node.record(call)["attempts"]) for call in calls[:2]] == [1, 1]


@pytest.mark.parametrize(("weights", "least", "most"), [((65535, 1), 23, 24), ((10, 10), 2, 22)])
def test_within_a_priority_weight_decides(
    node: LiveNode, pbx: PbxProcess, spare: PbxProcess, weights: tuple[int, int], least: int, most: int
) -> None:
    """24 fair tosses give 2 to 22 heads in all but 3 of a million runs; of 24 at 65535 to 1, at most one is lost."""
    trunk = node.make_trunk(credentials=False)
    for each, weight in zip((pbx, spare), weights, strict=True):
        add_url(node, trunk, each.sip_uri, weight=weight)
        each.behave("refuse", sip_status=486)
    node.wait_published()
    calls = call_often(node, trunk.number, 24)
    assert taken(pbx, calls) + taken(spare, calls) == 24
    assert least <= taken(pbx, calls) <= most


# ---- refusals -------------------------------------------------------------------------------------------------------


def called_from_the_carrier(node: LiveNode, number: str) -> tuple[Any, View]:
    with PlainSip(node.host, node.sip_port, source=CARRIER_HOST) as raw:
        reply = raw.invite(f"sip:{number}@{node.host}", caller=CALLER)
    return reply, node.record(reply.call_id)


def test_an_unknown_number(node: LiveNode) -> None:
    number = f"+1556{secrets.randbelow(10**7):07d}"
    reply, record = called_from_the_carrier(node, number)
    assert (reply.status, reply.twilio_error) == (404, None)
    assert_shows(
        record,
        direction="trunking-originating",
        status="failed",
        cause="UNKNOWN_NUMBER",
        sip_status=404,
        account_sid=None,
        called=number,
        caller=CALLER,
        attempts=[],
        alerts=[],
    )


def test_a_number_without_a_trunk(node: LiveNode) -> None:
    number = f"+1556{secrets.randbelow(10**7):07d}"
    node.api.add_phone_number(number)
    node.wait_published()
    reply, record = called_from_the_carrier(node, number)
    assert (reply.status, reply.twilio_error) == (404, None)
    assert_shows(record, cause="NUMBER_WITHOUT_TRUNK", account_sid=node.demo["account_sid"], trunk_sid=None)


def test_a_trunk_without_a_url(node: LiveNode) -> None:
    trunk = node.make_trunk()
    reply, record = called_from_the_carrier(node, trunk.number)
    assert (reply.status, reply.twilio_error) == (480, f"32010 No valid origination URL for {trunk.number}")
    assert_shows(record, cause="NO_ORIGINATION_URL", error_code=32010, trunk_sid=trunk.sid)
    assert codes(record) == [32010]


def test_the_number_of_a_suspended_account(node: LiveNode, pbx: PbxProcess) -> None:
    account = node.make_account()
    trunk = node.make_trunk(api=account)
    account.add_origination_url(trunk.sid, pbx.sip_uri, friendly_name="pbx")
    node.set_account(account, Status="suspended")
    reply, record = called_from_the_carrier(node, trunk.number)
    assert (reply.status, reply.twilio_error) == (480, "10003 Incoming call rejected: account is not active")
    assert (record["cause"], record["account_sid"]) == ("ORIGINATION_ACCOUNT_INACTIVE", account.account_sid)
    assert codes(record) == [10003]
    assert not reached(pbx, reply.call_id)
