"""ICMP and ICMPv6 errors (RFC 792, RFC 4443): who refuses, and the packet that it quotes."""

from __future__ import annotations

from typing import Literal

from trunkline.analyzer.model.capture import Endpoint, IcmpError
from trunkline.analyzer.read.flows import address_text
from trunkline.analyzer.read.frame import Frame
from trunkline.analyzer.read.sip_start import sip_start

ERRORS = {4: {3, 11}, 6: {1, 2, 3, 4}}
PROTOCOLS: dict[int, Literal["udp", "tcp"]] = {17: "udp", 6: "tcp"}
EXTENSIONS = {0, 43, 60}


def read_icmp(frame: Frame, sender: str, packet: bytes, at: int, end: int, version: int) -> IcmpError | None:
    """The error; None: it is something else (an echo, a router's advertisement) or too short to tell."""
    if at + 8 > end or packet[at] not in ERRORS[version]:
        return None
    quoted = quoted_packet(packet, at + 8, end)
    if quoted is None:
        return None
    src, dst, protocol, ports = quoted
    sport, dport = (
        (int.from_bytes(packet[ports : ports + 2], "big"), int.from_bytes(packet[ports + 2 : ports + 4], "big"))
        if ports + 4 <= end and protocol in PROTOCOLS
        else (0, 0)
    )
    return IcmpError(
        frame.place,
        frame.time,
        sender,
        packet[at],
        packet[at + 1],
        Endpoint(src, sport),
        Endpoint(dst, dport),
        PROTOCOLS.get(protocol, "other"),
        protocol == 17 and sip_start(packet[ports + 8 : end]) >= 0,
    )


def quoted_packet(packet: bytes, at: int, end: int) -> tuple[str, str, int, int] | None:
    """Source, destination, protocol, and offset of the ports."""
    if at + 20 <= end and packet[at] >> 4 == 4:
        src, dst = address_text(packet[at + 12 : at + 16]), address_text(packet[at + 16 : at + 20])
        later = int.from_bytes(packet[at + 6 : at + 8], "big") & 0x1FFF
        return src, dst, packet[at + 9], end if later else at + (packet[at] & 15) * 4
    if at + 40 <= end and packet[at] >> 4 == 6:
        src, dst = address_text(packet[at + 8 : at + 24]), address_text(packet[at + 24 : at + 40])
        protocol, at = packet[at + 6], at + 40
        while protocol in EXTENSIONS or protocol == 44:
            if at + 8 > end:
                break
            size = 8 if protocol == 44 else (packet[at + 1] + 1) * 8
            protocol, at = packet[at], at + size
        return src, dst, protocol, at
    return None
