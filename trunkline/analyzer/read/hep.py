"""HEP 2 and 3 (sipcapture.org, "HEP3 Network Protocol Specification"): a message with its own addresses and time."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.model.capture import Endpoint, Transport
from trunkline.analyzer.read.flows import address_text
from trunkline.analyzer.read.records import CHUNK, HEP_LINK, Bytes, Complain, Records
from trunkline.analyzer.read.sip_start import sip_start

TRANSPORTS: dict[int, Transport] = {17: "udp", 6: "tcp", 132: "sctp"}
SIP = 1
TYPES = {
    2: "XMPP", 3: "SDP", 4: "RTP", 5: "RTCP as JSON", 6: "MGCP", 7: "MEGACO", 8: "M2UA", 9: "M3UA", 10: "IAX",
    32: "voice quality report", 33: "statistics", 34: "statistics", 35: "RTP report", 53: "DNS", 54: "log",
    98: "log", 99: "log", 100: "log",
}  # fmt: skip


@dataclass(slots=True)
class HepPacket:
    """What one packet carries. Addresses are empty and ports 0 where it names none."""

    payload: bytes
    kind: int
    src: Endpoint
    dst: Endpoint
    transport: Transport
    time_ns: int | None
    correlation_id: str | None
    capture_point: str | None


def read_hep3(data: bytes, room: int = 1 << 20) -> HepPacket | None:
    """One HEP 3 packet; None: it is damaged. A payload that is packed by zlib is unpacked to at most `room` bytes."""
    if len(data) < 6 or data[:4] != b"HEP3":
        return None
    end = min(int.from_bytes(data[4:6], "big"), len(data))
    chunks: dict[int, bytes] = {}
    at = 6
    while at + 6 <= end:
        vendor, kind, size = struct.unpack_from(">HHH", data, at)
        if size < 6 or at + size > end:
            break
        if vendor == 0 or kind not in chunks:  # a vendor's chunk does not override a generic one
            chunks[kind if vendor == 0 else kind | vendor << 16] = data[at + 6 : at + size]
        at += size
    payload = chunks.get(15)
    if payload is None and 16 in chunks:
        payload = inflate(chunks[16], room)
    if payload is None:
        return None

    def number(kind: int) -> int:
        return int.from_bytes(chunks.get(kind, b"")[:8], "big")

    def address(four: int, six: int) -> str:
        for kind, size in ((four, 4), (six, 16)):
            if len(chunks.get(kind, b"")) == size:
                return address_text(chunks[kind])
        return ""

    seconds, micro = number(9) & 0xFFFFFFFF, number(10) & 0xFFFFFFFF
    time_ns = seconds * 1_000_000_000 + micro * 1000 if seconds else None
    node = chunks.get(19, b"").split(b"\0")[0].decode("utf-8", "replace")[:100]
    correlation = chunks.get(17, b"").split(b"\0")[0].decode("utf-8", "replace")[:200]
    return HepPacket(
        payload,
        number(11) if 11 in chunks else SIP,
        Endpoint(address(3, 5), number(7) & 0xFFFF),
        Endpoint(address(4, 6), number(8) & 0xFFFF),
        TRANSPORTS.get(number(2), "unknown"),
        time_ns,
        correlation or None,
        node or (str(number(12)) if 12 in chunks else None),
    )


def inflate(data: bytes, room: int) -> bytes | None:
    import zlib

    try:
        return zlib.decompressobj(wbits=47).decompress(data, room)
    except zlib.error:
        return None


def read_hep2(data: bytes, near_ns: int) -> HepPacket | None:
    """One HEP 1 or 2 packet with SIP in it; None: it is none. `near_ns`, the time around it, tells the byte order."""
    if len(data) < 16 or data[0] not in {1, 2} or data[2] not in {2, 10, 23, 28, 30}:
        return None
    version, head, size = data[0], data[1], 4 if data[2] == 2 else 16
    addresses = 8 + 2 * size
    if head not in {addresses, addresses + 12 if version == 2 else addresses} or len(data) < head:
        return None
    sport, dport = struct.unpack_from(">HH", data, 4)
    time_ns, point, at = None, None, head
    for start in dict.fromkeys((head, addresses + 12 if version == 2 else head)):
        if sip_start(data, start) >= 0:
            at = start
            break
    else:
        return None
    if at == addresses + 12:
        stamps = [struct.unpack_from(order + "IIH", data, addresses) for order in "<>"]
        seconds, micro, capture = min(stamps, key=lambda stamp: abs(stamp[0] - near_ns // 1_000_000_000))
        time_ns, point = seconds * 1_000_000_000 + min(micro, 999_999) * 1000, str(capture)
    return HepPacket(
        data[at:],
        SIP,
        Endpoint(address_text(data[8 : 8 + size]), sport),
        Endpoint(address_text(data[8 + size : addresses]), dport),
        TRANSPORTS.get(data[3], "unknown"),
        time_ns,
        None,
        point,
    )


def read_hep_dump(data: Bytes, limits: Limits, complain: Complain) -> Iterator[Records]:
    """A file of HEP 3 packets, one behind the other, as chunks of frames."""
    view = data.data
    size, at, frame = len(view), 0, 1
    trouble = ""
    while at < size and not trouble:
        starts: list[int] = []
        lengths: list[int] = []
        while at < size and len(starts) < CHUNK:
            head = bytes(view[at : at + 6])
            length = int.from_bytes(head[4:6], "big")
            if head[:4] != b"HEP3" or length < 6:
                trouble = "what follows is no HEP packet"
            elif at + length > size:
                trouble = "the file is cut short in the middle of a HEP packet"
            elif frame + len(starts) > limits.packets:
                trouble = f"only the first {limits.packets} packets were read: the limit"
            if trouble:
                break
            starts.append(at)
            lengths.append(length)
            at += length
        if starts:
            yield dump_records(data, starts, lengths, frame)
            frame += len(starts)
    if trouble:
        complain(trouble, frame)


def dump_records(data: Bytes, starts: list[int], lengths: list[int], frame: int) -> Records:
    times: list[int] = []
    for start, length in zip(starts, lengths, strict=True):
        found = read_hep3(data[start : start + length].tobytes(), 1)
        times.append((found.time_ns if found else None) or (times[-1] if times else 0))
    size = np.array(lengths, np.int64)
    return Records(
        data,
        HEP_LINK,
        np.arange(frame, frame + len(starts), dtype=np.int64),
        np.array(starts, np.int64),
        size,
        size,
        np.array(times, np.int64),
    )
