"""The fast path: plain UDP over IPv4 or IPv6, a chunk of frames at once, without an object per packet.

Covers Ethernet with up to two VLAN tags, Linux cooked 1 and 2, raw IP and BSD loopback; IPv4 without options and
fragments, IPv6 without extension headers. Everything else, and whatever may be SIP or a tunnel, is left for `decoder`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from trunkline.analyzer.read.flows import FlowNumbers
from trunkline.analyzer.read.ignored import Ignored
from trunkline.analyzer.read.network import UNREAD, VLANS
from trunkline.analyzer.read.packet_table import Ints
from trunkline.analyzer.read.plain_sip import LINKS, Texts
from trunkline.analyzer.read.records import Bytes, Mask, Records, table
from trunkline.analyzer.read.sip_start import FIRST

KIND_AT = {1: 12, 113: 14, 276: 0}
"""Where a link layer's header holds the EtherType."""
NETWORK_AT = {1: 14, 113: 16, 276: 20, 12: 0, 14: 0, 101: 0, 228: 0, 229: 0, 0: 4, 108: 4}
TUNNEL_PORTS = (53, 2152, 4789, 8472)
SERVICE_PORTS = {67: "dhcp", 68: "dhcp", 123: "ntp", 137: "netbios", 138: "netbios", 161: "snmp", 162: "snmp",
                 514: "syslog", 546: "dhcpv6", 547: "dhcpv6", 1900: "ssdp", 3702: "ws-discovery", 5353: "mdns",
                 5355: "llmnr"}  # fmt: skip
"""What else speaks UDP and is nobody's media: left out unless it looks like RTP."""


def flags(values: Any, size: int) -> Mask:
    """A table to look up whether a number is one of the values."""
    found = np.zeros(size, bool)
    found[list(values)] = True
    return found


READ_KINDS = flags((0x0800, 0x86DD, *VLANS, 0x8864, 0x8847, 0x8848, 0x6558), 65_536)
MAY_BE_SIP = flags(FIRST, 256)
TUNNEL = flags(TUNNEL_PORTS, 65_536)
SERVICE = flags(SERVICE_PORTS, 65_536)
HEP2_HEAD = flags((16, 28, 40, 52), 256)


def layout(version: int, kind_at: int | None, at: int) -> np.dtype[Any]:
    """What is read of a frame whose IP header begins at `at`."""
    parts = {"first": ("u1", at)}
    if kind_at is not None:
        parts["kind"] = (">u2", kind_at)
    if version == 4:
        parts |= {"tos": ("u1", at + 1), "total": (">u2", at + 2), "id": (">u2", at + 4), "place": (">u2", at + 6)}
        parts |= {"ttl": ("u1", at + 8), "protocol": ("u1", at + 9), "ends": (">u8", at + 12)}
        at += 20
    else:
        parts |= {"class": (">u2", at), "size": (">u2", at + 4), "protocol": ("u1", at + 6), "ends": ("32u1", at + 8)}
        at += 40
    parts |= {"ports": (">u4", at), "sport": (">u2", at), "dport": (">u2", at + 2), "length": (">u2", at + 4)}
    parts |= {"b0": ("u1", at + 8), "b1": ("u1", at + 9), "word": (">u4", at + 8), "tcp": (">u2", at + 12)}
    names, formats, offsets = zip(*((name, *what) for name, what in parts.items()), strict=True)
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": at + 14})


@dataclass(slots=True)
class Datagrams:
    """UDP datagrams as columns of the same length, and what they are thought to be."""

    index: Ints
    """Into the records."""
    flow: Ints
    offset: Ints
    length: Ints
    wire: Ints
    ip_id: Ints
    dscp: Ints
    b0: Bytes
    """First byte of the payload."""

    def pick(self, which: Any) -> Datagrams:
        """The rows that a mask or an order names."""
        return Datagrams(*(getattr(self, field.name)[which] for field in fields(self)))


def joined(parts: list[Datagrams]) -> Datagrams:
    """All rows in the order of the records."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        none = np.zeros(0, np.int64)
        return Datagrams(none, none, none, none, none, none, none, np.zeros(0, np.uint8))
    whole = Datagrams(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Datagrams)))
    return whole.pick(np.argsort(whole.index, kind="stable"))


class FastPath:
    """Of one analysis. `unread` counts services that nobody reads."""

    def __init__(self, flows: FlowNumbers, ignored: Ignored) -> None:
        self.flows = flows
        self.ignored = ignored
        self.unread: dict[str, int] = {}
        self.texts: Texts | None = None
        """Of the last `split`: what may be SIP, untagged, over IPv4. The slow path has these too."""

    def split(self, records: Records) -> tuple[Datagrams, Ints]:
        """The plain datagrams, and the indexes of the records that are left for the slow path."""
        slow = np.ones(len(records), bool)
        parts: list[Datagrams] = []
        at = NETWORK_AT.get(records.link)
        self.unread, self.texts = {}, None
        if at is not None:
            everything = np.arange(len(records), dtype=np.int64)
            self.level(records, everything, (KIND_AT.get(records.link), at), parts, slow)
        return joined(parts), np.flatnonzero(slow)

    def level(
        self, records: Records, picked: Ints, where: tuple[int | None, int], parts: list[Datagrams], slow: Mask
    ) -> None:
        """Datagrams whose IP header stands `at` bytes behind the frame's beginning; VLAN tags go one level deeper."""
        kind_at, at = where
        whole = len(picked) == len(records)
        rows = table(records.data, records.start if whole else records.start[picked], layout(4, kind_at, at))
        version = rows["first"] >> 4
        if kind_at is None:
            six = version == 6
            four = version == 4
        else:
            four, six = rows["kind"] == 0x0800, rows["kind"] == 0x86DD
            tagged = (rows["kind"] == 0x8100) | (rows["kind"] == 0x88A8)
            if records.link == 1 and at < 22 and tagged.any():
                self.level(records, picked[tagged], (kind_at + 4, at + 4), parts, slow)
        good = (
            four
            & (rows["first"] == 0x45)
            & (rows["protocol"] == 17)
            & ((rows["place"] & 0x3FFF) == 0)
            & (records.length[picked] > at + 28)
            & (rows["length"] > 8)
            # IP must have room for what UDP says; a total of 0 (segmentation offload) has none.
            & (rows["total"] >= rows["length"].astype(np.int32) + 20)
        )
        if not good.all():
            self.leave_out(records, picked, rows, four, slow)
        self.ipv4(records, (picked, rows) if good.all() else (picked[good], rows[good]), at, parts, slow)
        if six.any():
            self.ipv6(records, picked[six], kind_at, at, parts, slow)

    def leave_out(self, records: Records, picked: Ints, rows: npt.NDArray[Any], four: Mask, slow: Mask) -> None:
        """What the slow path would look at for nothing: unknown EtherTypes, and TCP that nobody reads."""
        bare = four & (rows["first"] == 0x45) & (rows["protocol"] == 6) & ((rows["place"] & 0x3FFF) == 0)
        if bare.any():
            bare &= rows["tcp"] & 7 == 0  # neither FIN, SYN nor RST
            segments = np.flatnonzero(bare)
            found = rows[segments]
            skip = found["total"] == 20 + (found["tcp"] >> 12) * 4
            skip |= self.ignored.among(found["ends"].astype(np.uint64), found["ports"].astype(np.uint64))
            slow[picked[segments[skip]]] = False
        if "kind" not in (rows.dtype.names or ()):
            return
        # Below 0x600 it is a length (IEEE 802.3), and a SNAP header may follow: 22 bytes at least.
        foreign = ~READ_KINDS[rows["kind"]] & ((rows["kind"] >= 0x600) | (records.length[picked] < 22))
        if foreign.any():
            slow[picked[foreign]] = False
            kinds, counts = np.unique(rows["kind"][foreign], return_counts=True)
            for kind, count in zip(kinds.tolist()[:100], counts.tolist(), strict=False):
                name = UNREAD.get(kind, f"ethertype 0x{kind:04x}" if kind >= 0x600 else "link")
                self.unread[name] = self.unread.get(name, 0) + count

    def ipv4(
        self, records: Records, found: tuple[Ints, npt.NDArray[Any]], at: int, parts: list[Datagrams], slow: Mask
    ) -> None:
        text = self.text(found[1])
        plain = ~text & self.plain(found[1])
        if at == NETWORK_AT[records.link] and records.link in LINKS and text.any():
            self.note_texts(records, found[0][text], found[1][text], at)
        picked, rows = found if plain.all() else (found[0][plain], found[1][plain])
        if not len(rows):
            return
        flow = self.flows.ipv4(rows["ends"].astype(np.uint64), rows["ports"].astype(np.uint32))
        self.add(records, picked, rows, flow, at + 28, parts, slow)
        parts[-1].ip_id = rows["id"].astype(np.int64)
        parts[-1].dscp = (rows["tos"] >> 2).astype(np.int64)

    def ipv6(
        self, records: Records, picked: Ints, kind_at: int | None, at: int, parts: list[Datagrams], slow: Mask
    ) -> None:
        rows = table(records.data, records.start[picked], layout(6, kind_at, at))
        good = (
            (rows["first"] >> 4 == 6)
            & (rows["protocol"] == 17)
            & (records.length[picked] > at + 48)
            & (rows["length"] > 8)
            & (rows["size"] >= rows["length"])
        )
        good &= ~self.text(rows) & self.plain(rows)
        picked, rows = picked[good], rows[good]
        if not len(rows):
            return
        flow = self.flows.ipv6(np.ascontiguousarray(rows["ends"]), rows["ports"].astype(np.uint32))
        self.add(records, picked, rows, flow, at + 48, parts, slow)
        parts[-1].dscp = ((rows["class"] >> 6) & 0x3F).astype(np.int64)

    @staticmethod
    def text(rows: npt.NDArray[Any]) -> Mask:
        """What may be SIP."""
        return MAY_BE_SIP[rows["b0"]] & ((rows["word"] & 0x8080_8080) == 0)  # type: ignore[no-any-return]

    def note_texts(self, records: Records, picked: Ints, rows: npt.NDArray[Any], at: int) -> None:
        self.texts = Texts(
            picked,
            records.start[picked] + at + 28,
            rows["length"].astype(np.int64) - 8,
            rows["ends"],
            rows["ports"],
            rows["id"],
            rows["ttl"],
            rows["tos"] >> 2,
            at,
        )

    @staticmethod
    def plain(rows: npt.NDArray[Any]) -> Mask:
        """What cannot be HEP, DNS or a tunnel."""
        hep2 = (rows["b0"] - 1 < 2) & HEP2_HEAD[rows["b1"]]
        return ~(hep2 | TUNNEL[rows["sport"]] | TUNNEL[rows["dport"]])  # type: ignore[no-any-return]

    def add(
        self,
        records: Records,
        picked: Ints,
        rows: npt.NDArray[Any],
        flow: Ints,
        header: int,
        parts: list[Datagrams],
        slow: Mask,
    ) -> None:
        slow[picked] = False
        wire = rows["length"].astype(np.int64) - 8
        length = np.minimum(records.length[picked] - header, wire)
        none = np.full(len(rows), -1, np.int64)
        part = Datagrams(picked, flow, records.start[picked] + header, length, wire, none, none, rows["b0"].copy())
        parts.append(part)
        service = (SERVICE[rows["sport"]] | SERVICE[rows["dport"]]) & (rows["b0"] >> 6 != 2)
        if service.any():
            # Flow -1 marks the rows that `media` never sees.
            part.flow = np.where(service, -1, flow)
            for sport, dport in zip(rows["sport"][service].tolist(), rows["dport"][service].tolist(), strict=True):
                name = SERVICE_PORTS.get(dport) or SERVICE_PORTS[sport]
                self.unread[name] = self.unread.get(name, 0) + 1
