"""The RTP packets of the whole input as columns, a few bytes a packet, found again stream by stream."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from trunkline.analyzer.media.window import Array


@dataclass(slots=True)
class Packets:
    """Columns of equal length, in the order of the input: of a chunk, of a stream, or of a part of one. 28 bytes a
    packet.
    """

    time_ns: Array
    frame: Array
    file: Array
    sequence: Array
    timestamp: Array
    size: Array
    """Bytes of payload on the wire."""
    type_byte: Array
    """Marker bit and payload type, as on the wire."""
    dscp: Array
    level: Array
    """dBm0 of the first 5 ms of G.711, as float16; NaN: not decoded."""
    clipped: Array
    """How many of the first 40 samples are at full scale."""
    signature: Array
    """16 bits of the first eight payload bytes; 0: shorter."""

    def __len__(self) -> int:
        return len(self.time_ns)

    @property
    def payload_type(self) -> Array:
        return self.type_byte & 0x7F

    @property
    def marker(self) -> Array:
        return self.type_byte >= 0x80

    def pick(self, rows: Array | slice) -> Packets:
        """Some of the rows: an index array, a mask or a slice (then without a copy)."""
        return Packets(*(getattr(self, name)[rows] for name in _NAMES))


_NAMES = tuple(field.name for field in fields(Packets))


def join(parts: list[Packets]) -> Packets:
    """The parts one after the other."""
    if len(parts) == 1:
        return parts[0]
    return Packets(*(np.concatenate([getattr(part, name) for part in parts]) for name in _NAMES))


class Shelf:
    """Packets by stream number, chunk after chunk: each chunk is put down sorted by stream, and a stream's slices are
    remembered.
    """

    def __init__(self) -> None:
        self._slices: dict[int, list[Packets]] = {}
        self._held: dict[int, int] = {}

    def put(self, packets: Packets, stream: Array) -> Array:
        """One chunk, and the number of the stream of each packet (0 to 65,535 sorts fastest).

        Gives the place of each packet in its stream, from 0 over all chunks.
        """
        if not len(stream):
            return stream
        narrow = stream.astype(np.uint16) if stream.max() < 65_536 else stream
        order = np.argsort(narrow, kind="stable")
        stream = stream[order]
        packets = packets.pick(order)
        starts = np.flatnonzero(np.diff(stream, prepend=-1))
        ends = [*starts[1:].tolist(), len(stream)]
        before = []
        for start, end, number in zip(starts.tolist(), ends, stream[starts].tolist(), strict=True):
            self._slices.setdefault(number, []).append(packets.pick(slice(start, end)))
            before.append(self._held.get(number, 0) - start)
            self._held[number] = before[-1] + end
        place = np.empty(len(stream), np.int64)
        place[order] = np.arange(len(stream)) + np.repeat(
            np.array(before, np.int64), np.diff(np.append(starts, len(stream)))
        )
        return place

    def numbers(self) -> list[int]:
        return sorted(self._slices)

    def held(self) -> dict[int, int]:
        """How many packets each stream has."""
        return self._held

    def take(self, number: int) -> Packets:
        """All packets of a stream; the shelf forgets them."""
        return join(self._slices.pop(number))
