"""UDP datagrams as columns: what `read` hands to `media`, one chunk of a file at a time.

The fast path of a large capture: no object per packet. `read` fills the columns (vectorised for the usual link layers,
one by one for tunnels, fragments and TCP), takes the SIP messages out, and calls the sink with what is left; `media`
keeps state per stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(slots=True)
class PacketTable:
    """Datagrams that are not SIP, in the order of the file. All columns have the same length."""

    file: int
    data: npt.NDArray[np.uint8]
    """The bytes that the offsets point into: the mapped file, or a buffer of this chunk."""
    frame: Ints
    """From 1."""
    time_ns: Ints
    """Nanoseconds since 1970."""
    flow: Ints
    """Index into `flows`."""
    offset: Ints
    """Of the UDP payload in `data`."""
    length: Ints
    """Captured bytes of the UDP payload."""
    wire_length: Ints
    """Bytes of the UDP payload on the wire."""
    ip_id: Ints
    """-1: none (IPv6)."""
    dscp: Ints


@dataclass(slots=True)
class Flows:
    """(source, destination) pairs, numbered in the order in which they appear, over all files of one analysis."""

    keys: list[tuple[str, int, str, int]]
    """Source address, port, destination address, port."""


class MediaSink(Protocol):
    """What takes the datagrams: `trunkline.analyzer.media.collector.Collector`."""

    def take(self, table: PacketTable, flows: Flows) -> None:
        """One chunk; called in the order of the file. Must not keep `table.data`."""

    def finish(self) -> Any: ...
