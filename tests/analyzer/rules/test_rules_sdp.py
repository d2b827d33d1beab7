"""Rules SDP-*, COD-*, DTMF-*, SRTP-* and FAX-* as far as signalling shows them."""

from __future__ import annotations

import pytest
from judging import Case, both_ways, cases, judged, of_rule
from traffic import BASE, PBX, endpoint, trace_of

from trunkline.analyzer.model.capture import Place
from trunkline.analyzer.model.stream import Media, OtherFlow, Stream

HEAD = "v=0 / o=- 1 {version} IN IP4 {ip} / s=- / c=IN IP4 {ip} / t=0 0"


def sdp(media: str = "audio 4000 RTP/AVP 0 8 101", *more: str, ip: str = "203.0.113.10", version: int = 1) -> str:
    """A description: the m= line and what follows it."""
    lines = [HEAD.format(ip=ip, version=version), f"m={media}", *more]
    return "lines " + " / ".join(lines)


EVENTS = "a=rtpmap:101 telephone-event/8000"
PLAIN = sdp("audio 4000 RTP/AVP 0 8 101", EVENTS)
THEIRS = sdp("audio 5000 RTP/AVP 0 101", EVENTS, ip="168.86.128.5")


def call(offer: str = PLAIN, answer: str = THEIRS, after: str = "") -> str:
    return f"0 > INVITE | {offer}\n1 < 200 | {answer}\n1.1 > ACK\n{after}\n60 > BYE\n60.1 < 200"


def refused(offer: str, status: str = "488 Not Acceptable Here") -> str:
    return f"0 > INVITE | {offer}\n0.2 < {status}\n0.3 > ACK"


G729 = ("audio 4000 RTP/AVP 18 101", EVENTS)
KEY = "a=crypto:{} {} inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
SAVP = "audio 4000 RTP/SAVP 0 101"
GOOD = "AES_CM_128_HMAC_SHA1_80"
FAX = "image 4000 udptl t38"
HOLD = sdp("audio 4000 RTP/AVP 0", "a=sendonly", version=2)

CASES: list[Case] = [
    ("SDP-01", call(sdp(ip="192.168.1.10")), call(), {}),
    ("SDP-02", call(sdp(ip="203.0.113.99")), call(sdp(ip="203.0.113.10"), sdp(ip="54.172.60.1")), {}),
    ("SDP-03", call(sdp("audio 0 RTP/AVP 0", "a=inactive", ip="0.0.0.0")), call(), {}),
    (
        "SDP-03",
        call(after=f"9 > INVITE #totag=x | {HOLD}\n9.1 < 200\n9.2 > ACK"),
        call(
            after=f"9 > INVITE #totag=x | {HOLD}\n9.1 < 200\n9.2 > ACK\n"
            f"20 > INVITE #totag=x | {sdp('audio 4000 RTP/AVP 0', version=3)}\n20.1 < 200\n20.2 > ACK"
        ),
        {},
    ),
    ("SDP-04", call(answer=sdp("audio 5000 RTP/AVP 3")), call(), {}),
    ("SDP-04", call(answer=sdp("audio 0 RTP/AVP 0")), call(answer=sdp("audio 5000 RTP/AVP 8 101", EVENTS)), {}),
    (
        "SDP-04",
        call(sdp("audio 4000 RTP/AVP 0", "m=video 4002 RTP/AVP 34")),
        call(
            sdp("audio 4000 RTP/AVP 0", "m=video 4002 RTP/AVP 34"), sdp("audio 5000 RTP/AVP 0", "m=video 0 RTP/AVP 34")
        ),
        {},
    ),
    ("SDP-05", f"0 > INVITE\n1 < 200 | {THEIRS}\n1.1 > ACK | {PLAIN}\n60 > BYE\n60.1 < 200", call(), {}),
    (
        "SDP-06",
        call(after=f"9 > INVITE #totag=x | {sdp('audio 4000 RTP/AVP 8', version=1)}\n9.1 < 200\n9.2 > ACK"),
        call(after=f"9 > INVITE #totag=x | {sdp('audio 4000 RTP/AVP 8', version=2)}\n9.1 < 200\n9.2 > ACK"),
        {},
    ),
    ("SDP-07", call("lines v=0 / o=- 1 1 IN IP4 203.0.113.10 / s=- / t=0 0 / m=audio 4000 RTP/AVP 0"), call(), {}),
    ("SDP-08", refused(sdp("audio 4000 UDP/TLS/RTP/SAVPF 111", "a=fingerprint:sha-256 AA")), call(), {}),
    ("SDP-08", call(sdp("audio 4000 RTP/AVPF 0")), call(sdp("audio 4000 RTP/AVP 0", "a=ice-ufrag:x")), {}),
    (
        "SDP-09",
        call("lines v=0 / o=- 1 1 IN IP6 2001:db8::1 / s=- / c=IN IP6 2001:db8::1 / t=0 0 / m=audio 4000 RTP/AVP 0"),
        call(),
        {},
    ),
    ("COD-01", refused(sdp("audio 4000 RTP/AVP 9 18")), refused(sdp(SAVP, KEY.format(1, GOOD))), {}),
    ("COD-01", refused(PLAIN, "415 Unsupported Media Type"), refused(PLAIN, "486 Busy Here"), {}),
    ("COD-04", call(sdp(*G729, "a=fmtp:18 annexb=no"), sdp(*G729)), call(sdp(*G729), sdp(*G729)), {}),
    ("COD-05", call(sdp("audio 4000 RTP/AVP 18")), call(sdp("audio 4000 RTP/AVP 18 8")), {"provider": "twilio"}),
    ("DTMF-01", call(sdp("audio 4000 RTP/AVP 0")), call(), {"provider": "twilio"}),
    (
        "DTMF-02",
        call(after="9 > INFO #totag=x | Content-Type: application/dtmf-relay\n9.1 < 200"),
        call(after="9 > INFO #totag=x | Content-Type: application/media_control+xml\n9.1 < 200"),
        {},
    ),
    (
        "DTMF-07",
        call(*[sdp("audio 4000 RTP/AVP 96 101", "a=rtpmap:96 opus/48000/2", EVENTS)] * 2),
        call(*[sdp("audio 4000 RTP/AVP 9 101", EVENTS)] * 2),
        {},
    ),
    ("SRTP-01", refused(PLAIN, "488 Secure media required"), refused(PLAIN), {}),
    (
        "SRTP-02",
        refused(sdp(SAVP, KEY.format(1, GOOD)))
        + f"\n0.5 > INVITE #id=2 | {PLAIN}\n1 < 200 #id=2 | {THEIRS}\n1.1 > ACK #id=2",
        refused(sdp(SAVP, KEY.format(1, GOOD)), "486 Busy Here"),
        {},
    ),
    (
        "SRTP-03",
        call(sdp(SAVP, KEY.format(1, GOOD)), sdp(SAVP, KEY.format(1, "AES_256_CM_HMAC_SHA1_80"))),
        call(*[sdp(SAVP, KEY.format(1, GOOD))] * 2),
        {},
    ),
    ("SRTP-03", call(sdp(SAVP, KEY.format(1, GOOD)), THEIRS), call(), {}),
    (
        "SRTP-04",
        call(*[sdp(SAVP, KEY.format(1, GOOD))] * 2),
        call(*[sdp(SAVP, KEY.format(1, GOOD))] * 2)
        .replace("> INVITE", "> INVITE #tls")
        .replace("< 200 |", "< 200 #tls |"),
        {},
    ),
    (
        "FAX-01",
        call(after=f"9 > INVITE #totag=x | {sdp(FAX, version=2)}\n9.1 < 488\n9.2 > ACK"),
        call(after=f"9 > INVITE #totag=x | {sdp(FAX, version=2)}\n9.1 < 200 | {sdp(FAX)}\n9.2 > ACK"),
        {},
    ),
]


@cases(CASES)
def test_a_fault_is_found_and_a_healthy_call_is_left_alone(rule_id, positive, negative, how):
    both_ways(rule_id, positive, negative, how)


def stream(src: str, dst: str, *, packets: int = 500, seconds: float = 10.0, **more) -> Stream:
    place = Place(0, 1)
    made = Stream(
        1,
        endpoint(src),
        endpoint(dst),
        BASE + 1.1,
        BASE + 1.1 + seconds,
        place,
        place,
        packets,
        packets * 160,
        0,
        {0: packets},
    )
    for name, value in more.items():
        setattr(made, name, value)
    return made


def test_rtp_that_arrives_makes_a_private_address_a_warning():
    arriving = Media([stream("168.86.128.5:5000", "192.168.1.10:4000")], captured=True)
    text = call(sdp("audio 4000 RTP/AVP 0 101", EVENTS, ip="192.168.1.10"))
    (lucky,) = of_rule(trace_of(text, a=PBX, media=arriving), "SDP-01")
    (lost,) = of_rule(trace_of(text, a=PBX), "SDP-01")
    assert (lucky.severity, lost.severity) == ("warn", "critical")
    assert lost.fix_values["private_ip"] == "192.168.1.10"


def test_within_a_private_network_private_addresses_are_right():
    text = call(sdp(ip="192.168.1.10"), sdp("audio 5000 RTP/AVP 0 101", EVENTS, ip="192.168.1.2"))
    assert "SDP-01" not in judged(trace_of(text, a=PBX, b="192.168.1.2:5060"))


def test_a_delayed_offer_without_an_answer_is_critical():
    (finding,) = of_rule(trace_of(f"0 > INVITE\n1 < 200 | {THEIRS}\n1.1 > ACK\n60 > BYE\n60.1 < 200"), "SDP-05")
    assert finding.severity == "critical"


def test_no_codec_is_proven_by_what_the_profile_takes():
    (finding,) = of_rule(trace_of(refused(sdp("audio 4000 RTP/AVP 3")), provider="twilio"), "COD-01")
    assert finding.confidence == "proven"
    assert "GSM" in finding.what


@pytest.mark.parametrize("arrives", [False, True])
def test_t38_without_data(arrives):
    fax = call(
        after=f"9 > INVITE #totag=x | {sdp(FAX, version=2)}\n9.1 < 200 | {sdp(FAX, ip='168.86.128.5')}\n9.2 > ACK"
    )
    media = Media([stream("203.0.113.10:4000", "168.86.128.5:5000")], captured=True)
    if arrives:
        end = endpoint("203.0.113.10:4000")
        media.other.append(OtherFlow("udptl", end, endpoint("168.86.128.5:4000"), 9, BASE + 10, BASE + 20, Place(0, 1)))
    assert ("FAX-02" in judged(trace_of(fax, media=media))) is not arrives
