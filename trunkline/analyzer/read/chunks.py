"""A chunk of frames through both paths, and on to the media as one table in the order of the file."""

from __future__ import annotations

import numpy as np

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.model.capture import Endpoint, SourceFile
from trunkline.analyzer.read.decoder import Decoder
from trunkline.analyzer.read.fast import Datagrams, FastPath, joined
from trunkline.analyzer.read.frame import Frame
from trunkline.analyzer.read.packet_table import Ints, MediaSink, PacketTable
from trunkline.analyzer.read.plain_sip import PlainSip
from trunkline.analyzer.read.records import Bytes, Mask, Records, gather

BACKSTEP_NS = 1_000_000
STUN_COOKIE = b"\x21\x12\xa4\x42"
KEEP_ALIVE = b"\r\n\0 \t"


class Chunks:
    """One per analysis."""

    def __init__(self, decoder: Decoder, limits: Limits, sink: MediaSink) -> None:
        self.decoder = decoder
        self.harvest = decoder.harvest
        self.limits = limits
        self.sink = sink
        self.fast = FastPath(self.harvest.flows, decoder.connections.ignored)
        self.last_ns: dict[int, int] = {}

    def take(self, file: int, records: Records, names: dict[int, str]) -> None:
        """`names`: of the interfaces by number."""
        self.note(self.harvest.capture.files[file], file, records)
        datagrams, slow = self.fast.split(records)
        for name, count in self.fast.unread.items():
            self.harvest.unread[name] = self.harvest.unread.get(name, 0) + count
        if len(slow):
            self.one_by_one(file, records, slow, names)
        data, datagrams = self.with_rows(records, datagrams)
        keep = self.sort_out(file, records, data, datagrams)
        if not keep.all():
            datagrams = datagrams.pick(keep)
        if len(datagrams.index):
            index = datagrams.index
            self.sink.take(
                PacketTable(
                    file,
                    data,
                    records.frame[index],
                    records.time_ns[index],
                    datagrams.flow,
                    datagrams.offset,
                    datagrams.length,
                    datagrams.wire,
                    datagrams.ip_id,
                    datagrams.dscp,
                ),
                self.harvest.flows.flows,
            )

    def note(self, source: SourceFile, file: int, records: Records) -> None:
        """What the report says of the file."""
        source.packets += len(records)
        source.snaplen_cut += int((records.length < records.wire).sum())
        times = records.time_ns
        first, last = int(times.min()), int(times.max())
        source.first = first / 1_000_000_000 if source.first is None else min(source.first, first / 1_000_000_000)
        source.last = last / 1_000_000_000 if source.last is None else max(source.last, last / 1_000_000_000)
        steps = np.diff(times, prepend=self.last_ns.get(file, int(times[0])))
        source.clock_backsteps += int((steps < -BACKSTEP_NS).sum())
        self.last_ns[file] = int(times[-1])

    def one_by_one(self, file: int, records: Records, slow: Ints, names: dict[int, str]) -> None:
        """The slow path."""
        view = records.data.data
        interface = records.interface
        columns = (records.frame, records.start, records.length, records.wire, records.time_ns)
        numbers, starts, lengths, wires, times = (column[slow].tolist() for column in columns)
        interfaces = interface[slow].tolist() if interface is not None else [None] * len(slow)
        decode, most, link = self.decoder.frame, self.limits.packet_bytes, records.link
        texts = self.fast.texts
        plain = PlainSip(file, texts, records, self.harvest, self.limits) if texts is not None else None
        for index, number, start, length, wire, time_ns, interface_id in zip(
            slow.tolist(), numbers, starts, lengths, wires, times, interfaces, strict=True
        ):
            point = names.get(interface_id) if interface_id is not None else None
            if plain is not None and plain.take(index, (number, start, length), time_ns, (interface_id, point)):
                continue
            size = min(length, most)
            frame = Frame(file, number, time_ns, start, max(wire - size, 0), interface_id)
            frame.point = point
            decode(link, frame, bytes(view[start : start + size]))

    def with_rows(self, records: Records, datagrams: Datagrams) -> tuple[Bytes, Datagrams]:
        """The datagrams that the slow path found put between those of the fast path."""
        rows, data = self.harvest.rows, records.data
        if not rows:
            return data, datagrams
        self.harvest.rows = []
        frame, _, flow, offset, length, wire, ip_id, dscp = np.array(rows, np.int64).T
        if self.harvest.extra:
            # What was put together is not in the file: a buffer of this chunk holds the frames and then the rest.
            first, behind = int(records.start.min()), int((records.start + records.length).max())
            extra = np.frombuffer(bytes(self.harvest.extra), np.uint8)
            self.harvest.extra.clear()
            data = np.concatenate([records.data[first:behind], extra])
            offset = np.where(offset >= 0, offset - first, behind - first - 1 - offset)
            datagrams.offset = datagrams.offset - first
        index = np.searchsorted(records.frame, frame)
        b0 = gather(data, offset, 1)[:, 0]
        return data, joined([datagrams, Datagrams(index, flow, offset, length, wire, ip_id, dscp, b0)])

    def sort_out(self, file: int, records: Records, data: Bytes, datagrams: Datagrams) -> Mask:
        """Which of them are for the media: not services, and neither keep-alives nor junk on ports of SIP."""
        keep = datagrams.flow >= 0
        if not self.harvest.sip_ends:
            return keep
        odd = np.flatnonzero(keep & (datagrams.b0 >> 6 != 2))
        if not len(odd):
            return keep
        ends, keys = self.harvest.sip_ends, self.harvest.flows.flows.keys
        spoken: dict[int, bool] = {}
        for row, flow in zip(odd.tolist(), datagrams.flow[odd].tolist(), strict=True):
            if flow not in spoken:
                src, sport, dst, dport = keys[flow]
                spoken[flow] = (src, sport) in ends or (dst, dport) in ends
            if spoken[flow]:
                keep[row] = self.belongs(file, records, data, datagrams, row)
        return keep

    def belongs(self, file: int, records: Records, data: Bytes, datagrams: Datagrams, row: int) -> bool:
        """Whether a datagram on a port of SIP is one of the other protocols that may share it; junk is noted."""
        at, wire = int(datagrams.offset[row]), int(datagrams.wire[row])
        payload = data[at : at + int(datagrams.length[row])].tobytes()
        if len(payload) <= 4 or not payload.strip(KEEP_ALIVE):
            self.harvest.skip("sip keep-alive")
            return False
        if len(payload) < wire:  # nobody can tell what it would have been
            self.harvest.skip("cut short")
            return False
        first = payload[0]
        stun = first < 4 and (payload[4:8] == STUN_COOKIE or int.from_bytes(payload[2:4], "big") == wire - 20)
        if stun or (20 <= first < 64 and payload[1:2] == b"\xfe"):
            return True
        index = int(datagrams.index[row])
        frame = Frame(file, int(records.frame[index]), int(records.time_ns[index]), -1)
        frame.ip_id = int(datagrams.ip_id[row]) if datagrams.ip_id[row] >= 0 else None
        src, sport, dst, dport = self.harvest.flows.flows.keys[int(datagrams.flow[row])]
        self.harvest.junk(frame, payload, (Endpoint(src, sport), Endpoint(dst, dport)), wire)
        return False
