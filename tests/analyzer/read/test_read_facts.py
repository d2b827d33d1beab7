"""What stands beside SIP: ICMP errors, TLS handshakes, TCP's beginnings and ends, DNS."""

from __future__ import annotations

import struct

import pytest
from capture_builders import A6, B6, NOW, A, B, ether, frame, ip4, ip6, pcap, read, sip, tcp, udp

from trunkline.analyzer.model.capture import Endpoint

TLS_PORT = ("198.51.100.7", 5061)


def test_icmp_quotes_the_packet():
    body = b"\3\3\0\0\0\0\0\0" + ip4(udp(sip()))[:28]
    capture, _ = read(pcap([ether(ip4(body, "203.0.113.9", A[0], protocol=1))]))
    error = capture.icmp[0]
    assert (error.sender, error.type, error.code, error.protocol) == ("203.0.113.9", 3, 3, "udp")
    assert (error.src, error.dst, error.place.frame, error.time) == (A, B, 1, NOW)
    assert capture.messages == []


def test_icmp6_quotes_the_packet():
    body = b"\1\4\0\0\0\0\0\0" + ip6(udp(sip(), A6, B6))[:60]
    capture, _ = read(pcap([ether(ip6(body, B6[0], A6[0], protocol=58), 0x86DD)]))
    error = capture.icmp[0]
    assert (error.type, error.code, error.src, error.dst) == (1, 4, A6, B6)


def test_an_echo_is_no_error():
    capture, _ = read(pcap([ether(ip4(b"\x08\0" + bytes(30), protocol=1))]))
    assert (capture.icmp, capture.files[0].unread) == ([], {"icmp": 1})


def record(kind, body, version=0x0303):
    return struct.pack(">BHH", kind, version, len(body)) + body


def handshake(kind, body):
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def extension(kind, body):
    return struct.pack(">HH", kind, len(body)) + body


def client_hello(*, modern=True):
    name = b"pstn.example.com"
    extensions = extension(0, struct.pack(">HBH", len(name) + 3, 0, len(name)) + name)
    extensions += extension(16, b"\0\4\3sip")
    if modern:
        extensions += extension(43, b"\6\x1a\x1a\3\4\3\3")
    body = b"\3\3" + bytes(32) + b"\0" + b"\0\2\x13\1" + b"\1\0"
    return record(22, handshake(1, body + struct.pack(">H", len(extensions)) + extensions), 0x0301)


def server_hello(version=b"\3\3"):
    return handshake(2, version + bytes(32) + b"\0" + b"\xc0\x2f" + b"\0")


def split(data, size=60, *, src=A, dst=TLS_PORT, begin=1):
    return [tcp(data[at : at + size], begin + at, 0x18, src, dst) for at in range(0, len(data), size)]


@pytest.mark.parametrize("size", [3, 60, 2000])
def test_a_client_hello_over_segments(size):
    capture, _ = read(pcap(split(client_hello(), size)))
    fact = capture.tls[0]
    assert (fact.kind, fact.version, fact.server_name, fact.alpn) == (
        "client_hello",
        "TLS 1.3",
        "pstn.example.com",
        ("sip",),
    )
    assert (fact.src, fact.dst) == (A, TLS_PORT)
    assert read(pcap(split(client_hello(modern=False), size)))[0].tls[0].version == "TLS 1.2"


def test_what_a_server_answers():
    chain = b"".join(len(der).to_bytes(3, "big") + der for der in (b"leaf" * 40, b"root" * 30))
    certificate = handshake(11, len(chain).to_bytes(3, "big") + chain)
    data = record(22, server_hello() + certificate[:100]) + record(22, certificate[100:])
    data += record(20, b"\1") + record(22, bytes(40)) + record(23, bytes(100))
    capture, _ = read(pcap(split(data, 77, src=TLS_PORT, dst=A)))
    assert [(fact.kind, fact.version) for fact in capture.tls] == [
        ("server_hello", "TLS 1.2"),
        ("certificate", ""),
        ("application_data", ""),
    ]
    assert capture.tls[1].certificates == (b"leaf" * 40, b"root" * 30)


@pytest.mark.parametrize(
    ("level", "code", "name", "fatal"),
    [
        (2, 48, "unknown_ca", True),
        (2, 70, "protocol_version", True),
        (1, 0, "close_notify", False),
        (2, 99, "99", True),
    ],
)
def test_alerts(level, code, name, fatal):
    capture, _ = read(pcap(split(record(21, bytes([level, code])), src=TLS_PORT, dst=A)))
    assert [(fact.alert, fact.fatal) for fact in capture.tls] == [(name, fatal)]


def test_beginnings_and_ends_of_connections():
    browser, plain = ("192.0.2.1", 40001), ("198.51.100.7", 8080)
    frames = [
        tcp(b"", 1, 2, A, TLS_PORT),
        tcp(b"", 9, 0x14, TLS_PORT, A),
        tcp(b"", 1, 2, browser, plain),
        tcp(b"", 5, 0x12, plain, browser),
        tcp(b"GET / HTTP/1.1\r\n\r\n", 2, 0x18, browser, plain),
        tcp(b"", 20, 0x11, browser, plain),
        tcp(b"", 100, 2, ("192.0.2.1", 40000), ("198.51.100.7", 6000)),
        tcp(sip(), 101, 0x18, ("192.0.2.1", 40000), ("198.51.100.7", 6000)),
        tcp(b"", 7, 4, ("198.51.100.7", 6000), ("192.0.2.1", 40000)),
    ]
    facts = read(pcap(frames))[0].tcp
    assert [(fact.place.frame, fact.kind, fact.payload_before) for fact in facts] == [
        (1, "syn", False),
        (2, "rst", False),
        (7, "syn", False),
        (9, "rst", True),
    ]


RESOLVER = ("192.0.2.53", 53)


def name(text):
    return b"".join(bytes([len(part)]) + part.encode() for part in text.split(".")) + b"\0"


def query(kind, text="_sip._udp.example.com", number=7):
    return struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + name(text) + struct.pack(">HH", kind, 1)


def answer(kind, *data, rcode=0):
    head = struct.pack(">HHHHHH", 7, 0x8180 | rcode, 1, len(data), 0, 0) + query(kind)[12:]
    return head + b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(one)) + one for one in data)


def lookups(question, reply):
    client = ("192.0.2.1", 33333)
    frames = [frame(question, client, RESOLVER), frame(reply, RESOLVER, client)]
    return read(pcap(frames, times=[NOW, NOW + 0.25]))


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        (1, bytes([192, 0, 2, 9]), "192.0.2.9"),
        (28, bytes.fromhex("20010db8000000000000000000000009"), "2001:db8::9"),
        (33, struct.pack(">HHH", 10, 20, 5060) + name("edge.example.com"), "10 20 5060 edge.example.com"),
        (33, struct.pack(">HHH", 10, 20, 5060) + b"\4edge\xc0\x16", "10 20 5060 edge.example.com"),
        (
            35,
            struct.pack(">HH", 50, 51) + b"\1s\7SIP+D2U\0" + name("_sip._udp.example.com"),
            '50 51 "s" "SIP+D2U" "" _sip._udp.example.com',
        ),
    ],
)
def test_dns_answers(kind, data, text):
    capture, rows = lookups(query(kind), answer(kind, data))
    fact = capture.dns[0]
    assert (fact.name, fact.rcode, fact.answers) == ("_sip._udp.example.com", 0, (text,))
    assert fact.delay == pytest.approx(0.25)
    assert (fact.client, fact.server, fact.place.frame) == (Endpoint("192.0.2.1", 33333), RESOLVER, 2)
    assert (rows, len(capture.dns)) == ([], 1)


def test_dns_questions_without_an_answer():
    capture, _ = read(pcap([frame(query(33), ("192.0.2.1", 33333), RESOLVER)] * 2))
    assert [(fact.type, fact.rcode, fact.time) for fact in capture.dns] == [("SRV", None, NOW)]


def test_dns_refusals():
    assert lookups(query(33), answer(33, rcode=3))[0].dns[0].rcode == 3


def test_dns_pointers_that_lead_in_circles_end():
    loop = struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + b"\xc0\x0c" + b"\0\x01\0\x01"
    assert lookups(loop, loop)[0].dns == []
