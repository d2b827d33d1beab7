"""Link layers: from a frame to an EtherType and what it carries (tcpdump.org, "Link-Layer Header Types")."""

from __future__ import annotations

from collections.abc import Callable

from trunkline.analyzer.read.frame import Frame, mac

IPV4, IPV6, ARP = 0x0800, 0x86DD, 0x0806
SNAP = b"\xaa\xaa\x03\x00\x00\x00"
FAMILIES = {2: IPV4, 10: IPV6, 23: IPV6, 24: IPV6, 28: IPV6, 30: IPV6}
"""AF_INET and AF_INET6 of Linux, the BSDs and Windows."""
PPP = {0x0021: IPV4, 0x0057: IPV6, 0x0281: 0x8847}
NAMES = {
    1: "Ethernet",
    0: "BSD loopback",
    108: "OpenBSD loopback",
    9: "PPP",
    50: "PPP in HDLC framing",
    51: "PPPoE",
    12: "raw IP",
    14: "raw IP",
    101: "raw IP",
    228: "raw IPv4",
    229: "raw IPv6",
    104: "Cisco HDLC",
    105: "IEEE 802.11",
    127: "IEEE 802.11 radiotap",
    113: "Linux cooked",
    276: "Linux cooked 2",
    239: "NFLOG",
    197: "ERF",
    0x1_0000: "HEP",
}
Found = tuple[int, int]
"""EtherType and offset; an EtherType of -1: nothing here is read."""
NOTHING: Found = (-1, 0)


def strip_link(link: int, packet: bytes, frame: Frame) -> Found:
    """EtherType (or what stands for it) and offset of what the frame carries. Fills in addresses and VLANs."""
    reader = READERS.get(link)
    return reader(packet, frame) if reader else NOTHING


def ethernet(packet: bytes, frame: Frame, at: int = 0) -> Found:
    if len(packet) < at + 14:
        return NOTHING
    frame.dst_mac, frame.src_mac = mac(packet[at : at + 6]), mac(packet[at + 6 : at + 12])
    kind = int.from_bytes(packet[at + 12 : at + 14], "big")
    if kind >= 0x600:
        return kind, at + 14
    # IEEE 802.3: the field is a length, the type may follow in a SNAP header.
    if packet[at + 14 : at + 20] == SNAP:
        return int.from_bytes(packet[at + 20 : at + 22], "big"), at + 22
    return NOTHING


def cooked(packet: bytes, frame: Frame) -> Found:
    if len(packet) < 16:
        return NOTHING
    if packet[4:6] == b"\0\x06":
        frame.src_mac = mac(packet[6:12])
    return int.from_bytes(packet[14:16], "big"), 16


def cooked2(packet: bytes, frame: Frame) -> Found:
    if len(packet) < 20:
        return NOTHING
    if packet[11] == 6:
        frame.src_mac = mac(packet[12:18])
    # The index of the interface is in each frame: `tcpdump -i any` has them all in one file.
    frame.interface = int.from_bytes(packet[4:8], "big")
    return int.from_bytes(packet[:2], "big"), 20


def raw(packet: bytes, _: Frame) -> Found:
    return by_version(packet, 0)


def by_version(packet: bytes, at: int) -> Found:
    version = packet[at] >> 4 if len(packet) > at else 0
    return (IPV4, at) if version == 4 else (IPV6, at) if version == 6 else NOTHING


def loopback(packet: bytes, _: Frame) -> Found:
    if len(packet) < 5:
        return NOTHING
    # In the byte order of the machine that captured; families are small numbers.
    family = min(int.from_bytes(packet[:4], "little"), int.from_bytes(packet[:4], "big"))
    return (FAMILIES[family], 4) if family in FAMILIES else by_version(packet, 4)


def ppp(packet: bytes, _: Frame, at: int = 0) -> Found:
    """RFC 1661, RFC 1662: address and control may be compressed away, so may the protocol's first byte."""
    if packet[at : at + 2] in {b"\xff\x03", b"\x0f\x00", b"\x8f\x00"}:
        if packet[at] != 0xFF:  # Cisco HDLC in a PPP capture
            return int.from_bytes(packet[at + 2 : at + 4], "big"), at + 4
        at += 2
    if len(packet) < at + 2:
        return NOTHING
    if packet[at] & 1:
        return PPP.get(packet[at], -1), at + 1
    return PPP.get(int.from_bytes(packet[at : at + 2], "big"), -1), at + 2


def hdlc(packet: bytes, _: Frame) -> Found:
    return (int.from_bytes(packet[2:4], "big"), 4) if len(packet) >= 4 else NOTHING


def pppoe(packet: bytes, frame: Frame, at: int = 0) -> Found:
    """RFC 2516: only session packets (code 0) carry PPP."""
    if len(packet) < at + 8 or packet[at + 1] != 0:
        return NOTHING
    return ppp(packet, frame, at + 6)


def radiotap(packet: bytes, frame: Frame) -> Found:
    if len(packet) < 8:
        return NOTHING
    return wifi(packet, frame, int.from_bytes(packet[2:4], "little"))


def wifi(packet: bytes, frame: Frame, at: int = 0) -> Found:
    """IEEE 802.11 data frames that are neither encrypted nor aggregated."""
    if len(packet) < at + 24:
        return NOTHING
    kind, flags = packet[at], packet[at + 1]
    if kind & 0x0C != 0x08 or kind & 0x40 or flags & 0x40:
        return NOTHING
    body = at + 24 + (6 if flags & 3 == 3 else 0)
    if kind & 0x80:
        if packet[body : body + 1] and packet[body] & 0x80:
            return NOTHING
        body += 2 + (4 if flags & 0x80 else 0)
    frame.dst_mac = mac(packet[at + (16 if flags & 1 else 4) :][:6])
    frame.src_mac = mac(packet[at + (10, 10, 16, 24)[flags & 3] :][:6])
    for start in (body, body + 2):  # some drivers pad the header to four bytes
        if packet[start : start + 6] == SNAP:
            return int.from_bytes(packet[start + 6 : start + 8], "big"), start + 8
    return NOTHING


def nflog(packet: bytes, _: Frame) -> Found:
    """Netfilter's log: attributes in the machine's byte order, the packet is attribute 9."""
    family, at = (packet[0], 4) if len(packet) > 4 else (0, 0)
    while at and at + 4 <= len(packet):
        size, kind = int.from_bytes(packet[at : at + 2], "little"), int.from_bytes(packet[at + 2 : at + 4], "little")
        if kind & 0x7FFF == 9:
            return FAMILIES.get(family, -1), at + 4
        if size < 4:
            break
        at += (size + 3) & ~3
    return NOTHING


def erf(packet: bytes, frame: Frame) -> Found:
    """Endace's record format: 16 bytes, then headers of eight while the highest bit says so, then the packet."""
    if len(packet) < 16:
        return NOTHING
    kind, at, more = packet[8] & 0x7F, 16, packet[8] & 0x80
    while more and at + 8 <= len(packet):
        more, at = packet[at] & 0x80, at + 8
    if kind in (2, 11, 16, 20):
        return ethernet(packet, frame, at + 2)
    return by_version(packet, at) if kind in (22, 23) else NOTHING


READERS: dict[int, Callable[[bytes, Frame], Found]] = {
    1: ethernet,
    0: loopback,
    108: loopback,
    9: ppp,
    50: ppp,
    51: pppoe,
    12: raw,
    14: raw,
    101: raw,
    228: raw,
    229: raw,
    104: hdlc,
    105: wifi,
    127: radiotap,
    113: cooked,
    276: cooked2,
    239: nflog,
    197: erf,
}
