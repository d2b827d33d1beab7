"""What the layers find, on its way into the `Capture`: messages, facts, rows for the media. Keeps the limits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.model.capture import Capture, Damage, Endpoint, LinkFacts, Place, RawMessage, Transport
from trunkline.analyzer.read.flows import FlowNumbers
from trunkline.analyzer.read.frame import Frame
from trunkline.analyzer.read.sip_start import split_body

_TOP_VIA = re.compile(
    rb"^(?:Via|v)[ \t]*:[ \t]*SIP[ \t]*/[ \t]*2\.0[ \t]*/[ \t]*(TLS|TCP|WSS?)\b", re.IGNORECASE | re.MULTILINE
)
_VIA_TRANSPORTS: dict[bytes, Transport] = {b"tls": "tls", b"tcp": "tcp", b"ws": "ws", b"wss": "wss"}
MOST_FACTS = 100_000
"""Of each kind (ICMP, TLS, DNS …): more tell nobody anything."""


@dataclass(frozen=True, slots=True)
class Hep:
    """What a HEP packet says of the message inside, beside its addresses."""

    time_ns: int | None
    correlation_id: str | None
    capture_point: str | None


Row = tuple[int, int, int, int, int, int, int, int]
"""Frame, time, flow, offset (negative: -1 - offset in `extra`), captured and wire length, IP id, DSCP."""


class Harvest:
    """One per analysis; `begin` starts a file."""

    def __init__(self, capture: Capture, limits: Limits) -> None:
        self.capture = capture
        self.limits = limits
        self.flows = FlowNumbers(limits.streams * 3)
        self.sip_ends: set[tuple[str, int]] = set()
        """Address and port of everybody that spoke SIP over UDP."""
        self.sip_ports: set[int] = {5060, 5061}
        """Ports that streams with SIP were seen on, and the two of RFC 3261 section 19.1.2."""
        self.rows: list[Row] = []
        self.extra = bytearray()
        """Datagrams that are not in the file as they stand."""
        self.unread: dict[str, int] = {}
        self.file = 0
        self.message_bytes = 0
        self.full: set[str] = set()
        """Limits that were reached, told once each."""

    def begin(self, file: int) -> None:
        self.file = file
        self.unread = self.capture.files[file].unread

    def skip(self, what: str) -> None:
        """Counts a frame that nobody reads."""
        if what in self.unread or len(self.unread) < 100:
            self.unread[what] = self.unread.get(what, 0) + 1

    def room(self, kind: str, have: int, limit: int) -> bool:
        """Whether one more fits; says once that it does not."""
        if have < limit:
            return True
        if kind not in self.full:
            self.full.add(kind)
            self.capture.damage.append(Damage(self.file, f"only the first {limit} {kind} were read: the limit"))
        return False

    def message(
        self,
        frame: Frame,
        data: bytes,
        ends: tuple[Endpoint, Endpoint],
        transport: Transport,
        *,
        wire: int | None = None,
        cut: bool = False,
        frames: tuple[int, ...] = (),
        hep: Hep | None = None,
    ) -> None:
        """One SIP message; of a datagram, what is behind the body that Content-Length gives goes to `trailing`."""
        if self.is_full():
            return
        data, trailing, cut = self.kept(data, cut, datagram=wire is not None)
        if transport == "udp" and hep is None and not (ends[0].port and ends[1].port):
            transport, wire = _told_by_the_message(data, wire)
        source: Literal["packet", "hep"] = "packet"
        time, link, correlation, point = frame.time, frame.facts(), None, frame.point
        if hep is not None:
            source, correlation, point = "hep", hep.correlation_id, hep.capture_point or point
            time = hep.time_ns / 1_000_000_000 if hep.time_ns is not None else time
        self.capture.messages.append(
            RawMessage(
                data,
                frame.place,
                time,
                ends[0],
                ends[1],
                transport,
                source,
                None,
                frames or frame.frames or (frame.number,),
                frame.fragments,
                cut,
                wire,
                trailing,
                link,
                correlation,
                point,
            )
        )
        if transport == "udp" and source == "packet":
            self.sip_ends.update(ends)

    def datagram(
        self,
        data: bytes,
        ends: tuple[Endpoint, Endpoint],
        place: Place,
        time: float,
        link: LinkFacts,
        point: str | None,
        wire: int,
        cut: bool,
    ) -> None:
        """As `message`, for SIP in one plain datagram of UDP: there are hundreds of thousands of these."""
        if self.is_full():
            return
        data, trailing, cut = self.kept(data, cut, datagram=True)
        frames = (place.frame,) if place.frame is not None else ()
        src, dst = ends
        self.capture.messages.append(
            RawMessage(
                data,
                place,
                time,
                src,
                dst,
                "udp",
                "packet",
                None,
                frames,
                0,
                cut,
                wire,
                trailing,
                link,
                None,
                point,
            )
        )
        self.sip_ends.update(ends)

    def is_full(self) -> bool:
        """Whether the limits leave no room for another message. A million messages at the largest size would not fit
        anywhere: their sum has a limit too.
        """
        most = self.limits.messages
        if len(self.capture.messages) < most and self.message_bytes < most * 512:
            return False
        return not (
            self.room("SIP messages", len(self.capture.messages), most)
            and self.room("bytes of SIP messages", self.message_bytes, most * 512)
        )

    def kept(self, data: bytes, cut: bool, *, datagram: bool) -> tuple[bytes, bytes, bool]:
        """What is kept of a message, what stands behind its body, and whether the limit or the capture cut it."""
        trailing = b""
        if len(data) > self.limits.message_bytes:
            data, cut = data[: self.limits.message_bytes], True
        if datagram and data.find(b"\r\n\r\n") + 4 != len(data):
            body, length = split_body(data)
            if body >= 0 and length is not None and body + length < len(data):
                data, trailing = data[: body + length], data[body + length :]
        self.message_bytes += len(data)
        return data, trailing, cut

    def junk(self, frame: Frame, data: bytes, ends: tuple[Endpoint, Endpoint], wire: int) -> None:
        """A datagram on a port of SIP that is nothing that belongs there."""
        if self.room("datagrams that are not SIP", len(self.capture.not_sip), 10_000):
            self.capture.not_sip.append(
                RawMessage(
                    data[: self.limits.message_bytes],
                    frame.place,
                    frame.time,
                    ends[0],
                    ends[1],
                    "udp",
                    frames=frame.frames or (frame.number,),
                    wire_length=wire,
                    truncated=len(data) < wire,
                    link=frame.facts(),
                )
            )

    def row(self, frame: Frame, ends: tuple[str, int, str, int], packet: bytes, span: tuple[int, int, int]) -> None:
        """A datagram for the media. `span`: where it begins and ends in the packet, and its length on the wire."""
        at, end, wire = span
        flow = self.flows.one(*ends)
        if flow < 0:
            return
        if frame.base >= 0:
            offset = frame.base + at
        else:
            offset = -1 - len(self.extra)
            self.extra += packet[at:end]
        ip_id = -1 if frame.ip_id is None else frame.ip_id
        self.rows.append((frame.number, frame.time_ns, flow, offset, end - at, wire, ip_id, frame.dscp or 0))


def _told_by_the_message(data: bytes, wire: int | None) -> tuple[Transport, int | None]:
    """Transport and wire length of a message that no wire had, since nobody sends from port 0: a program has put what
    it logged into datagrams (Asterisk's `pjsip set logger pcap`), TLS and TCP likewise.
    """
    found = _TOP_VIA.search(data)
    return ("udp", wire) if found is None else (_VIA_TRANSPORTS[found[1].lower()], None)
