"""Datagrams in, `Media` out: keeps a few bytes of each RTP packet, and works the streams out at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.media import demux, pauses, payload, plausible
from trunkline.analyzer.media.columns import Packets, Shelf
from trunkline.analyzer.media.events import SIZE, EventRows
from trunkline.analyzer.media.fingerprint import MOST_STREAMS, fingerprint
from trunkline.analyzer.media.measure import Raw, measure
from trunkline.analyzer.media.names import Names
from trunkline.analyzer.media.other import OtherFlows
from trunkline.analyzer.media.payload_types import keep_raw
from trunkline.analyzer.media.rtcp import Reports
from trunkline.analyzer.media.sequence import split
from trunkline.analyzer.media.tones import Blocks
from trunkline.analyzer.media.window import Array, Bytes, big16, big32, bytes_at
from trunkline.analyzer.model.capture import Endpoint, Place
from trunkline.analyzer.model.stream import Media, OtherFlow, Stream
from trunkline.analyzer.read.packet_table import Flows, PacketTable

_MOST_ROWS: Final = 65_536
"""Packets worked on at once: what that takes stays in the processor's cache, and memory does not grow with the
reader's chunks.
"""
_SIGNALLING_PORTS: Final = frozenset({3478, 3479, 5060, 5061, 5349, 19302})
"""SIP, and the servers that are asked for the own address."""
_MOST_DOUBTFUL: Final = 1000
_SHORT: Final = 200
"""Packets: a stream of fewer costs as much as one of so many, whatever it has."""
_MOST_SHORT: Final = 4_000
"""Short streams that are measured, the longest first: a scan of 100,000 ports is no media, and shall take seconds."""
_MOST_DOUBTFUL_OF_FLOW: Final = 8
_MEDIA_KINDS: Final = frozenset({"rtcp", "dtls", "zrtp", "udptl", "stun"})


class Collector:
    """Takes `PacketTable`s in the order of the input (`MediaSink`); where they were cut makes no difference."""

    def __init__(self, limits: Limits) -> None:
        self._names = Names(limits.streams)
        self._shelf = Shelf()
        self._other = OtherFlows()
        self._reports = Reports()
        self._histogram = payload.Histogram()
        self._pauses = pauses.Pauses()
        self._endpoints: list[tuple[Endpoint, Endpoint]] = []
        self._events: list[tuple[Array, Array, Array]] = []
        self._tones: list[tuple[Array, Array, Array, Array]] = []

    def take(self, table: PacketTable, flows: Flows) -> None:
        """One chunk. Nothing of `table` is kept."""
        for source, source_port, target, target_port in flows.keys[len(self._endpoints) :]:
            self._endpoints.append((Endpoint(source, source_port), Endpoint(target, target_port)))
        for start in range(0, len(table.frame), _MOST_ROWS):
            self._take(table, slice(start, start + _MOST_ROWS))

    def _take(self, table: PacketTable, part: slice) -> None:
        offset, length, wire = table.offset[part], table.length[part], table.wire_length[part]
        head = bytes_at(table.data, offset, demux.HEAD)
        kind = demux.kinds(head, length, wire)
        rest = kind != demux.RTP
        rtp = np.flatnonzero(~rest)
        if len(rtp):
            rtp = self._take_rtp(table, part, head, rtp)
            rest[:] = True
            rest[rtp] = False
        others = np.flatnonzero(rest)
        if len(others):
            what = np.where(kind[others] == demux.RTP, demux.OTHER, kind[others])
            flow, time, frame = table.flow[part][others], table.time_ns[part][others], table.frame[part][others]
            self._other.take(what, flow, time, frame, table.file, head[others], wire[others])
            answers = (what == demux.STUN) & (head[others, 0] == 1) & (head[others, 1] == 1)
            control = np.flatnonzero(answers | (what == demux.RTCP))
            self._read_control(table, part.start + others[control], what[control])

    def _read_control(self, table: PacketTable, rows: Array, kinds: Array) -> None:
        """RTCP, and STUN's success responses, one by one."""
        for row, kind in zip(rows.tolist(), kinds.tolist(), strict=True):
            begin, size, number = int(table.offset[row]), int(table.length[row]), int(table.flow[row])
            message = table.data[begin : begin + size].tobytes()
            if kind == demux.STUN:
                self._other.stun(number, message)
                continue
            src, dst = self._endpoints[number]
            place = Place(table.file, int(table.frame[row]))
            whole = size == int(table.wire_length[row])
            self._reports.take(message, whole, src, dst, int(table.time_ns[row]) * 1e-9, place)

    def _take_rtp(self, table: PacketTable, part: slice, head: Bytes, rtp: Array) -> Array:
        """Gives the rows that were taken."""
        everything = len(rtp) == len(head)
        rows: Array | slice = slice(None) if everything else rtp
        head, offset = head[rows], table.offset[part][rows]
        length, wire, flow = table.length[part][rows], table.wire_length[part][rows], table.flow[part][rows]
        begin, size = demux.payload_bounds(table.data, offset, head, wire, length)
        stream = self._names.numbers(flow, big32(head, 8))
        good = (size >= 0) & (stream >= 0)
        if not good.all():
            rtp, head, offset, length, wire = rtp[good], head[good], offset[good], length[good], wire[good]
            begin, size, stream = begin[good], size[good], stream[good]
        captured = np.minimum(length - begin, size)
        begin = begin + offset
        self._keep(table, part.start + rtp, head, begin, captured, size, stream)
        return rtp

    def _keep(
        self, table: PacketTable, rows: Array, head: Bytes, begin: Array, captured: Array, size: Array, stream: Array
    ) -> None:
        """`rows`: of the table; the other arguments by row of it."""
        type_byte, sequence = head[:, 1].copy(), big16(head, 2)
        kinds = type_byte & 0x7F
        audio = payload.listen(table.data, begin, captured, kinds, head)
        self._histogram.add(table.data, begin, captured, sequence, stream)
        time = table.time_ns[rows]
        self._pauses.take(time, table.file)
        packets = Packets(
            time_ns=time.astype(np.int64),
            frame=table.frame[rows].astype(np.int32),
            file=np.full(len(rows), table.file, np.uint16),
            sequence=sequence,
            timestamp=big32(head, 4),
            size=np.minimum(size, 0xFFFF).astype(np.uint16),
            type_byte=type_byte,
            dscp=table.dscp[rows].astype(np.uint8),
            level=audio.level,
            clipped=audio.clipped,
            signature=audio.signature,
        )
        place = self._shelf.put(packets, stream)
        short = np.flatnonzero((size == SIZE) & (captured >= SIZE) & (kinds >= 35))
        if len(short):
            word = big32(bytes_at(table.data, begin[short], SIZE), 0)
            self._events.append((stream[short], place[short], word))
        if len(audio.tone_rows):
            found = audio.tone_rows
            self._tones.append((stream[found], place[found], audio.tone_blocks, audio.tone_codes))

    def finish(self) -> Media:
        """Everything that was taken, worked out; the collector is empty afterwards."""
        media = Media(rtcp=self._reports.finish())
        round_trips = _round_trips(media)
        events, tones = _by_stream(self._events, 3), _by_stream(self._tones, 4)
        doubtful: list[Raw] = []
        left_out = self._left_out()
        few = len(self._shelf.held()) <= MOST_STREAMS
        for number in self._shelf.numbers():
            packets = self._shelf.take(number)
            if number in left_out:
                continue
            flow, ssrc = self._names.key(number)
            src, dst = self._endpoints[flow]
            row, word = events.get(number, _NOTHING[:2])
            tone_row, block, code = tones.get(number, _NOTHING)
            counts = self._histogram.of(number)
            whole = Raw(
                ssrc,
                src,
                dst,
                packets,
                None,
                EventRows(row, word),
                Blocks(tone_row, block, code),
                counts,
                round_trips.get(ssrc),
            )
            if plausible.is_rtp(packets):
                found = _streams(whole)
                if few and len(found) == 1:
                    found[0].fingerprint = fingerprint(packets)
                media.streams.extend(found)
            elif plausible.may_be_rtp(packets):
                doubtful.append(whole)
            else:
                media.other.append(_unknown(whole))
        _confirm(media, doubtful)
        media.streams.sort(key=lambda stream: (stream.first, stream.ssrc))
        _count_restarts(media.streams)
        media.other = _merged(media.other + self._other.finish(self._endpoints))
        media.unmeasured = len(left_out)
        media.captured = bool(media.streams) or any(_is_media(flow) for flow in media.other)
        media.capture_gaps = self._pauses.common(media.streams)
        return media

    def _left_out(self) -> set[int]:
        """Numbers of the short streams beyond the limit."""
        short = [(held, number) for number, held in self._shelf.held().items() if held < _SHORT]
        short.sort(key=lambda pair: (-pair[0], pair[1]))
        return {number for _, number in short[_MOST_SHORT:]}


_NOTHING: Final = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64))


def _by_stream(chunks: Sequence[tuple[Array, ...]], width: int) -> dict[int, tuple[Array, ...]]:
    """Columns of all chunks, by the first one: the number of the stream."""
    if not chunks:
        return {}
    columns = [np.concatenate([chunk[index] for chunk in chunks]) for index in range(width)]
    order = np.lexsort((columns[1], columns[0]))
    columns = [column[order] for column in columns]
    cuts = np.flatnonzero(np.diff(columns[0], prepend=-1))
    ends = [*cuts[1:].tolist(), len(order)]
    return {
        int(columns[0][start]): tuple(column[start:end] for column in columns[1:])
        for start, end in zip(cuts.tolist(), ends, strict=True)
    }


def _streams(whole: Raw) -> list[Stream]:
    """One stream, or several where the sequence was begun anew."""
    whole = _in_time(whole)
    parts = split(whole.packets)
    if len(parts) == 1:
        whole.belongs = parts[0][1]
        return [_measured(whole)]
    found, start = [], 0
    for packets, belongs in parts:
        end = start + len(packets)
        found.append(_measured(_piece(whole, packets, belongs, start, end)))
        start = end
    return found


def _piece(whole: Raw, packets: Packets, belongs: Array | None, start: int, end: int) -> Raw:
    def inside(rows: Array) -> Array:
        return (rows >= start) & (rows < end)

    events, tones = inside(whole.events.row), inside(whole.tones.row)
    return Raw(
        whole.ssrc,
        whole.src,
        whole.dst,
        packets,
        belongs,
        EventRows(whole.events.row[events] - start, whole.events.word[events]),
        Blocks(whole.tones.row[tones] - start, whole.tones.block[tones], whole.tones.code[tones]),
        whole.histogram,
        whole.round_trip_ms,
    )


def _in_time(whole: Raw) -> Raw:
    """Packets of several files are put in the order of time; those of one file stay as they were captured."""
    packets = whole.packets
    if (packets.file == packets.file[0]).all() or (np.diff(packets.time_ns) >= 0).all():
        return whole
    order = np.argsort(packets.time_ns, kind="stable")
    moved = np.empty(len(order), np.int64)
    moved[order] = np.arange(len(order))
    event, tone = moved[whole.events.row], moved[whole.tones.row]
    sort = np.argsort(event, kind="stable")
    whole.packets = packets.pick(order)
    whole.events = EventRows(event[sort], whole.events.word[sort])
    whole.tones = Blocks(tone, whole.tones.block, whole.tones.code)
    return whole


def _measured(raw: Raw) -> Stream:
    stream = measure(raw)
    stream.raw = keep_raw(raw)
    return stream


def _confirm(media: Media, doubtful: list[Raw]) -> None:
    """Lonely packets are streams where the flow, or the way back, carries the same: what is left is kept apart."""
    proven: dict[tuple[Endpoint, Endpoint], set[int]] = {}
    for stream in media.streams:
        for key in ((stream.src, stream.dst), (stream.dst, stream.src)):
            proven.setdefault(key, set()).update(stream.payload_types)
    of_flow = Counter((raw.src, raw.dst) for raw in doubtful)
    for raw in doubtful:
        kinds = proven.get((raw.src, raw.dst))
        if kinds and int(raw.packets.payload_type[0]) in kinds:
            media.streams.extend(_streams(raw))
        elif of_flow[raw.src, raw.dst] > _MOST_DOUBTFUL_OF_FLOW or len(media.doubtful) >= _MOST_DOUBTFUL:
            media.other.append(_unknown(raw))
        elif min(raw.src.port, raw.dst.port) >= 1024:
            media.doubtful.extend(_streams(raw))
        else:
            media.other.append(_unknown(raw))


def _count_restarts(streams: list[Stream]) -> None:
    """How many streams of the same flow had ended when each began: what runs beside it is no restart."""
    ends: dict[tuple[Endpoint, Endpoint], list[float]] = {}
    for stream in streams:
        before = ends.setdefault((stream.src, stream.dst), [])
        stream.restarts = sum(end <= stream.first + 0.5 for end in before)
        before.append(stream.last)


def _round_trips(media: Media) -> dict[int, float]:
    found: dict[int, list[float]] = {}
    for report in media.rtcp:
        if report.round_trip_ms is not None:
            found.setdefault(report.ssrc, []).append(report.round_trip_ms)
    return {ssrc: sorted(values)[len(values) // 2] for ssrc, values in found.items()}


def _unknown(raw: Raw) -> OtherFlow:
    packets = raw.packets
    first, last = int(packets.time_ns[0]) * 1e-9, int(packets.time_ns.max()) * 1e-9
    place = Place(int(packets.file[0]), int(packets.frame[0]))
    return OtherFlow("unknown", raw.src, raw.dst, len(packets), first, last, place)


def _merged(flows: list[OtherFlow]) -> list[OtherFlow]:
    """One entry for each kind and flow, by first packet."""
    found: dict[tuple[str, Endpoint, Endpoint], OtherFlow] = {}
    for flow in sorted(flows, key=lambda flow: flow.first):
        known = found.setdefault((flow.kind, flow.src, flow.dst), flow)
        if known is not flow:
            known.packets += flow.packets
            known.last = max(known.last, flow.last)
    return list(found.values())


def _is_media(flow: OtherFlow) -> bool:
    """Proof that the capture was not limited to signalling: STUN and DTLS may belong to that, on its ports."""
    ports = {flow.src.port, flow.dst.port}
    return flow.kind in _MEDIA_KINDS and not ports & _SIGNALLING_PORTS and min(ports) >= 1024
