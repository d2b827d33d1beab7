"""The capture itself, redacted: a pcap of the SIP messages and of the RTP headers, with what was said blanked.

What is neither of both (DNS, TLS, RTCP with its names, everything else) is left out. SIP over TCP is written as one
datagram for each message: nobody needs the connection to read it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from trunkline.analyzer.analysis import Source
from trunkline.analyzer.ip_packet import ip_packet
from trunkline.analyzer.limits import Limits
from trunkline.analyzer.model.capture import Capture, Endpoint
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.read.packet_table import Flows, PacketTable
from trunkline.analyzer.redact import Redactor

MAGIC_NANOSECONDS = 0xA1B23C4D
LINKTYPE_RAW = 101
"""IP without a link layer: MAC addresses name devices."""
LARGEST = 65_000
NOWHERE = Endpoint("0.0.0.0", 5060)
RTP_HEADER = 12
RTCP_TYPES = range(64, 96)
"""Second byte without its first bit, where RTP and RTCP share a port (RFC 5761 section 4)."""


def write_capture(path: Path, trace: Trace, redactor: Redactor, sources: list[Source]) -> None:
    """Reads the sources once more and writes the pcap. Messages without a time stand one millisecond apart.

    Raises OSError when `path` cannot be written.
    """
    from trunkline.analyzer.read.files import read_files

    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", MAGIC_NANOSECONDS, 2, 4, 0, 0, 1 << 18, LINKTYPE_RAW))
        writer = _Writer(out, _messages(trace, redactor), redactor)
        read_files(sources, Capture(), Limits(), writer)
        writer.rest()


def _messages(trace: Trace, redactor: Redactor) -> Iterator[tuple[int, bytes]]:
    """Nanoseconds and packet of each message, in the order of time."""
    timed = []
    for message in trace.messages:
        raw = message.raw
        time_ns = round(raw.time * 1e9) if raw.time is not None else message.index * 1_000_000
        src = redactor.endpoint(raw.src) if raw.src else NOWHERE
        dst = redactor.endpoint(raw.dst) if raw.dst else NOWHERE
        timed.append((time_ns, message.index, ip_packet(src, dst, redactor.message(raw)[:LARGEST])))
    timed.sort()
    for time_ns, _, packet in timed:
        yield time_ns, packet


class _Writer:
    """A `MediaSink` that writes the headers of RTP, the SIP messages in between."""

    def __init__(self, out: BinaryIO, messages: Iterator[tuple[int, bytes]], redactor: Redactor) -> None:
        self._out = out
        self._messages = messages
        self._redactor = redactor
        self._next = next(messages, None)
        self._ends: list[tuple[Endpoint, Endpoint]] = []

    def take(self, table: PacketTable, flows: Flows) -> None:
        for key in flows.keys[len(self._ends) :]:
            ends = Endpoint(key[0], key[1]), Endpoint(key[2], key[3])
            self._ends.append((self._redactor.endpoint(ends[0]), self._redactor.endpoint(ends[1])))
        data = table.data
        columns = (table.time_ns, table.flow, table.offset, table.length, table.wire_length)
        for time_ns, flow, offset, length, wire in zip(*(column.tolist() for column in columns), strict=True):
            payload = blanked(bytes(data[offset : offset + length]), min(wire, LARGEST))
            if payload:
                src, dst = self._ends[flow]
                self._until(time_ns)
                self._record(time_ns, ip_packet(src, dst, payload))

    def finish(self) -> None:
        """Nothing: `rest` writes what comes behind the media."""

    def rest(self) -> None:
        self._until(None)

    def _until(self, time_ns: int | None) -> None:
        while self._next is not None and (time_ns is None or self._next[0] <= time_ns):
            self._record(*self._next)
            self._next = next(self._messages, None)

    def _record(self, time_ns: int, packet: bytes) -> None:
        seconds, rest = divmod(max(0, time_ns), 1_000_000_000)
        self._out.write(struct.pack("<IIII", seconds & 0xFFFFFFFF, rest, len(packet), len(packet)) + packet)


def blanked(payload: bytes, wire_length: int) -> bytes:
    """An RTP packet with its header and as many zeros as it had payload; empty for what is no RTP. Contributing
    sources and header extensions are blanked too.
    """
    if len(payload) < RTP_HEADER or payload[0] >> 6 != 2 or payload[1] & 0x7F in RTCP_TYPES:
        return b""
    return bytes([payload[0] & 0b1000_0000]) + payload[1:RTP_HEADER] + bytes(max(0, wire_length - RTP_HEADER))
