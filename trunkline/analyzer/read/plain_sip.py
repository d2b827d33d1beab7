"""SIP in plain datagrams: what the columns of `fast` know of them already is not read again layer by layer."""

from __future__ import annotations

from dataclasses import dataclass, fields

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.model.capture import Endpoint, LinkFacts, Place
from trunkline.analyzer.read.flows import address_text
from trunkline.analyzer.read.frame import Frame
from trunkline.analyzer.read.harvest import Harvest
from trunkline.analyzer.read.link import strip_link
from trunkline.analyzer.read.packet_table import Ints
from trunkline.analyzer.read.records import Records
from trunkline.analyzer.read.sip_start import sip_start

LINKS = {1, 12, 14, 101, 113, 228, 276}
"""Link layers whose header tells the same to the columns and to `link`: Ethernet, raw IP, Linux cooked."""
COOKED2 = 276
MOST_KEPT = 10_000


@dataclass(slots=True)
class Texts:
    """Datagrams over IPv4 without options that may be SIP, as columns of the same length."""

    index: Ints
    """Into the records."""
    payload: Ints
    """Offset in the data."""
    wire: Ints
    """Bytes of the payload on the wire."""
    ends: Ints
    """Source address << 32 | destination."""
    ports: Ints
    """Source port << 16 | destination."""
    ip_id: Ints
    ttl: Ints
    dscp: Ints
    link_header: int
    """Bytes ahead of the IP header."""


class PlainSip:
    """Of one chunk of frames: `take` keeps the message of a record, if there is one that this way can read."""

    def __init__(self, texts: Texts, records: Records, harvest: Harvest, limits: Limits) -> None:
        columns = [getattr(texts, field.name).tolist() for field in fields(Texts)[:-1]]
        self.rows = dict(zip(columns[0], zip(*columns[1:], strict=True), strict=True))
        self.records = records
        self.view = records.data.data
        self.header = texts.link_header
        self.harvest = harvest
        self.most = limits.packet_bytes
        self.endpoints: dict[tuple[int, int], tuple[Endpoint, Endpoint]] = {}
        self.links: dict[bytes, Frame] = {}

    def take(self, index: int, frame: Frame, length: int) -> bool:
        """`index`: of the record. `frame`: as it is before its first layer is read. False: it goes through the layers,
        and `frame` is as it was.
        """
        row = self.rows.get(index)
        if row is None or length > self.most:
            return False
        at, wire, ends, ports, ip_id, ttl, dscp = row
        if not (ports >> 16 and ports & 0xFFFF):
            return False  # no wire had it: `harvest` tells the transport by the message
        start = frame.base
        data = bytes(self.view[at : min(at + wire, start + length)])
        if (begin := sip_start(data)) < 0:
            return False
        known = self.endpoints.get((ends, ports)) or self.learn(ends, ports)
        link = self.link(bytes(self.view[start : start + self.header]))
        interface = frame.interface if self.records.link != COOKED2 else link.interface
        facts = LinkFacts(ip_id, ttl, dscp, link.src_mac, link.dst_mac, (), interface)
        place = Place(frame.file, frame.number)
        cut = len(data) < wire
        self.harvest.datagram(data[begin:] if begin else data, known, place, frame.time, facts, frame.point, wire, cut)
        return True

    def learn(self, ends: int, ports: int) -> tuple[Endpoint, Endpoint]:
        """The same few pairs speak all the time."""
        if len(self.endpoints) >= MOST_KEPT:
            self.endpoints.clear()
        raw = ends.to_bytes(8, "big")
        both = Endpoint(address_text(raw[:4]), ports >> 16), Endpoint(address_text(raw[4:]), ports & 0xFFFF)
        self.endpoints[ends, ports] = both
        return both

    def link(self, header: bytes) -> Frame:
        """A frame with what the header of the link layer says; the headers of two hosts are always the same."""
        found = self.links.get(header)
        if found is None:
            if len(self.links) >= MOST_KEPT:
                self.links.clear()
            found = self.links[header] = Frame(0, 0, 0, 0)
            strip_link(self.records.link, header, found)
        return found
