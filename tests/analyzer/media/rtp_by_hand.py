"""Datagrams made by hand for the tests of media, and a collector over them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.media.collector import Collector
from trunkline.analyzer.model.stream import Media, Stream
from trunkline.analyzer.read.packet_table import Flows, PacketTable

A = ("192.0.2.1", 10_000)
B = ("198.51.100.2", 20_000)
START = 1_700_000_000 * 10**9
SPEECH = np.random.default_rng(7)


@dataclass(frozen=True)
class Datagram:
    time_ns: int
    payload: bytes
    src: tuple[str, int] = A
    dst: tuple[str, int] = B
    file: int = 0
    cut: int = 0
    dscp: int = 46


def rtp(
    sequence: int,
    timestamp: int,
    time_ms: float,
    payload: bytes = b"",
    pt: int = 0,
    marker: bool = False,
    ssrc: int = 1,
    **more,
) -> Datagram:
    head = (
        bytes([0x80, marker << 7 | pt])
        + (sequence & 0xFFFF).to_bytes(2, "big")
        + (timestamp % 2**32).to_bytes(4, "big")
    )
    return Datagram(
        START + round(time_ms * 1e6), head + ssrc.to_bytes(4, "big") + (payload or bytes([0x45, 0xC3]) * 80), **more
    )


def talk(
    count: int, first: int = 100, pt: int = 0, step: int = 160, ms: float = 20.0, payload=None, **more
) -> list[Datagram]:
    """A clean stream; `payload(index)` gives the bytes."""
    make = payload or (lambda _: b"")
    return [rtp(first + i, 5_000 + i * step, i * ms, make(i), pt, i == 0, **more) for i in range(count)]


def moved(packet: Datagram, ms: float) -> Datagram:
    return replace(packet, time_ns=packet.time_ns + round(ms * 1e6))


def tables(packets: list[Datagram], chunk: int | None = None):
    """The packets as tables of `chunk` rows, in the order given."""
    keys: dict[tuple[str, int, str, int], int] = {}
    flow = [keys.setdefault((*packet.src, *packet.dst), len(keys)) for packet in packets]
    flows = Flows(list(keys))
    size = chunk or max(1, len(packets))
    frames: dict[int, int] = {}
    for start in range(0, len(packets), size):
        part = packets[start : start + size]
        for file in dict.fromkeys(packet.file for packet in part):
            rows = [index for index, packet in enumerate(part) if packet.file == file]
            data = b"".join(part[row].payload[: len(part[row].payload) - part[row].cut] for row in rows)
            length = np.array([len(part[row].payload) - part[row].cut for row in rows])
            before = frames.get(file, 0)
            frames[file] = before + len(rows)
            yield (
                PacketTable(
                    file=file,
                    data=np.frombuffer(data, np.uint8),
                    frame=np.arange(before + 1, before + 1 + len(rows)),
                    time_ns=np.array([part[row].time_ns for row in rows]),
                    flow=np.array([flow[start + row] for row in rows]),
                    offset=np.cumsum(length) - length,
                    length=length,
                    wire_length=np.array([len(part[row].payload) for row in rows]),
                    ip_id=np.zeros(len(rows), np.int64),
                    dscp=np.array([part[row].dscp for row in rows]),
                ),
                flows,
            )


def collect(packets: list[Datagram], chunk: int | None = None) -> Media:
    collector = Collector(Limits())
    for table, flows in tables(packets, chunk):
        collector.take(table, flows)
    return collector.finish()


def only(packets: list[Datagram]) -> Stream:
    media = collect(packets)
    assert len(media.streams) == 1
    return media.streams[0]


def event(
    sequence: int, timestamp: int, ms: float, key: int, duration: int, end: bool = False, marker: bool = False, **more
) -> Datagram:
    payload = bytes([key, 0x80 | 10 if end else 10]) + duration.to_bytes(2, "big")
    return rtp(sequence, timestamp, ms, payload, more.pop("pt", 101), marker, **more)


def with_events(keys: str = "12", pt: int = 101) -> list[Datagram]:
    """Audio, then each key with eight packets and two more ends, with audio after each."""
    packets, index = talk(50), 50
    for key in keys:
        stamp = 5_000 + index * 160
        for step in range(10):
            duration = min(step + 1, 8) * 160
            packets.append(
                event(100 + index, stamp, index * 20.0, int(key), duration, step >= 7, marker=step == 0, pt=pt)
            )
            index += 1
        packets += [rtp(100 + index + i, 5_000 + (index + i) * 160, (index + i) * 20.0) for i in range(30)]
        index += 30
    return packets
