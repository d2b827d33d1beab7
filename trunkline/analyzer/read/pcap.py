"""Files of libpcap (draft-ietf-opsawg-pcap): both byte orders, micro- and nanoseconds, Kuznetzov's variant."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.read.packet_table import Ints
from trunkline.analyzer.read.records import CHUNK, Bytes, Complain, Records, table

MAGICS = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000, 16),
    b"\xa1\xb2\xc3\xd4": (">", 1000, 16),
    b"\x4d\x3c\xb2\xa1": ("<", 1, 16),
    b"\xa1\xb2\x3c\x4d": (">", 1, 16),
    b"\x34\xcd\xb2\xa1": ("<", 1000, 24),
    b"\xa1\xb2\xcd\x34": (">", 1000, 24),
}
"""Magic number to byte order, nanoseconds in a unit of time, and bytes of a record's header."""

HEADER_BYTES = 24


def read_pcap(data: Bytes, limits: Limits, complain: Complain) -> Iterator[Records]:
    """Chunks of frames. Where a record cannot be right, it complains once and ends; what was read before is given."""
    order, unit, header = MAGICS[data[:4].tobytes()]
    if len(data) < HEADER_BYTES:
        complain("the file ends within its first header", None)
        return
    # The upper half holds the length of the frame check sequence, not a part of the link type.
    link = struct.unpack_from(order + "I", data.data, 20)[0] & 0xFFFF
    layout = np.dtype([("s", order + "u4"), ("f", order + "u4"), ("incl", order + "u4"), ("orig", order + "u4")])
    position, frame = HEADER_BYTES, 1
    while True:
        offsets, position, trouble = scan(data, position, order, header, min(CHUNK, limits.packets - frame + 1), limits)
        if len(offsets):
            rows = table(data, offsets, layout)
            yield Records(
                data,
                link,
                np.arange(frame, frame + len(offsets), dtype=np.int64),
                offsets + header,
                rows["incl"].astype(np.int64),
                np.maximum(rows["orig"], rows["incl"]).astype(np.int64),
                rows["s"].astype(np.int64) * 1_000_000_000 + rows["f"].astype(np.int64) * unit,
            )
            frame += len(offsets)
        if trouble:
            complain(trouble, frame)
            return
        if position >= len(data):
            return
        if frame > limits.packets:
            complain(f"only the first {limits.packets} packets were read: the limit", frame)
            return


def scan(data: Bytes, position: int, order: str, header: int, count: int, limits: Limits) -> tuple[Ints, int, str]:
    """Offsets of up to `count` records, the offset behind them, and what is wrong there (empty: nothing).

    The loop is what reading a large capture costs most: it checks nothing. What it did wrong is cut off afterwards.
    """
    size = len(data)
    view = data.data
    length_at = struct.Struct(order + "8xI").unpack_from
    starts: list[int] = []
    add = starts.append
    try:
        for _ in range(count):
            (length,) = length_at(view, position)
            add(position)
            position += header + length
    except struct.error:
        pass  # less than a header is left
    offsets = np.array(starts, np.int64)
    whole = offsets + header <= size
    lengths = table(data, offsets, np.dtype({"names": ["n"], "formats": [order + "u4"], "offsets": [8]}))["n"]
    absurd = np.flatnonzero(whole & (lengths > max(limits.packet_bytes, 256 << 10)))
    if len(absurd):
        first = int(absurd[0])
        what = f"a packet's length is {int(lengths[first])} bytes, so the file is damaged from there on"
        return offsets[:first], int(offsets[first]), what
    complete = int((whole & (offsets + header + lengths <= size)).sum())
    if complete < len(offsets):
        return offsets[:complete], size, "the file is cut short in the middle of a packet"
    if position < size and len(offsets) < count:
        return offsets, size, "the file is cut short in the middle of a packet's header"
    return offsets, position, ""
