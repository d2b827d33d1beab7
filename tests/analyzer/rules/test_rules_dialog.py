"""Rules DLG-*, TIMER-*, REINV-*, XFER-*, EARLY-*, CANCEL-* and TIME-*."""

from __future__ import annotations

import pytest
from judging import Case, both_ways, cases, judged, of_rule
from traffic import BASE, OTHER, PBX, PHONE, PUBLIC, endpoint, trace_of

from trunkline.analyzer.model.capture import Place
from trunkline.analyzer.model.stream import Media, Stream
from trunkline.analyzer.rules.engine import judge

INVITE = "0 > INVITE | sdp 203.0.113.10\n0.1 < 100\n1 < 180\n"
UP = INVITE + "3 < 200 | sdp 168.86.128.5\n3.1 > ACK\n"
OK = UP + "60 > BYE\n60.1 < 200"
REPEATED = "".join(f"{at} < 200 #to=INVITE\n" for at in (3.5, 4.5, 6.5, 10.5, 14.5))
RR = "Record-Route: <sip:203.0.113.50;lr>"
SE = "Session-Expires: 90;refresher=uac"
TIMED_OUT = 'Reason: SIP;cause=408;text="Session timeout"'
NO_ACK = 'Reason: SIP;cause=408;text="ACK Timeout"'


def calls_that_last(*seconds: float) -> str:
    lines = []
    for n, lasts in enumerate(seconds):
        at = n * 10_000
        lines += [f"{at} > INVITE #id={n}", f"{at + 1} < 200 #id={n}", f"{at + 1.1} > ACK #id={n}"]
        lines += [f"{at + 1 + lasts} < BYE #id={n}", f"{at + 1.1 + lasts} > 200 #id={n}"]
    return "\n".join(lines)


CASES: list[Case] = [
    ("DLG-01", INVITE + "3 < 200\n" + REPEATED + "35 < BYE\n35.1 > 200", OK, {}),
    (
        "DLG-01",
        INVITE + "3 < 200\n" + REPEATED,
        INVITE + "3 < 200\n3.2 < 200 #to=INVITE\n3.3 > ACK\n9 > BYE\n9.1 < 200",
        {},
    ),
    (
        "DLG-02",
        INVITE + "3 < 200\n3.1 > ACK sip:+4930123456@10.9.9.9\n" + REPEATED,
        INVITE + "3 < 200\n3.1 > ACK sip:b@203.0.113.99:5060\n" + REPEATED,
        {},
    ),
    (
        "DLG-03",
        INVITE + f"3 < 200 | {RR}\n3.1 > ACK\n9 > BYE\n9.1 < 200",
        INVITE + f"3 < 200 | {RR}\n3.1 > ACK | Route: <sip:203.0.113.50;lr>\n9 > BYE | Route: <sip:203.0.113.50;lr>\n"
        f"9.1 < 200",
        {},
    ),
    ("DLG-04", UP + "60 > BYE\n60.5 > BYE #again\n61.5 > BYE #again\n63.5 > BYE #again", OK, {}),
    ("DLG-04", UP + "60 > BYE\n60.1 < 481", UP + "60 > BYE\n60.05 < BYE\n60.1 < 481 #to=BYE\n60.1 > 200", {}),
    (
        "DLG-06",
        UP + "30 > INVITE #cseq=1 #branch=z9hG4bKn | sdp 203.0.113.10\n30.1 < 200 #cseq=1\n31 > INVITE #cseq=9\n"
        "31.1 < 200\n31.2 > ACK\n"
        "40 > BYE #cseq=3\n40.1 < 500 Out of order",
        OK,
        {},
    ),
    ("DLG-07", calls_that_last(1800, 1800.2, 1799.9), calls_that_last(100, 1800, 431), {}),
    (
        "DLG-08",
        INVITE + "3 < 200 #totag=x\n3.1 < 200 #totag=y\n3.2 > ACK #totag=x",
        INVITE.replace("180", "180 #totag=x")
        + "2 < 180 #totag=y\n3 < 200 #totag=y\n3.2 > ACK #totag=y\n9 > BYE\n9.1 < 200",
        {},
    ),
    ("DLG-09", UP + "3.5 > BYE\n3.6 < 200", OK, {}),
    ("DLG-10", UP + "30 > INVITE\n30.1 < 491\n30.2 > ACK\n60 > BYE\n60.1 < 200", OK, {}),
    (
        "TIMER-01",
        "0 > INVITE | Session-Expires: 30\n0.1 < 422 | Min-SE: 90\n0.2 > ACK",
        "0 > INVITE | Session-Expires: 90\n0.1 < 180\n1 < 200\n1.1 > ACK\n9 > BYE\n9.1 < 200",
        {},
    ),
    (
        "TIMER-02",
        INVITE + f"3 < 200 | {SE}\n3.1 > ACK\n80 < BYE\n80.1 > 200",
        INVITE + f"3 < 200 | {SE}\n3.1 > ACK\n45 > UPDATE\n45.1 < 200 | {SE}\n80 < BYE\n80.1 > 200",
        {},
    ),
    (
        "TIMER-02",
        INVITE + f"3 < 200 | {SE}\n3.1 > ACK\n9 < BYE | {TIMED_OUT}\n9.1 > 200",
        INVITE + f"3 < 200 | {SE}\n3.1 > ACK\n9 < BYE | {NO_ACK}\n9.1 > 200",
        {},
    ),
    ("REINV-01", UP + "30 < INVITE | sdp 10.1.1.1\n30.1 > 488\n30.2 < ACK\n60 > BYE\n60.1 < 200", OK, {}),
    (
        "REINV-01",
        UP + "30 > UPDATE\n30.1 < 500\n60 > BYE\n60.1 < 200",
        UP + "30 > INVITE\n30.1 < 491\n30.2 > ACK\n60 > BYE\n60.1 < 200",
        {},
    ),
    (
        "XFER-01",
        UP + "30 > REFER | Refer-To: <sip:9@x.example>\n30.1 < 403",
        UP + "30 > REFER | Refer-To: <sip:9@x.example>\n30.1 < 202",
        {},
    ),
    (
        "EARLY-01",
        "0 > INVITE\n"
        + "".join(f"{at} < 183 #to=INVITE | Require: 100rel | RSeq: 1\n" for at in (1, 1.5, 2.5, 4.5))
        + "33 < 504\n33.1 > ACK",
        (
            "0 > INVITE\n1 < 183 | Require: 100rel | RSeq: 1\n1.1 > PRACK #totag=1b\n1.2 < 200\n3 < 200 #to=INVITE\n"
            "3.1 > ACK"
        ),
        {},
    ),
    ("EARLY-03", "0 > INVITE\n0.1 < 100\n12 < 180\n15 < 200\n15.1 > ACK\n60 > BYE\n60.1 < 200", OK, {}),
    ("CANCEL-01", "0 > INVITE\n1 < 180\n20 > CANCEL\n20.1 < 200\n20.2 < 487 #to=INVITE\n20.3 > ACK", OK, {}),
    (
        "CANCEL-02",
        "0 > INVITE\n0.1 < 100\n1 < 180\n20 > CANCEL\n20.5 > CANCEL #again\n21.5 > CANCEL #again\n23.5 > CANCEL #again",
        "0 > INVITE\n1 < 180\n20 > CANCEL\n20.1 < 200\n20.2 < 487 #to=INVITE\n20.3 > ACK",
        {},
    ),
    (
        "CANCEL-02",
        "0 > INVITE\n1 < 180\n20 > CANCEL\n20.1 < 481\n",
        "0 > INVITE\n1 < 180\n19.9 < 486\n20 > CANCEL\n20.1 < 481\n20.2 > ACK",
        {},
    ),
    (
        "CANCEL-03",
        "0 > INVITE\n1 < 180\n20 > CANCEL\n20.01 < 200 #to=INVITE\n20.1 < 200\n20.2 > ACK\n20.3 > BYE\n20.4 < 200",
        OK,
        {},
    ),
    (
        "TIME-01",
        "0 > INVITE\n0.1 < 100\n31 < 408\n31.1 > ACK",
        "0 > INVITE\n0.1 < 100\n1 < 180\n60 < 408\n60.1 > ACK",
        {},
    ),
    ("TIME-01", "0 > INVITE\n0.1 < 100\n", "0 > INVITE\n0.1 < 100\n0.5 < 486\n0.6 > ACK", {"until": 60.0}),
    ("TIME-02", "0 > INVITE\n0.5 > INVITE #again\n1.5 > INVITE #again\n1.6 < 100\n2 < 180\n3 < 200\n3.1 > ACK", OK, {}),
    (
        "TIME-03",
        "0 > INVITE\n" + "".join(f"{at} < 486 #to=INVITE\n" for at in (1, 1.5, 2.5, 4.5)),
        "0 > INVITE\n1 < 486\n1.1 > ACK",
        {},
    ),
    (
        "TIME-04",
        "0 > INVITE\n" + "".join(f"0.{at} > INVITE #again\n" for at in "1234") + "0.5 < 486\n0.6 > ACK",
        "0 > INVITE\n" + "".join(f"{at} > INVITE #again\n" for at in (0.5, 1.5, 3.5, 7.5)) + "8 < 486\n8.1 > ACK",
        {},
    ),
    (
        "TIME-04",
        INVITE + "".join(f"3.{at} < 200 #to=INVITE\n" for at in "01234") + "3.5 > ACK",
        INVITE + "3 < 200\n" + REPEATED + "35 > ACK",
        {},
    ),
    (
        "TIME-04",
        "0 > INVITE\n" + "".join(f"0.{at} < 486 #to=INVITE\n" for at in "12345") + "0.6 > ACK",
        "0 > INVITE\n0.1 > INVITE #again\n0.2 > INVITE #again\n"
        + "".join(f"0.{at} < 486 #to=INVITE\n" for at in "34567")
        + "0.8 > ACK",
        {},
    ),
]


@cases(CASES)
def test_rules_of_dialogs(rule_id, positive, negative, how):
    both_ways(rule_id, positive, negative, how)


def test_a_clean_call_has_no_finding():
    assert [finding for finding in judge(trace_of(OK)) if finding.severity != "info"] == []


def test_the_lost_ack_cites_the_right_section():
    finding = of_rule(trace_of(INVITE + "3 < 200\n" + REPEATED + "35 < BYE\n35.1 > 200"), "DLG-01")[0]
    assert finding.reference == "RFC 3261 section 13.3.1.4"
    assert "32 s" in finding.what
    assert finding.confidence == "proven"


def test_nothing_is_missed_behind_the_end_of_the_capture():
    found = judged(trace_of(INVITE + "3 < 200", until=3.2))
    assert not found & {"DLG-01", "DLG-04", "DLG-05", "NET-01", "TIME-01"}


def test_one_repetition_is_a_remark():
    text = "0 > INVITE\n0.5 > INVITE #again\n0.64 < 100\n1 < 180\n3 < 200\n3.1 > ACK"
    assert [finding.severity for finding in of_rule(trace_of(text), "TIME-02")] == ["info"]


def stream(src: str, dst: str, first: float, last: float) -> Stream:
    packets = int((last - first) * 50)
    return Stream(
        1,
        endpoint(src),
        endpoint(dst),
        BASE + first,
        BASE + last,
        Place(),
        Place(),
        packets,
        packets * 160,
        0,
        {0: packets},
        codec="PCMU",
        expected=packets,
    )


A, B = "203.0.113.10:4000", "168.86.128.5:4000"


@pytest.mark.parametrize(("last", "wanted"), [(20.0, True), (110.0, False)])
def test_audio_that_stopped_without_a_bye(last, wanted):
    media = Media([stream(A, B, 3.2, last), stream(B, A, 3.2, last)], captured=True)
    text = UP + "40 > OPTIONS sip:x #id=o\n40.1 < 200 #id=o"
    assert ("DLG-05" in judged(trace_of(text, media=media, until=115.0))) is wanted


@pytest.mark.parametrize(("starts", "wanted"), [(None, True), (1.2, False)])
def test_early_media_that_never_comes(starts, wanted):
    text = "0 > INVITE | sdp 203.0.113.10\n0.1 < 100\n1 < 183 | sdp 168.86.128.5\n8 < 200 | sdp 168.86.128.5\n"
    "8.1 > ACK\n60 > BYE\n60.1 < 200"
    streams = [stream(A, B, 8.1, 60.0), stream(B, A, starts or 8.1, 60.0)]
    assert ("EARLY-02" in judged(trace_of(text, media=Media(streams, captured=True)))) is wanted


@pytest.mark.parametrize(("reached", "wanted"), [(False, True), (True, False)])
def test_direct_media_that_nobody_can_reach(reached, wanted):
    text = UP + "10 < INVITE | sdp 10.9.9.9\n10.1 > 200 | sdp 203.0.113.10\n10.2 < ACK\n60 > BYE\n60.1 < 200"
    streams = [stream(A, B, 3.2, 10.1), stream(B, A, 3.2, 60.0)]
    if reached:
        streams.append(stream(A, "10.9.9.9:4000", 10.2, 60.0))
    trace = trace_of(text, media=Media(streams, captured=True))
    trace.calls[0].streams = list(range(len(streams)))
    assert bool(of_rule(trace, "REINV-02")) is wanted


def test_a_transfer_to_a_busy_phone_is_no_fault():
    notify = "31 < NOTIFY | Event: refer | Content-Type: message/sipfrag"
    trace = trace_of(UP + f"30 > REFER | Refer-To: <sip:9@x.example>\n30.1 < 202\n{notify}\n31.1 > 200")
    request = next(message for message in trace.messages if message.method == "NOTIFY")
    request.body = b"SIP/2.0 486 Busy Here"
    assert [finding.severity for finding in of_rule(trace, "XFER-01")] == ["info"]
    request.body = b"SIP/2.0 503 Service Unavailable"
    assert [finding.severity for finding in of_rule(trace, "XFER-01")] == ["warn"]


def test_phones_in_the_house_have_the_same_rules():
    assert "DLG-01" in judged(trace_of(INVITE + "3 < 200\n" + REPEATED, a=PHONE, b=PBX))
    assert "DLG-01" not in judged(trace_of(OK, a=PUBLIC, b=OTHER))


def test_an_ack_that_passes_the_proxy_by_is_an_ack():
    text = (
        "0 a>p INVITE #id=1\n0.1 p>b INVITE #id=1 #cseq=1 #fromtag=1a\n1 b>p 200 #id=1 #totag=t\n"
        "1.1 p>a 200 #id=1 #totag=t\n1.2 a>b ACK #id=1 #totag=t\n"
        "33 b>p BYE #id=1 #fromtag=t #totag=1a\n33.1 p>b 200 #id=1"
    )
    hosts = {"p": "192.168.1.5:5060"}
    assert "DLG-01" not in judged(trace_of(text, a=PHONE, b=PBX, hosts=hosts))


def test_a_short_wait_that_a_person_ends_is_no_dead_route():
    found = judged(trace_of("0 > INVITE\n0.1 < 100\n12 > CANCEL\n12.1 < 200\n12.2 < 487 #to=INVITE\n12.3 > ACK"))
    assert "TIME-01" not in found
    assert "CANCEL-01" in found
