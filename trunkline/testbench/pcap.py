"""Captures without root: what an agent itself sends and receives, as a pcap file that Wireshark and the analyzer read.

Format: the classic libpcap file with microseconds, link type 101 (raw IP). IP, UDP and TCP headers are made here from
what the socket knows; of TCP the payload is right and the handshake is left out.
"""

from __future__ import annotations

import ipaddress
import struct
import time
from pathlib import Path
from types import TracebackType
from typing import Self

Address = tuple[str, int]
"""IP address and port."""
_MAGIC, _RAW_IP, _SNAP = 0xA1B2C3D4, 101, 65535
_UDP, _TCP = 17, 6


class PcapWriter:
    """One capture file; every packet is on disk when its call returns. Not for several threads."""

    def __init__(self, path: Path) -> None:
        """OSError when the file cannot be written."""
        self._file = path.open("wb")
        self._file.write(struct.pack("<IHHiIII", _MAGIC, 2, 4, 0, 0, _SNAP, _RAW_IP))
        self._identification = 0
        self._sequence: dict[tuple[Address, Address], int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def udp(self, source: Address, destination: Address, payload: bytes, at: float | None = None) -> None:
        """One datagram. `at`: Unix seconds, now by default."""
        length = 8 + len(payload)
        head = struct.pack("!HHHH", source[1], destination[1], length, 0)
        check = _checksum(_pseudo(source[0], destination[0], _UDP, length) + head + payload) or 0xFFFF
        self._packet(source[0], destination[0], _UDP, head[:6] + struct.pack("!H", check) + payload, at)

    def tcp(self, source: Address, destination: Address, payload: bytes, at: float | None = None) -> None:
        """Bytes of a connection, in segments of up to 1,400."""
        for start in range(0, len(payload), 1400):
            part = payload[start : start + 1400]
            sequence = self._sequence.get((source, destination), 1)
            acknowledged = self._sequence.get((destination, source), 1)
            self._sequence[source, destination] = sequence + len(part) & 0xFFFFFFFF
            flags = 5 << 12 | 0x18  # five words of header; PSH and ACK
            head = struct.pack("!HHIIHHHH", source[1], destination[1], sequence, acknowledged, flags, 65535, 0, 0)
            check = _checksum(_pseudo(source[0], destination[0], _TCP, len(head) + len(part)) + head + part)
            segment = head[:16] + struct.pack("!H", check) + head[18:] + part
            self._packet(source[0], destination[0], _TCP, segment, at)

    def _packet(self, source: str, destination: str, protocol: int, body: bytes, at: float | None) -> None:
        now = time.time() if at is None else at
        ip = ipaddress.ip_address
        if ip(source).version == 6:
            head = struct.pack("!IHBB", 6 << 28, len(body), protocol, 64) + ip(source).packed + ip(destination).packed
        else:
            self._identification = self._identification + 1 & 0xFFFF
            head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), self._identification, 0, 64, protocol, 0)
            head += ip(source).packed + ip(destination).packed
            head = head[:10] + struct.pack("!H", _checksum(head)) + head[12:]
        packet = head + body
        seconds = int(now)
        self._file.write(struct.pack("<IIII", seconds, int((now - seconds) * 1e6), len(packet), len(packet)) + packet)
        self._file.flush()


def _pseudo(source: str, destination: str, protocol: int, length: int) -> bytes:
    one, other = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    if one.version == 6:
        return one.packed + other.packed + struct.pack("!II", length, protocol)
    return one.packed + other.packed + struct.pack("!BBH", 0, protocol, length)


def _checksum(data: bytes) -> int:
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
