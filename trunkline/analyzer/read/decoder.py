"""Frame by frame through all layers: for SIP, and for what the columns of `fast` do not cover."""

from __future__ import annotations

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.model.capture import Capture, Endpoint, RawMessage
from trunkline.analyzer.read.dns import PORT as DNS_PORT
from trunkline.analyzer.read.dns import Questions
from trunkline.analyzer.read.frame import Frame
from trunkline.analyzer.read.harvest import MOST_FACTS, Harvest, Hep
from trunkline.analyzer.read.hep import SIP, TYPES, HepPacket, read_hep2, read_hep3
from trunkline.analyzer.read.icmp import read_icmp
from trunkline.analyzer.read.link import IPV4, IPV6, ethernet, strip_link
from trunkline.analyzer.read.network import UDP, Network
from trunkline.analyzer.read.records import HEP_LINK
from trunkline.analyzer.read.sip_start import FIRST, sip_start
from trunkline.analyzer.read.tcp import Connections

GTP_U, VXLAN, OLD_VXLAN = 2152, 4789, 8472


class Decoder:
    """Keeps what spans packets: fragments, connections, open questions. One per analysis."""

    def __init__(self, capture: Capture, limits: Limits) -> None:
        self.limits = limits
        self.capture = capture
        self.harvest = Harvest(capture, limits)
        self.network = Network(limits, self)
        self.connections = Connections(self.harvest, self.hep)
        self.questions = Questions(self.harvest)

    def frame(self, link: int, frame: Frame, packet: bytes) -> None:
        """One captured frame."""
        if link == HEP_LINK:
            self.hep(frame, packet)
            return
        kind, at = strip_link(link, packet, frame)
        self.network.ether(frame, kind, packet, at, len(packet))

    def unread(self, what: str) -> None:
        self.harvest.skip(what)

    def udp(self, frame: Frame, src: str, dst: str, packet: bytes, at: int, end: int) -> None:
        if at + 8 > end:
            return self.unread("cut short")
        sport, dport = int.from_bytes(packet[at : at + 2], "big"), int.from_bytes(packet[at + 2 : at + 4], "big")
        length = int.from_bytes(packet[at + 4 : at + 6], "big")
        at += 8
        # Length 0 is a jumbogram's, or a card's that cuts later: what IP says counts. A length beyond IP's is damage.
        wire = length - 8 if 8 <= length <= end + frame.cut - at + 8 else end + frame.cut - at
        end = min(end, at + wire)
        if at >= end:
            return self.unread("empty UDP")
        if packet[at] in FIRST:
            start = sip_start(packet[at:end])
            if start >= 0:
                ends = Endpoint(src, sport), Endpoint(dst, dport)
                data = packet[at + start : end]
                return self.harvest.message(frame, data, ends, "udp", wire=wire, cut=end - at < wire)
        if self.tunnel(frame, (src, sport, dst, dport), packet, at, end):
            return None
        return self.harvest.row(frame, (src, sport, dst, dport), packet, (at, end, wire))

    def tunnel(self, frame: Frame, ends: tuple[str, int, str, int], packet: bytes, at: int, end: int) -> bool:
        """What UDP carries beside SIP and media: HEP, DNS, GTP-U, VXLAN. False: none of them."""
        src, sport, dst, dport = ends
        ports = {sport, dport}
        if packet.startswith(b"HEP3", at):
            return self.hep(frame, packet[at:end])
        if packet[at] in {1, 2} and end - at > 27:
            inside = read_hep2(packet[at:end], frame.time_ns)
            if inside is not None:
                self.hep_packet(frame, inside)
                return True
        if DNS_PORT in ports and self.questions.take(frame, Endpoint(src, sport), Endpoint(dst, dport), packet[at:end]):
            return True
        if GTP_U in ports:
            return self.gtp(frame, packet, at, end)
        if (dport in {VXLAN, OLD_VXLAN} or sport in {VXLAN, OLD_VXLAN}) and end - at > 22:
            # RFC 7348: the flag of a valid network, the rest reserved.
            if packet[at] & 0x08 == 0 or packet[at + 7] != 0:
                return False
            return self.inside(frame, *ethernet(packet, frame, at + 8), packet, end)
        return False

    def inside(self, frame: Frame, kind: int, at: int, packet: bytes, end: int) -> bool:
        frame.depth += 1
        if frame.depth > self.limits.nesting:
            self.unread("nested too deep")
        else:
            self.network.ether(frame, kind, packet, at, end)
        return True

    def gtp(self, frame: Frame, packet: bytes, at: int, end: int) -> bool:
        """3GPP TS 29.281: user data of version 1, with its optional fields and extension headers."""
        if end - at < 12 or packet[at] & 0xF0 != 0x30 or packet[at + 1] != 0xFF:
            return False
        flags, at = packet[at], at + 8
        if flags & 7:
            following = packet[at + 3] if flags & 4 else 0
            at += 4
            while following and at + 4 <= end:
                size = packet[at] * 4
                if size == 0 or at + size > end:
                    return False
                following, at = packet[at + size - 1], at + size
        version = packet[at] >> 4 if at < end else 0
        if version not in {4, 6}:
            return False
        return self.inside(frame, IPV4 if version == 4 else IPV6, at, packet, end)

    def tcp(self, frame: Frame, src: str, dst: str, packet: bytes, at: int, end: int) -> None:
        self.connections.segment(frame, src, dst, packet, at, end)

    def sctp(self, frame: Frame, src: str, dst: str, packet: bytes, at: int, end: int) -> None:
        """RFC 9260: SIP in unfragmented DATA chunks (RFC 4168)."""
        if at + 16 > end:
            return self.unread("cut short")
        sport, dport = int.from_bytes(packet[at : at + 2], "big"), int.from_bytes(packet[at + 2 : at + 4], "big")
        at += 12
        found = False
        while at + 4 <= end:
            kind, flags, size = packet[at], packet[at + 1], int.from_bytes(packet[at + 2 : at + 4], "big")
            if size < 4:
                break
            data = packet[at + 16 : min(at + size, end)]
            if kind == 0 and flags & 3 == 3 and sip_start(data) >= 0:
                found = True
                cut = at + size > end
                self.harvest.message(
                    frame, data[sip_start(data) :], (Endpoint(src, sport), Endpoint(dst, dport)), "sctp", cut=cut
                )
            at += (size + 3) & ~3
        if not found:
            self.unread("sctp")
        return None

    def icmp(self, frame: Frame, src: str, packet: bytes, at: int, end: int, version: int) -> None:
        error = read_icmp(frame, src, packet, at, end, version)
        if error is None:
            self.unread("icmp")
        elif self.harvest.room("ICMP errors", len(self.capture.icmp), MOST_FACTS):
            self.capture.icmp.append(error)

    def hep(self, frame: Frame, data: bytes) -> bool:
        """A HEP 3 packet; False: it is damaged."""
        inside = read_hep3(data, self.limits.message_bytes)
        if inside is None:
            self.unread("damaged HEP")
        else:
            self.hep_packet(frame, inside)
        return True

    def hep_packet(self, frame: Frame, inside: HepPacket) -> None:
        start = sip_start(inside.payload) if inside.kind in {SIP, 100} else -1
        if start < 0:
            what = "SIP that is none" if inside.kind == SIP else TYPES.get(inside.kind, f"type {inside.kind}")
            return self.unread(f"hep: {what}")
        note = Hep(inside.time_ns, inside.correlation_id, inside.capture_point)
        return self.harvest.message(frame, inside.payload[start:], (inside.src, inside.dst), inside.transport, hep=note)

    def finish(self) -> None:
        """After the last file: what waits for more gets none."""
        if self.harvest.flows.refused:
            self.harvest.room("pairs of UDP endpoints", self.harvest.flows.limit, self.harvest.flows.limit)
        self.connections.finish()
        self.questions.finish()
        for key, one in self.network.fragments.finish():
            first = one.parts[0]
            ports = {int.from_bytes(first[:2], "big"), int.from_bytes(first[2:4], "big")}
            ends = {(key[0], int.from_bytes(first[:2], "big")), (key[1], int.from_bytes(first[2:4], "big"))}
            spoken = bool(ends & self.harvest.sip_ends) or bool(ports & {5060}) or sip_start(first[8:]) >= 0
            if key[2] == UDP and len(first) >= 8 and spoken:
                frame = Frame(one.file, one.frames[0], one.begun_ns, -1)
                self.capture.lost_fragments.append(frame.place)


def by_time(messages: list[RawMessage]) -> None:
    """Sorts; a message without a time stays where it is among its file's."""
    if all(message.time is not None for message in messages):
        messages.sort(key=lambda message: (message.time, message.place.file, message.place.frame or 0))
        return
    # Text without times keeps its order: it takes the time of the message ahead of it.
    keys, last = [], float("-inf")
    for message in messages:
        last = message.time if message.time is not None else last
        keys.append(last)
    messages[:] = [message for _, message in sorted(zip(keys, messages, strict=True), key=lambda pair: pair[0])]
