"""Rules AUTH-*: each finds its fault in real messages, and keeps quiet where it should."""

from __future__ import annotations

import hashlib

import pytest
from judging import Case, answer, asked, both_ways, cases, judged, of_rule
from traffic import DEFAULT_URI, OTHER, PBX, PUBLIC, trace_of

from trunkline.analyzer.model.trace import Options

REGISTRAR = "198.51.100.5:5060"
CHALLENGED = f"0 > INVITE\n0.05 < 407 | {asked()}\n0.06 > ACK\n"
REG = 'WWW-Authenticate: Digest realm="r",nonce="{}"'
REG_AUTH = 'Authorization: Digest username="{}",realm="r",nonce="{}",uri="sip:r.example",response="1"'
REGISTER = "REGISTER sip:r.example"
ANSWERED = CHALLENGED + f"0.1 > INVITE | {answer()}\n0.2 < 100\n1 < 180\n5 < 200\n5.1 > ACK\n9 > BYE\n9.1 < 200"

CASES: list[Case] = [
    ("AUTH-01", CHALLENGED, ANSWERED, {}),
    ("AUTH-01", CHALLENGED, CHALLENGED + f"51 > INVITE | {answer()}\n51.1 < 403 Wrong password\n51.2 > ACK", {}),
    (
        "AUTH-02",
        CHALLENGED + f"0.1 > INVITE | {answer()}\n0.2 < 407 | {asked('n2')}\n0.3 > ACK",
        CHALLENGED + f"0.1 > INVITE | {answer()}\n0.2 < 407 | {asked('n2')},stale=true\n0.3 > ACK\n",
        {},
    ),
    (
        "AUTH-03",
        CHALLENGED + f"0.1 > INVITE | {answer()}\n0.2 < 403 Forbidden\n0.3 > ACK",
        CHALLENGED + f"0.1 > INVITE | {answer()}\n0.2 < 403 Caller ID not verified\n0.3 > ACK",
        {},
    ),
    (
        "AUTH-04",
        "0 > INVITE\n0.1 < 403 Forbidden\n0.2 > ACK",
        "0 > INVITE\n0.1 < 403 Destination blocked\n0.2 > ACK",
        {},
    ),
    (
        "AUTH-05",
        CHALLENGED
        + f"1 > INVITE | {answer('n1')}\n1.1 < 407 | {asked('n2')},stale=true\n1.2 > ACK\n"
        + f"2 > INVITE | {answer('n1')}\n2.1 < 407 | {asked('n3')},stale=true\n2.2 > ACK",
        CHALLENGED
        + f"1 > INVITE | {answer('n1')}\n1.1 < 407 | {asked('n2')},stale=true\n1.2 > ACK\n"
        + f"2 > INVITE | {answer('n2')}\n2.1 < 180\n3 < 200\n3.1 > ACK",
        {},
    ),
    (
        "AUTH-06",
        CHALLENGED + f"1 > INVITE | {answer(uri='sip:10.0.0.9')}\n1.1 < 407 | {asked('n2')}\n1.2 > ACK",
        CHALLENGED
        + f"1 > INVITE | {answer(uri=DEFAULT_URI + ':5060;transport=udp')}\n1.1 < 407 | {asked('n2')}\n1.2 > ACK",
        {},
    ),
    (
        "AUTH-06",
        CHALLENGED + f"1 > INVITE | {answer(realm='asterisk')}\n1.1 < 407 | {asked('n2')}\n1.2 > ACK",
        CHALLENGED + f"1 > INVITE | {answer(uri='sip:10.0.0.9')}\n1.1 < 180\n2 < 200\n2.1 > ACK",
        {},
    ),
    (
        "AUTH-07",
        f"0 > INVITE\n0.1 < 407 | {asked()},algorithm=SHA-256\n0.2 > ACK",
        f"0 > INVITE\n0.1 < 407 | {asked()},algorithm=SHA-256 | +{asked()}\n0.2 > ACK",
        {},
    ),
    (
        "AUTH-08",
        f"0 > {REGISTER}\n0.1 < 404 Not Found",
        f"0 > {REGISTER}\n0.1 < 423 Interval Too Brief | Min-Expires: 600\n0.2 > {REGISTER}\n0.3 < 200",
        {"b": REGISTRAR},
    ),
    (
        "AUTH-09",
        (
            f"0 > {REGISTER}\n0.1 < 200 | Contact: <sip:pbx@203.0.113.10:5060>;expires=60\n"
            f"130 > {REGISTER}\n130.1 < 200 | Contact: <sip:pbx@203.0.113.10:5060>;expires=60"
        ),
        (
            f"0 > {REGISTER}\n0.1 < 200 | Contact: <sip:pbx@203.0.113.10:5060>;expires=60\n"
            f"50 > {REGISTER}\n50.1 < 200 | Contact: <sip:pbx@203.0.113.10:5060>;expires=60"
        ),
        {"b": REGISTRAR},
    ),
    (
        "AUTH-11",
        "0 > INVITE sip:100@203.0.113.5 | User-Agent: friendly-scanner\n0.1 < 401",
        "0 > INVITE sip:100@203.0.113.5 | User-Agent: Yealink SIP-T46S\n0.1 < 401",
        {"b": REGISTRAR},
    ),
    (
        "AUTH-11",
        "\n".join(
            f"{n} > REGISTER sip:x.example #id={n} | To: <sip:{100 + n}@x.example>\n{n}.1 < 404 #id={n}"
            for n in range(12)
        ),
        "\n".join(
            f"{n} > REGISTER sip:x.example #id={n} | To: <sip:100@x.example>\n{n}.1 < 404 #id={n}" for n in range(12)
        ),
        {"b": REGISTRAR},
    ),
    (
        "AUTH-12",
        (
            "0 > INVITE #id=1\n0.1 < 180 #id=1\n"
            "1 < 200 #id=1 | Via: SIP/2.0/UDP 203.0.113.10:5060;received=203.0.113.10;branch=z9hG4bK-1-a-1\n"
            "1.1 > ACK #id=1\n60 > INVITE #id=2\n"
            "60.1 < 403 #id=2 | Via: SIP/2.0/UDP 203.0.113.10:5060;received=203.0.113.77;branch=z9hG4bK-2-a-1\n"
            "60.2 > ACK #id=2"
        ),
        (
            "0 > INVITE #id=1\n0.1 < 180 #id=1\n1 < 200 #id=1\n1.1 > ACK #id=1\n60 > INVITE #id=2\n60.1 < 403 #id=2\n"
            "60.2 > ACK #id=2"
        ),
        {},
    ),
    (
        "AUTH-13",
        (
            "0 < INVITE sip:+14155550100@203.0.113.10\n"
            '0.1 > 401 | WWW-Authenticate: Digest realm="asterisk",nonce="a"\n'
            "0.2 < ACK"
        ),
        "0 < INVITE sip:+14155550100@203.0.113.10\n0.1 > 180\n1 > 200\n1.1 < ACK",
        {},
    ),
    (
        "AUTH-14",
        "0 > REGISTER sip:acme.pstn.twilio.com\n0.1 < 403",
        "0 > REGISTER sip:acme.sip.twilio.com\n0.1 < 403",
        {},
    ),
    (
        "AUTH-15",
        CHALLENGED + f"0.1 > INVITE #cseq=1 #branch=z9hG4bKother | {answer()}\n0.2 < 482 Request merged\n0.3 > ACK",
        ANSWERED,
        {},
    ),
]


@cases(CASES)
def test_rules_of_authentication(rule_id, positive, negative, how):
    both_ways(rule_id, positive, negative, how)


def test_a_challenge_at_the_end_of_the_capture_proves_nothing():
    assert "AUTH-01" not in judged(trace_of(CHALLENGED, until=2.0))


def test_a_nonce_that_has_changed_is_no_wrong_password():
    text = f"0 > {REGISTER}\n0.1 < 401 | {REG.format('a')}\n"
    text += f"1 > {REGISTER} | {REG_AUTH.format('u', 'a')}\n1.1 < 401 nonce has changed | {REG.format('b')}\n"
    found = judged(trace_of(text, b=REGISTRAR))
    assert not found & {"AUTH-01", "AUTH-02", "AUTH-05"}
    text += f"40 > {REGISTER}\n40.1 < 401 | {REG.format('c')}\n"
    text += f"41 > {REGISTER} | {REG_AUTH.format('u', 'c')}\n41.1 < 401 nonce has changed | {REG.format('d')}"
    assert "AUTH-05" in judged(trace_of(text, b=REGISTRAR))


@pytest.mark.parametrize(
    ("password", "status", "words"),
    [("secret", 403, "right for the password"), ("other", 403, "password is wrong"), ("secret", 200, "")],
)
def test_the_digest_is_recomputed_and_the_secret_stays_secret(password, status, words):
    def md5(text):
        return hashlib.md5(text.encode()).hexdigest()

    response = md5(f"{md5('u:sip.twilio.com:secret')}:n1:00000001:c:auth:{md5('INVITE:' + DEFAULT_URI)}")
    sent = answer().replace("0" * 32, response) + ',qop=auth,nc=00000001,cnonce="c"'
    text = CHALLENGED + f"0.1 > INVITE | {sent}\n0.2 < {status}\n0.3 > ACK"
    found = of_rule(trace_of(text, options=Options(passwords={"u": password})), "AUTH-10")
    assert [words in finding.what for finding in found] == ([True] if words else [])
    assert all("secret" not in repr(finding) for finding in found)


@pytest.mark.parametrize(
    ("user", "realm", "password", "words"),
    [
        ("u", "sip.twilio.com", "secret ", "a blank behind it"),
        ("u", "192.0.2.1", "secret", "realm is wrong"),
        ("+4989654321", "sip.twilio.com", "secret", "user name is wrong"),
        ("u", "sip.twilio.com", "altogether other", "password is wrong in the PBX."),
    ],
)
def test_the_finding_says_what_in_the_digest_is_wrong(user, realm, password, words):
    def md5(text):
        return hashlib.md5(text.encode()).hexdigest()

    response = md5(f"{md5(f'{user}:{realm}:{password}')}:n1:{md5('INVITE:' + DEFAULT_URI)}")
    sent = answer().replace("0" * 32, response)
    text = CHALLENGED + f"0.1 > INVITE | {sent} | From: <sip:+4989654321@192.0.2.1>;tag=1a\n0.2 < 403\n0.3 > ACK"
    (found,) = of_rule(trace_of(text, options=Options(passwords={"u": "secret"})), "AUTH-10")
    assert words in found.what
    assert found.severity == "critical"
    assert "secret" not in repr(found)


def test_the_address_that_the_provider_sees_is_quoted():
    via = "Via: SIP/2.0/UDP 192.168.1.10:5060;received=203.0.113.10;rport=1025;branch=z9hG4bK-1-a-1"
    trace = trace_of(f"0 > INVITE\n0.1 < 403 Forbidden | {via}\n0.2 > ACK", a=PBX)
    finding = of_rule(trace, "AUTH-04")[0]
    assert finding.fix_values["public_ip"] == "203.0.113.10"
    assert "203.0.113.10" in finding.what
    assert finding.confidence == "hint"
    assert finding.evidence[0].header == "Via"


def test_a_phone_in_the_house_is_not_judged_as_a_trunk():
    text = "0 > INVITE sip:200@192.168.1.10\n0.1 < 403 Forbidden\n0.2 > ACK"
    assert "AUTH-04" not in judged(trace_of(text, a="192.168.1.77:5060", b=PBX))


def test_a_pbx_that_registers_many_accounts_is_no_scanner():
    text = "\n".join(
        f"{n} > REGISTER sip:x.example #id={n} | To: <sip:{100 + n}@x.example>\n"
        f"{n}.1 < {401 if n < 11 else 200} #id={n}"
        for n in range(12)
    )
    assert "AUTH-11" not in judged(trace_of(text, a=PUBLIC, b=OTHER))


def test_a_stranger_that_a_pbx_challenges_is_a_hint_at_most():
    text = '0 > INVITE sip:100@203.0.113.5\n0.1 < 401 | WWW-Authenticate: Digest realm="asterisk",nonce="a"\n0.2 > ACK'
    found = of_rule(trace_of(text, a=OTHER, b="203.0.113.5:5060"), "AUTH-01")
    assert {(finding.severity, finding.confidence) for finding in found} <= {("warn", "hint")}
