"""Rules CAP-*, MALF-* and SEC-*."""

from __future__ import annotations

import pytest
from judging import Case, both_ways, cases, judged, of_rule
from traffic import BASE, OTHER, PBX, PUBLIC, capture_of, endpoint, trace_of

from trunkline.analyzer.calls.build import build_trace
from trunkline.analyzer.model.capture import Capture, Place, SourceFile, TlsFact
from trunkline.analyzer.model.stream import Gap, Media, Stream
from trunkline.analyzer.model.trace import Options

OK = "0 > INVITE\n1 < 180\n3 < 200\n3.1 > ACK\n60 > BYE\n60.1 < 200"
HOSTS = {"a": PUBLIC, "b": OTHER}
MANY = [
    f"{prefix}972599123456" for prefix in ("", "0", "00", "000", "9", "900", "011", "9011", "810", "80", "800", "1")
]

CASES: list[Case] = [
    ("CAP-04", "0 < BYE #totag=x\n0.1 > 200", OK, {}),
    ("MALF-01", OK.replace("INVITE", "INVITE | -Call-ID", 1), OK, {}),
    ("MALF-01", OK.replace("INVITE", "INVITE | +From: <sip:x@y.example>;tag=2", 1), OK, {}),
    (
        "MALF-02",
        "0 > INVITE | sdp 203.0.113.10 | Content-Length: 900",
        "0 > INVITE | sdp 203.0.113.10 | -Content-Length",
        {},
    ),
    ("MALF-03", "0 > INVITE #branch=abc", OK, {}),
    (
        "MALF-03",
        "0 > INVITE #id=1 #branch=z9hG4bKsame\n1 > INVITE #id=2 #branch=z9hG4bKsame",
        "0 > INVITE\n1 > CANCEL\n1.1 < 200\n1.2 < 487 #to=INVITE\n1.3 > ACK",
        {},
    ),
    ("MALF-04", "0 > INVITE | CSeq: 1 OPTIONS", OK, {}),
    (
        "SEC-01",
        "\n".join(
            f"{n} > INVITE sip:{number}@198.51.100.20 #id={n}\n{n}.1 < 404 #id={n}" for n, number in enumerate(MANY)
        ),
        "\n".join(
            f"{n} > INVITE sip:{number}@198.51.100.20 #id={n}\n{n}.1 < 404 #id={n}" for n, number in enumerate(MANY[:5])
        ),
        {"b": OTHER},
    ),
]


@cases(CASES)
def test_rules_on_broken_input(rule_id, positive, negative, how):
    both_ways(rule_id, positive, negative, how)


def test_one_direction_alone():
    one_way = "\n".join(line for line in OK.splitlines() if ">" in line)
    trace = trace_of(one_way + "\n70 > OPTIONS sip:x #id=o\n70.5 > OPTIONS #again #id=o\n71.5 > OPTIONS #again #id=o")
    trace.one_sided = True
    assert of_rule(trace, "CAP-01")
    assert "NET-01" not in judged(trace)
    assert not of_rule(trace_of(OK), "CAP-01")


def test_inside_the_nat():
    trace = trace_of(OK, a=PBX)
    trace.inside_nat = True
    assert "192.168.1.10" in of_rule(trace, "CAP-01")[0].what


def test_cut_frames_are_named_once_and_not_called_malformed():
    capture = capture_of("0 > INVITE | sdp 203.0.113.10 | Content-Length: 900", HOSTS)
    capture.files[0].snaplen_cut = 1
    capture.messages[0].truncated = True
    found = judged(build_trace(capture, Media(), Options()))
    assert "CAP-02" in found
    assert not found & {"MALF-01", "MALF-02", "NAT-05"}


def stream(**more) -> Stream:
    a, b = endpoint("203.0.113.10:4000"), endpoint("198.51.100.20:4000")
    return Stream(1, a, b, BASE, BASE + 9, Place(), Place(), 450, 72_000, 0, {0: 450}, expected=450, **more)


def test_packets_captured_twice():
    assert of_rule(trace_of(OK, media=Media([stream(captured_twice=9)])), "CAP-03")
    assert not of_rule(trace_of(OK, media=Media([stream(duplicates=9)])), "CAP-03")


def test_a_clock_that_jumps_and_a_capture_with_gaps():
    trace = trace_of(OK, media=Media([stream()], capture_gaps=[Gap(BASE + 1, 2.0, 100, False)]))
    trace.capture.files[0].clock_backsteps = 3
    assert {finding.merge_key for finding in of_rule(trace, "CAP-07")} == {"clock", "gaps"}
    assert not of_rule(trace_of(OK), "CAP-07")


@pytest.mark.parametrize(("port", "alpn", "wanted"), [(5061, (), True), (443, (), False), (443, ("sip/2",), True)])
def test_signalling_inside_tls(port, alpn, wanted):
    hello = TlsFact(Place(), BASE, endpoint(PUBLIC), endpoint(f"198.51.100.20:{port}"), "client_hello", alpn=alpn)
    assert bool(of_rule(trace_of("0 > OPTIONS sip:x", capture=Capture(tls=[hello])), "CAP-05")) is wanted


def test_messages_without_time_or_place():
    capture = capture_of(OK, HOSTS, source="text")
    for raw in capture.messages:
        raw.time = raw.src = raw.dst = None
    capture.files = [SourceFile("log.txt", "text:plain", 1)]
    found = judged(build_trace(capture, Media(), Options()))
    assert "CAP-06" in found
    assert not {rule for rule in found if rule.startswith(("TIME", "NET", "EARLY", "DLG"))}
    assert not of_rule(trace_of(OK), "CAP-06")


def test_fuzz_on_the_sip_port():
    junk = capture_of("0 > OPTIONS sip:x", HOSTS).messages[0]
    junk.data = b"\x00\x01\x02 nonsense"
    assert of_rule(trace_of(OK, capture=Capture(not_sip=[junk])), "MALF-05")
    assert not of_rule(trace_of(OK), "MALF-05")


def test_logs_are_not_judged_by_their_lengths():
    text = "0 > INVITE | sdp 203.0.113.10 | Content-Length: 900"
    assert "MALF-02" not in judged(trace_of(text, source="text"))
