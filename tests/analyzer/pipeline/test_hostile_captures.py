"""Captures made to be slow or large to analyse: each within 5 s of processor time and 1 GB, all reports included.

The counts are a tenth or so of what an attacker would take, so that the suite stays quick; a quadratic step is found by
them all the same.
"""

from __future__ import annotations

import gzip
import io
import struct
import time
import tracemalloc
import zipfile

import pytest
from test_pipeline_fuzz import datagrams, survive

from trunkline.analyzer.limits import Limits

SDP = (
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio {} RTP/AVP 0 101\r\n"
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
)
INVITE = "INVITE sip:+15551112222@203.0.113.9 SIP/2.0"
REGISTER = "REGISTER sip:203.0.113.9 SIP/2.0"


def message(first, *, call="a@b", cseq="1 INVITE", branch="1", tag="f", to_tag="", extra="", body="", kind=""):
    to = "To: <sip:+15551112222@203.0.113.9>" + (f";tag={to_tag}" if to_tag else "")
    content = f"Content-Type: {kind or 'application/sdp'}\r\n" if body else ""
    return (
        f"{first}\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{branch}\r\nMax-Forwards: 70\r\n"
        f"From: <sip:+15550001000@192.0.2.1>;tag={tag}\r\n{to}\r\nCall-ID: {call}\r\nCSeq: {cseq}\r\n"
        f"Contact: <sip:a@192.0.2.1:5060>\r\n{extra}{content}Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def two_thousand_headers():
    return [message(INVITE, extra="".join(f"X-Header-{n}: {n}\r\n" for n in range(2000)))]


def a_thousand_vias():
    vias = "".join(f"Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK{n}\r\n" for n in range(1000))
    return [message(INVITE, extra=vias)] * 10


def one_call_id():
    for n in range(1500):
        yield message(INVITE, branch=n, tag=f"f{n}", cseq=f"{n} INVITE", body=SDP.format(10_000 + n))
        yield message("SIP/2.0 486 Busy Here", branch=n, tag=f"f{n}", to_tag=f"t{n}", cseq=f"{n} INVITE")


def one_call_forked():
    yield message(INVITE, body=SDP.format(10_000))
    for n in range(2000):
        yield message("SIP/2.0 200 OK", to_tag=f"t{n}", body=SDP.format(10_000 + n))


def calls_of_one_moment():
    for n in range(1500):
        yield message(INVITE, call=f"c{n}", branch=n, body=SDP.format(10_000 + n))
        yield message("SIP/2.0 200 OK", call=f"c{n}", branch=n, to_tag="t", body=SDP.format(20_000 + n))


def password_guesses():
    """One Call-ID, a new nonce each time: what a scanner does for hours."""
    for n in range(2500):
        answer = f'Authorization: Digest username="a", realm="r", nonce="n{n}", uri="sip:x", response="{"0" * 32}"\r\n'
        challenge = f'WWW-Authenticate: Digest realm="r", nonce="n{n + 1}"\r\n'
        yield message(REGISTER, call="r", cseq=f"{n} REGISTER", branch=n, extra=f"Expires: 60\r\n{answer}")
        yield message("SIP/2.0 401 Unauthorized", call="r", cseq=f"{n} REGISTER", branch=n, extra=challenge)


def many_registers():
    for n in range(5000):
        yield message(REGISTER, call=f"r{n % 2500}", cseq=f"{n} REGISTER", branch=n, extra="Expires: 60\r\n")


def many_reinvites():
    for n in range(1, 1200):
        yield message(INVITE, to_tag="t", cseq=f"{n} INVITE", branch=n, body=SDP.format(10_000 + n))
        yield message("SIP/2.0 200 OK", to_tag="t", cseq=f"{n} INVITE", branch=n, body=SDP.format(20_000 + n))
        yield message("ACK sip:x SIP/2.0", to_tag="t", cseq=f"{n} ACK", branch=f"a{n}")


def many_byes():
    for n in range(3000):
        yield message("BYE sip:x SIP/2.0", to_tag="t", cseq=f"{n} BYE", branch=n)
        yield message("SIP/2.0 481 Gone", to_tag="t", cseq=f"{n} BYE", branch=n)


def nested_multipart():
    body = "x"
    for n in range(900):
        body = f"--b{n}\r\nContent-Type: multipart/mixed;boundary=b{n + 1}\r\n\r\n{body}"
    return [message(INVITE, body=body[:60_000], kind="multipart/mixed;boundary=b899")] * 5


def many_parts():
    part = "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n"
    return [message(INVITE, body=part * 1300 + "--b--", kind="multipart/mixed;boundary=b")] * 5


def wide_descriptions():
    lines = "m=audio 1 RTP/AVP 0\r\nc=IN IP4 10.0.0.1\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\n"
    body = "v=0\r\n" + lines * 700
    return [message(INVITE, body=body), message("SIP/2.0 200 OK", to_tag="x", body=body)] * 5


def long_values():
    for name, value in (
        ("X", 'a,;<>"=' * 8000),
        ("Contact", "<" * 60_000),
        ("Authorization", "Digest " + 'a="\\' * 14_000),
        ("Identity", "a." * 29_000),
        ("Via", "SIP/2.0/UDP a;" * 4000),
        ("P-Asserted-Identity", '"' * 60_000),
        ("Diversion", "<sip:a@b>," * 5800),
        ("Record-Route", "<sip:a@b;lr>," * 4400),
    ):
        yield message(INVITE, extra=f"{name}: {value}\r\n")


MADE = [
    two_thousand_headers,
    a_thousand_vias,
    one_call_id,
    one_call_forked,
    calls_of_one_moment,
    password_guesses,
    many_registers,
    many_reinvites,
    many_byes,
    nested_multipart,
    many_parts,
    wide_descriptions,
    long_values,
]


@pytest.mark.parametrize("make", MADE, ids=lambda make: make.__name__)
def test_signalling(make):
    payloads = list(make())
    analysis, _ = survive([datagrams(payloads, 1e-4)], limits=Limits())
    assert len(analysis.trace.messages) == len(payloads)


def scan_of_ports(flows, each=3):
    """A few packets that count up from each of many ports."""
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 101)]
    for step in range(each):
        for flow in range(flows):
            payload = struct.pack(">BBHII", 0x80, 0, step + 1, 160 * step, flow) + b"\xff" * 20
            udp = struct.pack(">HHHH", 1024 + flow % 60_000, 4000 + flow // 60_000, 8 + len(payload), 0) + payload
            addresses = bytes([10, 0, flow >> 8 & 255, flow & 255, 10, 1, 0, 1])
            ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + addresses
            out.append(struct.pack("<IIII", 1_700_000_000 + step, flow, 20 + len(udp), 20 + len(udp)) + ip + udp)
    return b"".join(out)


def test_a_scan_of_ports_is_cut_and_said():
    analysis, _ = survive([scan_of_ports(12_000)], limits=Limits())
    assert len(analysis.trace.media.streams) == 4000
    assert [one.what for one in analysis.trace.capture.damage] == [
        "8,000 RTP streams of a few packets were left out: there are thousands of such streams"
    ]


def test_few_short_streams_are_all_measured():
    analysis, _ = survive([scan_of_ports(200)], limits=Limits())
    assert len(analysis.trace.media.streams) == 200
    assert not analysis.trace.capture.damage


TEXTS = {
    "start lines": b"INVITE sip:a@b SIP/2.0\n" * 20_000,
    "blank lines": b"\n" * 2_000_000,
    "blanks": b" " * 1_000_000 + b"\nINVITE sip:a@b SIP/2.0\n",
    "announcements": b"<--- Received SIP request (400 bytes) from UDP:192.0.2.4:5060 --->\n" * 20_000,
    "one line": b"a" * 4_000_000,
    "colours": b"\x1b[1;3" * 500_000,
    "entities": b"&lt;" * 1_000_000,
    "heads": b"2024/01/01 10:00:00.000000 192.0.2.4:5060 -> 192.0.2.8:5060\n" * 20_000,
    "brackets": b'{"a":' * 500_000,
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts(name):
    survive([TEXTS[name]], limits=Limits())


def _zip_of(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in enumerate(members):
            archive.writestr(f"{number}.pcap", content)
    return file.getvalue()


def _packed(data, times):
    for _ in range(times):
        data = gzip.compress(data)
    return data


BOMBS = {
    "gzip": lambda: gzip.compress(bytes(300 << 20), 9),
    "gzip in gzip": lambda: gzip.compress(gzip.compress(bytes(300 << 20), 9), 9),
    "zip": lambda: _zip_of([bytes(30 << 20)] * 8),
    "many members": lambda: _zip_of([b"x"] * 20_000),
    "deep": lambda: _packed(datagrams([message(INVITE)]), 60),
}


@pytest.mark.parametrize("name", BOMBS)
def test_decompression_bombs(name):
    bomb = BOMBS[name]()
    tracemalloc.start()
    try:
        began = time.process_time()
        assert survive([bomb], limits=Limits(), seconds=10) is None
        assert time.process_time() - began < 10
        assert tracemalloc.get_traced_memory()[1] < 300 << 20
    finally:
        tracemalloc.stop()
