"""PBX → PSTN with real audio: the call, its end from either side, its record, refusals by the callee."""

from __future__ import annotations

import time
from typing import Any

import pytest
from demo_carrier import DemoCarrier, complaints, logged
from live_node import LiveNode, LiveTrunk
from raw_sip import RawCaller

from trunkline.testbench.pbx import PbxProcess
from trunkline.testbench.process import AgentProcess
from trunkline.testbench.result import CallResult

ECHO = "+15550100000"
DIGITS_BACK = "+15550100733"
RINGS = "+15550100180"
TRIES = "+15550100100"


pytestmark = pytest.mark.live


def assert_record_is_right(
    node: LiveNode, result: CallResult, trunk: LiveTrunk, started: float, transport: str
) -> None:
    """The record of an answered call against what the PBX saw. `started`: Unix time just before the first INVITE."""
    record, line, media = node.record(result.call_id), result.timeline, result.media
    assert (record["status"], record["sip_status"], record["cause"]) == ("completed", 200, None)
    assert record["direction"] == "trunking-terminating"
    assert (record["caller"], record["called"]) == (trunk.number, result.ruri.partition(":")[2].partition("@")[0])
    assert record["trunk_sid"] == trunk.sid
    # The INVITE with credentials comes some milliseconds after the first; the PBX's clock is ours.
    for name, seconds in (
        ("started_us", 0.0),
        ("ringing_us", line.ringing),
        ("answered_us", line.answered),
        ("ended_us", line.ended),
    ):
        assert record[name] / 1e6 - started == pytest.approx(seconds, abs=1.0), name
    assert record["duration"] == pytest.approx(line.ended - line.answered, abs=1.0)
    assert 0 <= record["pdd_ms"] <= 1000 * line.ringing + 50
    assert record["ended_by"] == result.ended_by
    assert record["q850_cause"] == 16
    assert record["source_address"].startswith(f"{transport}:127.0.0.1:")
    assert record["secure"] is (transport == "tls")
    assert record["user_agent"] == "Trunkline test PBX"
    assert record["codec"] == media.codec.partition("/")[0]
    assert record["customer_side"]["packets"] == pytest.approx(media.rtp_sent, abs=5)
    assert record["carrier_side"]["packets"] == pytest.approx(media.rtp_received, abs=5)
    for side in ("customer_side", "carrier_side"):
        assert record[side]["lost"] == 0, record
        assert 0 <= record[side]["jitter_ms"] < 30, record
        assert 4.0 <= record[side]["mos"] <= 4.5, record
    (attempt,) = record["attempts"]
    assert (attempt["n"], attempt["outcome"], attempt["sip_status"]) == (0, "answered", 200)
    assert attempt["uri"].startswith(f"sip:{record['called']}@")
    assert record["alerts"] == []
    assert complaints(node, result.call_id) == []
    # Which says something: rtpengine's lines, too, are found by the call.
    assert "rtpengine" in {line["program"] for line in logged(node, result.call_id)}


@pytest.fixture(scope="module")
def tls_pbx() -> Any:
    with PbxProcess("--tls-port", "0") as agent:
        yield agent
    assert agent.returncode == 0, agent.stderr()


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_tone_digits_and_record(node: LiveNode, tls_pbx: PbxProcess, transport: str) -> None:
    """The caller hangs up; over TLS the trunk is secure and the audio SRTP."""
    secure = transport == "tls"
    trunk = node.make_trunk(secure=secure)
    srtp = "mandatory" if secure else "off"
    echo_started = time.time()
    echo = tls_pbx.place_call(trunk.plan(node, ECHO, transport=transport, seconds=3.2, srtp=srtp))
    digits = tls_pbx.place_call(
        trunk.plan(node, DIGITS_BACK, transport=transport, digits="159#0", seconds=4.0, srtp=srtp)
    )
    result, digits_result = tls_pbx.result(echo, wait=20), tls_pbx.result(digits, wait=20)
    assert (result.sip_status, result.challenges, result.ended_by) == (200, 1, "caller"), result
    assert result.media.srtp is secure
    tone = result.media.tone
    assert tone.ratio > 0.95, tone
    assert tone.tone_seconds == pytest.approx(3.0, abs=0.4), tone
    assert result.media.rtp_lost == 0, result
    assert digits_result.media.dtmf_received == "159#0", digits_result
    assert_record_is_right(node, result, trunk, echo_started, transport)
    assert node.record(digits_result.call_id)["status"] == "completed"


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_the_callee_hangs_up(node: LiveNode, tls_pbx: PbxProcess, transport: str) -> None:
    trunk = node.make_trunk(secure=transport == "tls")
    started = time.time()
    result = tls_pbx.call(
        trunk.plan(
            node,
            "+15550123002",
            transport=transport,
            seconds=None,
            listen_hz=440.0,
            srtp="mandatory" if transport == "tls" else "off",
        )
    )
    assert (result.sip_status, result.ended_by) == (200, "callee"), result
    assert result.timeline.ended - result.timeline.answered == pytest.approx(2.0, abs=0.3)
    assert result.media.tone.ratio > 0.95, result
    assert result.media.tone.tone_seconds == pytest.approx(1.8, abs=0.4), result
    assert_record_is_right(node, result, trunk, started, transport)


# ---- what a trunk's security asks for -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("secure", "transport", "srtp", "code"),
    [
        (True, "udp", "off", "32209"),
        (True, "udp", "mandatory", "32209"),
        (True, "tls", "off", "32208"),
        (False, "tls", "mandatory", "32207"),
        (False, "udp", "mandatory", "32207"),
    ],
)
def test_security_that_does_not_fit(
    node: LiveNode, carrier: DemoCarrier, tls_pbx: PbxProcess, secure: bool, transport: str, srtp: str, code: str
) -> None:
    trunk = node.make_trunk(secure=secure)
    result = tls_pbx.call(trunk.plan(node, ECHO, transport=transport, srtp=srtp))
    assert result.sip_status == 488, result
    assert result.twilio_error.startswith(code), result
    record = node.record(result.call_id)
    assert (record["status"], record["sip_status"], record["error_code"]) == ("failed", 488, int(code)), record
    assert [alert["error_code"] for alert in record["alerts"]] == [int(code)], record
    assert carrier.saw(result.call_id) is None


def test_a_plain_call_over_tls(node: LiveNode, tls_pbx: PbxProcess) -> None:
    """TLS without SRTP is allowed where the trunk is not secure."""
    trunk = node.make_trunk()
    result = tls_pbx.call(trunk.plan(node, ECHO, transport="tls", seconds=1.0))
    assert result.sip_status == 200, result
    assert result.media.tone.heard, result
    assert node.record(result.call_id)["source_address"].startswith("tls:")


# ---- calls that nobody answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("called", [RINGS, TRIES])
def test_the_caller_cancels(node: LiveNode, carrier: DemoCarrier, pbx: AgentProcess, called: str) -> None:
    trunk = node.make_trunk()
    result = pbx.call(trunk.plan(node, called, cancel_after=1.0))
    assert (result.sip_status, result.ended_by, result.answered) == (487, "caller", False), result
    assert carrier.took(result.call_id).cancelled
    record = node.record(result.call_id)
    assert (record["status"], record["sip_status"], record["ended_by"], record["duration"]) == (
        "canceled",
        487,
        "caller",
        0,
    ), record
    assert record["answered_us"] is None
    assert (record["ringing_us"] is not None) is (called == RINGS)
    assert (record["ended_us"] - record["started_us"]) / 1e6 == pytest.approx(1.0, abs=0.5)
    assert [attempt["outcome"] for attempt in record["attempts"]] == ["canceled"]
    assert record["alerts"] == []


@pytest.mark.parametrize(
    ("called", "status", "word", "q850"),
    [
        ("+15550100486", 486, "busy", 17),
        ("+15550100480", 480, "no-answer", 18),
        ("+15550100404", 404, "failed", 1),
        ("+15550100603", 603, "busy", 21),
        ("+15550100503", 503, "failed", 41),
        ("+15550130600", 600, "busy", 17),
    ],
)
def test_the_callee_refuses(
    node: LiveNode, carrier: DemoCarrier, pbx: AgentProcess, called: str, status: int, word: str, q850: int
) -> None:
    trunk = node.make_trunk()
    result = pbx.call(trunk.plan(node, called))
    assert (result.sip_status, result.answered) == (status, False), result
    record = node.record(result.call_id)
    assert (record["status"], record["sip_status"], record["q850_cause"]) == (word, status, q850), record
    assert record["duration"] == 0
    assert record["ended_by"] == ("edge" if status == 503 else "callee")
    (attempt,) = record["attempts"]
    assert (attempt["outcome"], attempt["sip_status"], attempt["q850_cause"]) == ("failed", status, q850)
    assert attempt["next"]
    assert carrier.times(result.call_id) == 1


# ---- caller ID ------------------------------------------------------------------------------------------------------


def test_a_foreign_caller_id_is_replaced(node: LiveNode, carrier: DemoCarrier, pbx: AgentProcess) -> None:
    trunk = node.make_trunk()
    node.api.post(f"/trunkline/v1/Trunks/{trunk.sid}", CallerIdPolicy="replace", DefaultCallerId=trunk.number)
    node.wait_published()
    foreign = "+15559990001"
    result = pbx.call(
        trunk.plan(node, ECHO, caller=foreign, seconds=1.0, asserted_identity=f"sip:{foreign}@example.com")
    )
    assert result.sip_status == 200, result
    assert result.ended_by == "caller"
    at_carrier = carrier.took(result.call_id)
    assert at_carrier.answered
    assert at_carrier.ended_by == "caller"  # the BYE with the PBX's own From found its dialog there
    assert trunk.number in at_carrier.from_header
    assert foreign not in str(at_carrier.headers), at_carrier.headers
    assert trunk.number in at_carrier.asserted_identity
    record = node.record(result.call_id)
    assert (record["status"], record["caller"]) == ("completed", trunk.number)
    assert [(alert["error_code"], alert["log_level"]) for alert in record["alerts"]] == [(32204, "warning")]


def test_replies_and_requests_show_the_pbx_its_own_from(node: LiveNode, carrier: DemoCarrier) -> None:
    trunk = node.make_trunk()
    node.api.post(f"/trunkline/v1/Trunks/{trunk.sid}", CallerIdPolicy="replace", DefaultCallerId=trunk.number)
    node.wait_published()
    with RawCaller(node) as caller:
        answer = caller.invite(
            trunk, "+15550123001", caller="sip:+15559990002@pbx.example.com"
        )  # the carrier hangs up after 1 s
        assert answer.sip_status == 200, answer
        assert answer.first("From").startswith("<sip:+15559990002@pbx.example.com>;tag="), answer
        bye = caller.wait(lambda message: message.method == "BYE" and message.is_request)
        assert bye.first("To").startswith("<sip:+15559990002@pbx.example.com>;tag="), bye
        caller.send(caller.ok(bye))
        record = node.record(caller.call_id)
    assert (record["status"], record["ended_by"]) == ("completed", "callee")
    assert carrier.took(caller.call_id).caller == trunk.number
