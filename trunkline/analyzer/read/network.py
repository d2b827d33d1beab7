"""IPv4, IPv6 and the tunnels that carry them: from an EtherType down to UDP, TCP, SCTP and ICMP, packet by packet."""

from __future__ import annotations

from typing import Protocol

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.read.flows import address_text
from trunkline.analyzer.read.fragments import Fragments
from trunkline.analyzer.read.frame import Frame
from trunkline.analyzer.read.link import IPV4, IPV6, ethernet, ppp, pppoe

UDP, TCP, ICMP, ICMP6, SCTP, GRE, IP4_IN, IP6_IN = 17, 6, 1, 58, 132, 47, 4, 41
EXTENSIONS = {0, 43, 60, 135, 139, 140}
FRAGMENT, AUTHENTICATION = 44, 51
VLANS = {0x8100, 0x88A8, 0x9100, 0x9200}
UNREAD = {0x0806: "arp", 0x88CC: "lldp", 0x888E: "eapol", 0x8863: "pppoe discovery", 0x88E5: "macsec"}
UNREAD_PROTOCOLS = {2: "igmp", 50: "esp", 51: "ah", 89: "ospf", 103: "pim", 112: "vrrp", 115: "l2tp"}


class Transports(Protocol):
    """What takes the packets inside IP. `packet[at:end]` is what was captured, `frame.cut` how much more there was."""

    def udp(self, frame: Frame, src: str, dst: str, packet: bytes, at: int, end: int) -> None: ...
    def tcp(self, frame: Frame, src: str, dst: str, packet: bytes, at: int, end: int) -> None: ...
    def sctp(self, frame: Frame, src: str, dst: str, packet: bytes, at: int, end: int) -> None: ...
    def icmp(self, frame: Frame, src: str, packet: bytes, at: int, end: int, version: int) -> None: ...
    def unread(self, what: str) -> None: ...


class Network:
    """Keeps the fragments that wait."""

    def __init__(self, limits: Limits, transports: Transports) -> None:
        self.limits = limits
        self.transports = transports
        self.fragments = Fragments(limits)

    def ether(self, frame: Frame, kind: int, packet: bytes, at: int, end: int) -> None:
        """What follows an EtherType: tags are taken off in a loop, tunnels go around again."""
        while True:
            if kind == IPV4:
                return self.ipv4(frame, packet, at, end)
            if kind == IPV6:
                return self.ipv6(frame, packet, at, end)
            frame.depth += 1
            if frame.depth > self.limits.nesting * 2 or at + 4 > end:
                return self.transports.unread("nested too deep" if at + 4 <= end else "cut short")
            if kind in VLANS:
                frame.vlan = (*frame.vlan, int.from_bytes(packet[at : at + 2], "big") & 0xFFF)
                kind, at = int.from_bytes(packet[at + 2 : at + 4], "big"), at + 4
            elif kind == 0x8864:
                kind, at = pppoe(packet, frame, at)
            elif kind in {0x8847, 0x8848}:
                kind, at = self.mpls(frame, packet, at, end)
            elif kind == 0x6558:
                kind, at = ethernet(packet, frame, at)
            else:
                return self.transports.unread(UNREAD.get(kind, f"ethertype 0x{kind:04x}" if kind >= 0 else "link"))

    def mpls(self, frame: Frame, packet: bytes, at: int, end: int) -> tuple[int, int]:
        """RFC 3032: labels up to the bottom of the stack; what follows is told by its first half byte (RFC 4928)."""
        while at + 4 <= end:
            bottom = packet[at + 2] & 1
            at += 4
            if bottom:
                version = packet[at] >> 4 if at < end else 0
                if version in {4, 6}:
                    return (IPV4 if version == 4 else IPV6), at
                # A pseudowire: Ethernet behind a control word of zeros (RFC 4448).
                return ethernet(packet, frame, at + 4 if version == 0 and packet[at : at + 2] == b"\0\0" else at)
        return -1, at

    def ipv4(self, frame: Frame, packet: bytes, at: int, end: int) -> None:
        if at + 20 > end or packet[at] >> 4 != 4:
            return self.transports.unread("damaged IPv4")
        header = (packet[at] & 0x0F) * 4
        total = int.from_bytes(packet[at + 2 : at + 4], "big")
        if header < 20 or at + header > end or (total and total < header):
            return self.transports.unread("damaged IPv4")
        # Length 0: the network card cuts it into packets later (segmentation offload).
        on_wire = at + total if total else end + frame.cut
        frame.cut = max(on_wire - end, 0)
        end = min(end, on_wire)
        frame.ip_id, frame.ttl, frame.dscp = (
            int.from_bytes(packet[at + 4 : at + 6], "big"),
            packet[at + 8],
            packet[at + 1] >> 2,
        )
        protocol = packet[at + 9]
        src, dst = address_text(packet[at + 12 : at + 16]), address_text(packet[at + 16 : at + 20])
        place = int.from_bytes(packet[at + 6 : at + 8], "big")
        if place & 0x3FFF:
            part = packet[at + header : end]
            key = (src, dst, protocol, frame.ip_id)
            return self.fragment(frame, key, ((place & 0x1FFF) * 8, bool(place & 0x2000)), part)
        return self.protocol(frame, protocol, (src, dst), packet, at + header, end)

    def ipv6(self, frame: Frame, packet: bytes, at: int, end: int) -> None:
        if at + 40 > end or packet[at] >> 4 != 6:
            return self.transports.unread("damaged IPv6")
        size = int.from_bytes(packet[at + 4 : at + 6], "big")
        on_wire = at + 40 + size if size else end + frame.cut
        frame.cut = max(on_wire - end, 0)
        end = min(end, on_wire)
        frame.ip_id, frame.ttl = None, packet[at + 7]
        frame.dscp = (int.from_bytes(packet[at : at + 2], "big") >> 6) & 0x3F
        following = packet[at + 6]
        src, dst = address_text(packet[at + 8 : at + 24]), address_text(packet[at + 24 : at + 40])
        at += 40
        while following in EXTENSIONS or following in {FRAGMENT, AUTHENTICATION}:
            if at + 8 > end:
                return self.transports.unread("cut short")
            here, following = following, packet[at]
            if here == FRAGMENT:
                place = int.from_bytes(packet[at + 2 : at + 4], "big")
                if place & 0xFFF9:
                    key = (src, dst, following, int.from_bytes(packet[at + 4 : at + 8], "big"))
                    return self.fragment(frame, key, (place & 0xFFF8, bool(place & 1)), packet[at + 8 : end])
                at += 8
            else:
                at += (packet[at + 1] + 2) * 4 if here == AUTHENTICATION else (packet[at + 1] + 1) * 8
        if at > end:
            return self.transports.unread("cut short")
        return self.protocol(frame, following, (src, dst), packet, at, end)

    def fragment(self, frame: Frame, key: tuple[str, str, int, int], where: tuple[int, bool], part: bytes) -> None:
        """Keeps a fragment; goes on with the datagram when it is whole."""
        offset, more = where
        if offset + len(part) > 65_535 + 60:
            return self.transports.unread("damaged fragment")
        # A fragment that the capture cut leaves a hole that nothing fills, unless it is the last one.
        cut = frame.cut > 0
        done = self.fragments.add(key, offset, more or cut, part, frame.number, frame.time_ns, file=frame.file, cut=cut)
        if done is None:
            return None
        whole = done.whole() or b""
        frame.base = -1
        frame.fragments = len(done.parts)
        frame.frames = tuple(done.frames)
        return self.protocol(frame, key[2], key[:2], whole, 0, len(whole))

    def protocol(self, frame: Frame, protocol: int, ends: tuple[str, str], packet: bytes, at: int, end: int) -> None:
        src, dst = ends
        if protocol == UDP:
            self.transports.udp(frame, src, dst, packet, at, end)
        elif protocol == TCP:
            self.transports.tcp(frame, src, dst, packet, at, end)
        elif protocol in {ICMP, ICMP6}:
            self.transports.icmp(frame, src, packet, at, end, 4 if protocol == ICMP else 6)
        elif protocol == SCTP:
            self.transports.sctp(frame, src, dst, packet, at, end)
        elif protocol in {IP4_IN, IP6_IN, GRE}:
            frame.depth += 1
            if frame.depth > self.limits.nesting:
                self.transports.unread("nested too deep")
            elif protocol == GRE:
                self.gre(frame, packet, at, end)
            else:
                self.ether(frame, IPV4 if protocol == IP4_IN else IPV6, packet, at, end)
        else:
            self.transports.unread(UNREAD_PROTOCOLS.get(protocol, f"ip protocol {protocol}"))

    def gre(self, frame: Frame, packet: bytes, at: int, end: int) -> None:
        """RFC 2784, RFC 2890 (key, sequence number), RFC 2637 (PPTP), ERSPAN types I to III."""
        if at + 4 > end:
            return self.transports.unread("cut short")
        flags, kind = int.from_bytes(packet[at : at + 2], "big"), int.from_bytes(packet[at + 2 : at + 4], "big")
        size = 4
        for bit in (0xC000, 0x2000, 0x1000):  # checksum or routing, key, sequence number
            size += 4 if flags & bit else 0
        if flags & 7 == 1:
            size += 4 if flags & 0x80 else 0
        at += size
        if at > end:
            return self.transports.unread("cut short")
        if kind == 0x880B:
            return self.ether(frame, *self.beyond(ppp(packet, frame, at), packet, end))
        if kind == 0x88BE:
            at += 8 if flags & 0x1000 else 0  # type I has no header of its own
            return self.ether(frame, *self.beyond(ethernet(packet, frame, at), packet, end))
        if kind == 0x22EB:
            at += 12 + (8 if at + 12 <= end and packet[at + 11] & 1 else 0)
            return self.ether(frame, *self.beyond(ethernet(packet, frame, at), packet, end))
        return self.ether(frame, kind, packet, at, end)

    @staticmethod
    def beyond(found: tuple[int, int], packet: bytes, end: int) -> tuple[int, bytes, int, int]:
        return found[0], packet, found[1], end
