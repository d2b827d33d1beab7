"""Packets, files and a sink for the tests of `read`: written out by hand, so that the reader is not its own judge."""

from __future__ import annotations

import socket
import struct

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.model.capture import Capture
from trunkline.analyzer.read.files import read_files

NOW = 1_700_000_000
A, B = ("192.0.2.1", 5060), ("198.51.100.7", 5080)
A6, B6 = ("2001:db8::1", 5060), ("2001:db8::7", 5080)
MACS = bytes.fromhex("02000000000b02000000000a")


class Sink:
    """Keeps what it is given, as rows."""

    def __init__(self):
        self.rows = []
        self.tables = 0

    def take(self, table, flows):
        self.tables += 1
        columns = (table.frame, table.time_ns, table.flow, table.offset, table.length, table.wire_length)
        for frame, time_ns, flow, offset, length, wire in zip(*(c.tolist() for c in columns), strict=True):
            payload = table.data[offset : offset + length].tobytes()
            self.rows.append((table.file, frame, time_ns, flows.keys[flow], payload, wire))

    def finish(self):
        return None


def read(*sources, limits=None, progress=None):
    """Capture and rows of these files, given as bytes."""
    capture, sink = Capture(), Sink()
    named = [(f"file{number}", data) for number, data in enumerate(sources)]
    read_files(named, capture, limits or Limits(), sink, progress)
    return capture, sink.rows


def sip(method="INVITE", body=b"", *, length=True, call_id="a@example.com", extra=b""):
    """A request as it is on the wire."""
    head = (
        f"{method} sip:+15551230001@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n"
        f"From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\nCall-ID: {call_id}\r\nCSeq: 1 {method}\r\n"
    ).encode()
    head += extra
    if length:
        head += b"Content-Length: %d\r\n" % len(body)
    return head + b"\r\n" + body


def response(status=200, body=b""):
    head = f"SIP/2.0 {status} Fine\r\nVia: SIP/2.0/UDP 192.0.2.1\r\nCall-ID: a\r\nCSeq: 1 INVITE\r\n".encode()
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def rtp(sequence=1, size=160):
    return struct.pack(">BBHII", 0x80, 0, sequence, sequence * 160, 0xCAFE) + bytes(size)


def udp(payload, src=A, dst=B):
    return struct.pack(">HHHH", src[1], dst[1], 8 + len(payload), 0) + payload


def ip4(payload, src=A[0], dst=B[0], *, protocol=17, number=7, place=0, tos=0, options=b""):
    words = 5 + len(options) // 4
    total = words * 4 + len(payload)
    head = struct.pack(">BBHHHBBH", 0x40 | words, tos, total, number, place, 64, protocol, 0)
    head += socket.inet_aton(src) + socket.inet_aton(dst) + options
    checksum = sum(struct.unpack(f">{len(head) // 2}H", head))
    while checksum >> 16:
        checksum = (checksum & 0xFFFF) + (checksum >> 16)
    return head[:10] + struct.pack(">H", ~checksum & 0xFFFF) + head[12:] + payload


def ip6(payload, src=A6[0], dst=B6[0], *, protocol=17, extensions=b"", first=None):
    size = len(payload) + len(extensions)
    head = struct.pack(">IHBB", 0x6000_0000 | 46 << 22, size, protocol if first is None else first, 64)
    return head + socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst) + extensions + payload


def ether(packet, kind=0x0800, tags=()):
    return MACS + b"".join(struct.pack(">HH", 0x8100, tag) for tag in tags) + struct.pack(">H", kind) + packet


def frame(payload, src=A, dst=B, **more):
    """A datagram in an Ethernet frame."""
    return ether(ip4(udp(payload, src, dst), src[0], dst[0], **more))


def tcp(payload, sequence, flags=0x18, src=A, dst=B):
    head = struct.pack(">HHIIBBHHH", src[1], dst[1], sequence & 0xFFFFFFFF, 1, 0x50, flags, 65535, 0, 0)
    return ether(ip4(head + payload, src[0], dst[0], protocol=6))


def pcap(frames, link=1, *, order="<", nano=False, times=None, wires=None, modified=False):
    """A file of libpcap; frames are 20 ms apart unless `times` (seconds) says otherwise."""
    magic = 0xA1B2CD34 if modified else 0xA1B23C4D if nano else 0xA1B2C3D4
    out = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link)]
    for number, data in enumerate(frames):
        time = times[number] if times else NOW + number * 0.02
        whole, part = divmod(round(time * 1e6), 1_000_000)
        part *= 1000 if nano else 1
        wire = wires[number] if wires else len(data)
        out.append(struct.pack(order + "IIII", whole, part, len(data), wire))
        if modified:
            out.append(bytes(8))
        out.append(data)
    return b"".join(out)


def block(kind, body, order="<"):
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + size + body + size


def option(code, value, order="<"):
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order="<"):
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link=1, options=b"", order="<", snaplen=262144):
    return block(1, struct.pack(order + "HHI", link, 0, snaplen) + options, order)


def enhanced(data, stamp=NOW * 1_000_000, number=0, order="<", wire=None):
    head = struct.pack(order + "IIIII", number, stamp >> 32, stamp & 0xFFFFFFFF, len(data), wire or len(data))
    return block(6, head + data, order)


def hep3(payload, kind=1, src="203.0.113.1", dst="203.0.113.2", *, protocol=17, more=()):
    chunks = [
        (1, b"\x02"),
        (2, bytes([protocol])),
        (3, socket.inet_aton(src)),
        (4, socket.inet_aton(dst)),
        (7, struct.pack(">H", 5062)),
        (8, struct.pack(">H", 5064)),
        (9, struct.pack(">I", NOW - 100)),
        (10, struct.pack(">I", 250_000)),
        (11, bytes([kind])),
        (12, struct.pack(">I", 2001)),
        *more,
    ]
    if all(code != 16 for code, _ in more):
        chunks.append((15, payload))
    body = b"".join(struct.pack(">HHH", 0, code, 6 + len(value)) + value for code, value in chunks)
    return b"HEP3" + struct.pack(">H", 6 + len(body)) + body


def hep2(payload, version=2):
    head = struct.pack(">BBBBHH", version, 28 if version == 2 else 16, 2, 17, 5062, 5064)
    head += socket.inet_aton("203.0.113.1") + socket.inet_aton("203.0.113.2")
    if version == 2:
        head += struct.pack("<IIHH", NOW - 100, 250_000, 101, 0)
    return head + payload


def netmon(frames, *, version=(2, 3), kinds=None):
    """A Network Monitor file; frames are 20 ms apart from 2023-11-14 22:13:20 on."""
    body, index, at = b"", b"", 128
    for number, data in enumerate(frames):
        index += struct.pack("<I", at)
        record = struct.pack("<QII", number * 20_000, len(data), len(data)) + data
        if version >= (2, 1):
            record += struct.pack("<H", kinds[number] if kinds else 1)
        if version >= (2, 3):
            stamp = (NOW + 11_644_473_600) * 10_000_000 + number * 200_000
            record += struct.pack("<IQB", 0, stamp, 0)
        body += record
        at += len(record)
    head = b"GMBU" + bytes([version[1], version[0]]) + struct.pack("<H", 1)
    head += struct.pack("<8H", 2023, 11, 2, 14, 22, 13, 20, 0) + struct.pack("<II", at, len(index))
    return head + bytes(128 - len(head)) + body + index
