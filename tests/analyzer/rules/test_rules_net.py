"""Rules NET-* and NAT-*."""

from __future__ import annotations

import datetime as dt

import pytest
from judging import Case, answer, asked, both_ways, cases, judged, of_rule
from traffic import BASE, OTHER, PBX, PUBLIC, TWILIO, endpoint, trace_of

from trunkline.analyzer.model.capture import Capture, IcmpError, Place, RawMessage, TcpFact, TlsFact

SILENCE = "0 > INVITE\n0.5 > INVITE #again\n1.5 > INVITE #again\n3.5 > INVITE #again"
OK = "1 < 180\n3 < 200\n3.1 > ACK\n9 > BYE\n9.1 < 200"
VIA = "Via: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bK-1-a-1"
HOME = {"a": PBX, "b": OTHER}
PRIVATE = "Contact: <sip:pbx@192.168.1.10:5060>"
REGISTER = "REGISTER sip:r.example"
BIG = "X-Padding: " + "x" * 1400

CASES: list[Case] = [
    ("NET-01", SILENCE, SILENCE + "\n3.6 < 100\n4 < 180\n5 < 200\n5.1 > ACK", {}),
    ("NET-01", SILENCE, "0 > INVITE", {}),
    ("NET-01", SILENCE, SILENCE.replace("INVITE\n", "INVITE | User-Agent: friendly-scanner\n", 1), {}),
    ("NET-03", f"0 > INVITE | {BIG}\n{OK}", f"0 > INVITE\n{OK}", {}),
    (
        "NET-08",
        "0 > INVITE #tcp | Via: SIP/2.0/UDP 203.0.113.10:5060;branch=z9hG4bKa\n0.1 < 403 #tcp\n0.2 > ACK #tcp",
        "0 > INVITE #tcp\n0.1 < 403 #tcp\n0.2 > ACK #tcp",
        {},
    ),
    (
        "NET-08",
        "0 > INVITE sips:1@x.example\n0.1 < 416\n0.2 > ACK",
        "0 > INVITE sip:1@x.example\n0.1 < 416\n0.2 > ACK",
        {},
    ),
    (
        "NET-09",
        "0 > INVITE | sdp 203.0.113.10 | Content-Length: 400 | Contact: <sip:pbx@192.168.1.10>\n0.1 < 400\n0.2 > ACK",
        "0 > INVITE | sdp 203.0.113.10 | Contact: <sip:pbx@192.168.1.10>\n0.1 < 400\n0.2 > ACK",
        HOME,
    ),
    (
        "NET-10",
        (
            f"0 > {REGISTER} #id=r\n0.1 < 200 #id=r\n200 < OPTIONS sip:a #id=o\n200.5 < OPTIONS #again #id=o\n"
            f"201.5 < OPTIONS #again #id=o\n203.5 < OPTIONS #again #id=o\n300 > {REGISTER} #id=r\n300.1 < 200 #id=r"
        ),
        (
            f"0 > {REGISTER} #id=r\n0.1 < 200 #id=r\n20 < OPTIONS sip:a #id=o\n20.5 < OPTIONS #again #id=o\n"
            f"21.5 < OPTIONS #again #id=o\n21.6 > 200 #id=o\n300 > {REGISTER} #id=r\n300.1 < 200 #id=r"
        ),
        {"a": PUBLIC, "b": OTHER},
    ),
    (
        "NAT-01",
        SILENCE.replace("INVITE\n", f"INVITE | {VIA}\n", 1),
        f"0 > INVITE | {VIA}\n{OK}",
        {"a": "192.168.1.10:1025", "b": OTHER},
    ),
    (
        "NAT-02",
        "0 > OPTIONS sip:x\n0.1 < 200 | Via: SIP/2.0/UDP 192.168.1.10:5060;received=203.0.113.10;branch=z9hG4bKa",
        "0 > OPTIONS sip:x\n0.1 < 200",
        HOME,
    ),
    ("NAT-03", f"0 > INVITE | {PRIVATE}\n{OK}", "0 > INVITE | Contact: <sip:pbx@203.0.113.10>\n" + OK, HOME),
    (
        "NAT-03",
        f"0 > INVITE | {PRIVATE}\n{OK}",
        f"0 < INVITE sip:+1@203.0.113.10 | {PRIVATE}\n0.1 > 180\n1 > 200\n1.1 < ACK",
        {},
    ),
    (
        "NAT-04",
        "0 > INVITE\n0.1 b>c 407\n0.5 > INVITE #again\n0.6 b>c 407\n1.5 > INVITE #again\n1.6 b>c 407",
        "0 > INVITE\n0.1 < 407\n0.2 > ACK",
        {"hosts": {"c": "203.0.113.10:9999"}},
    ),
    ("NAT-05", "0 > INVITE\n1 < 200 | -Contact\n1.1 > ACK", "0 > INVITE\n1 < 200\n1.1 > ACK", {}),
]


@cases(CASES)
def test_rules_of_the_network(rule_id, positive, negative, how):
    both_ways(rule_id, positive, negative, how)


@pytest.mark.parametrize(
    ("later", "severity"), [("", "warn"), ("9 < BYE\n9.5 < BYE #again\n10.5 < BYE #again", "critical")]
)
def test_a_private_contact_is_critical_only_where_it_did_harm(later, severity):
    text = f"0 > INVITE | {PRIVATE}\n1 < 180\n3 < 200\n3.1 > ACK\n{later}"
    assert [finding.severity for finding in of_rule(trace_of(text, **HOME), "NAT-03")] == [severity]


def test_a_house_without_internet_needs_no_public_contact():
    assert "NAT-03" not in judged(trace_of(f"0 > INVITE | {PRIVATE}\n{OK}", a=PBX, b="192.168.1.20:5060"))


def icmp(src: str, dst: str, code: int, at: float = 1.0) -> IcmpError:
    return IcmpError(Place(frame=9), BASE + at, "198.51.100.1", 3, code, endpoint(src), endpoint(dst), "udp")


def test_icmp_that_quotes_sip():
    def found(*errors: IcmpError) -> set[str]:
        return judged(trace_of(SILENCE, capture=Capture(icmp=list(errors))))

    assert "NET-02" in found(icmp(PUBLIC, TWILIO, 3))
    assert "NET-02" not in found(icmp("10.0.0.1:53", "10.0.0.2:53", 3))


def tls(kind: str, src: str, dst: str, at: float = 1.0, **more) -> TlsFact:
    return TlsFact(Place(frame=5), BASE + at, endpoint(src), endpoint(dst), kind, **more)


CLIENT, SERVER = "203.0.113.10:40000", "54.172.60.1:5061"


def found_with(*facts: TlsFact, text: str = "0 > OPTIONS sip:x\n0.1 < 200") -> set[str]:
    return judged(trace_of(text, capture=Capture(tls=list(facts))))


def test_a_tls_handshake_that_fails():
    hello = tls("client_hello", CLIENT, SERVER, version="TLS 1.0")
    assert "NET-04" in found_with(hello, tls("alert", SERVER, CLIENT, alert="protocol_version", fatal=True))
    assert "NET-04" not in found_with(hello, tls("alert", SERVER, CLIENT, alert="close_notify"))
    web = "54.172.60.1:443"
    assert "NET-04" not in found_with(tls("alert", web, CLIENT, alert="protocol_version", fatal=True))


def test_without_any_sip_a_failed_handshake_on_a_port_of_its_own_is_the_trunk():
    """Whoever asks about a trunk has caught its handshake; the web, mail and others have ports of theirs."""
    odd, web = "54.172.60.1:15061", "54.172.60.1:8443"

    def alert(server: str) -> TlsFact:
        return tls("alert", server, CLIENT, alert="protocol_version", fatal=True)

    assert "NET-04" in found_with(alert(odd), text="")
    assert "NET-04" not in found_with(alert(web), text="")
    assert "NET-04" not in found_with(alert(odd))


def test_tls_on_the_plain_port_and_plain_on_the_tls_port():
    assert "NET-05" in found_with(tls("client_hello", CLIENT, TWILIO))
    assert "NET-05" not in found_with(tls("client_hello", CLIENT, SERVER), tls("server_hello", SERVER, CLIENT))
    assert "NET-05" in judged(trace_of("0 > INVITE #tcp", a=CLIENT, b=SERVER))
    assert "NET-05" not in judged(trace_of("0 > INVITE #tcp\n0.1 < 100 #tcp\n1 < 180 #tcp", a=CLIENT, b=SERVER))


def certificate(name: str, days: int) -> bytes:
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    end = dt.datetime.fromtimestamp(BASE, dt.UTC) + dt.timedelta(days=days)
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "An authority")])
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(end - dt.timedelta(days=400)).not_valid_after(end)
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize(
    ("name", "days", "wanted"),
    [("*.pstn.twilio.com", 30, False), ("*.pstn.twilio.com", -3, True), ("other.example", 30, True)],
)
def test_the_certificate_is_read(name, days, wanted):
    hello = tls("client_hello", CLIENT, SERVER, server_name="acme.pstn.twilio.com")
    shown = tls("certificate", SERVER, CLIENT, certificates=(certificate(name, days),))
    assert ("NET-06" in found_with(hello, shown)) is wanted


def test_a_certificate_of_garbage_is_no_finding():
    assert "NET-06" not in found_with(tls("certificate", SERVER, CLIENT, certificates=(b"\x30\x03abc",)))


def tcp(kind: str, src: str, dst: str, at: float, *, before: bool = False) -> TcpFact:
    return TcpFact(Place(frame=3), BASE + at, endpoint(src), endpoint(dst), kind, before)


def test_tcp_is_refused_or_reset():
    refused = [tcp("syn", PUBLIC, TWILIO, 0.0), tcp("rst", TWILIO, PUBLIC, 0.1)]
    assert "NET-07" in judged(trace_of("0 > OPTIONS sip:x\n0.1 < 200", capture=Capture(tcp=refused)))
    call = "0 > INVITE #tcp\n1 < 200 #tcp\n1.1 > ACK #tcp\n60 > BYE #tcp\n60.1 < 200 #tcp"
    reset = [tcp("rst", TWILIO, PUBLIC, 30.0, before=True)]
    assert "NET-07" in judged(trace_of(call, capture=Capture(tcp=reset)))
    later = [tcp("rst", TWILIO, PUBLIC, 70.0, before=True)]
    assert "NET-07" not in judged(trace_of(call, capture=Capture(tcp=later)))


def test_fragments_that_never_came():
    assert "NET-03" in judged(trace_of("0 > INVITE", capture=Capture(lost_fragments=[Place(frame=2)])))


def test_an_address_outside_of_the_published_list():
    ok = f"0 > INVITE | sdp 203.0.113.10\n{OK}"
    headers = "\n0.1 < 407 | Server: Twilio Gateway | " + asked() + "\n0.2 > ACK"
    odd = trace_of(f"0 > INVITE{headers}\n0.3 > INVITE | {answer()}\n{OK}", b="192.0.2.99:5060", provider="twilio")
    hop = odd.dialogs[0]
    assert hop.facing == "provider"
    assert "NET-11" in judged(odd)
    assert "NET-11" not in judged(trace_of(ok))


def test_an_alg_leaves_traces_that_a_cut_frame_only_seems_to():
    text = "0 > INVITE | sdp 203.0.113.10 | Content-Length: 400 | Contact: <sip:pbx@192.168.1.10>\n0.1 < 400\n0.2 > ACK"
    trace = trace_of(text, **HOME)
    raw: RawMessage = trace.messages[0].raw
    assert of_rule(trace, "NET-09")
    raw.truncated = True
    assert not of_rule(trace, "NET-09")


def test_a_contact_behind_a_proxy_that_records_itself_is_reached():
    text = f"0 > INVITE | {PRIVATE} | Record-Route: <sip:203.0.113.1;lr>\n{OK}"
    assert "NAT-03" not in judged(trace_of(text, **HOME))
