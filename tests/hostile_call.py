"""Calls as pcap bytes for the tests of the reports: an ordinary one, and one whose every field means harm."""

from __future__ import annotations

import struct
from ipaddress import ip_address

PHONE, TRUNK, MEDIA = "192.168.7.20", "81.2.69.142", "81.2.69.160"
START = 1_700_000_000
SECRET_WORDS = (
    "192.168.7.20",
    "81.2.69.142",
    "81.2.69.160",
    "alice.wonder",
    "Alice Wonder",
    "442079460958",
    "79460958",
    "acme-telecom",
    "pbx7.acme-telecom.test",
    "6629fae49393a05397450978507c4ef1",
    "84f1c1ae6cbe5ua9c8e88dfa3ecm3459",
    "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz",
    "f81d4fae-7dec-11d0",
    "customer-4711",
)
"""What must not be seen in anything that is redacted."""

SDP = (
    "v=0\r\no=alice.wonder 1 1 IN IP4 192.168.7.20\r\ns=Alice Wonder\r\nc=IN IP4 192.168.7.20\r\nt=0 0\r\n"
    "m=audio 17000 RTP/SAVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"
)
ANSWER = (
    "v=0\r\no=- 5 5 IN IP4 81.2.69.160\r\ns=-\r\nc=IN IP4 81.2.69.160\r\nt=0 0\r\nm=audio 18000 RTP/AVP 0\r\n"
    "a=rtpmap:0 PCMU/8000\r\n"
)


def _message(lines: str, body: str = "", cseq: str = "1 INVITE", to_tag: str = "") -> bytes:
    head = (
        f"{lines}Via: SIP/2.0/UDP 192.168.7.20:5060;branch=z9hG4bK{cseq.replace(' ', '')};rport\r\n"
        'From: "Alice Wonder" <sip:alice.wonder@pbx7.acme-telecom.test>;tag=a1\r\n'
        f"To: <sip:+442079460958@sip.acme-telecom.test>{to_tag}\r\nCall-ID: f81d4fae-7dec-11d0@192.168.7.20\r\n"
        f"CSeq: {cseq}\r\nMax-Forwards: 70\r\n"
    )
    if body:
        head += "Content-Type: application/sdp\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def ordinary() -> list[tuple[float, str, str, int, int, bytes]]:
    """Time, addresses, ports and payload of an answered call with digest, SRTP keys and media."""
    uri = "sip:+442079460958@sip.acme-telecom.test"
    contact = "Contact: <sip:alice.wonder@192.168.7.20:5060>\r\nUser-Agent: Asterisk PBX 20.5.0\r\n"
    digest = (
        'Proxy-Authorization: Digest username="alice.wonder", realm="acme-telecom", '
        'nonce="84f1c1ae6cbe5ua9c8e88dfa3ecm3459", '
        f'uri="{uri}", response="6629fae49393a05397450978507c4ef1"\r\nX-Customer: customer-4711\r\n'
    )
    ok = "Contact: <sip:81.2.69.142:5060>\r\nServer: Trunk\r\n"
    packets = [
        (0.0, PHONE, TRUNK, 5060, 5060, _message(f"INVITE {uri} SIP/2.0\r\n{contact}{digest}", SDP)),
        (0.1, TRUNK, PHONE, 5060, 5060, _message("SIP/2.0 100 Trying\r\n")),
        (0.5, TRUNK, PHONE, 5060, 5060, _message("SIP/2.0 180 Ringing\r\n", to_tag=";tag=b2")),
        (2.0, TRUNK, PHONE, 5060, 5060, _message(f"SIP/2.0 200 OK\r\n{ok}", ANSWER, to_tag=";tag=b2")),
        (2.1, PHONE, TRUNK, 5060, 5060, _message("ACK sip:81.2.69.142:5060 SIP/2.0\r\n", "", "1 ACK", ";tag=b2")),
    ]
    for number in range(200):
        rtp = struct.pack("!BBHII", 0x80, 0, 100 + number, 160 * number, 0xDECAFBAD) + bytes([0x5A + number % 7]) * 160
        packets.append((2.2 + number * 0.02, MEDIA, PHONE, 18000, 17000, rtp))
    packets += [
        (7.0, PHONE, TRUNK, 5060, 5060, _message("BYE sip:81.2.69.142:5060 SIP/2.0\r\n", "", "2 BYE", ";tag=b2")),
        (7.1, TRUNK, PHONE, 5060, 5060, _message("SIP/2.0 200 OK\r\n", "", "2 BYE", ";tag=b2")),
    ]
    return packets


def hostile() -> list[tuple[float, str, str, int, int, bytes]]:
    """A call refused, with markup, escapes, SQL and NUL wherever there is room."""
    bad = "<script>alert(1)</script>"
    sdp = (
        f"v=0\r\no=- 1 1 IN IP4 192.168.7.20\r\ns={bad}\r\nc=IN IP4 '; DROP TABLE calls; --{bad}\r\nt=0 0\r\n"
        f'm=audio 17000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=x:"><img src=x onerror=alert(1)>\r\n'
    )
    head = (
        f"Via: SIP/2.0/UDP 192.168.7.20:5060;branch=z9hG4bK{bad}\r\n"
        f'From: "{bad}\x1b[31mred\x1b]0;title\x07" <sip:"><svg onload=alert(1)>@192.168.7.20>;tag=1\r\n'
        "To: <sip:\x1b[2J+442079460958@[::ffff:x]>\r\nCall-ID: ]]>--><!--\x00\x9b31m\r\nCSeq: 1 INVITE\r\n"
        f"User-Agent: nul\x00{bad}\x7f\r\nContact: <sip:{bad}@192.168.7.20>\r\n"
    )
    invite = f"INVITE sip:{bad}@81.2.69.142 SIP/2.0\r\n{head}Content-Type: application/sdp\r\n"
    invite += f"Content-Length: {len(sdp)}\r\n\r\n"
    refusal = f"SIP/2.0 403 {bad}\x1b[5m\r\n{head}Content-Length: 0\r\n\r\n"
    return [
        (0.0, PHONE, TRUNK, 5060, 5060, (invite + sdp).encode("latin-1")),
        (0.1, TRUNK, PHONE, 5060, 5060, refusal.encode("latin-1")),
    ]


def pcap(packets: list[tuple[float, str, str, int, int, bytes]]) -> bytes:
    """A capture of raw IP, microseconds."""
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 16, 101)
    for number, (time, src, dst, sport, dport, payload) in enumerate(packets):
        udp = struct.pack("!HHHH", sport, dport, len(payload) + 8, 0) + payload
        ip = struct.pack("!BBHHHBBH", 0x45, 0, len(udp) + 20, number + 1, 0, 64, 17, 0)
        packet = ip + ip_address(src).packed + ip_address(dst).packed + udp
        micro = round(time * 1e6)
        out += struct.pack("<IIII", START + micro // 1_000_000, micro % 1_000_000, len(packet), len(packet)) + packet
    return out
