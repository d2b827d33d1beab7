"""TCP reassembly (RFC 9293): each direction's bytes in order, to whoever reads the protocol on top."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from trunkline.analyzer.model.capture import Endpoint, TcpFact
from trunkline.analyzer.read.frame import Frame
from trunkline.analyzer.read.harvest import MOST_FACTS, Harvest
from trunkline.analyzer.read.ignored import Ignored
from trunkline.analyzer.read.stream_protocol import StreamReader

FIN, SYN, RST = 1, 2, 4
HALF = 1 << 31
MASK = (1 << 32) - 1
HELD_TOGETHER = 64 << 20
"""Bytes out of order over all connections."""
LATE_BYTES = 1 << 20
"""Of data that may be captured ahead of its SYN."""
MOST_TCP_FACTS = 8
"""Of one connection and direction."""


@dataclass(slots=True)
class Side:
    """One direction of a connection."""

    src: Endpoint
    dst: Endpoint
    expected: int | None = None
    """Sequence number of the next byte, counted on beyond 32 bits; None: nothing seen yet."""
    held: dict[int, tuple[bytes, Frame]] = field(default_factory=dict)
    """Segments ahead of a gap, by sequence number."""
    order: list[int] = field(default_factory=list)
    """A heap of the keys of `held`."""
    held_bytes: int = 0
    reader: StreamReader | None = None
    ignored: bool = False
    """Nothing on it is read."""
    carried: bool = False
    """Data was seen."""
    begun: int | None = None
    """Sequence number of its SYN."""
    facts: list[TcpFact] = field(default_factory=list)
    other: Side | None = None


def absolute(expected: int, sequence: int) -> int:
    """The sequence number of 32 bits, counted on as `expected` is: the one nearest to it."""
    return expected + ((sequence - expected + HALF) & MASK) - HALF


class Connections:
    """All connections of the analysis."""

    def __init__(self, harvest: Harvest, hep: Callable[[Frame, bytes], bool]) -> None:
        self.harvest = harvest
        self.hep = hep
        self.sides: dict[tuple[str, int, str, int], Side] = {}
        self.held = 0
        self.ignored = Ignored()

    def segment(self, frame: Frame, src: str, dst: str, packet: bytes, at: int, end: int) -> None:
        """One segment: `packet[at:end]` begins with the TCP header."""
        if at + 20 > end:
            return self.harvest.skip("cut short")
        header = (packet[at + 12] >> 4) * 4
        flags = packet[at + 13]
        if header < 20 or at + header > end:
            return self.harvest.skip("damaged TCP")
        sport, dport = int.from_bytes(packet[at : at + 2], "big"), int.from_bytes(packet[at + 2 : at + 4], "big")
        size = end - at - header
        if not size and not flags & (SYN | FIN | RST):
            return None
        side = self.side(src, sport, dst, dport)
        if side is None:
            return None
        sequence = int.from_bytes(packet[at + 4 : at + 8], "big")
        if flags & SYN:
            self.begin(side, sequence, frame, "syn_ack" if flags & 16 else "syn")
            sequence = (sequence + 1) & MASK
        if size and not side.ignored:
            self.data(side, sequence, packet[at + header : end], frame)
        elif size:
            side.carried = True
        if flags & (FIN | RST):
            self.fact(side, frame, "rst" if flags & RST else "fin")
        return None

    def side(self, src: str, sport: int, dst: str, dport: int) -> Side | None:
        """The direction; None: beyond the limit."""
        key = (src, sport, dst, dport)
        side = self.sides.get(key)
        if side is None:
            limit = self.harvest.limits.tcp_flows
            if not self.harvest.room("TCP connections", len(self.sides) // 2, limit):
                return None
            here, there = Endpoint(src, sport), Endpoint(dst, dport)
            side = self.sides[key] = Side(here, there)
            other = self.sides[dst, dport, src, sport] = Side(there, here) if key != key[2:] + key[:2] else side
            side.other, other.other = other, side
        return side

    def begin(self, side: Side, sequence: int, frame: Frame, kind: Literal["syn", "syn_ack"]) -> None:
        """A SYN: a new connection on the same ports, unless it is the same again, or comes behind its first data."""
        late = side.expected is not None and 0 <= side.expected - absolute(side.expected, sequence) < LATE_BYTES
        if side.expected is not None and side.begun != sequence and not (late and side.begun is None):
            self.forget(side)
            if kind == "syn" and side.other is not None:
                self.forget(side.other)
                side.other.begun = None
        if side.expected is None:
            side.expected = sequence + 1
        side.begun = sequence
        self.fact(side, frame, kind)

    def forget(self, side: Side) -> None:
        """Ends what was on these ports before."""
        self.flush(side)
        self.tell(side)
        self.ignored.discard(*side.src, *side.dst)
        side.facts.clear()
        side.expected, side.reader, side.ignored, side.carried = None, None, False, False

    def fact(self, side: Side, frame: Frame, kind: Literal["syn", "syn_ack", "rst", "fin"]) -> None:
        if len(side.facts) < MOST_TCP_FACTS:
            carried = side.carried or (side.other is not None and side.other.carried)
            side.facts.append(TcpFact(frame.place, frame.time, side.src, side.dst, kind, carried))

    def data(self, side: Side, sequence: int, data: bytes, frame: Frame) -> None:
        """Hands on what is in order, holds what is ahead, drops what was there before."""
        if side.expected is None:
            side.expected = sequence
        place = absolute(side.expected, sequence)
        if place < side.expected:  # a retransmission, perhaps with new data behind
            data, place = data[side.expected - place :], side.expected
            if not data:
                return
        side.carried = True
        if place == side.expected:
            self.give(side, data, frame)
            self.release(side)
            return
        known = side.held.get(place)
        if known is None:
            heapq.heappush(side.order, place)
        if known is None or len(known[0]) < len(data):
            grown = len(data) - (len(known[0]) if known else 0)
            side.held[place] = (data, frame)
            side.held_bytes += grown
            self.held += grown
            # The gap was never captured, or memory is worth more than to wait for it.
            if side.held_bytes > self.harvest.limits.tcp_buffer_bytes or self.held > HELD_TOGETHER:
                self.flush(side)

    def give(self, side: Side, data: bytes, frame: Frame) -> None:
        assert side.expected is not None
        side.expected += len(data)
        reader = self.reader(side)
        if not side.ignored and not reader.feed(data, frame):
            side.ignored = True
            self.ignored.add(*side.src, *side.dst)
        if frame.cut:
            # The capture has less of the segment than there was: its rest is a hole like any other.
            side.expected += frame.cut
            reader.lost()

    def reader(self, side: Side) -> StreamReader:
        if side.reader is None:
            side.reader = StreamReader(self.harvest, self.hep, side.src, side.dst)
        return side.reader

    def release(self, side: Side) -> None:
        """Held segments that now join what was handed on."""
        while side.order and side.expected is not None and side.order[0] <= side.expected:
            place = heapq.heappop(side.order)
            data, frame = side.held.pop(place)
            side.held_bytes -= len(data)
            self.held -= len(data)
            if side.expected - place < len(data):
                self.give(side, data[side.expected - place :], frame)

    def flush(self, side: Side) -> None:
        """Goes on behind the gaps."""
        while side.order and side.expected is not None:
            self.reader(side).lost()
            side.expected = max(side.order[0], side.expected)
            self.release(side)
        if side.reader is not None:
            side.reader.lost()

    def tell(self, side: Side) -> None:
        """Facts of connections that matter: with SIP or TLS on them, or on a port of SIP."""
        other = side.other
        readers = [one.reader for one in (side, other) if one is not None and one.reader is not None]
        ports = {side.src.port, side.dst.port}
        if any(reader.matters for reader in readers) or ports & self.harvest.sip_ports:
            facts = self.harvest.capture.tcp
            if self.harvest.room("TCP facts", len(facts), MOST_FACTS):
                facts.extend(side.facts)

    def finish(self) -> None:
        for side in self.sides.values():
            self.flush(side)
        for side in self.sides.values():
            self.tell(side)
        self.harvest.capture.tcp.sort(key=lambda fact: fact.time)
