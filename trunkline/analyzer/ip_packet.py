"""A datagram as it stands in a capture without a link layer (LINKTYPE_RAW)."""

from __future__ import annotations

import struct
from ipaddress import ip_address

from trunkline.analyzer.model.capture import Endpoint

UDP = 17


def ip_packet(src: Endpoint, dst: Endpoint, payload: bytes) -> bytes:
    """IP and UDP around it. Addresses of two families (a log that names one side only) become IPv6."""
    source, target = ip_address(src.ip), ip_address(dst.ip)
    udp = struct.pack("!HHHH", src.port & 0xFFFF, dst.port & 0xFFFF, len(payload) + 8, 0) + payload
    if source.version == 4 and target.version == 4:
        head = struct.pack("!BBHHHBBH", 0x45, 0, len(udp) + 20, 0, 0, 64, UDP, 0) + source.packed + target.packed
        return head[:10] + struct.pack("!H", _checksum(head)) + head[12:] + udp
    packed = [end.packed.rjust(16, b"\0") for end in (source, target)]
    return struct.pack("!IHBB", 6 << 28, len(udp), UDP, 64) + packed[0] + packed[1] + udp


def _checksum(head: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(head) // 2}H", head))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
