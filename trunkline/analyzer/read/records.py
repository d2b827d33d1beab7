"""Frames as columns: what the file formats hand to the decoder, a chunk at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trunkline.analyzer.read.packet_table import Ints

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

CHUNK = 131_072
"""Frames in a chunk: columns of that length stay in the processor's cache, and Python's part of the cost is nothing."""


@dataclass(slots=True)
class Records:
    """Frames of one link type, in the order of the file. All columns have the same length."""

    data: Bytes
    """The whole file."""
    link: int
    """LINKTYPE of pcap; `HEP_LINK` where each frame is a HEP packet."""
    frame: Ints
    """From 1, over the file."""
    start: Ints
    """Offset of the frame's first byte in `data`."""
    length: Ints
    """Captured bytes."""
    wire: Ints
    """Bytes on the wire."""
    time_ns: Ints
    interface: Ints | None = None
    """pcapng's interface id; None where the format knows none."""

    def __len__(self) -> int:
        return len(self.frame)

    def pick(self, mask: Mask) -> Records:
        """The frames for which the mask holds."""
        return Records(
            self.data,
            self.link,
            self.frame[mask],
            self.start[mask],
            self.length[mask],
            self.wire[mask],
            self.time_ns[mask],
            None if self.interface is None else self.interface[mask],
        )


HEP_LINK = 0x1_0000
"""No LINKTYPE has this number: the frames of a dump of HEP packets."""

Complain = Callable[[str, "int | None"], None]
"""Takes one sentence of damage and the frame at which it stands."""


def gather(data: Bytes, offsets: Ints, width: int) -> Bytes:
    """Rows of `width` bytes from each offset on, as an (n, width) array; what lies behind the end of `data` is 0."""
    size = len(data)
    if len(offsets) == 0:
        return np.zeros((0, width), np.uint8)
    if int(offsets.max()) + width <= size:
        return np.lib.stride_tricks.sliding_window_view(data, width)[offsets]
    rows = np.zeros((len(offsets), width), np.uint8)
    inside = offsets + width <= size
    if inside.any():
        rows[inside] = np.lib.stride_tricks.sliding_window_view(data, width)[offsets[inside]]
    for index in np.flatnonzero(~inside):
        rest = data[int(offsets[index]) :]
        rows[index, : len(rest)] = rest
    return rows


def table(data: Bytes, offsets: Ints, layout: np.dtype[Any]) -> npt.NDArray[Any]:
    """The structured rows of `layout` that begin at the offsets."""
    return gather(data, offsets, layout.itemsize).view(layout)[:, 0]
