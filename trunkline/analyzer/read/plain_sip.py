"""SIP in plain datagrams: what the columns of `fast` know of them already is not read again layer by layer."""

from __future__ import annotations

from collections.abc import Iterator
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
ROWS_AT_ONCE = 4_096


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

    def rows(self) -> Iterator[tuple[int, ...]]:
        """The columns as numbers, some thousand rows at a time: all of them would be large."""
        for first in range(0, len(self.index), ROWS_AT_ONCE):
            part = slice(first, first + ROWS_AT_ONCE)
            yield from zip(*(getattr(self, field.name)[part].tolist() for field in fields(self)[:-1]), strict=True)


class PlainSip:
    """Of one chunk of frames: `take` keeps the message of a record, if there is one that this way can read. It is asked
    for records in their order.
    """

    def __init__(self, file: int, texts: Texts, records: Records, harvest: Harvest, limits: Limits) -> None:
        self.file = file
        self.rows = texts.rows()
        self.next = next(self.rows, None)
        self.link_type = records.link
        self.view = records.data.data
        self.header = texts.link_header
        self.harvest = harvest
        self.most = limits.packet_bytes
        self.endpoints: dict[tuple[int, int], tuple[Endpoint, Endpoint]] = {}
        self.links: dict[bytes, Frame] = {}

    def take(self, index: int, frame: tuple[int, int, int], time_ns: int, seen: tuple[int | None, str | None]) -> bool:
        """`index`: of the record. `frame`: number, offset and captured bytes. `seen`: number and name of the interface.
        False: it has to go through the layers.
        """
        row = self.next
        if row is None or row[0] != index:
            return False
        self.next = next(self.rows, None)
        number, start, length = frame
        _, at, wire, ends, ports, ip_id, ttl, dscp = row
        if not (ports >> 16 and ports & 0xFFFF):
            return False  # no wire had it: `harvest` tells the transport by the message
        data = bytes(self.view[at : min(at + wire, start + length)])
        if length > self.most or (begin := sip_start(data)) < 0:
            return False
        interface, point = seen
        known = self.endpoints.get((ends, ports)) or self.learn(ends, ports)
        link = self.link(bytes(self.view[start : start + self.header]))
        if self.link_type == COOKED2:
            interface = link.interface
        facts = LinkFacts(ip_id, ttl, dscp, link.src_mac, link.dst_mac, (), interface)
        place, time = Place(self.file, number), time_ns / 1_000_000_000
        self.harvest.datagram(data[begin:] if begin else data, known, place, time, facts, point, wire, len(data) < wire)
        return True

    def learn(self, ends: int, ports: int) -> tuple[Endpoint, Endpoint]:
        """The same few pairs speak all the time."""
        if len(self.endpoints) >= MOST_KEPT:
            self.endpoints.clear()
        raw = ends.to_bytes(8, "big")
        # One object for each endpoint, whoever sends: comparing is quick then.
        back = self.endpoints.get(((ends & 0xFFFF_FFFF) << 32 | ends >> 32, (ports & 0xFFFF) << 16 | ports >> 16))
        if back is not None:
            both = back[1], back[0]
        else:
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
            strip_link(self.link_type, header, found)
        return found
