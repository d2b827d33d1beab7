"""Calls that the trunk carried, before the judge: what is kept of them, when they are over, what is said."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pytest

from trunkline.analyzer import analyze
from trunkline.analyzer.model.capture import Endpoint, Place, RawMessage
from trunkline.node import trace_buffer
from trunkline.node.call_judge import CarriedCall, capture_of, customer_side, judge_call, running_profile
from trunkline.node.trace_buffer import AFTER_END, CHALLENGED, TraceBuffer, both_sides
from trunkline.settings import Settings

PBX, EDGE, CARRIER = Endpoint("203.0.113.10", 5060), Endpoint("198.51.100.1", 5060), Endpoint("192.0.2.9", 5060)
CALL = CarriedCall("CA1", "trunking-terminating", "completed", None, 1000.0, 1060.0, "PCMU", 0, 0, None, None, 3000)


EVENTS = "a=rtpmap:101 telephone-event/8000\r\n"


def sdp(ip: str, port: int) -> str:
    return f"v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 101\r\n{EVENTS}"


def message(
    start: str, src: Endpoint, dst: Endpoint, at: float, *, cseq: str = "1 INVITE", body: str = ""
) -> RawMessage:
    to_tag = "" if start.startswith("INVITE") else ";tag=b"
    head = [
        start,
        f"Via: SIP/2.0/UDP 203.0.113.10:5060;branch=z9hG4bK{cseq.replace(' ', '')}",
        "From: <sip:+15550001@acme.pstn.twilio.com>;tag=a",
        f"To: <sip:+15550002@acme.pstn.twilio.com>{to_tag}",
        "Call-ID: one",
        f"CSeq: {cseq}",
        "Max-Forwards: 70",
        f"Contact: <sip:{src}>",
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body)}",
    ]
    data = ("\r\n".join(head) + "\r\n\r\n" + body).encode()
    return RawMessage(data, Place(), at, src, dst, "udp")


def answered() -> list[RawMessage]:
    ruri = "sip:+15550002@acme.pstn.twilio.com"
    return [
        message(f"INVITE {ruri} SIP/2.0", PBX, EDGE, 999.0, body=sdp("203.0.113.10", 4000)),
        message("INVITE sip:+15550002@192.0.2.9 SIP/2.0", EDGE, CARRIER, 999.1, body=sdp("198.51.100.1", 6000)),
        message("SIP/2.0 200 OK", CARRIER, EDGE, 999.9, body=sdp("192.0.2.9", 7000)),
        message("SIP/2.0 200 OK", EDGE, PBX, 1000.0, body=sdp("198.51.100.1", 6002)),
        message(f"ACK {ruri} SIP/2.0", PBX, EDGE, 1000.1, cseq="1 ACK"),
        message(f"BYE {ruri} SIP/2.0", PBX, EDGE, 1060.0, cseq="2 BYE"),
        message("SIP/2.0 200 OK", EDGE, PBX, 1060.1, cseq="2 BYE"),
    ]


@pytest.fixture
def profile(tmp_path):
    return running_profile(Settings(home=tmp_path, sip_host="198.51.100.1"))


class TestBuffer:
    def test_a_call_is_over_a_moment_after_its_bye(self):
        buffer = TraceBuffer()
        for n, raw in enumerate(answered()):
            buffer.add(raw, 10.0 + n)
        assert buffer.over(16.0 + AFTER_END / 2) == []
        (call,) = buffer.over(16.0 + AFTER_END)
        assert (call.call_id, len(call.messages), buffer.size, len(buffer)) == ("one", 7, 0, 0)

    def test_after_a_challenge_the_call_goes_on(self):
        buffer = TraceBuffer()
        buffer.add(answered()[0], 0.0)
        buffer.add(message("SIP/2.0 407 Proxy Authentication Required", EDGE, PBX, 999.1), 0.1)
        buffer.add(message("ACK sip:x SIP/2.0", PBX, EDGE, 999.1, cseq="1 ACK"), 0.2)
        assert buffer.over(5.0) == []
        assert len(buffer.over(0.1 + CHALLENGED)) == 1

    def test_another_attempt_keeps_it_up(self):
        buffer = TraceBuffer()
        buffer.add(answered()[0], 0.0)
        buffer.add(message("SIP/2.0 503 Service Unavailable", CARRIER, EDGE, 999.5), 1.0)
        buffer.add(answered()[1], 1.1)
        assert buffer.over(10.0) == []

    def test_what_is_no_call_is_not_kept(self):
        buffer = TraceBuffer()
        buffer.add(message("OPTIONS sip:x SIP/2.0", PBX, EDGE, 1.0, cseq="1 OPTIONS"), 0.0)
        buffer.add(message("BYE sip:x SIP/2.0", PBX, EDGE, 1.0, cseq="2 BYE"), 0.0)
        buffer.add(RawMessage(b"\x00junk", Place(), 1.0), 0.0)
        assert len(buffer) == 0

    def test_two_sides_with_a_call_id_each_are_one_call(self):
        """As topology hiding makes them, where the caller's Call-ID names its host."""
        buffer = TraceBuffer()
        for raw in answered():
            if CARRIER in (raw.src, raw.dst):
                raw.data = raw.data.replace(b"Call-ID: one", b"Call-ID: two")
            buffer.add(raw, 0.0)
        caller, callee = buffer.take("one"), buffer.take("two")
        assert caller is not None
        assert callee is not None
        assert (buffer.take("two"), len(buffer), buffer.size) == (None, 0, 0)
        whole = both_sides(caller, callee)
        assert [message.time for message in whole.messages] == [message.time for message in answered()]
        assert (whole.call_id, len(caller.messages), len(callee.messages)) == ("one", 5, 2)

    def test_an_answer_that_overtakes_its_invite_belongs_to_it(self):
        """Two SIP workers mirror what they handle; old ones, and those of other calls, do not."""
        buffer = TraceBuffer()
        refusal = message("SIP/2.0 404 Not Found", CARRIER, EDGE, 999.2)
        other = replace(refusal, data=refusal.data.replace(b"Call-ID: one", b"Call-ID: two"))
        buffer.add(replace(refusal), 0.0)
        buffer.add(other, 5.0)
        buffer.add(refusal, 5.1)
        buffer.add(answered()[0], 5.2)
        assert buffer.over(5.2 + AFTER_END / 2) == []
        (call,) = buffer.over(5.2 + AFTER_END)
        assert [raw.data[:11] for raw in call.messages] == [b"INVITE sip:", b"SIP/2.0 404"]

    def test_it_is_bounded(self, monkeypatch):
        monkeypatch.setattr(trace_buffer, "MOST_MESSAGES", 5)
        monkeypatch.setattr(trace_buffer, "MOST_BYTES_IN_ALL", 3000)
        buffer = TraceBuffer()
        for raw in answered():
            buffer.add(raw, 0.0)
        (call,) = buffer.over(1e9)
        assert (len(call.messages), call.cut) == (5, True)
        for n in range(20):
            raw = answered()[0]
            raw.data = raw.data.replace(b"Call-ID: one", b"Call-ID: n%d" % n)
            buffer.add(raw, 0.0)
        assert buffer.size <= 3000
        assert buffer.forgotten > 10


class TestJudge:
    def test_one_way_audio_shows_in_the_figures(self, profile):
        document = judge_call(CALL, answered(), profile)
        assert "MEDIA-02" in {finding["rule"] for finding in document["findings"]}
        assert document["profile"]["name"] == "trunkline"

    def test_a_pbx_that_does_not_answer(self, profile):
        """Origination to a dead URL: the edge gives up 4 s after the first INVITE, half a second after the last."""
        ruri = "sip:+15550002@203.0.113.10"
        sent = [message("INVITE sip:+15550002@198.51.100.1 SIP/2.0", CARRIER, EDGE, 999.9)]
        sent += [message(f"INVITE {ruri} SIP/2.0", EDGE, PBX, at) for at in (1000.0, 1000.5, 1001.5, 1003.5)]
        call = replace(CALL, direction="trunking-originating", status="failed", error_code=32010)
        document = judge_call(replace(call, answered=None, ended=1004.0), sent, profile)
        assert "NET-01" in {finding["rule"] for finding in document["findings"]}
        assert document["problems"] == 1
        assert document["capture"]["end"] == 1004.0

    def test_a_good_call_has_no_problem(self, profile):
        assert judge_call(replace(CALL, customer_packets=3000), answered(), profile)["problems"] == 0

    def test_the_carriers_side_is_not_the_customers_business(self):
        assert {m.src for m in customer_side(CALL, answered())} == {PBX, EDGE}
        origination = replace(CALL, direction="trunking-originating")
        assert {m.src for m in customer_side(origination, answered())} == {EDGE, CARRIER}

    @pytest.mark.parametrize(
        ("changes", "worth"),
        [
            ({}, True),
            ({"customer_packets": 3000}, False),
            ({"customer_packets": 3000, "customer_lost": 300}, True),
            ({"customer_packets": 3000, "customer_mos": 2.0}, True),
            ({"customer_packets": 3000, "ended": 1001.0, "carrier_packets": 0}, False),
            ({"status": "failed"}, True),
            ({"status": "busy", "answered": None}, False),
            ({"status": "canceled", "answered": None}, False),
            ({"status": "no-answer", "answered": None, "error_code": 32010}, True),
        ],
    )
    def test_which_calls_are_judged(self, changes, worth):
        assert replace(CALL, **changes).is_worth_judging is worth

    def test_the_messages_are_a_capture_for_every_tool(self):
        again = analyze(gzip.decompress(capture_of(answered())))
        assert [m.raw.data for m in again.trace.messages] == [m.data for m in answered()]
        assert again.trace.messages[0].src == PBX

    def test_no_messages_are_no_error(self, profile):
        assert judge_call(CALL, [], profile)["sip"]["messages"] == 0
