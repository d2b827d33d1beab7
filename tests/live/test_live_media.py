"""Media through the relay: callers behind NAT, early media, hold, late offers, callees that say nothing."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from demo_carrier import DemoCarrier, complaints
from live_node import LiveNode
from raw_audio import RawAudio
from raw_sip import RawCaller, sdp

from trunkline.testbench.pbx import PbxProcess
from trunkline.testbench.process import AgentProcess
from trunkline.testbench.sip_text import SipText

ECHO = "+15550100000"
TONE_440 = "+15550100440"
ELSEWHERE = "10.99.98.97"

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def nat_pbx() -> Iterator[PbxProcess]:
    """A PBX that believes to be somewhere else: Via, Contact and SDP name an address that nobody here can reach."""
    with PbxProcess("--public-host", ELSEWHERE, "--tls-port", "0") as agent:
        yield agent
    assert agent.returncode == 0, agent.stderr()


@pytest.fixture(scope="module")
def tls_pbx() -> Iterator[PbxProcess]:
    with PbxProcess("--tls-port", "0") as agent:
        yield agent
    assert agent.returncode == 0, agent.stderr()


# ---- behind NAT -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_the_sender_is_not_where_its_sdp_says(
    node: LiveNode, carrier: DemoCarrier, nat_pbx: PbxProcess, transport: str
) -> None:
    """Audio both ways, and the carrier's BYE finds the PBX by where its requests came from."""
    srtp = "mandatory" if transport == "tls" else "off"
    trunk = node.make_trunk(secure=transport == "tls")
    echo = nat_pbx.place_call(trunk.plan(node, ECHO, transport=transport, seconds=2.0, srtp=srtp))
    ended = nat_pbx.place_call(
        trunk.plan(node, "+15550123002", transport=transport, seconds=None, srtp=srtp, listen_hz=440.0)
    )
    result = nat_pbx.result(echo, wait=15)
    assert (result.sip_status, result.ended_by) == (200, "caller"), result
    assert result.media.tone.ratio > 0.95, result
    assert result.media.tone.tone_seconds == pytest.approx(1.8, abs=0.4), result
    by_carrier = nat_pbx.result(ended, wait=15)
    assert (by_carrier.sip_status, by_carrier.ended_by) == (200, "callee"), by_carrier
    assert by_carrier.media.tone.ratio > 0.95, by_carrier
    assert by_carrier.media.tone.tone_seconds == pytest.approx(1.8, abs=0.4), by_carrier
    record = node.record(result.call_id)
    assert record["source_address"].startswith(f"{transport}:127.0.0.1:")
    assert record["customer_side"]["packets"] == pytest.approx(result.media.rtp_sent, abs=5)
    assert record["carrier_side"]["packets"] == pytest.approx(result.media.rtp_received, abs=5)
    assert carrier.took(result.call_id).media.rtp_received == pytest.approx(result.media.rtp_sent, abs=5)
    assert complaints(node, result.call_id) == []


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_a_silent_sender_behind_nat_hears_the_callee(node: LiveNode, transport: str) -> None:
    """It sends no packet that would show its address: its audio goes where its requests came from."""
    trunk = node.make_trunk(secure=transport == "tls")
    with PbxProcess("--host", "127.0.0.9", "--public-host", ELSEWHERE, "--tls-port", "0") as pbx:
        srtp = "mandatory" if transport == "tls" else "off"
        plan = trunk.plan(node, TONE_440, transport=transport, seconds=1.2, srtp=srtp, media="none", listen_hz=440.0)
        result = pbx.call(plan)
    assert (result.sip_status, result.media.rtp_sent) == (200, 0), result
    assert result.media.tone is not None, result
    assert result.media.tone.tone_seconds > 0.8, result
    assert node.record(result.call_id)["source_address"].startswith(f"{transport}:127.0.0.9:")


# ---- before the answer ----------------------------------------------------------------------------------------------


def test_early_media_is_heard(node: LiveNode, pbx: AgentProcess) -> None:
    trunk = node.make_trunk()
    result = pbx.call(trunk.plan(node, "+15550100183", media="tone:440", seconds=1.2))
    assert result.sip_status == 200, result
    assert result.timeline.ringing < 0.5 < result.timeline.answered, result
    assert result.media.early_tone.ratio > 0.9, result
    assert result.media.early_tone.tone_seconds == pytest.approx(0.9, abs=0.3), result
    assert result.media.tone.heard, result
    record = node.record(result.call_id)
    assert (record["answered_us"] - record["ringing_us"]) / 1e6 == pytest.approx(1.0, abs=0.3)


# ---- one side is silent ---------------------------------------------------------------------------------------------


def test_a_callee_that_never_sends_rtp(node: LiveNode, pbx: AgentProcess) -> None:
    trunk = node.make_trunk()
    result = pbx.call(trunk.plan(node, "+15550100001", seconds=1.5))
    assert result.sip_status == 200, result
    assert result.media.rtp_received == 0
    record = node.record(result.call_id)
    assert record["status"] == "completed"
    assert record["carrier_side"]["packets"] == 0, record
    assert record["customer_side"]["packets"] == pytest.approx(result.media.rtp_sent, abs=5)


# ---- re-INVITE ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["udp", "tls"])
def test_hold_and_resume(node: LiveNode, tls_pbx: PbxProcess, transport: str) -> None:
    """While the PBX holds there is no audio; then the echo is there again."""
    secure = transport == "tls"
    trunk = node.make_trunk(secure=secure)
    call = tls_pbx.place_call(
        trunk.plan(node, ECHO, transport=transport, seconds=3.6, srtp="mandatory" if secure else "off")
    )
    tls_pbx.wait_until(lambda: tls_pbx.result(call).answered, "the answer")
    time.sleep(1.2)
    tls_pbx.hold(call)
    time.sleep(1.2)
    tls_pbx.hold(call, on=False)
    result = tls_pbx.result(call, wait=10)
    assert result.ended_by == "caller"
    tone = result.media.tone
    assert tone.ratio > 0.9, result
    assert tone.tone_seconds == pytest.approx(2.1, abs=0.5), result
    assert tone.seconds == pytest.approx(2.4, abs=0.5), result  # of 3.6: on hold there is nothing to record
    assert result.media.srtp is secure
    record = node.record(result.call_id)
    assert (record["status"], record["ended_by"], len(record["attempts"])) == ("completed", "caller", 1)
    assert complaints(node, result.call_id) == []
    assert record["customer_side"]["packets"] == pytest.approx(180, abs=15)
    assert record["carrier_side"]["packets"] == pytest.approx(120, abs=25)  # it was told, and fell silent


def rtp_address(answer: SipText) -> tuple[str, int]:
    return (re.search(r"c=IN IP4 (\S+)", answer.body)[1], int(re.search(r"m=audio (\d+)", answer.body)[1]))


def test_a_reinvite_moves_the_media(node: LiveNode) -> None:
    """The PBX moves its audio to another port, as on a transfer; the tone follows, both sides keep their dialog."""
    trunk = node.make_trunk()
    with RawCaller(node) as caller, RawAudio() as first, RawAudio() as second:
        answer = caller.invite(trunk, TONE_440, body=sdp(port=first.port))
        assert answer.sip_status == 200
        assert first.talk(rtp_address(answer), 0.8, 440.0).tone_seconds > 0.4
        caller.cseq += 1
        caller.send(caller.in_dialog("INVITE", answer, body=sdp(port=second.port)))
        moved = caller.final()
        assert moved.sip_status == 200, moved
        caller.send(caller.in_dialog("ACK", answer))
        reading = second.talk(rtp_address(moved), 0.8, 440.0)
        assert reading.tone_seconds > 0.4, reading
        # Nobody listens there any more. (It says nothing: in the first 3 s rtpengine 12.5 would believe it again.)
        assert first.overhear(0.2) == 0
        caller.send(caller.bye(answer))
        assert caller.final().sip_status == 200
        record = node.record(caller.call_id)
    assert (record["status"], record["ended_by"], len(record["attempts"])) == ("completed", "caller", 1)


# ---- an INVITE without SDP ------------------------------------------------------------------------------------------


def test_a_late_offer(node: LiveNode, carrier: DemoCarrier) -> None:
    """The carrier offers in its 200, the PBX answers in its ACK (RFC 3261 section 13.2.1): relayed as ever."""
    trunk = node.make_trunk()
    with RawCaller(node) as caller, RawAudio() as audio:
        caller.send(caller.authorized(trunk, TONE_440, body=b""))
        offer = caller.final()
        assert offer.sip_status == 200, offer
        host, port = rtp_address(offer)
        first, _, last = node.environment["TRUNKLINE_RTP_PORTS"].partition("-")
        assert host == "127.0.0.1"
        assert int(first) <= port <= int(last)
        caller.send(caller.in_dialog("ACK", offer, body=sdp(port=audio.port)))
        reading = audio.talk((host, port), 1.0, 440.0)
        assert reading.ratio > 0.9, reading
        assert reading.tone_seconds > 0.5, reading
        caller.send(caller.bye(offer))
        assert caller.final().sip_status == 200
        record = node.record(caller.call_id)
    assert (record["status"], record["codec"]) == ("completed", "PCMU")
    assert record["customer_side"]["packets"] == pytest.approx(50, abs=2), record
    assert carrier.took(caller.call_id).media.rtp_received == pytest.approx(50, abs=2)
    assert complaints(node, caller.call_id) == []
