"""Files of pcapng (draft-ietf-opsawg-pcapng): several sections of either byte order, several interfaces in each."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.read.packet_table import Ints
from trunkline.analyzer.read.records import CHUNK, Bytes, Complain, Mask, Records, table

SECTION, INTERFACE, OLD_PACKET, SIMPLE, ENHANCED, SECRETS = 0x0A0D0D0A, 1, 2, 3, 6, 10
LONGEST_BLOCK = 64 << 20
MOST_INTERFACES = 65_536


@dataclass(slots=True)
class Interface:
    """What an Interface Description Block says of the packets that name it."""

    link: int
    snaplen: int
    units: int
    """Of time, in a second."""
    offset: int
    """Seconds to add."""
    name: str = ""


class PcapNg:
    """One file. `secrets` tells how many blocks of decryption keys it holds, `names` the interfaces by number."""

    def __init__(self, data: Bytes, limits: Limits, complain: Complain) -> None:
        self.data = data
        self.view = data.data
        self.limits = limits
        self.complain = complain
        self.order = "<"
        self.interfaces: list[Interface] = []
        self.before = 0
        """Interfaces of the sections ahead of this one: numbers are given over the file."""
        self.names: dict[int, str] = {}
        self.secrets = 0
        self.frame = 1
        self.last_ns = 0

    def read(self) -> Iterator[Records]:
        """Chunks of frames, one per link type; ends with a complaint where a block cannot be right."""
        position, size, read_head = 0, len(self.data), struct.Struct("<II").unpack_from
        packets: list[int] = []
        trouble = ""
        while position < size and not trouble:
            if position + 12 > size:
                trouble = "the file is cut short in the middle of a block's header"
                break
            kind, length = read_head(self.view, position)
            if kind == SECTION:
                yield from self.chunk(packets)
                packets = []
                length = self.section(position)
                read_head = struct.Struct(self.order + "II").unpack_from
            if length < 12 or length > LONGEST_BLOCK:
                trouble = f"a block's length is {length} bytes, so the file is damaged from there on"
                break
            if position + length > size:
                trouble = "the file is cut short in the middle of a block"
                break
            if kind in {ENHANCED, SIMPLE, OLD_PACKET}:
                packets.append(position)
                if len(packets) >= CHUNK:
                    yield from self.chunk(packets)
                    packets = []
                if self.frame + len(packets) > self.limits.packets:
                    trouble = f"only the first {self.limits.packets} packets were read: the limit"
            elif kind == INTERFACE:
                self.interface(position, length)
            elif kind == SECRETS:
                self.secrets += 1
            position += (length + 3) & ~3
        yield from self.chunk(packets)
        if trouble:
            self.complain(trouble, self.frame)

    def section(self, position: int) -> int:
        """Takes the byte order of a section; returns the length of its header block, 0 if it is none."""
        magic = bytes(self.view[position + 8 : position + 12])
        if magic not in {b"\x4d\x3c\x2b\x1a", b"\x1a\x2b\x3c\x4d"}:
            return 0
        self.order = "<" if magic == b"\x4d\x3c\x2b\x1a" else ">"
        self.before += len(self.interfaces)
        self.interfaces = []
        return int(struct.unpack_from(self.order + "I", self.view, position + 4)[0])

    def interface(self, position: int, length: int) -> None:
        if length < 20 or self.before + len(self.interfaces) >= MOST_INTERFACES:
            return
        link, _, snaplen = struct.unpack_from(self.order + "HHI", self.view, position + 8)
        found = Interface(link, snaplen, 1_000_000, 0)
        at, end = position + 16, position + length - 4
        while at + 4 <= end:
            code, size = struct.unpack_from(self.order + "HH", self.view, at)
            value = bytes(self.view[at + 4 : min(at + 4 + size, end)])
            if code == 0:
                break
            if code == 2:
                found.name = value.split(b"\0")[0].decode("utf-8", "replace")[:200]
            elif code == 9 and value:
                power = value[0] & 0x7F
                # 1e-19 and 2^-62 are below what 64 bits of time can mean: such a file is read as microseconds.
                if value[0] & 0x80 and power <= 62:
                    found.units = int(2**power)
                elif not value[0] & 0x80 and power <= 18:
                    found.units = int(10**power)
            elif code == 14 and len(value) == 8:
                found.offset = struct.unpack(self.order + "q", value)[0]
            at += 4 + ((size + 3) & ~3)
        if found.name:
            self.names[self.before + len(self.interfaces)] = found.name
        self.interfaces.append(found)

    def chunk(self, packets: list[int]) -> Iterator[Records]:
        """The packet blocks at these offsets, as one table per link type."""
        if not packets:
            return
        blocks = np.array(packets, np.int64)
        order = self.order
        words = table(self.data, blocks, np.dtype([(name, order + "u4") for name in "ktiabcw"]))
        kind, total = words["k"], words["t"].astype(np.int64)
        simple, old = kind == SIMPLE, kind == OLD_PACKET
        interface = words["i"].astype(np.int64)
        start, length, wire = blocks + 28, words["c"].astype(np.int64), words["w"].astype(np.int64)
        if old.any():  # interface and a count of drops share a word
            narrow = table(self.data, blocks, np.dtype({"names": ["i"], "formats": [order + "u2"], "offsets": [8]}))
            interface[old] = narrow["i"][old]
        if simple.any():
            start[simple] = blocks[simple] + 12
            wire[simple] = interface[simple]
            interface[simple] = 0
            room = total[simple] - 16
            snaplen = self.interfaces[0].snaplen if self.interfaces else 0
            length[simple] = np.minimum(np.minimum(wire[simple], snaplen or LONGEST_BLOCK), room)
        frame = np.arange(self.frame, self.frame + len(blocks), dtype=np.int64)
        self.frame += len(blocks)
        good = (interface < len(self.interfaces)) & (length >= 0) & (start + length <= blocks + total)
        if not good.all():
            first = int(frame[~good][0])
            self.complain(f"{int((~good).sum())} packet blocks are damaged (unknown interface or wrong length)", first)
        time_ns = self.times(interface, words["a"].astype(np.int64) << 32 | words["b"], simple, good)
        links = np.array([one.link for one in self.interfaces] or [0], np.int64)[np.where(good, interface, 0)]
        for link in dict.fromkeys(links[good].tolist()):
            mine = good & (links == link)
            yield Records(
                self.data,
                int(link),
                frame[mine],
                start[mine],
                length[mine],
                np.maximum(wire, length)[mine],
                time_ns[mine],
                interface[mine] + self.before,
            )

    def times(self, interface: Ints, stamp: Ints, simple: Mask, good: Mask) -> Ints:
        """Nanoseconds since 1970; a Simple Packet Block has no time, it gets that of the packet ahead of it."""
        time_ns = np.zeros(len(stamp), np.int64)
        for number in set(interface[good].tolist()):
            mine = interface == number
            one = self.interfaces[number]
            mine_stamp = stamp[mine].view(np.uint64)
            if 1_000_000_000 % one.units == 0:
                nanoseconds = mine_stamp * np.uint64(1_000_000_000 // one.units)
            else:
                whole, part = np.divmod(mine_stamp, np.uint64(one.units))
                fine = (part.astype(np.float64) * (1e9 / one.units)).astype(np.uint64)
                nanoseconds = whole * np.uint64(1_000_000_000) + fine
            offset = max(min(one.offset, 1 << 33), -(1 << 33)) * 1_000_000_000
            time_ns[mine] = nanoseconds.view(np.int64) + offset
        if simple.any():
            index = np.where(simple, -1, np.arange(len(stamp)))
            np.maximum.accumulate(index, out=index)
            time_ns = np.where(index >= 0, time_ns[index], self.last_ns)
        self.last_ns = int(time_ns[-1])
        return time_ns
