"""Rules NUM-*, CLI-* and ROUTE-*."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode

import pytest
from judging import Case, answer, asked, both_ways, cases, judged, of_rule
from traffic import BASE, OTHER, PBX, PHONE, PUBLIC, trace_of

from trunkline.analyzer.model.capture import Capture, DnsFact, Place
from trunkline.analyzer.rules.engine import judge

HOST = "acme.pstn.twilio.com"
DID = "sip:+14155550100@203.0.113.10"
OK = "1 < 180\n3 < 200\n3.1 > ACK\n9 > BYE\n9.1 < 200"
FROM = "From: <sip:{}@203.0.113.10>;tag=1a"


def passport(orig: str = "4989654321", dest: str = "4930123456", age: int = 0) -> str:
    def part(value: object) -> str:
        return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    claims = {"iat": int(BASE) - age, "orig": {"tn": orig}, "dest": {"tn": [dest]}, "attest": "A"}
    return f"Identity: {part({'alg': 'ES256'})}.{part(claims)}.c2ln;info=<https://x.example/c>"


CASES: list[Case] = [
    ("NUM-01", f"0 > INVITE sip:00493012345@{HOST}\n0.1 < 404", f"0 > INVITE sip:911@{HOST}\n{OK}", {}),
    ("NUM-01", f"0 > INVITE sip:(415)555-0100@{HOST}\n{OK}", f"0 > INVITE sip:+4930123456@{HOST}\n{OK}", {}),
    ("NUM-02", f"0 < INVITE {DID}\n0.05 > 404\n0.1 < ACK", f"0 < INVITE {DID}\n0.1 > 180\n20 > 480\n20.1 < ACK", {}),
    (
        "NUM-03",
        "0 < INVITE sip:s@203.0.113.10 | To: <sip:+14155550100@203.0.113.10>\n0.05 > 404\n0.1 < ACK",
        "0 < INVITE sip:s@203.0.113.10 | To: <sip:+14155550100@203.0.113.10>\n0.05 > 180\n1 > 200\n1.1 < ACK",
        {},
    ),
    (
        "NUM-04",
        f"0 > INVITE sip:+49301@{HOST}\n0.1 < 484\n0.2 > ACK",
        f"0 > INVITE sip:+4930123456@{HOST}\n0.1 < 486\n0.2 > ACK",
        {},
    ),
    ("NUM-05", "0 > INVITE sip:+4930123456@54.172.60.1\n0.1 < 403\n0.2 > ACK", f"0 > INVITE\n{OK}", {}),
    (
        "NUM-05",
        "0 > INVITE sip:+4930123456@54.172.60.1\n0.1 < 403\n0.2 > ACK",
        f"0 > INVITE sip:+4930123456@54.172.60.1\n{OK}",
        {},
    ),
    (
        "CLI-01",
        f"0 > INVITE | {FROM.format('100')}\n0.1 < 403\n0.2 > ACK",
        f"0 > INVITE | {FROM.format('100')} | P-Asserted-Identity: <sip:+14155550100@x.example>\n0.1 < 403\n0.2 > ACK",
        {},
    ),
    (
        "CLI-02",
        f"0 > INVITE | {FROM.format('anonymous')} | Privacy: id\n0.1 < 403\n0.2 > ACK",
        (
            f"0 > INVITE | {FROM.format('anonymous')} | Privacy: id | P-Asserted-Identity: <tel:+14155550100>\n"
            f"0.1 < 403\n0.2 > ACK"
        ),
        {},
    ),
    (
        "CLI-03",
        "0 > INVITE\n0.1 < 403 Unverified caller ID\n0.2 > ACK",
        "0 > INVITE\n1 < 180\n9 < 603 Decline\n9.1 > ACK",
        {},
    ),
    ("CLI-03", "0 > INVITE\n0.1 < 608 Rejected\n0.2 > ACK", "0 > INVITE\n0.1 < 403 Forbidden\n0.2 > ACK", {}),
    ("CLI-05", f"0 > INVITE | {passport(age=300)}\n{OK}", f"0 > INVITE | {passport()}\n{OK}", {}),
    ("CLI-05", f"0 > INVITE | {passport(orig='14155550100')}\n{OK}", f"0 > INVITE | {passport(age=30)}\n{OK}", {}),
    ("CLI-05", f"0 > INVITE | Identity: abc\n{OK}", f"0 > INVITE | {passport()}\n{OK}", {}),
    (
        "ROUTE-01",
        "0 > INVITE\n0.1 < 483 Too Many Hops\n0.2 > ACK",
        "0 > INVITE\n0.1 < 482 (Merged Request)\n0.2 > ACK",
        {},
    ),
    (
        "ROUTE-02",
        f"0 > INVITE\n0.1 < 407 | {asked()}\n0.2 > ACK\n0.3 > INVITE | {answer()}\n0.4 < 404\n0.5 > ACK",
        f"0 > INVITE\n{OK}",
        {},
    ),
    ("ROUTE-03", "0 > INVITE\n0.1 < 503 | Retry-After: 30\n0.2 > ACK", "0 > INVITE\n0.1 < 486\n0.2 > ACK", {}),
    ("ROUTE-04", "0 > INVITE\n0.1 < 478 Unresolvable destination\n0.2 > ACK", "0 > INVITE\n0.1 < 480\n0.2 > ACK", {}),
    ("ROUTE-05", f"0 > OPTIONS sip:{HOST}\n0.1 < 405 | Allow: INVITE, ACK", f"0 > OPTIONS sip:{HOST}\n0.1 < 404", {}),
    (
        "ROUTE-06",
        "0 > INVITE | Require: 100rel\n0.1 < 420 | Unsupported: 100rel\n0.2 > ACK",
        f"0 > INVITE | Require: 100rel\n{OK}",
        {},
    ),
    (
        "ROUTE-07",
        f"0 < INVITE {DID}\n0.1 > 302 | Contact: <sip:+4930999999@x.example>\n0.2 < ACK",
        (
            f"0 < INVITE {DID}\n0.1 > 302 | Contact: <sip:+4930999999@x.example>\n0.2 < ACK\n"
            "1 < INVITE sip:+4930999999@x.example #id=2\n1.2 > 180 #id=2"
        ),
        {},
    ),
    (
        "ROUTE-08",
        "0 > SUBSCRIBE sip:100@192.168.1.10 | Event: presence\n0.1 < 489",
        "0 > SUBSCRIBE sip:100@192.168.1.10\n0.1 < 200",
        {"a": PHONE, "b": PBX},
    ),
    ("ROUTE-09", "0 > INVITE\n1 < 180\n9 < 486 Busy Here\n9.1 > ACK", "0 > INVITE\n0.1 < 603 Declined\n0.2 > ACK", {}),
    (
        "ROUTE-10",
        "0 > INVITE\n0.1 < 503 Trunk CPS limit exceeded. Region: us1\n0.2 > ACK",
        "0 > INVITE\n0.1 < 503 Service Unavailable\n0.2 > ACK",
        {},
    ),
    (
        "ROUTE-11",
        "0 > INVITE\n0.1 < 503 Trunk concurrent call limit exceeded\n0.2 > ACK",
        "0 > INVITE\n0.1 < 503 Service Unavailable\n0.2 > ACK",
        {},
    ),
    (
        "ROUTE-12",
        "0 > INVITE\n0.1 < 402 Payment Required\n0.2 > ACK",
        "0 > INVITE\n1 < 180\n9 < 603 Decline\n9.1 > ACK",
        {},
    ),
    ("ROUTE-12", "0 > INVITE\n0.1 < 603 Decline\n0.2 > ACK", "0 > INVITE\n1 < 180\n9 < 603 Decline\n9.1 > ACK", {}),
    (
        "ROUTE-13",
        "0 > INVITE\n0.1 < 403 | X-Twilio-Error: 39999 Something new\n0.2 > ACK",
        "0 > INVITE\n0.1 < 403 | X-Twilio-Error: 32204 Invalid Caller ID\n0.2 > ACK",
        {},
    ),
]


@cases(CASES)
def test_rules_of_routing(rule_id, positive, negative, how):
    both_ways(rule_id, positive, negative, how)


FORWARDED = (
    f"0 < INVITE {DID} #id=1 | From: <sip:+4915111111111@x.example>;tag=o | sdp 168.86.128.5\n0.1 > 100 #id=1\n"
    f"0.3 > INVITE sip:+493022222222@{HOST} #id=2 | From: <sip:+4915111111111@x.example>;tag=t | sdp 168.86.128.5{{}}\n"
    "0.4 < 403 Forbidden #id=2\n0.5 > ACK #id=2\n0.6 > 503 #id=1\n0.7 < ACK #id=1"
)


def test_a_forwarded_call_names_who_forwarded_it():
    found = judge(trace_of(FORWARDED.format("")))
    trace = trace_of(FORWARDED.format(""))
    assert len(trace.calls) == 1
    assert "CLI-04" in {finding.rule for finding in found}
    told = FORWARDED.format(" | Diversion: <sip:+14155550100@x.example>")
    assert "CLI-04" not in judged(trace_of(told))


@pytest.mark.parametrize(
    ("code", "rule"),
    [("32201", "AUTH-04"), ("32204", "CLI-03"), ("32205", "ROUTE-12"), ("13224", "NUM-01"), ("32001", "ROUTE-10")],
)
def test_the_word_of_the_provider_beats_every_heuristic(code, rule):
    text = f"0 > INVITE sip:+4930123456@{HOST}\n0.1 < 403 Forbidden | X-Twilio-Error: {code} As it says\n0.2 > ACK"
    found = judge(trace_of(text))
    assert [finding.rule for finding in found if finding.severity == "critical"] == [rule]
    assert "As it says" in found[0].what
    assert found[0].confidence == "proven"
    assert found[0].evidence[0].header == "X-Twilio-Error"


def test_a_loop_shows_as_the_same_request_with_fewer_hops_left():
    once = "0 x>a INVITE sip:1@loop.example #id=1 | Max-Forwards: 70\n"
    again = (
        "0.1 a>x INVITE sip:1@loop.example #id=1 #cseq=1 #fromtag=1x | Max-Forwards: 69 "
        "| +Via: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bK-1-x-1\n"
        "0.2 x>a INVITE sip:1@loop.example #id=1 #cseq=1 | Max-Forwards: 68 "
        "| +Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKq"
    )
    hosts = {"x": "10.0.0.1:5060"}
    assert "ROUTE-01" in judged(trace_of(once + again, a="10.0.0.2:5060", hosts=hosts))
    assert "ROUTE-01" not in judged(trace_of(once + again.replace("68", "70"), a="10.0.0.2:5060", hosts=hosts))


def dns(name: str, kind: str, rcode: int | None, *answers: str) -> DnsFact:
    return DnsFact(
        Place(), BASE + 1, *(trace_of("0 > OPTIONS sip:x").messages[0].raw.src,) * 2, name, kind, rcode, answers
    )


def test_dns_counts_only_when_nothing_else_answers_for_the_host():
    def found(*facts: DnsFact) -> set[str]:
        return judged(trace_of("0 > INVITE", capture=Capture(dns=list(facts))))

    bad = dns(HOST, "A", 3)
    assert "ROUTE-04" in found(bad)
    assert "ROUTE-04" not in found(dns(f"_sip._udp.{HOST}", "SRV", 3), dns(HOST, "A", 0, "54.172.60.1"))
    assert "ROUTE-04" not in found(dns("www.example.com", "A", 3))
    assert "ROUTE-04" not in found(dns(f"_sip._udp.{HOST}.office.example", "SRV", 3))


def test_a_busy_callee_is_no_problem():
    found = judge(trace_of("0 > INVITE\n0.1 < 100\n1 < 180\n9 < 486 Busy Here\n9.1 > ACK"))
    assert {finding.severity for finding in found} <= {"info"}


def test_a_later_answer_takes_the_weight_off_a_503():
    text = "0 > INVITE #id=1\n0.1 < 503 #id=1\n0.2 > ACK #id=1"
    finding = of_rule(trace_of(text, a=PUBLIC, b=OTHER), "ROUTE-03")[0]
    assert finding.severity == "warn"
