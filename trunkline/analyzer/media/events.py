"""Keys sent as named telephone events (RFC 4733): which payload type they have is told by their looks, then by the
SDP.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from trunkline.analyzer.media.codecs import FIRST_DYNAMIC
from trunkline.analyzer.media.columns import Packets
from trunkline.analyzer.media.window import Array
from trunkline.analyzer.model.capture import Place
from trunkline.analyzer.model.stream import DtmfEvent

SIZE: Final = 4
SECURED: Final = frozenset({8, 14, 18})
"""Sizes of an event in SRTP: with a tag of 4 or 10 bytes, and with a key identifier too."""
_KEYS: Final = "0123456789*#ABCD"
_SEGMENT: Final = 0xFF00
"""Durations end at 0xFFFF: longer keys go on with a new timestamp, as they should (section 2.5.1.3)."""
_MOST: Final = 50_000
_SAME_KEY_S: Final = 0.15


@dataclass(slots=True)
class EventRows:
    """Four payload bytes of the packets that may be events, in the order of the input; the rest is in `Packets`."""

    row: Array
    """Index into the stream's packets."""
    word: Array
    """The payload as uint32, network order."""


def looks_like_events(packets: Packets, rows: EventRows, payload_type: int, main: bool) -> bool:
    """Whether a payload type of a stream is telephone-event. `main`: it is the type of most packets, which takes more
    proof.
    """
    if payload_type < FIRST_DYNAMIC:
        return False
    mine = np.flatnonzero(packets.payload_type == payload_type)
    sizes = packets.size[mine]
    if (sizes == SIZE).mean() >= 0.9:
        return _reads_as_events(packets, rows, payload_type, len(mine), main)
    if main or len(mine) < 3 or not all(int(size) in SECURED for size in np.unique(sizes)):
        return False
    stamps = packets.timestamp[mine]
    return bool((stamps[1:] == stamps[:-1]).mean() >= 0.5)  # an event's packets share the time of its beginning


def _reads_as_events(packets: Packets, rows: EventRows, payload_type: int, count: int, main: bool) -> bool:
    mine = packets.payload_type[rows.row] == payload_type
    word, at = rows.word[mine], rows.row[mine]
    if len(word) < 0.5 * count:
        return False
    length = (word & 0xFFFF).astype(np.int64)
    fine = ((word >> 24) <= 63) & ((word & 0x0040_0000) == 0)
    if fine.mean() < 0.9 or (length > 0).mean() < 0.5:
        return False
    if not main:
        return True
    stamps = packets.timestamp[at]
    same = stamps[1:] == stamps[:-1]
    growing = length[1:][same] >= length[:-1][same]
    return len(word) >= 3 and bool(same.mean() >= 0.4) and bool(growing.mean() >= 0.7)


@dataclass(slots=True)
class _Open:
    """An event while its packets come in."""

    event: DtmfEvent
    code: int
    stamp: int
    longest: int
    carried: int
    """Duration of the segments before."""
    last: float
    last_sequence: int
    ended: bool


def read_events(
    packets: Packets, rows: EventRows, types: frozenset[int], clocks: dict[int, int], skip: Array | None
) -> list[DtmfEvent]:
    """Events of the given payload types. `clocks`: Hz by payload type (8000 if not there), `skip`: mask of packets not
    to count.
    """
    found: list[_Open] = []
    current: _Open | None = None
    for row, word in zip(rows.row.tolist()[:_MOST], rows.word.tolist()[:_MOST], strict=True):
        kind = int(packets.type_byte[row]) & 0x7F
        if kind not in types or (skip is not None and skip[row]):
            continue
        if current is not None and _belongs(current, packets, row, word):
            _add(current, packets, row, word)
        else:
            current = _begin(packets, row, word, kind)
            found.append(current)
    for one in found:
        clock = clocks.get(one.event.payload_type, 8000)
        one.event.duration_ms = (one.carried + one.longest) * 1000 / clock
    return [one.event for one in found]


def _belongs(current: _Open, packets: Packets, row: int, word: int) -> bool:
    if word >> 24 != current.code:
        return False
    stamp, time = int(packets.timestamp[row]), float(packets.time_ns[row]) * 1e-9
    if stamp == current.stamp:
        return time - current.last < 5
    if time - current.last > _SAME_KEY_S:
        return False
    # another timestamp: the same key goes on only if it had not ended, or if the end is being repeated
    if not current.ended:
        return word & 0xFFFF >= current.longest or current.longest >= _SEGMENT
    return bool(word & 0x0080_0000) and word & 0xFFFF == current.longest


def _begin(packets: Packets, row: int, word: int, kind: int) -> _Open:
    code = word >> 24
    time = float(packets.time_ns[row]) * 1e-9
    event = DtmfEvent(
        digit=_KEYS[code] if code < len(_KEYS) else str(code),
        start=time,
        duration_ms=0.0,
        end_packets=int(bool(word & 0x0080_0000)),
        packets=1,
        payload_type=kind,
        marker=int(packets.type_byte[row]) >= 0x80,
        place=Place(int(packets.file[row]), int(packets.frame[row])),
    )
    stamp, sequence = int(packets.timestamp[row]), int(packets.sequence[row])
    return _Open(event, code, stamp, word & 0xFFFF, 0, time, sequence, bool(event.end_packets))


def _add(current: _Open, packets: Packets, row: int, word: int) -> None:
    event, length = current.event, word & 0xFFFF
    ahead = ((int(packets.sequence[row]) - current.last_sequence + 32_768) & 0xFFFF) > 32_768
    stamp = int(packets.timestamp[row])
    if stamp != current.stamp:
        if current.longest >= _SEGMENT and length < current.longest:
            current.carried += current.longest
            current.longest = 0
        else:
            event.timestamps += 1
        current.stamp = stamp
    elif ahead and length < current.longest:
        event.shrinking = True
    current.longest = max(current.longest, length)
    current.last = float(packets.time_ns[row]) * 1e-9
    current.last_sequence = int(packets.sequence[row]) if ahead else current.last_sequence
    event.packets += 1
    event.marker |= int(packets.type_byte[row]) >= 0x80
    if word & 0x0080_0000:
        event.end_packets += 1
        current.ended = True
