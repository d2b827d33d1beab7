"""Rules of what RTP shows: MEDIA-*, QUAL-*, and the rest of COD-*, DTMF-*, SRTP-* and FAX-*."""

from __future__ import annotations

from typing import Any

import pytest
from judging import judged, of_rule
from test_rules_sdp import EVENTS, GOOD, KEY, SAVP, THEIRS, call, sdp, stream
from traffic import BASE, trace_of

from trunkline.analyzer.model.capture import Place
from trunkline.analyzer.model.stream import DtmfEvent, Gap, Media, Stream, Tone
from trunkline.analyzer.model.trace import Trace

OURS, FAR = "203.0.113.10:4000", "168.86.128.5:5000"
TALK = 58.0
AUDIO, ICE = "audio 4000 RTP/AVP 0 101", "a=candidate:1 1 UDP 2130706303 203.0.113.10 4444 typ host"


def event(**more: Any) -> DtmfEvent:
    fields = {
        "digit": "5",
        "start": BASE + 20,
        "duration_ms": 100.0,
        "end_packets": 3,
        "packets": 10,
        "payload_type": 101,
    }
    return DtmfEvent(**(fields | {"marker": True} | more))


def there(**more: Any) -> Stream:
    return stream(OURS, FAR, packets=2900, seconds=TALK, **({"expected": 2900, "codec": "PCMU", "dscp": 46} | more))


def back(**more: Any) -> Stream:
    return stream(FAR, OURS, packets=2900, seconds=TALK, **({"expected": 2900, "codec": "PCMU", "dscp": 46} | more))


def talk(*streams: Stream, text: str = "") -> Trace:
    made = list(streams)
    return trace_of(text or call(), media=Media(made, captured=True))


def with_gap(**more: Any) -> Stream:
    return there(gaps=[Gap(BASE + 30, 1.5, **({"lost": 75, "excused": False} | more))])


SHORT_PTIME = call(answer=sdp("audio 5000 RTP/AVP 0 101", EVENTS, "a=maxptime:20", ip="168.86.128.5"))
INFO = call(
    after="20.1 > INFO #totag=x | lines Signal=5 / Duration=100 | Content-Type: application/dtmf-relay\n20.2 < 200"
)
SECURE = call(sdp(SAVP, KEY.format(1, GOOD)), sdp("audio 5000 RTP/SAVP 0 101", KEY.format(1, GOOD), ip="168.86.128.5"))

CASES = [
    ("MEDIA-02", talk(there()), talk(there(), back())),
    ("MEDIA-02", talk(there(), stream(FAR, OURS, packets=2, seconds=0.1)), talk(there(), back())),
    (
        "MEDIA-02",
        talk(there()),
        talk(there(), text=call(sdp("audio 4000 RTP/AVP 0 101", "a=sendonly"), THEIRS)),
    ),
    ("MEDIA-03", talk(stream(OURS, "198.51.100.9:6000", seconds=TALK), back()), talk(there(), back())),
    ("MEDIA-04", talk(stream("203.0.113.10:4444", FAR, seconds=TALK), back()), talk(there(), back())),
    (
        "MEDIA-04",  # the sender goes on at one of its ICE candidates
        talk(
            stream("203.0.113.10:4444", FAR, seconds=TALK), back(), text=call(sdp(AUDIO, ICE.replace("4444", "4446")))
        ),
        talk(stream("203.0.113.10:4444", FAR, seconds=TALK), back(), text=call(sdp(AUDIO, ICE))),
    ),
    ("MEDIA-05", talk(there(first=BASE + 3), back()), talk(there(first=BASE + 1.3), back())),
    ("MEDIA-06", talk(with_gap(), back()), talk(with_gap(excused=True, lost=0), back())),
    ("MEDIA-06", talk(there(last=BASE + 30), back()), talk(there(), back())),
    ("MEDIA-07", talk(there(restarts=1), back()), talk(there(), back())),
    ("MEDIA-08", talk(there(last=BASE + 70), back()), talk(there(), back())),
    ("MEDIA-09", talk(there(), back(), stream("198.51.100.9:7000", OURS, seconds=40)), talk(there(), back())),
    ("MEDIA-10", talk(there(), back()), talk(stream(OURS, FAR, seconds=5), stream(FAR, OURS, seconds=5))),
    ("MEDIA-11", talk(there(dscp=0), back()), talk(there(), back())),
    ("QUAL-01", talk(there(lost=60), back()), talk(there(lost=10), back())),
    ("QUAL-02", talk(there(jitter_mean_ms=25.0, jitter_max_ms=60.0), back()), talk(there(jitter_mean_ms=5.0), back())),
    (
        "QUAL-02",
        talk(there(jitter_max_ms=60.0), back()),
        talk(there(jitter_mean_ms=25.0, jitter_max_ms=60.0, paired=True), back()),
    ),
    ("QUAL-03", talk(there(mos=2.8, mos_basis="loss"), back()), talk(there(mos=4.2), back())),
    ("QUAL-04", talk(there(reordered=40), back()), talk(there(reordered=2), back())),
    ("QUAL-05", talk(there(silence_share=1.0, constant_payload=True), back()), talk(there(silence_share=0.4), back())),
    ("QUAL-06", talk(there(skew_ppm=400.0), back()), talk(there(skew_ppm=40.0), back())),
    ("QUAL-07", talk(there(level_dbm0=-45.0), back()), talk(there(level_dbm0=-20.0), back())),
    (
        "COD-02",
        talk(there(payload_types={0: 1900, 97: 1000}), back()),
        talk(there(payload_types={0: 2890, 13: 10}), back()),
    ),
    (
        "COD-03",
        talk(there(ptime_ms=40.0), back(), text=SHORT_PTIME),
        talk(there(ptime_ms=20.0), back(), text=SHORT_PTIME),
    ),
    ("COD-06", talk(there(codec="PCMA"), back()), talk(there(), back())),
    ("COD-07", talk(there(comfort_noise=9), back()), talk(there(), back())),
    (
        "COD-08",
        talk(there(payload_type_changes=[(BASE + 9, 0, 8, Place(0, 9))], payload_types={0: 400, 8: 2500}), back()),
        talk(there(), back()),
    ),
    (
        "COD-08",  # one packet of a type in no SDP opens the way through a NAT
        talk(there(payload_type_changes=[(BASE + 9, 0, 8, Place(0, 9))], payload_types={0: 400, 8: 2500}), back()),
        talk(there(payload_type_changes=[(BASE + 1, 95, 0, Place(0, 9))], payload_types={95: 1, 0: 2900}), back()),
    ),
    (
        "DTMF-03",
        talk(there(tones=[Tone("dtmf", "5", BASE + 20, 90.0)] * 2), back()),
        talk(there(tones=[Tone("dtmf", "5", BASE + 20, 90.0)], events=[event()]), back()),
    ),
    ("DTMF-04", talk(there(events=[event(payload_type=96)]), back()), talk(there(events=[event()]), back())),
    ("DTMF-05", talk(there(events=[event(end_packets=0)]), back()), talk(there(events=[event()]), back())),
    (
        "DTMF-05",
        talk(there(events=[event(timestamps=3)]), back()),
        talk(there(events=[event(end_packets=0)], lost=3), back()),
    ),
    (
        "DTMF-06",
        talk(there(events=[event()]), back(), text=INFO),
        talk(there(events=[event(digit="6")]), back(), text=INFO),
    ),
    ("SRTP-05", talk(there(encrypted=False), back(), text=SECURE), talk(there(encrypted=True), back(), text=SECURE)),
    ("SRTP-05", talk(there(encrypted=True), back()), talk(there(encrypted=False), back())),
    (
        "FAX-03",
        talk(
            there(tones=[Tone("ced", "", BASE + 5, 2600.0), Tone("v21", "", BASE + 9, 900.0)], jitter_max_ms=50), back()
        ),
        talk(there(), back()),
    ),
]


@pytest.mark.parametrize(("rule_id", "faulty", "healthy"), CASES, ids=[case[0] for case in CASES])
def test_a_fault_is_found_and_a_healthy_call_is_left_alone(rule_id, faulty, healthy):
    assert rule_id in {finding.rule for finding in of_rule(faulty, rule_id)}
    assert not of_rule(healthy, rule_id)


def test_a_healthy_call_has_no_problem():
    assert judged(talk(there(), back())) <= {"SDP-02", "MEDIA-10", "CAP-01"}


def test_a_call_without_any_media_beside_one_with():
    silent = (
        call()
        .replace(" | ", " #id=2 | ")
        .replace("ACK", "ACK #id=2")
        .replace("BYE", "BYE #id=2")
        .replace("60.1 < 200", "60.1 < 200 #id=2")
    )
    silent = silent.replace("audio 4000", "audio 4010").replace("audio 5000", "audio 5010")
    assert "MEDIA-01" in judged(talk(there(), back(), text=call() + "\n" + silent))
    assert "MEDIA-01" not in judged(trace_of(call()))


def test_silence_is_certain_only_where_every_packet_is_the_same():
    (sure,) = of_rule(talk(there(silence_share=1.0, constant_payload=True), back()), "QUAL-05")
    (unsure,) = of_rule(talk(there(silence_share=0.95), back()), "QUAL-05")
    assert (sure.severity, unsure.severity, unsure.confidence) == ("critical", "warn", "hint")


def test_loss_grows_graver():
    assert [f.severity for f in of_rule(talk(there(lost=60), back(lost=200)), "QUAL-01")] == ["warn", "critical"]
