import pytest

from trunkline.testbench.sip_text import parse_sip, uri_host, uri_user

INVITE = (
    "INVITE sip:+15550100000@acme.pstn.twilio.com SIP/2.0\r\n"
    "v: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
    "Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK2\r\n"
    'f: "Ann" <sip:+15550009999@192.0.2.1>;tag=a1\r\n'
    "Subject: one\r\n two\r\n"
    "i: call-1\r\nCSeq: 7 INVITE\r\n\r\nv=0\r\n"
)


def test_request():
    sip = parse_sip(INVITE)
    assert (sip.is_request, sip.method, sip.ruri) == (True, "INVITE", "sip:+15550100000@acme.pstn.twilio.com")
    assert sip.every("Via") == ["SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1", "SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK2"]
    assert (sip.first("call-id"), sip.from_tag, sip.first("Subject"), sip.first("To")) == (
        "call-1",
        "a1",
        "one two",
        "",
    )
    assert sip.body == "v=0\n"


def test_response():
    sip = parse_sip("SIP/2.0 486 Busy Here\r\nCSeq: 7 INVITE\r\n\r\n")
    assert (sip.is_request, sip.sip_status, sip.sip_reason, sip.method) == (False, 486, "Busy Here", "INVITE")


@pytest.mark.parametrize("text", ["", "\r\n\r\n", "rubbish", "SIP/2.0", "SIP/2.0 abc", "INVITE", ": x\r\n:"])
def test_rubbish_is_survived(text):
    sip = parse_sip(text)
    assert (sip.sip_status, sip.first("Via")) == (0, "")


@pytest.mark.parametrize(
    ("text", "user", "host"),
    [
        ("<sip:+15550100000@192.0.2.1:5060;user=phone>", "+15550100000", "192.0.2.1"),
        ("sip:192.0.2.1", "", "192.0.2.1"),
        ("sips:a;b=c@[2001:db8::1]:5061", "a", "2001:db8::1"),
        ("tel:+15550100000;phone-context=x", "+15550100000", ""),
        ("nothing", "", ""),
    ],
)
def test_uri_parts(text, user, host):
    assert (uri_user(text), uri_host(text)) == (user, host)
